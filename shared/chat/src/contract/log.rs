use crate::{
    domain::{Body, Content, DisplayName, Draft, Entry, MessageId, Revision, Seq},
    ports::{Log, Page, Put},
};
use futures_util::future::{join, join_all};

use super::{NOW, at, conversation_id, message, reaction, seq, user};

async fn stored(log: &impl Log, conversation: &str, drafts: &[Draft]) -> Vec<Entry> {
    let conversation = conversation_id(conversation);
    let mut entries = Vec::new();
    for (draft, number) in drafts.iter().zip(1..) {
        let put = log.put(&conversation, &at(number, draft)).await.unwrap();
        assert_eq!(put, Put::Stored);
        entries.push(at(number, draft));
    }
    entries
}

fn messages(count: usize, body: &str) -> Vec<Draft> {
    (1..=count)
        .map(|number| message("ada", &format!("m-{number}"), body))
        .collect()
}

/// Reads a log page after page; returns the entries and the number of pages.
async fn read_all(log: &impl Log, conversation: &str, limit: usize) -> (Vec<Entry>, usize) {
    let conversation = conversation_id(conversation);
    let mut entries: Vec<Entry> = Vec::new();
    let mut first = seq(1);
    for pages in 1.. {
        let page = log.read_from(&conversation, first, limit).await.unwrap();
        assert!(page.entries.len() <= limit);
        entries.extend(page.entries);
        first = entries.last().map_or(first, |entry| entry.seq.next());
        if !page.more {
            return (entries, pages);
        }
    }
    unreachable!("the range has no end")
}

pub async fn an_entry_is_read_as_it_was_stored(log: &impl Log) {
    let change =
        |id: &str, content| Draft::new(user("ada"), MessageId::new(id).unwrap(), NOW, content);
    let grace = || (user("grace#1 🦀"), DisplayName::fitted("Grace"));
    let ((added, added_name), (removed, removed_name)) = (grace(), grace());
    let entries = stored(
        log,
        "c",
        &[
            message("ada", "m-1", "Two lines\n\tand \"quotes\" \\ ünïcode 🦀"),
            change(
                "r-1",
                Content::Message {
                    name: DisplayName::fitted("Ada"),
                    body: Body::new("A reply").unwrap(),
                    reply_to: Some(seq(1)),
                    revision: Revision::Original,
                },
            ),
            reaction("grace#1 🦀", "e-1", 1, "👍🏻", true),
            reaction("grace#1 🦀", "e-2", 1, "👍🏻", false),
            change(
                "m-2",
                Content::ParticipantAdded {
                    user: added,
                    name: added_name,
                },
            ),
            change(
                "m-3",
                Content::ParticipantRemoved {
                    user: removed,
                    name: removed_name,
                },
            ),
        ],
    )
    .await;
    let page = log
        .read_from(&conversation_id("c"), seq(1), 10)
        .await
        .unwrap();
    assert_eq!(
        page,
        Page {
            entries,
            more: false
        }
    );
}

pub async fn entries_must_be_ascending_and_without_omissions(log: &impl Log) {
    // Between one and two digits, numbers and their texts are ordered differently.
    let entries = stored(log, "c", &messages(12, "hi")).await;
    let (read, _) = read_all(log, "c", 5).await;
    assert_eq!(read, entries);

    let page = log
        .read_from(&conversation_id("c"), seq(9), 3)
        .await
        .unwrap();
    assert_eq!(page.entries, entries[8..11]);
    assert!(page.more);
}

pub async fn a_page_has_at_most_a_megabyte_and_reports_more(log: &impl Log) {
    let entries = stored(log, "c", &messages(80, &"x".repeat(16_384))).await;
    let (read, pages) = read_all(log, "c", 1_000).await;
    assert_eq!(read, entries);
    assert!(pages > 1, "{pages} pages");
}

pub async fn reading_back_is_descending_from_the_last_entry(log: &impl Log) {
    let mut entries = stored(log, "c", &messages(12, "hi")).await;
    entries.reverse();
    let conversation = conversation_id("c");
    let page = log.read_back(&conversation, Seq::MAX, 5).await.unwrap();
    assert_eq!((page.entries.as_slice(), page.more), (&entries[..5], true));
    let page = log.read_back(&conversation, seq(3), 5).await.unwrap();
    assert_eq!((page.entries.as_slice(), page.more), (&entries[9..], false));
}

pub async fn logs_are_kept_apart(log: &impl Log) {
    stored(log, "c", &messages(2, "hi")).await;
    // One id is a prefix of the other.
    for other in ["c2", "b"] {
        let page = log
            .read_from(&conversation_id(other), seq(1), 10)
            .await
            .unwrap();
        assert_eq!(page, Page::default(), "{other}");
    }
}

pub async fn a_put_must_not_replace_an_existing_entry_and_must_return_it(log: &impl Log) {
    let conversation = conversation_id("c");
    let first = message("ada", "m-1", "first");
    let winner = at(1, &first);
    assert_eq!(
        log.put(&conversation, &at(1, &first)).await.unwrap(),
        Put::Stored
    );

    let second = message("grace", "m-1", "second");
    let put = log.put(&conversation, &at(1, &second)).await.unwrap();
    assert_eq!(put, Put::Taken(winner.clone()));
    let page = log.read_from(&conversation, seq(1), 10).await.unwrap();
    assert_eq!(page.entries, [winner]);
}

pub async fn a_repeated_put_must_return_the_entry_that_it_stored(log: &impl Log) {
    let draft = message("ada", "m-1", "hi");
    let conversation = conversation_id("c");
    assert_eq!(
        log.put(&conversation, &at(1, &draft)).await.unwrap(),
        Put::Stored
    );
    let put = log.put(&conversation, &at(1, &draft)).await.unwrap();
    assert_eq!(put, Put::Taken(at(1, &draft)));
}

pub async fn of_concurrent_puts_one_wins_and_the_others_return_its_entry(log: &impl Log) {
    let conversation = conversation_id("c");
    let drafts: Vec<Draft> = (0..8)
        .map(|n| message("ada", &format!("m-{n}"), "hi"))
        .collect();
    let entries: Vec<Entry> = drafts.iter().map(|draft| at(1, draft)).collect();
    let puts = entries.iter().map(|entry| log.put(&conversation, entry));
    let puts: Vec<Put> = join_all(puts)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();

    let winners: Vec<&Draft> = drafts
        .iter()
        .zip(&puts)
        .filter_map(|(draft, put)| (*put == Put::Stored).then_some(draft))
        .collect();
    let [winner] = winners[..] else {
        panic!("{puts:?}")
    };
    let winner = at(1, winner);
    for put in puts {
        assert!(
            put == Put::Stored || put == Put::Taken(winner.clone()),
            "{put:?}"
        );
    }
}

pub async fn a_page_must_include_every_entry_stored_before_the_call(log: &impl Log) {
    let conversation = conversation_id("c");
    let drafts = messages(24, "hi");
    let stored = std::sync::atomic::AtomicU64::new(0);
    let order = std::sync::atomic::Ordering::SeqCst;
    let writer = async {
        for (draft, number) in drafts.iter().zip(1..) {
            let put = log.put(&conversation, &at(number, draft)).await.unwrap();
            assert_eq!(put, Put::Stored);
            stored.store(number, order);
        }
    };
    let reader = async {
        loop {
            let before = stored.load(order);
            let page = log.read_from(&conversation, seq(1), 100).await.unwrap();
            let read: Vec<u64> = page
                .entries
                .iter()
                .map(|entry| entry.seq.number())
                .collect();
            let known: Vec<u64> = (1..=before).collect();
            assert!(read.starts_with(&known), "{read:?} after {before}");
            if before == 24 {
                break;
            }
        }
    };
    join(writer, reader).await;
}

pub async fn two_concurrent_writers_produce_one_dense_log(log: &impl Log) {
    let conversation = conversation_id("c");
    let write = async |sender: &str| {
        let mut next = seq(1);
        for number in 0..12 {
            let draft = message(sender, &format!("m-{number}"), "hi");
            while let Put::Taken(winner) = log
                .put(&conversation, &at(next.number(), &draft))
                .await
                .unwrap()
            {
                assert_eq!(winner.seq, next);
                assert_ne!(winner.draft.sender, draft.sender, "the other writer won");
                next = next.next();
            }
            next = next.next();
        }
    };
    join(write("ada"), write("grace")).await;

    let (entries, _) = read_all(log, "c", 100).await;
    let seqs: Vec<u64> = entries.iter().map(|entry| entry.seq.number()).collect();
    assert_eq!(seqs, (1..=24).collect::<Vec<_>>());
    for sender in ["ada", "grace"] {
        let ids = entries
            .iter()
            .filter(|entry| entry.draft.sender == user(sender));
        let ids: Vec<_> = ids.map(|entry| entry.draft.id.to_string()).collect();
        let expected: Vec<_> = (0..12).map(|number| format!("m-{number}")).collect();
        assert_eq!(ids, expected, "in the order of the writes of {sender}");
    }
}
