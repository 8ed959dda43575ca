//! What is stored of one user, wherever it is.

use std::collections::BTreeSet;

use super::{
    NOW, at, change, connection, conversation, conversation_id, edit, message, participant,
    reaction, reaction_key, seq, subscription, user,
};
use crate::{
    domain::{ConversationId, DisplayName, Entry},
    ports::{
        Connections, Log, Own, Participants, Presences, Put, ReactionRange, Reactions, Receipts,
        Subscriptions, Trace, Traces,
    },
};

/// The conversations. Grace has left the last one, in which nothing but her entries is left of her.
const CONVERSATIONS: [&str; 3] = ["a", "b", "c"];
/// Messages in each conversation; several pages of the store.
const MESSAGES: u64 = 30;

/// Stores conversations of Ada and Grace, with their messages, connections and presences.
async fn stored<P>(ports: &P)
where
    P: Log + Participants + Subscriptions + Connections + Presences,
{
    for id in CONVERSATIONS {
        let about = conversation(id, None);
        let rows = ["ada", "grace"].map(participant);
        assert!(ports.create(&about, &rows).await.unwrap());
        for number in 1..=MESSAGES {
            let sender = if number % 2 == 0 { "ada" } else { "grace" };
            let draft = message(sender, &format!("m-{number}"), "hello");
            put(ports, &about.id, &at(number, &draft)).await;
        }
        let again = edit("grace", "e-1", 1, "again");
        put(ports, &about.id, &at(MESSAGES + 1, &again)).await;
        for name in ["ada", "grace"] {
            let its = subscription(name, &format!("{name}-1"));
            ports.subscribe(&about.id, &its).await.unwrap();
        }
    }
    let leaves = at(MESSAGES + 2, &change("r-1", false, "grace"));
    put(ports, &conversation_id("c"), &leaves).await;
    for name in ["ada", "grace"] {
        let its = connection(&format!("{name}-1"));
        ports.add_connection(&user(name), &its).await.unwrap();
        ports.look(&user(name), &its.id, NOW).await.unwrap();
    }
}

async fn put(log: &impl Log, conversation: &ConversationId, entry: &Entry) {
    assert_eq!(log.put(conversation, entry).await.unwrap(), Put::Stored);
}

/// Reads from the start to the end.
async fn traces(ports: &impl Traces, name: &str) -> Vec<Trace> {
    let mut found = Vec::new();
    let mut place = None;
    loop {
        let page = ports.traces_of(&user(name), place.as_ref()).await.unwrap();
        found.extend(page.traces);
        match page.next {
            Some(next) => place = Some(next),
            None => return found,
        }
    }
}

/// Returns a word for each trace, such as `entry c 7`.
fn words(traces: &[Trace]) -> BTreeSet<String> {
    let words: Vec<String> = traces
        .iter()
        .map(|trace| match trace {
            Trace::Created(conversation) => format!("created {}", conversation.id),
            Trace::Entry(id, entry) => format!("entry {id} {}", entry.seq),
            Trace::Participation(id) => format!("participation {id}"),
            Trace::Subscription(id, connection) => format!("subscription {id} {connection}"),
            Trace::Own(Own::Connection(connection)) => format!("connection {}", connection.id),
            Trace::Own(Own::Presence(presence)) => format!("presence {:?}", presence.seen_at),
            Trace::Own(Own::Unknown(name)) => format!("unknown {name}"),
        })
        .collect();
    let distinct: BTreeSet<String> = words.iter().cloned().collect();
    assert_eq!(distinct.len(), words.len(), "no trace is found twice");
    distinct
}

/// What [`stored`] stores of Grace.
fn of_grace() -> BTreeSet<String> {
    let mut expected = BTreeSet::new();
    for id in CONVERSATIONS {
        let messages = (1..=MESSAGES).filter(|number| number % 2 == 1);
        for number in messages.chain([MESSAGES + 1]) {
            expected.insert(format!("entry {id} {number}"));
        }
        expected.insert(format!("subscription {id} grace-1"));
    }
    expected.insert("participation a".to_owned());
    expected.insert("participation b".to_owned());
    // The removal of Grace, by Ada.
    expected.insert(format!("entry c {}", MESSAGES + 2));
    expected.insert("connection grace-1".to_owned());
    expected.insert(format!("presence {:?}", Some(NOW)));
    expected
}

pub async fn reading_on_to_the_end_must_find_everything_that_was_stored_of_the_user<P>(ports: &P)
where
    P: Log + Participants + Subscriptions + Connections + Presences + Traces,
{
    assert_eq!(traces(ports, "grace").await, []);
    stored(ports).await;
    let found = traces(ports, "grace").await;
    assert_eq!(words(&found), of_grace());
    // Entries are found as the log has them.
    for trace in found {
        if let Trace::Entry(id, entry) = trace {
            let read = ports.read_at(&id, &[entry.seq]).await.unwrap();
            assert_eq!(read, [entry]);
        }
    }
    let created = words(&traces(ports, "ada").await);
    for id in CONVERSATIONS {
        assert!(created.contains(&format!("created {id}")), "{created:?}");
    }
}

pub async fn a_trace_of_another_user_must_not_be_found<P>(ports: &P)
where
    P: Log + Participants + Subscriptions + Connections + Presences + Traces,
{
    stored(ports).await;
    let of_ada = words(&traces(ports, "ada").await);
    // Ada's removal of Grace is a trace of both.
    let of_one = ["entry", "subscription", "connection"];
    let both: Vec<_> = of_grace()
        .intersection(&of_ada)
        .filter(|word| of_one.iter().any(|kind| word.starts_with(kind)))
        .cloned()
        .collect();
    assert_eq!(both, [format!("entry c {}", MESSAGES + 2)]);
    // The id of a user may begin with the id of another one.
    for name in ["grac", "grace#1", "graceful"] {
        assert_eq!(traces(ports, name).await, [], "{name}");
    }
}

pub async fn removing_the_name_of_a_reaction_must_change_nothing_else(
    ports: &(impl Log + Reactions + Traces),
) {
    let c = conversation_id("c");
    for (number, draft) in (1..).zip([
        message("ada", "m-1", "hello"),
        reaction("grace", "r-1", 1, "👍", true),
        reaction("ada", "r-2", 1, "👍", true),
    ]) {
        put(ports, &c, &at(number, &draft)).await;
    }
    let rows = async || {
        let range = ReactionRange {
            first: seq(1),
            last: seq(1),
            before: None,
        };
        ports.reactions(&c, &range, 10).await.unwrap().reactions
    };
    let mut expected = rows().await;
    for name in ["grace", "linus"] {
        let key = reaction_key(1, "👍", name);
        ports.remove_reaction_name(&c, &key).await.unwrap();
    }
    expected[0].name = DisplayName::fitted("grace");
    assert_eq!(rows().await, expected);
}

pub async fn removing_a_name_must_change_nothing_else<P>(ports: &P)
where
    P: Log + Participants + Receipts + Traces,
{
    let about = conversation("c", None);
    let rows = ["ada", "grace"].map(participant);
    assert!(ports.create(&about, &rows).await.unwrap());
    for (number, draft) in [
        (1, message("grace", "m-1", "hello")),
        (2, message("grace", "m-2", "hi")),
        (3, edit("grace", "e-1", 1, "again")),
        (4, change("r-1", false, "grace")),
    ] {
        put(ports, &about.id, &at(number, &draft)).await;
    }
    let read = async || {
        let page = ports.read_from(&about.id, seq(1), 10).await.unwrap();
        page.entries
    };
    let before = read().await;
    for number in [1, 4, 4] {
        ports.remove_name(&about.id, seq(number)).await.unwrap();
    }
    let after = read().await;
    assert_eq!(after.len(), before.len());
    for (before, after) in before.iter().zip(&after) {
        let sender = &after.draft.sender;
        let name = |entry: &Entry| {
            let named = entry.draft.content.named(sender);
            named.map(|(_, name)| name.as_str().to_owned())
        };
        let expected = match after.seq.number() {
            1 | 4 => Some("grace".to_owned()),
            _ => name(before),
        };
        assert_eq!(name(after), expected, "{}", after.seq);
        assert_eq!(after.counters, before.counters);
        assert_eq!(after.draft.digest, before.draft.digest);
        assert!(after.draft.has_name_of(&before.draft));
        assert_eq!(after.draft.rewrite(), before.draft.rewrite());
        let text = |entry: &Entry| match &entry.draft.content {
            crate::domain::Content::Message { body, revision, .. } => {
                Some((body.clone(), revision.clone()))
            }
            _ => None,
        };
        assert_eq!(text(after), text(before));
    }
}

pub async fn deleting_a_row_must_delete_no_other_except_the_places_of_a_connection<P>(ports: &P)
where
    P: Log + Participants + Subscriptions + Connections + Presences + Traces,
{
    stored(ports).await;
    let its = connection("grace-1");
    for id in ["a", "b"] {
        let claimed = ports.claim(&its, &[conversation_id(id)], 2).await;
        assert!(claimed.unwrap());
    }
    let of_ada = traces(ports, "ada").await;
    let (own, others): (Vec<_>, Vec<_>) = traces(ports, "grace")
        .await
        .into_iter()
        .partition(|trace| matches!(trace, Trace::Own(_)));
    assert_eq!(own.len(), 2);
    for _ in 0..2 {
        for trace in &own {
            if let Trace::Own(row) = trace {
                ports.delete_own(&user("grace"), row).await.unwrap();
            }
        }
        assert_eq!(traces(ports, "grace").await, others);
        assert_eq!(traces(ports, "ada").await, of_ada);
    }
    // The places are free again.
    for id in ["c", "d"] {
        let claimed = ports.claim(&its, &[conversation_id(id)], 2).await;
        assert!(claimed.unwrap());
    }
}
