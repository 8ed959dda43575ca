//! Edits and deletions: an entry of the log and a changed message, stored together.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::{NOW, at, conversation_id, deletion, edit, message, seq, user};
use crate::{
    domain::{Body, Content, Draft, Entry, Revision, Seq},
    ports::{Log, MOST_POSITIONS, Put},
};

/// Stores the drafts at 1, 2, 3 …
async fn stored(log: &impl Log, drafts: &[Draft]) {
    for (draft, number) in drafts.iter().zip(1..) {
        let put = log.put(&conversation_id("c"), &at(number, draft)).await;
        assert_eq!(put.unwrap(), Put::Stored, "{number}");
    }
}

/// Returns the text and the revision of the message at 1, which the reads must agree about.
async fn first(log: &impl Log) -> (String, Revision) {
    let c = conversation_id("c");
    let page = log.read_from(&c, seq(1), 1).await.unwrap();
    assert_eq!(log.read_at(&c, &[seq(1)]).await.unwrap(), page.entries);
    assert_eq!(
        log.read_back(&c, seq(1), 1).await.unwrap().entries,
        page.entries
    );
    match &page.entries[0].draft.content {
        Content::Message { body, revision, .. } => (body.as_str().to_owned(), revision.clone()),
        other => panic!("{other:?}"),
    }
}

async fn log_of(log: &impl Log) -> Vec<Entry> {
    let page = log.read_from(&conversation_id("c"), seq(1), 100).await;
    page.unwrap().entries
}

fn edited(number: u64) -> Revision {
    Revision::Edited {
        seq: seq(number),
        at: NOW,
    }
}

fn deleted(number: u64, by: &str) -> Revision {
    Revision::Deleted {
        seq: seq(number),
        by: user(by),
    }
}

pub async fn an_edit_must_be_stored_together_with_the_message(log: &impl Log) {
    let hello = message("ada", "m-1", "hello");
    let again = edit("ada", "e-1", 1, "hello \"again\" 🦀");
    stored(log, &[hello, again.clone()]).await;
    assert_eq!(
        first(log).await,
        ("hello \"again\" 🦀".to_owned(), edited(2))
    );
    // The text is in the message, and not in the entry.
    let entry = at(2, &again).without_text();
    assert_eq!(log_of(log).await[1], entry);
    assert_ne!(at(2, &again), entry);

    let bye = edit("ada", "e-2", 1, "bye");
    let put = log.put(&conversation_id("c"), &at(3, &bye)).await;
    assert_eq!(put.unwrap(), Put::Stored);
    assert_eq!(first(log).await, ("bye".to_owned(), edited(3)));
}

pub async fn a_deletion_must_be_stored_together_with_the_message(log: &impl Log) {
    let drafts = [
        message("ada", "m-1", "hello"),
        edit("ada", "e-1", 1, "again"),
        deletion("grace", "d-1", 1),
    ];
    stored(log, &drafts).await;
    assert_eq!(first(log).await, (String::new(), deleted(3, "grace")));
    assert_eq!(log_of(log).await[2].draft, drafts[2]);
}

pub async fn an_edit_or_a_deletion_of_a_deleted_message_must_store_nothing(log: &impl Log) {
    let drafts = [message("ada", "m-1", "hello"), deletion("ada", "d-1", 1)];
    stored(log, &drafts).await;
    let c = conversation_id("c");
    for late in [edit("ada", "e-1", 1, "back"), deletion("grace", "d-2", 1)] {
        assert_eq!(log.put(&c, &at(3, &late)).await.unwrap(), Put::Unchanged);
        // A taken position is reported as such.
        let put = log.put(&c, &at(2, &late)).await.unwrap();
        assert!(matches!(put, Put::Taken(_)), "{put:?}");
    }
    assert_eq!(first(log).await, (String::new(), deleted(2, "ada")));
    assert_eq!(log_of(log).await.len(), 2);
}

pub async fn if_the_position_is_taken_the_message_must_stay(log: &impl Log) {
    let drafts = [message("ada", "m-1", "hello"), message("ada", "m-2", "hi")];
    stored(log, &drafts).await;
    let winner = at(2, &drafts[1]);
    for late in [edit("ada", "e-1", 1, "again"), deletion("ada", "d-1", 1)] {
        let put = log.put(&conversation_id("c"), &at(2, &late)).await;
        assert_eq!(put.unwrap(), Put::Taken(winner.clone()));
    }
    assert_eq!(first(log).await, ("hello".to_owned(), Revision::Original));
}

pub async fn a_repeated_edit_must_return_the_entry_that_it_stored(log: &impl Log) {
    let again = edit("ada", "e-1", 1, "again");
    let drafts = [message("ada", "m-1", "hello"), again.clone()];
    stored(log, &drafts).await;
    let put = log
        .put(&conversation_id("c"), &at(2, &again))
        .await
        .unwrap();
    let entry = at(2, &again).without_text();
    assert_eq!(put, Put::Taken(entry));
}

pub async fn an_edited_message_keeps_its_name_digest_and_counters(log: &impl Log) {
    let hello = message("ada", "m-1", "hello");
    for change in [edit("ada", "e-1", 1, "again"), deletion("ada", "d-1", 1)] {
        let before = log_of(log).await.len() as u64;
        if before == 0 {
            stored(log, std::slice::from_ref(&hello)).await;
        }
        let next = before.max(1) + 1;
        let put = log.put(&conversation_id("c"), &at(next, &change)).await;
        assert_eq!(put.unwrap(), Put::Stored);
        let put = log.put(&conversation_id("c"), &at(1, &hello)).await;
        let Put::Taken(found) = put.unwrap() else {
            panic!("the position is taken");
        };
        assert!(found.draft.has_name_of(&hello));
        assert_eq!(found.counters, at(1, &hello).counters);
        assert_eq!(found.draft.digest, hello.digest);
        assert_eq!(found.draft.sent_at, hello.sent_at);
    }
}

pub async fn every_entry_at_the_positions_must_be_returned_once(log: &impl Log) {
    let body = "x".repeat(16_384);
    let drafts: Vec<Draft> = (1..=120)
        .map(|number| message("ada", &format!("m-{number}"), &body))
        .collect();
    stored(log, &drafts).await;
    let c = conversation_id("c");
    // Every other one, and some that do not exist. Together they exceed a megabyte.
    let wanted: Vec<Seq> = (1..).step_by(2).map(seq).take(MOST_POSITIONS).collect();
    let found = log.read_at(&c, &wanted).await.unwrap();
    let found: Vec<u64> = found.iter().map(|entry| entry.seq.number()).collect();
    let distinct: BTreeSet<u64> = found.iter().copied().collect();
    assert_eq!(found.len(), distinct.len());
    assert_eq!(distinct, (1..=120).step_by(2).collect());
    assert_eq!(log.read_at(&c, &[]).await.unwrap(), []);
    assert_eq!(
        log.read_at(&conversation_id("d"), &wanted).await.unwrap(),
        []
    );
}

pub async fn positions_with_an_entry_are_told_from_others(log: &impl Log) {
    let drafts = ["m-1", "m-2"].map(|id| message("ada", id, "hello"));
    stored(log, &drafts).await;
    let [c, d] = ["c", "d"].map(conversation_id);
    let asked = [(&c, 1), (&d, 1), (&c, 2), (&c, 3)].map(|(id, number)| (id.clone(), seq(number)));
    let mut found = log.stored_at(&asked).await.unwrap();
    found.sort();
    assert_eq!(found, [asked[0].clone(), asked[2].clone()]);
    assert_eq!(log.stored_at(&[]).await.unwrap(), []);
}

pub async fn concurrent_edits_and_a_deletion_leave_the_message_that_the_log_says(log: &impl Log) {
    stored(log, &[message("ada", "m-1", "hello")]).await;
    let store = async |draft: Draft| {
        let mut next = 2;
        loop {
            match log
                .put(&conversation_id("c"), &at(next, &draft))
                .await
                .unwrap()
            {
                Put::Taken(winner) if !winner.draft.has_name_of(&draft) => next += 1,
                _ => return,
            }
        }
    };
    let edits = (0..5).map(|n| edit("ada", &format!("e-{n}"), 1, &format!("text {n}")));
    join_all(edits.map(store)).await;
    let entries = log_of(log).await;
    assert_eq!(entries.len(), 6);
    let newest = entries.last().unwrap();
    let text = newest.draft.id.as_str().replace("e-", "text ");
    assert_eq!(first(log).await, (text, edited(6)));

    let late = (5..9).map(|n| edit("ada", &format!("e-{n}"), 1, &format!("text {n}")));
    let changes = late.chain([deletion("ada", "d-1", 1)]);
    join_all(changes.map(store)).await;
    let entries = log_of(log).await;
    let last = entries.last().unwrap();
    assert_eq!(
        last.draft.id.as_str(),
        "d-1",
        "nothing follows the deletion"
    );
    assert_eq!(
        first(log).await,
        (String::new(), deleted(last.seq.number(), "ada"))
    );
    assert_eq!(Body::deleted().as_str(), "");
}
