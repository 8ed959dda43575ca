//! The allowance of a user.

use std::{num::NonZeroU32, time::Duration};

use chat::{
    fakes::FakeChat,
    fields::Fields,
    rate_limit::{ORDINARY_COST, RateLimits},
};
use serde_json::json;

use super::{ask, body, header, welcome};
use crate::{
    Counters,
    metrics::Metrics,
    rest::{answer_counting, routes::routes},
};

#[test]
fn requests_beyond_the_allowance_are_answered_with_429_and_the_time_to_wait() {
    let number = |number| NonZeroU32::new(number).unwrap();
    let mut chat = welcome();
    let mut unmatched = sample!("list_conversations");
    unmatched["requestContext"]["routeKey"] = json!("$default");
    unmatched["rawPath"] = json!("/elsewhere");
    for (event, status, cost) in [
        (sample!("read_events"), 200, 1),
        (sample!("send_message_invalid"), 422, 1),
        (sample!("send_message_unauthenticated"), 401, 1),
        (unmatched, 404, 1),
        (sample!("list_conversations"), 200, 2),
        (sample!("create_conversation"), 200, 10),
    ] {
        chat.limits = RateLimits::new(number(1), number(cost));
        assert_eq!(ask(&chat, &event).status(), status, "{event}");
        let response = ask(&chat, &event);
        assert_eq!(response.status(), 429, "{event}");
        assert_eq!(header(&response, "retry-after"), cost.to_string());
        let problem = body(&response);
        assert_eq!(
            (
                &problem["code"],
                &problem["retry"],
                &problem["retryAfterMs"]
            ),
            (
                &json!("rate_limited"),
                &json!("later"),
                &json!(1_000 * cost)
            )
        );
        chat.runtime.advance(Duration::from_secs(cost.into()));
        assert_eq!(ask(&chat, &event).status(), status, "{event}");
    }
}

/// The body of a request that cannot pay the first part of its cost is not read.
#[test]
fn a_cost_that_depends_on_the_body_is_spent_in_two_parts_but_whole_or_not_at_all() {
    let number = |number| NonZeroU32::new(number).unwrap();
    let mut chat = welcome();
    let removals = sample!("remove_participants");
    // Four tokens, and two for each of two users.
    chat.limits = RateLimits::new(number(1), number(8));
    assert_eq!(ask(&chat, &removals).status(), 200);
    for (seconds, status, retry_after) in
        [(0, 429, "4"), (3, 429, "1"), (1, 429, "4"), (4, 200, "")]
    {
        chat.runtime.advance(Duration::from_secs(seconds));
        let response = ask(&chat, &removals);
        assert_eq!(response.status(), status, "{seconds} s later");
        assert_eq!(header(&response, "retry-after"), retry_after);
    }
}

/// How long the entries are that a request reads shows only afterwards.
#[test]
fn what_a_request_reads_is_charged_to_its_user() {
    let number = |number| NonZeroU32::new(number).unwrap();
    let chat = welcome();
    let limits = RateLimits::new(number(1), number(10));
    let counters = Counters::default();
    let metrics = Metrics::unprinted(counters.clone());
    let event = sample!("read_events").to_string();
    let status = || {
        let answer = answer_counting(&limits, &metrics, &chat, &event);
        chat.run(answer).unwrap().status()
    };
    counters.read(1024 * 1024);
    assert_eq!(status(), 200);
    // The request had a token, but not the 16 that it costs.
    assert_eq!(status(), 429);
    chat.runtime.advance(Duration::from_secs(8));
    assert_eq!(status(), 200);
    assert_eq!(status(), 429);
}

#[test]
fn the_protocol_lists_every_request_that_costs_more_than_one_token() {
    let document = include_str!("../../../../../docs/protocol.md");
    let (_, table) = document
        .split_once("| request | tokens |\n| --- | --- |\n")
        .unwrap();
    let documented: Vec<&str> = table
        .lines()
        .take_while(|line| line.starts_with("| `"))
        .collect();
    let routes = routes::<FakeChat>();
    let costly = routes.iter().filter(|route| route.cost != ORDINARY_COST);
    let costly: Vec<String> = costly
        .map(|route| {
            let path = route.pattern.replace("/conversations/{id}", "…");
            let one = json!({"users": ["ada"]}).as_object().cloned().unwrap();
            let each = match (route.cost_of)(&Fields::from_object(one)) - route.cost {
                0 => String::new(),
                each => format!(", and {each} for each user"),
            };
            format!("| `{} {path}` | {}{each} |", route.method, route.cost)
        })
        .collect();
    assert_eq!(documented, costly);
}
