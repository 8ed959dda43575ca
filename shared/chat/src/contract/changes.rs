//! Entries of a log that tell of a participant, and his row.

use std::slice;

use futures_util::future::{join, join_all};

use super::{NOW, change, conversation, conversation_id, message, participant, seq, user};
use crate::{
    domain::{Content, ConversationId, DisplayName, Draft, Entry, Participant, Role},
    ports::{Log, Participants, Put},
};

/// The row that comes with having been added.
fn member(name: &str) -> Participant {
    Participant {
        user: user(name),
        name: DisplayName::fitted(name),
        role: Role::Member,
        joined_at: NOW,
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

pub async fn an_entry_that_tells_of_a_participant_must_be_stored_together_with_his_row(
    ports: &(impl Log + Participants),
) {
    let c = created(ports, &["ada"]).await;
    let (comes, goes) = (change("1", true, "zoë 🦀"), change("2", false, "zoë 🦀"));
    assert_eq!(ports.put(&c, seq(1), &comes).await.unwrap(), Put::Stored);
    let found = ports.participants(&c).await.unwrap();
    assert_eq!(found, [participant("ada"), member("zoë 🦀")]);
    let mine = ports.conversations_of(&user("zoë 🦀"), None, 10).await;
    assert_eq!(mine.unwrap().conversations, slice::from_ref(&c));

    assert_eq!(ports.put(&c, seq(2), &goes).await.unwrap(), Put::Stored);
    let found = ports.participant(&c, &user("zoë 🦀")).await.unwrap();
    assert_eq!(found, None);
    assert_eq!(ports.participants(&c).await.unwrap(), [participant("ada")]);
    assert_eq!(log(ports).await, [comes, goes]);
}

pub async fn or_not_at_all(ports: &(impl Log + Participants)) {
    let c = created(ports, &["ada", "grace"]).await;
    let first = message("ada", "m-1", "hi");
    ports.put(&c, seq(1), &first).await.unwrap();
    let winner = Entry {
        seq: seq(1),
        draft: first.clone(),
    };
    for change in [change("1", true, "eve"), change("2", false, "grace")] {
        let put = ports.put(&c, seq(1), &change).await.unwrap();
        assert_eq!(put, Put::Taken(winner.clone()));
    }
    let found = ports.participants(&c).await.unwrap();
    assert_eq!(found, ["ada", "grace"].map(participant));
    assert_eq!(log(ports).await, [first]);
}

pub async fn if_he_was_found_before_or_not_found_nothing_must_be_stored(
    ports: &(impl Log + Participants),
) {
    let c = created(ports, &["ada"]).await;
    for needless in [change("1", true, "ada"), change("2", false, "eve")] {
        let put = ports.put(&c, seq(1), &needless).await.unwrap();
        assert_eq!(put, Put::Unchanged);
    }
    assert_eq!(ports.participants(&c).await.unwrap(), [participant("ada")]);
    assert_eq!(log(ports).await, []);
}

pub async fn a_repeated_change_must_be_answered_with_the_entry_that_it_stored(
    ports: &(impl Log + Participants),
) {
    let c = created(ports, &["ada"]).await;
    let draft = change("1", true, "grace");
    assert_eq!(ports.put(&c, seq(1), &draft).await.unwrap(), Put::Stored);
    let put = ports.put(&c, seq(1), &draft).await.unwrap();
    let stored = Entry { seq: seq(1), draft };
    assert_eq!(put, Put::Taken(stored));
}

pub async fn of_changes_and_messages_at_once_each_is_stored_once_and_rows_agree_with_the_log(
    ports: &(impl Log + Participants),
) {
    let c = created(ports, &["ada"]).await;
    let store = async |draft: Draft| {
        let mut next = seq(1);
        loop {
            match ports.put(&c, next, &draft).await.unwrap() {
                Put::Stored => return Some(draft),
                Put::Taken(winner) if winner.draft == draft => return Some(draft),
                Put::Taken(_) => next = next.next(),
                Put::Unchanged => return None,
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
    let told = log.iter().filter(|draft| draft.change().is_some());
    let added: Vec<bool> = told
        .map(|draft| matches!(draft.content, Content::ParticipantAdded { .. }))
        .collect();
    let alternating: Vec<bool> = (0..added.len()).map(|n| n % 2 == 0).collect();
    assert_eq!(added, alternating, "nobody is added or removed twice");
    let found = ports.participant(&c, &user("grace")).await.unwrap();
    assert_eq!(found.is_some(), added.last().copied().unwrap_or(false));
}
