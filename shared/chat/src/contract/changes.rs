//! Changes of participants: an entry of the log and a row, stored together.

use std::slice;

use futures_util::future::{join, join_all};

use super::{
    MOST_PARTICIPANTS, NOW, all_participants, at, change, conversation, conversation_id, message,
    participant, seq, user,
};
use crate::{
    domain::{
        Content, ConversationId, Counters, DisplayName, Draft, Entry, Participant, ReadState, Role,
        Seq,
    },
    ports::{Log, Participants, Put},
};

/// The row that an entry stores for an added user. The user has read everything up to it.
fn member(name: &str, entry: &Entry) -> Participant {
    Participant {
        user: user(name),
        name: DisplayName::fitted(name),
        role: Role::Member,
        joined_at: NOW,
        read: ReadState {
            read_to: entry.seq,
            messages: entry.counters.messages,
            shown_to: Seq::START,
        },
    }
}

async fn created(ports: &impl Participants, users: &[&str]) -> ConversationId {
    let rows: Vec<Participant> = users.iter().map(|user| participant(user)).collect();
    let conversation = conversation("c", None);
    assert!(ports.create(&conversation, &rows).await.unwrap());
    conversation.id
}

async fn log(ports: &impl Log) -> Vec<Draft> {
    let page = ports.read_from(&conversation_id("c"), seq(1), 100).await;
    let entries = page.unwrap().entries.into_iter();
    entries.map(|entry| entry.draft).collect()
}

pub async fn a_change_of_participants_must_be_stored_together_with_the_row(
    ports: &(impl Log + Participants),
) {
    let c = created(ports, &["ada"]).await;
    let (addition, removal) = (change("1", true, "zoë 🦀"), change("2", false, "zoë 🦀"));
    assert_eq!(ports.put(&c, &at(1, &addition)).await.unwrap(), Put::Stored);
    let found = all_participants(ports, &c).await;
    let zoe = member("zoë 🦀", &at(1, &addition));
    assert_eq!(found, [participant("ada"), zoe]);
    let mine = ports.conversations_of(&user("zoë 🦀"), None, 10).await;
    assert_eq!(mine.unwrap().conversations, slice::from_ref(&c));

    assert_eq!(ports.put(&c, &at(2, &removal)).await.unwrap(), Put::Stored);
    let found = ports.participant(&c, &user("zoë 🦀")).await.unwrap();
    assert_eq!(found, None);
    assert_eq!(all_participants(ports, &c).await, [participant("ada")]);
    assert_eq!(log(ports).await, [addition, removal]);
}

pub async fn counters_are_stored_whether_or_not_the_newest_message_is_known(
    ports: &(impl Log + Participants),
) {
    let c = created(ports, &["ada"]).await;
    for (number, newest_message) in (1..).zip([None, Some(Seq::START), Some(seq(7))]) {
        let before = Counters {
            messages: 7 + number,
            newest_message,
            earlier: 7 % number,
        };
        let draft = change(&number.to_string(), number % 2 == 1, "grace");
        let entry = Entry::new(seq(number), before, draft);
        assert_eq!(entry.counters, before);
        assert_eq!(ports.put(&c, &entry).await.unwrap(), Put::Stored);
        let page = ports.read_from(&c, seq(number), 1).await.unwrap();
        assert_eq!(page.entries, [entry]);
    }
}

pub async fn if_the_position_is_taken_neither_entry_nor_row_must_be_stored(
    ports: &(impl Log + Participants),
) {
    let c = created(ports, &["ada", "grace"]).await;
    let first = message("ada", "m-1", "hi");
    ports.put(&c, &at(1, &first)).await.unwrap();
    let winner = at(1, &first);
    for change in [change("1", true, "eve"), change("2", false, "grace")] {
        let put = ports.put(&c, &at(1, &change)).await.unwrap();
        assert_eq!(put, Put::Taken(winner.clone()));
    }
    let found = all_participants(ports, &c).await;
    assert_eq!(found, ["ada", "grace"].map(participant));
    assert_eq!(log(ports).await, [first]);
}

pub async fn a_change_without_effect_must_store_nothing(ports: &(impl Log + Participants)) {
    let c = created(ports, &["ada"]).await;
    for change in [change("1", true, "ada"), change("2", false, "eve")] {
        let put = ports.put(&c, &at(1, &change)).await.unwrap();
        assert_eq!(put, Put::Unchanged);
    }
    assert_eq!(all_participants(ports, &c).await, [participant("ada")]);
    assert_eq!(log(ports).await, []);
}

pub async fn a_repeated_change_must_return_the_entry_that_it_stored(
    ports: &(impl Log + Participants),
) {
    let c = created(ports, &["ada"]).await;
    let draft = change("1", true, "grace");
    assert_eq!(ports.put(&c, &at(1, &draft)).await.unwrap(), Put::Stored);
    let put = ports.put(&c, &at(1, &draft)).await.unwrap();
    let stored = at(1, &draft);
    assert_eq!(put, Put::Taken(stored));
}

/// Creates a conversation with room for `places` + 10 more participants.
async fn almost_full(ports: &impl Participants, places: usize) -> ConversationId {
    let users: Vec<String> = (0..90).map(|n| format!("user-{n:02}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    created(ports, &users[..MOST_PARTICIPANTS - 10 - places]).await
}

/// Puts an entry at the next free position.
async fn put_next(ports: &impl Log, c: &ConversationId, draft: &Draft) -> Put {
    let mut next = seq(1);
    loop {
        match ports.put(c, &at(next.number(), draft)).await.unwrap() {
            Put::Taken(winner) if winner.draft != *draft => next = next.next(),
            put => return put,
        }
    }
}

pub async fn an_addition_beyond_the_limit_must_store_nothing(ports: &(impl Log + Participants)) {
    let c = almost_full(ports, 0).await;
    for n in 0..10 {
        let joins = change(&format!("{n}"), true, &format!("late-{n}"));
        assert_eq!(put_next(ports, &c, &joins).await, Put::Stored);
    }
    let eve = change("eve", true, "eve");
    assert_eq!(ports.put(&c, &at(11, &eve)).await.unwrap(), Put::Full);
    assert_eq!(ports.participant(&c, &user("eve")).await.unwrap(), None);
    assert_eq!(log(ports).await.len(), 10);
    // A change without effect and a taken position are reported as such.
    let again = change("again", true, "late-3");
    assert_eq!(
        ports.put(&c, &at(11, &again)).await.unwrap(),
        Put::Unchanged
    );
    let taken = ports.put(&c, &at(10, &eve)).await.unwrap();
    assert!(matches!(taken, Put::Taken(_)), "{taken:?}");

    let leaves = change("leaves", false, "user-07");
    assert_eq!(put_next(ports, &c, &leaves).await, Put::Stored);
    assert_eq!(put_next(ports, &c, &eve).await, Put::Stored);
    let zoe = change("zoe", true, "zoe");
    assert_eq!(put_next(ports, &c, &zoe).await, Put::Full);
}

pub async fn concurrent_additions_do_not_exceed_the_limit(ports: &(impl Log + Participants)) {
    let c = almost_full(ports, 0).await;
    for n in 0..8 {
        let joins = change(&format!("{n}"), true, &format!("late-{n}"));
        assert_eq!(put_next(ports, &c, &joins).await, Put::Stored);
    }
    let joins: Vec<Draft> = (0..5)
        .map(|n| change(&format!("x-{n}"), true, &format!("x-{n}")))
        .collect();
    let puts = join_all(joins.iter().map(|joins| put_next(ports, &c, joins))).await;
    let full = puts.iter().filter(|put| **put == Put::Full).count();
    assert_eq!(full, 3, "{puts:?}");
    let found = all_participants(ports, &c).await;
    assert_eq!(found.len(), MOST_PARTICIPANTS);
}

pub async fn concurrent_changes_and_messages_are_stored_once_and_rows_agree_with_the_log(
    ports: &(impl Log + Participants),
) {
    let c = created(ports, &["ada"]).await;
    let store = async |draft: Draft| {
        let mut next = seq(1);
        loop {
            match ports.put(&c, &at(next.number(), &draft)).await.unwrap() {
                Put::Stored => return Some(draft),
                Put::Taken(winner) if winner.draft == draft => return Some(draft),
                Put::Taken(_) => next = next.next(),
                Put::Unchanged | Put::Full => return None,
            }
        }
    };
    let changes = (0..6).map(|n| store(change(&n.to_string(), n % 2 == 0, "grace")));
    let messages = (0..6).map(|n| store(message("ada", &format!("m-{n}"), "hi")));
    let (changed, sent) = join(join_all(changes), join_all(messages)).await;
    assert!(sent.iter().all(Option::is_some));

    let log = log(ports).await;
    let mut stored: Vec<Draft> = changed.into_iter().chain(sent).flatten().collect();
    assert_eq!(log.len(), stored.len());
    stored.retain(|draft| !log.contains(draft));
    assert_eq!(stored, []);
    let changes = log.iter().filter(|draft| !draft.content.is_message());
    let added: Vec<bool> = changes
        .map(|draft| matches!(draft.content, Content::ParticipantAdded { .. }))
        .collect();
    let alternating: Vec<bool> = (0..added.len()).map(|n| n % 2 == 0).collect();
    assert_eq!(
        added, alternating,
        "no user is added or removed twice in a row"
    );
    let found = ports.participant(&c, &user("grace")).await.unwrap();
    assert_eq!(found.is_some(), added.last().copied().unwrap_or(false));
}
