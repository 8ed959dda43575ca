use serde_json::json;

use super::{
    attempts::{ATTEMPT_LIMIT, ATTEMPTS, Outcome, RETRY_LIMIT, TIME_LIMIT, WIDTH},
    *,
};
use crate::{
    fakes::{FakeChat, PushOutcome},
    mutant::{Mutant, with_mutant},
    routes::CreateConversation,
};

/// Ada and Grace are participants; Grace has three subscribed connections.
fn three_subscribers() -> FakeChat {
    let chat = FakeChat::new();
    chat.conversation("c", &["ada", "grace"]);
    for connection in ["grace-1", "grace-2", "grace-3"] {
        chat.connect(connection);
        chat.frame(
            connection,
            json!({"action": "subscribe", "conversation": "c"}),
        );
    }
    chat
}

fn send(chat: &FakeChat) {
    let frame = json!({"action": "sendMessage", "conversation": "c", "id": "m", "body": "Hello"});
    assert_eq!(chat.frame("ada-1", frame)["event"], "sent");
}

fn named(connection: &str) -> ConnectionId {
    ConnectionId::new(connection).unwrap()
}

#[test]
fn a_gone_connection_loses_its_rows_and_others_keep_theirs() {
    let chat = three_subscribers();
    chat.fail_pushes(&named("grace-2"), [PushOutcome::Gone]);
    send(&chat);
    assert_eq!(chat.pushed_to(), ["grace-1", "grace-3"]);
    assert_eq!(chat.connection_rows(), 4);
}

/// A `subscribe` that is killed leaves its row without a place.
#[test]
fn a_gone_connection_loses_a_row_that_has_no_place() {
    let chat = three_subscribers();
    let c = ConversationId::new("c").unwrap();
    chat.run(chat.release(&c, &named("grace-2"))).unwrap();
    chat.fail_pushes(&named("grace-2"), [PushOutcome::Gone]);
    send(&chat);
    assert_eq!(chat.connection_rows(), 4);
}

#[test]
fn a_connection_in_its_handshake_keeps_its_rows() {
    let chat = FakeChat::new();
    let c = chat.conversation("c", &["ada", "grace"]);
    let (identity, mut connection) = chat.connection("grace-1");
    connection.connected_at = chat.now();
    let subscription = Subscription {
        user: identity.user,
        connection,
    };
    chat.run(chat.subscribe(&c, &subscription)).unwrap();
    chat.fail_pushes(&named("grace-1"), [PushOutcome::Gone]);
    send(&chat);
    assert_eq!(chat.connection_rows(), 1);
}

#[test]
fn a_busy_push_is_retried() {
    let chat = three_subscribers();
    chat.fail_pushes(&named("grace-2"), [PushOutcome::Busy; 3]);
    send(&chat);
    assert_eq!(chat.pushed_to(), ["grace-1", "grace-3", "grace-2"]);
}

#[test]
fn a_failed_push_stops_neither_other_pushes_nor_the_reply() {
    let chat = three_subscribers();
    chat.fail_pushes(&named("grace-1"), [PushOutcome::Failed]);
    chat.fail_pushes(&named("grace-2"), [PushOutcome::Busy; 1_000]);
    send(&chat);
    assert_eq!(chat.pushed_to(), ["grace-3"]);
    assert_eq!(chat.connection_rows(), 6);
}

#[test]
fn a_push_to_a_client_that_does_not_read_is_attempted_four_times() {
    let chat = three_subscribers();
    chat.fail_pushes(&named("grace-2"), [PushOutcome::Busy; 1_000]);
    let began = chat.now();
    send(&chat);
    assert_eq!(chat.push_attempts(&named("grace-2")), 4);
    assert!(chat.now().since(began) < Duration::from_millis(300));
}

#[test]
fn the_client_of_a_given_up_push_repairs_the_gap() {
    let chat = three_subscribers();
    chat.fail_pushes(&named("grace-2"), [PushOutcome::Busy; 4]);
    send(&chat);
    // The entry is the newest one, so no later push shows the gap, but `ping` does.
    let ping = json!({"action": "ping", "positions": {"c": 0}});
    assert_eq!(chat.frame("grace-2", ping)["heads"], json!({"c": 1}));
    let again = json!({"action": "subscribe", "conversation": "c", "after": 0});
    assert_eq!(chat.frame("grace-2", again)["events"][0]["id"], "m");
}

#[test]
fn a_push_that_is_not_answered_is_given_up() {
    let chat = three_subscribers();
    chat.fail_pushes(&named("grace-2"), [PushOutcome::Unanswered]);
    let began = chat.now();
    send(&chat);
    assert_eq!(chat.pushed_to(), ["grace-1", "grace-3"]);
    assert_eq!(chat.now().since(began), ATTEMPT_LIMIT);
}

/// Returns connections of Grace. The pushes to each fail as `outcomes` says for its number.
fn targets(
    chat: &FakeChat,
    number: usize,
    outcomes: impl Fn(usize) -> Vec<PushOutcome>,
) -> Vec<Subscription> {
    let target = |number| {
        let (identity, connection) = chat.connection(&format!("grace-{number}"));
        chat.fail_pushes(&connection.id, outcomes(number));
        Subscription {
            user: identity.user,
            connection,
        }
    };
    (0..number).map(target).collect()
}

/// Pushes `frames`, and returns the outcome with the time that it took.
fn push(chat: &FakeChat, targets: Vec<Subscription>, frames: &[&str]) -> (Outcome, Duration) {
    let began = chat.now();
    let deadline = began.plus(Duration::from_secs(9));
    let frames: Vec<String> = frames.iter().map(ToString::to_string).collect();
    let mut targets = Targets::known(targets);
    let outcome = chat.run(push_all(chat, &mut targets, Load::frame(&frames), deadline));
    (outcome, chat.now().since(began))
}

#[test]
fn a_fan_out_counts_the_pushes_that_it_missed_and_ends_in_time() {
    let chat = FakeChat::new();
    let total = 20 * WIDTH;
    let targets = targets(&chat, total, |number| match number {
        0 => vec![],
        1 => vec![PushOutcome::Busy; 4],
        _ => vec![PushOutcome::Unanswered],
    });
    let (outcome, took) = push(&chat, targets, &["{}"]);
    assert_eq!(took, TIME_LIMIT);
    assert_eq!(outcome.total, total);
    assert!(outcome.given_up >= WIDTH, "{outcome:?}");
    assert!(outcome.remaining > 0, "{outcome:?}");
    let unfinished = outcome.given_up + outcome.remaining;
    assert_eq!(unfinished + 1, total, "{outcome:?}");
}

#[test]
fn no_connection_is_attempted_again_before_each_was_attempted_once() {
    // If an attempt takes a while, the waits of the first connections end before the last ones have
    // been attempted.
    for (busy, longest) in [
        (PushOutcome::Busy, Duration::from_millis(300)),
        (
            PushOutcome::BusyLater(Duration::from_millis(10)),
            Duration::from_millis(600),
        ),
    ] {
        let chat = FakeChat::new();
        let number = 10 * WIDTH;
        let targets = targets(&chat, number, |number| {
            let is_busy = number < 9 * WIDTH;
            vec![busy; if is_busy { 1_000 } else { 0 }]
        });
        let all: Vec<ConnectionId> = targets
            .iter()
            .map(|target| target.connection.id.clone())
            .collect();
        let (outcome, took) = push(&chat, targets, &["{}"]);
        let attempts = chat.take_push_attempts();
        assert_eq!(attempts[..number], all);
        let again = &attempts[number..];
        for (number, connection) in all.iter().enumerate() {
            let count = again.iter().filter(|to| *to == connection).count();
            let expected = if number < 9 * WIDTH { 3 } else { 0 };
            assert_eq!(count, expected, "{connection}");
        }
        assert_eq!((outcome.given_up, outcome.remaining), (9 * WIDTH, 0));
        // The waits of all connections overlap.
        assert!(took < longest, "{took:?}");
    }
}

#[test]
fn connections_that_are_not_answered_keep_no_place() {
    let chat = FakeChat::new();
    let number = 5 * WIDTH;
    let targets = targets(&chat, number, |number| {
        let is_last = number == 5 * WIDTH - 1;
        vec![PushOutcome::Unanswered; if is_last { 0 } else { 1 }]
    });
    let (outcome, took) = push(&chat, targets, &["{}"]);
    assert_eq!(chat.pushed_to(), [format!("grace-{}", number - 1)]);
    assert_eq!((outcome.given_up, outcome.remaining), (number - 1, 0));
    assert!(took < TIME_LIMIT, "{took:?}");
}

/// Each attempt takes a while, so the further attempts at all connections would take seconds.
#[test]
fn all_further_attempts_together_have_a_time_limit() {
    let chat = FakeChat::new();
    let targets = targets(&chat, 10 * WIDTH, |_| {
        vec![PushOutcome::BusyLater(Duration::from_millis(100)); 1_000]
    });
    let (outcome, took) = push(&chat, targets, &["{}"]);
    assert_eq!((outcome.given_up, outcome.remaining), (10 * WIDTH, 0));
    let first = 10 * Duration::from_millis(100);
    assert!(took > first, "{took:?}");
    assert!(took <= first + RETRY_LIMIT, "{took:?}");
    let most = usize::try_from(ATTEMPTS).unwrap() * 10 * WIDTH;
    assert!(chat.take_push_attempts().len() < most / 2);
}

#[test]
fn frames_are_pushed_in_order_and_a_busy_connection_goes_on_where_it_stopped() {
    let chat = FakeChat::new();
    let targets = targets(&chat, 2, |number| match number {
        0 => vec![],
        _ => vec![
            PushOutcome::Accepted,
            PushOutcome::Busy,
            PushOutcome::Accepted,
            PushOutcome::Busy,
        ],
    });
    let (outcome, _) = push(&chat, targets, &["1", "2", "3"]);
    assert_eq!((outcome.given_up, outcome.remaining), (0, 0));
    let pushed = chat.take_pushed();
    for name in ["grace-0", "grace-1"] {
        let to = pushed.iter().filter(|(to, _)| *to == named(name));
        let frames: Vec<&str> = to.map(|(_, frame)| frame.as_str()).collect();
        assert_eq!(frames, ["1", "2", "3"], "{name}");
    }
}

#[test]
fn stale_rows_receive_nothing() {
    let chat = three_subscribers();
    chat.remove(&ConversationId::new("c").unwrap(), "grace");
    send(&chat);
    assert_eq!(chat.pushed_to(), [""; 0]);

    let chat = three_subscribers();
    chat.runtime.advance(crate::domain::CONNECTION_LIFETIME);
    send(&chat);
    assert_eq!(chat.pushed_to(), [""; 0]);
}

#[test]
fn entries_and_notices_are_pushed_until_the_token_ends() {
    let all = ["grace-1", "grace-2", "grace-3"];
    let invite = |chat: &FakeChat| {
        let fields = json!({"id": "d", "participants": ["grace"]});
        chat.ask::<CreateConversation>("ada", fields).unwrap();
    };
    // The tokens of a fake chat are valid for an hour.
    for (seconds, recipients) in [(3_599, &all[..]), (3_600, &[])] {
        let chat = three_subscribers();
        chat.runtime.advance(Duration::from_secs(seconds));
        send(&chat);
        assert_eq!(chat.pushed_to(), recipients, "a message after {seconds} s");
        invite(&chat);
        assert_eq!(chat.pushed_to(), recipients, "a notice after {seconds} s");
    }
}

/// A conversation of 10 users with a connection each, and rosters with pages of three.
fn four_pages() -> FakeChat {
    let mut chat = FakeChat::new();
    chat.roster_page = 3;
    let users: Vec<String> = (0..10).map(|number| format!("user{number}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    chat.conversation("c", &users);
    for user in users {
        let frame = json!({"action": "subscribe", "conversation": "c"});
        chat.frame(&format!("{user}-1"), frame);
    }
    let _ = chat.take_calls();
    chat
}

fn send_from(chat: &FakeChat, connection: &str) -> serde_json::Value {
    let frame = json!({"action": "sendMessage", "conversation": "c", "id": "m", "body": "Hello"});
    chat.frame(connection, frame)
}

#[test]
fn the_pages_of_a_large_roster_are_pushed_to_as_they_come() {
    let chat = four_pages();
    assert_eq!(send_from(&chat, "user5-1")["event"], "sent");
    let others = [0, 1, 2, 3, 4, 6, 7, 8, 9].map(|number| format!("user{number}-1"));
    assert_eq!(chat.pushed_to(), others);
    let pages = chat.take_calls();
    let pages = pages.iter().filter(|call| call.method == "roster_page");
    assert_eq!(pages.count(), 4);
}

#[test]
fn the_further_pages_of_a_roster_are_needed() {
    let found = with_mutant(Some(Mutant::FirstPageOnly), || {
        let chat = four_pages();
        send_from(&chat, "user5-1");
        chat.pushed_to().len() < 9
    });
    assert!(found);
}

/// The connections of the last page are attempted once before the first ones are again.
#[test]
fn a_busy_connection_waits_for_the_further_pages() {
    let chat = four_pages();
    for number in 0..9 {
        let connection = named(&format!("user{number}-1"));
        chat.fail_pushes(&connection, [PushOutcome::Busy; 1]);
    }
    send_from(&chat, "user9-1");
    let attempts = chat.take_push_attempts();
    let first: Vec<ConnectionId> = (0..9).map(|n| named(&format!("user{n}-1"))).collect();
    assert_eq!(attempts[..9], first);
    assert_eq!(attempts.len(), 18);
}

#[test]
fn users_of_further_pages_who_are_not_participants_receive_nothing() {
    let chat = four_pages();
    let c = ConversationId::new("c").unwrap();
    for user in ["user1", "user8"] {
        chat.remove(&c, user);
    }
    send_from(&chat, "user0-1");
    let others = [2, 3, 4, 5, 6, 7, 9].map(|number| format!("user{number}-1"));
    assert_eq!(chat.pushed_to(), others);
}
