use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::{
    domain::{Content, ConversationId, Counters, Entry, Revision, UserId},
    fakes::FakeChat,
    ports::{Clock, Own, Place, Trace, Traces as _},
    routes::{AddParticipant, EditMessage, React, RemoveParticipant, SendMessage, connect},
};

/// The traces on a page of the fake store.
const PAGE: usize = 20;
/// Much longer than an erasure takes.
const LONG: Duration = Duration::from_secs(600);

fn grace() -> UserId {
    UserId::new("grace").unwrap()
}

/// Returns a chat in which Grace has left traces of every kind. Ada owns the conversations. Grace
/// has left `d`, and is in `e` again after a removal.
fn chat_with(chat: FakeChat) -> (FakeChat, Vec<ConversationId>) {
    let ids = ["c", "d", "e"].map(|id| chat.conversation(id, &["ada", "grace"]));
    chat.connect("grace-1");
    for id in &ids {
        chat.history(id, "ada", 2);
        chat.history(id, "grace", 12);
        let conversation = id.as_str();
        chat.frame(
            "grace-1",
            json!({"action": "subscribe", "conversation": conversation}),
        );
        let edit = json!({"conversation": conversation, "id": "e-1", "target": 3, "body": "new"});
        chat.ask::<EditMessage>("grace", edit).unwrap();
    }
    chat.frame("grace-1", json!({"action": "ping", "presence": "active"}));
    for id in ["d", "e"] {
        let leave = json!({"conversation": id, "user": "grace"});
        chat.ask::<RemoveParticipant>("ada", leave).unwrap();
    }
    let back = json!({"conversation": "e", "user": "grace"});
    chat.ask::<AddParticipant>("ada", back).unwrap();
    let _ = chat.take_pushed();
    (chat, ids.into())
}

/// Runs steps of `time` each until the end is reached. Returns what they have erased, and how many
/// there were.
fn pass(chat: &FakeChat, user: &UserId, time: Duration) -> (Erased, usize) {
    let (mut all, mut place, mut steps) = (Erased::default(), None, 0);
    loop {
        let until = chat.now().plus(time);
        let step = chat.run(erase(chat, user, place, until)).unwrap();
        all += &step;
        steps += 1;
        if step.done {
            return (all, steps);
        }
        place = step.next;
    }
}

/// Erases Grace until nothing is found. What she sends meanwhile takes one more pass.
fn complete(chat: &FakeChat) {
    let mut passes = (0..4).map(|_| pass(chat, &grace(), LONG).0);
    assert!(passes.any(|erased| erased.is_nothing()), "it never ends");
}

/// Returns everything that is left of a user.
fn left(chat: &FakeChat, user: &UserId) -> Vec<Trace> {
    let (mut found, mut place) = (Vec::new(), None::<Place>);
    loop {
        let page = chat.run(chat.traces_of(user, place.as_ref())).unwrap();
        found.extend(page.traces);
        match page.next {
            Some(next) => place = Some(next),
            None => return found,
        }
    }
}

/// Asserts that nothing of Grace is left but entries without text and name, and that the logs and
/// the messages of Ada are as they must be.
fn assert_erased(chat: &FakeChat, ids: &[ConversationId]) {
    for trace in left(chat, &grace()) {
        let Trace::Entry(_, entry) = trace else {
            panic!("{trace:?} is left");
        };
        if let Some((user, name)) = entry.draft.content.named(&entry.draft.sender) {
            assert!(*user != grace() || name.as_str() == "grace", "{entry:?}");
        }
        if let Content::Message { body, revision, .. } = &entry.draft.content {
            assert_eq!(body.as_str(), "");
            let Revision::Deleted { seq, by } = revision else {
                panic!("{entry:?} is not deleted");
            };
            assert_eq!(by.as_str(), ERASER);
            assert!(*seq > entry.seq);
        }
    }
    for id in ids {
        let log = chat.log(id);
        let mut before = Counters::START;
        for (entry, number) in log.iter().zip(1..) {
            assert_eq!(entry.seq.number(), number, "the log is dense");
            let expected = Entry::new(entry.seq, before, entry.draft.clone());
            assert_eq!(entry.counters, expected.counters, "the counters go on");
            before = entry.counters;
            if entry.draft.sender.as_str() == "ada"
                && let Content::Message { name, body, .. } = &entry.draft.content
            {
                assert_eq!(name.as_str(), "Ada");
                assert_ne!(body.as_str(), "");
            }
        }
        assert!(!chat.is_participant(id, &grace()));
    }
}

#[test]
fn an_erasure_leaves_ids_and_no_text_no_name_and_no_row() {
    let (chat, ids) = chat_with(FakeChat::new());
    let (erased, _) = pass(&chat, &grace(), LONG);
    assert_eq!((erased.conversations, erased.messages), (2, 36));
    // Ada's changes of participants show the id already.
    assert_eq!(erased.names, 36);
    assert_eq!(erased.rows, 3);
    assert_erased(&chat, &ids);
    let (nothing, _) = pass(&chat, &grace(), LONG);
    assert!(nothing.is_nothing(), "{nothing:?}");
    assert_eq!(
        chat.take_pushed(),
        [],
        "clients read the deletions in the log"
    );
}

#[test]
fn an_erasure_puts_once_for_each_message_and_reads_the_log_once_for_each_page() {
    for messages in [500, 1_000] {
        let chat = FakeChat::new();
        let id = chat.conversation("c", &["ada", "grace"]);
        chat.history(&id, "grace", messages);
        let puts = chat.puts();
        let _ = chat.take_calls();
        let (erased, _) = pass(&chat, &grace(), LONG);
        assert_eq!(
            (erased.messages, erased.names),
            (messages as u64, messages as u64)
        );
        assert_eq!(chat.puts() - puts, messages + 1, "and one for the removal");
        let calls = chat.take_calls();
        let reads = calls.iter().filter(|call| call.method.starts_with("read"));
        let pages = messages / PAGE + 1;
        assert!(reads.count() <= pages, "more than {pages} reads");
    }
}

#[test]
fn an_erasure_goes_on_where_a_step_has_ended() {
    for seed in 0..20 {
        let (chat, ids) = chat_with(FakeChat::unsteady(seed));
        let puts = chat.puts();
        let (_, steps) = pass(&chat, &grace(), Duration::from_millis(100));
        assert!(steps > 2, "{steps} steps");
        complete(&chat);
        assert_erased(&chat, &ids);
        assert!(chat.puts() > puts + 36);
    }
}

#[test]
fn an_erasure_that_is_killed_anywhere_is_completed_by_the_next_one() {
    let mut killed = 0;
    for seed in 0..60 {
        let (chat, ids) = chat_with(FakeChat::unsteady(seed));
        for _ in 0..8 {
            let until = chat.now().plus(LONG);
            let grace = grace();
            let step = erase(&chat, &grace, None, until);
            killed += usize::from(chat.run(chat.runtime.mortal(step)).is_none());
        }
        while chat.land() {}
        complete(&chat);
        assert_erased(&chat, &ids);
    }
    assert!(killed > 40, "{killed} were killed");
}

#[test]
fn what_a_user_sends_during_an_erasure_is_refused_or_erased_by_the_next_pass() {
    let mut outcomes = [0, 0];
    for seed in 0..60 {
        let (chat, ids) = chat_with(FakeChat::unsteady(seed));
        let hello = json!({"conversation": "c", "id": "late", "body": "a late text"});
        let send = chat.ask_later::<SendMessage>("grace", hello);
        let (until, grace) = (chat.now().plus(LONG), grace());
        let erasure = erase(&chat, &grace, None, until);
        let (sent, erased) = chat.run(futures_util::future::join(send, erasure));
        assert!(erased.unwrap().done);
        match sent {
            Ok(_) => outcomes[0] += 1,
            Err(problem) => {
                assert_eq!(problem["code"], "not_found");
                outcomes[1] += 1;
            }
        }
        complete(&chat);
        assert_erased(&chat, &ids);
        let late = json!({"conversation": "c", "id": "later", "body": "a later text"});
        let refused = chat.ask::<SendMessage>("grace", late).unwrap_err();
        assert_eq!(refused["code"], "not_found");
    }
    assert!(outcomes.iter().all(|count| *count > 0), "{outcomes:?}");
}

#[test]
fn a_user_of_whom_nothing_is_stored_is_erased_at_once() {
    let (chat, _) = chat_with(FakeChat::new());
    let (logs, puts) = (left(&chat, &grace()), chat.puts());
    let alan = UserId::new("alan").unwrap();
    assert!(pass(&chat, &alan, LONG).0.is_nothing());
    assert_eq!((left(&chat, &grace()), chat.puts()), (logs, puts));
}

/// Exports a user in steps of `time` each.
fn exported(chat: &FakeChat, user: &UserId, time: Duration) -> Vec<Value> {
    let (mut records, mut place) = (Vec::new(), None);
    loop {
        let until = chat.now().plus(time);
        let step = chat.run(export(chat, user, place, until)).unwrap();
        records.extend(step.records);
        if step.done {
            return records;
        }
        place = step.next;
    }
}

#[test]
fn an_export_has_every_trace_in_the_words_of_the_protocol_and_changes_nothing() {
    let (chat, _) = chat_with(FakeChat::new());
    let before = left(&chat, &grace());
    let puts = chat.puts();
    let records = exported(&chat, &grace(), LONG);
    assert_eq!(records.len(), before.len());
    let of = |kind: &str| -> Vec<&Value> {
        let found = records.iter().filter(|record| record["record"] == kind);
        found.collect()
    };
    assert_eq!(of("entry").len(), 3 * 13 + 2 + 1);
    let edited = &of("entry")[0]["entry"];
    assert_eq!(
        (&edited["event"], &edited["body"]),
        (&json!("message"), &json!("new"))
    );
    assert_eq!(edited["conversation"], "c");
    let participation = of("participation");
    assert_eq!(participation.len(), 2);
    assert_eq!(participation[0]["name"], "grace");
    assert_eq!(participation[1]["readTo"], 17);
    assert_eq!(of("connection").len(), 1);
    assert_eq!(of("presence")[0]["active"], true);
    assert_eq!((left(&chat, &grace()), chat.puts()), (before, puts));

    // Steps without time read one page each.
    assert_eq!(exported(&chat, &grace(), Duration::ZERO), records);
    let ada = UserId::new("ada").unwrap();
    let records = exported(&chat, &ada, LONG);
    let created = records
        .iter()
        .filter(|record| record["record"] == "created");
    assert_eq!(created.count(), 3);
}

#[test]
fn an_open_connection_of_an_erased_user_receives_nothing_more() {
    let (chat, _) = chat_with(FakeChat::new());
    let (identity, connection) = chat.connection("grace-2");
    chat.run(connect::handle(&chat, &identity, &connection, 10))
        .unwrap();
    let subscribe = json!({"action": "subscribe", "conversation": "c"});
    assert_eq!(chat.frame("grace-2", subscribe)["event"], "subscribed");
    let own = |trace: &Trace| matches!(trace, Trace::Own(Own::Connection(_)));
    assert_eq!(
        left(&chat, &grace())
            .iter()
            .filter(|trace| own(trace))
            .count(),
        2
    );
    pass(&chat, &grace(), LONG);
    assert_eq!(chat.connection_rows(), 0);
    let hello = json!({"conversation": "c", "id": "m-99", "body": "hello"});
    chat.ask::<SendMessage>("ada", hello).unwrap();
    assert_eq!(chat.pushed_to(), [""; 0]);
}

#[test]
fn an_erasure_leaves_reactions_without_a_name() {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["ada", "grace"]);
    chat.history(&c, "ada", 1);
    for (user, emoji, on) in [
        ("grace", "👍", true),
        ("ada", "👍", true),
        ("grace", "❤", true),
        ("grace", "❤", false),
    ] {
        let fields = json!({"conversation": "c", "target": 1, "emoji": emoji, "on": on});
        chat.ask::<React>(user, fields).unwrap();
    }
    complete(&chat);
    assert_erased(&chat, std::slice::from_ref(&c));
    let rows = chat.reaction_rows(&c).into_iter();
    let rows: Vec<_> = rows
        .map(|row| (row.key.user.to_string(), row.name.as_str().to_owned()))
        .collect();
    let expected = [("ada", "Ada"), ("grace", "grace")];
    assert_eq!(
        rows,
        expected.map(|(user, name)| (user.to_owned(), name.to_owned()))
    );
}
