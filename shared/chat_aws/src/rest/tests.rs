//! The sample events and other requests, with the in-memory stores.

use std::{num::NonZeroU32, time::Duration};

use chat::{
    fakes::FakeChat,
    fields::Fields,
    rate_limit::{ORDINARY_COST, RateLimits},
};
use lambda_http::{Body, Response};
use serde_json::{Value, json};

use super::{answer, routes::routes};

/// Reads a sample event.
macro_rules! sample {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!(
            "../../../../events/rest_",
            $name,
            ".json"
        )))
        .unwrap()
    };
}

fn ask(chat: &FakeChat, event: &Value) -> Response<Body> {
    let event = event.to_string();
    let response = chat.run(answer(&chat.limits, chat, &event)).unwrap();
    assert_eq!(header(&response, "cache-control"), "no-store");
    response
}

fn body(response: &Response<Body>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

/// Returns a chat that has the samples' conversation.
fn welcome() -> FakeChat {
    let chat = FakeChat::new();
    ask(&chat, &sample!("create_conversation"));
    chat
}

/// Returns another message than the sample.
fn second_message() -> Value {
    let mut event = sample!("send_message");
    event["headers"]["idempotency-key"] = json!("second");
    event
}

#[test]
fn the_samples_get_the_responses_that_their_readme_lists() {
    let chat = FakeChat::new();
    for (event, status) in [
        (sample!("create_conversation"), 201),
        (sample!("create_conversation"), 200),
        (sample!("list_conversations"), 200),
        (sample!("send_message"), 201),
        (sample!("send_message"), 200),
        (sample!("send_message_invalid"), 422),
        (sample!("send_message_unauthenticated"), 401),
        (sample!("receipt"), 200),
        (second_message(), 201),
        (sample!("edit_message"), 201),
        (sample!("edit_message"), 200),
        (sample!("delete_message"), 201),
        (sample!("delete_message"), 200),
        (sample!("show_presence"), 200),
        (sample!("read_events"), 200),
        (sample!("read_messages"), 200),
        (sample!("read_messages_not_found"), 404),
        (sample!("remove_participants"), 200),
    ] {
        let response = ask(&chat, &event);
        assert_eq!(response.status(), status, "{event}\n{}", body(&response));
        let content_type = header(&response, "content-type");
        let expected = if status < 400 {
            "application/json"
        } else {
            "application/problem+json"
        };
        assert_eq!(content_type, expected);
    }
}

#[test]
fn what_is_no_url_does_not_end_the_process() {
    let chat = welcome();
    for query in [
        "x=<^>`{|}\\\"",
        "x=a b",
        "x=\u{e9}",
        "x=%zz%",
        "?#",
        "x=\u{7f}\n",
    ] {
        for host in ["bcdefa2345.example.org", "a:99999999", "a b", "[", ""] {
            let mut event = sample!("read_events");
            event["rawQueryString"] = json!(query);
            event["headers"]["host"] = json!(host);
            event["headers"]["x-forwarded-proto"] = json!("no scheme");
            let response = ask(&chat, &event);
            assert_eq!(response.status(), 200, "{query} {host}");
        }
    }
    for path in ["", "[\u{f}", "//[", "/ \\"] {
        let mut event = sample!("read_events");
        event["rawPath"] = json!(path);
        assert_eq!(ask(&chat, &event).status(), 200, "{path}");
    }
}

#[test]
fn characters_of_a_query_mean_the_same_with_and_without_an_escape() {
    let chat = welcome();
    for query in [
        "after=0&limit=1",
        "after=%30&limit=%31",
        "after=0&limit=1&<>=^",
    ] {
        let mut event = sample!("read_events");
        event["rawQueryString"] = json!(query);
        let expected = ask(&chat, &sample!("read_events"));
        assert_eq!(ask(&chat, &event).status(), expected.status(), "{query}");
    }
    let mut event = sample!("read_events");
    event["rawQueryString"] = json!("after=0<");
    let problem = body(&ask(&chat, &event));
    assert_eq!(problem["field"], json!("after"));
}

#[test]
fn the_idempotency_key_is_the_id_of_a_message_without_one() {
    let chat = welcome();
    let sent = ask(&chat, &sample!("send_message"));
    assert_eq!(
        body(&sent)["id"],
        sample!("send_message")["headers"]["idempotency-key"]
    );
    assert_eq!(body(&sent)["seq"], json!(1));

    let mut event = sample!("send_message");
    event["body"] = json!(r#"{"id": "another", "body": "Hello"}"#);
    let problem = body(&ask(&chat, &event));
    assert_eq!(
        (&problem["code"], &problem["field"]),
        (&json!("invalid"), &json!("id"))
    );
}

#[test]
fn a_problem_has_the_members_of_the_rfc_and_of_an_error_frame() {
    let response = ask(&welcome(), &sample!("send_message_unauthenticated"));
    let detail = "the token has expired; get a new one and connect with it";
    let expected = json!({
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": detail,
        "code": "unauthenticated",
        "message": detail,
        "retry": "reauthenticate",
    });
    assert_eq!(body(&response), expected);
    assert_eq!(
        header(&response, "www-authenticate"),
        r#"Bearer error="invalid_token""#
    );
}

#[test]
fn a_body_that_is_not_a_json_object_is_malformed() {
    let chat = welcome();
    for text in [json!("[]"), json!("{"), json!(""), Value::Null] {
        let mut event = sample!("send_message");
        event["body"] = text.clone();
        let response = ask(&chat, &event);
        assert_eq!(response.status(), 400, "{text}");
        assert_eq!(body(&response)["code"], json!("malformed"), "{text}");
    }
}

#[test]
fn a_long_body_is_refused_before_it_is_parsed() {
    let chat = welcome();
    let longest = 256 * 1024;
    for (length, code) in [(longest, "malformed"), (longest + 1, "too_large")] {
        let mut event = sample!("send_message");
        event["body"] = json!("[".repeat(length));
        assert_eq!(body(&ask(&chat, &event))["code"], json!(code), "{length}");
    }
}

/// Python and others escape everything beyond ASCII.
#[test]
fn the_longest_message_and_list_of_users_fit_into_a_body_however_they_are_escaped() {
    let escaped = |number: usize| "\\u0061".repeat(number);
    let mut message = sample!("send_message");
    message["body"] = json!(format!(r#"{{"body": "{}"}}"#, escaped(16_384)));
    assert_eq!(ask(&welcome(), &message).status(), 201);

    let users: Vec<_> = (100..190)
        .map(|number| format!(r#""{}{number}""#, escaped(125)))
        .collect();
    let mut creation = sample!("create_conversation");
    creation["body"] = json!(format!(r#"{{"participants": [{}]}}"#, users.join(", ")));
    assert_eq!(ask(&FakeChat::new(), &creation).status(), 201);
}

#[test]
fn a_body_may_be_encoded_as_base64() {
    let mut event = sample!("send_message");
    event["body"] = json!("eyJib2R5IjoiaGkifQ==");
    event["isBase64Encoded"] = json!(true);
    assert_eq!(ask(&welcome(), &event).status(), 201);
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    // `{"body": "` 0xff `"}`
    let mut event = sample!("send_message");
    event["body"] = json!("eyJib2R5IjogIv8ifQ==");
    event["isBase64Encoded"] = json!(true);
    let response = ask(&welcome(), &event);
    assert_eq!(response.status(), 400);
    assert_eq!(body(&response)["code"], json!("malformed"));
}

#[test]
fn path_parameters_replace_fields_of_the_body() {
    let mut event = sample!("send_message");
    event["body"] = json!(r#"{"conversation": "elsewhere", "body": "hi"}"#);
    assert_eq!(
        body(&ask(&welcome(), &event))["conversation"],
        json!("welcome")
    );
}

/// Adds or removes `user`, as the gateway decoded them from a path.
fn change(chat: &FakeChat, method: &str, user: &str) -> (u16, Value) {
    let mut event = sample!("read_events");
    let key = format!("{method} /conversations/{{id}}/participants/{{user}}");
    event["routeKey"] = json!(key);
    event["requestContext"]["routeKey"] = json!(key);
    event["requestContext"]["http"]["method"] = json!(method);
    event["rawPath"] = json!(format!("/conversations/welcome/participants/{user}"));
    event["pathParameters"] = json!({"id": "welcome", "user": user});
    let response = ask(chat, &event);
    (response.status().as_u16(), body(&response))
}

#[test]
fn the_id_of_a_deletion_may_be_in_the_query_or_in_the_header() {
    let chat = welcome();
    ask(&chat, &sample!("send_message"));
    let delete = |query: &str, key: Option<&str>| {
        let mut event = sample!("delete_message");
        event["pathParameters"]["seq"] = json!("1");
        event["rawQueryString"] = json!(query);
        let headers = event["headers"].as_object_mut().unwrap();
        headers.remove("idempotency-key");
        headers.extend(key.map(|key| ("idempotency-key".to_owned(), json!(key))));
        let response = ask(&chat, &event);
        (response.status().as_u16(), body(&response))
    };
    for (query, key) in [("", None), ("id=d-1", Some("d-2"))] {
        let (status, problem) = delete(query, key);
        assert_eq!((status, &problem["field"]), (422, &json!("id")), "{query}");
    }
    let (status, deleted) = delete("id=d-1&after=1", None);
    assert_eq!((status, &deleted["id"]), (201, &json!("d-1")));
    let (status, deleted) = delete("id=d-1&after=1", Some("d-1"));
    assert_eq!((status, &deleted["seq"]), (200, &json!(2)));
    let (status, deleted) = delete("", Some("d-3"));
    assert_eq!((status, &deleted["id"]), (200, &json!("d-3")));
}

#[test]
fn the_participant_is_the_path_parameter_that_the_gateway_decoded() {
    let chat = welcome();
    let added = change(&chat, "PUT", "https://id/100%");
    assert_eq!(added, (200, json!({"seq": 1})));

    let read = body(&ask(&chat, &sample!("read_events")));
    assert_eq!(read["events"][0]["user"], json!("https://id/100%"));
}

#[test]
fn a_user_id_in_a_path_may_be_encoded_so_that_the_gateway_does_not_change_it() {
    let chat = welcome();
    // `100% sure?`, with and without padding.
    for (encoded, expected) in [
        ("base64url.MTAwJSBzdXJlPw", json!({"seq": 1})),
        ("base64url.MTAwJSBzdXJlPw==", json!({"seq": null})),
    ] {
        assert_eq!(change(&chat, "PUT", encoded), (200, expected), "{encoded}");
    }
    let read = body(&ask(&chat, &sample!("read_events")));
    assert_eq!(read["events"][0]["user"], json!("100% sure?"));
    let removed = change(&chat, "DELETE", "base64url.MTAwJSBzdXJlPw");
    assert_eq!(removed, (200, json!({"seq": 2})));

    // No base64url, no UTF-8, no user id.
    for bad in [
        "base64url.a+b/",
        "base64url.a",
        "base64url._w",
        "base64url.",
    ] {
        let (status, problem) = change(&chat, "PUT", bad);
        assert_eq!(
            (status, &problem["code"], &problem["field"]),
            (422, &json!("invalid"), &json!("user")),
            "{bad}"
        );
    }
}

#[test]
fn ids_that_look_like_another_one_are_refused() {
    for bad in ["Zoe\u{308}", "ad\u{200b}a", "ad\u{fffd}", " ada"] {
        let (status, problem) = change(&welcome(), "PUT", bad);
        assert_eq!(
            (status, &problem["field"]),
            (422, &json!("user")),
            "{bad:?}"
        );
    }
}

#[test]
fn a_participant_of_an_earlier_version_can_be_removed() {
    let (status, changed) = change(&welcome(), "DELETE", "Zoe\u{308}");
    assert_eq!((status, changed), (200, json!({"seq": null})));
}

#[test]
fn numbers_in_a_query_may_be_written_as_in_json() {
    let chat = welcome();
    let read = |mut event: Value, query: &str| {
        event["rawQueryString"] = json!(query);
        let response = ask(&chat, &event);
        (response.status().as_u16(), body(&response))
    };
    for (query, status) in [
        ("after=0.0&limit=5.0", 200),
        ("after=0e0&limit=1e2", 200),
        ("after=0&limit=-1e300", 200),
        ("after=0.5", 409),
        ("after=0&limit=0.5", 422),
        ("after=%FF", 422),
    ] {
        let (answered, problem) = read(sample!("read_events"), query);
        assert_eq!(answered, status, "{query}: {problem}");
    }
    for (query, status) in [("before=5.0", 200), ("before=0.5", 422), ("limit=abc", 422)] {
        let (answered, problem) = read(sample!("read_messages"), query);
        assert_eq!(answered, status, "{query}: {problem}");
    }
    let (_, problem) = read(sample!("read_messages"), "limit=abc");
    assert_eq!(problem["message"], json!("`limit` must be a whole number"));
}

#[test]
fn the_path_selects_the_route_if_the_gateway_did_not() {
    let chat = welcome();
    for (stage, method, path, status, allow) in [
        ("$default", "GET", "/conversations/welcome", 200, ""),
        ("dev", "GET", "/dev/conversations/welcome", 200, ""),
        ("dev", "GET", "/conversations/welcome", 200, ""),
        ("$default", "PATCH", "/conversations", 405, "POST, GET"),
        ("$default", "GET", "/elsewhere", 404, ""),
    ] {
        let mut event = sample!("list_conversations");
        event["requestContext"]["routeKey"] = json!("$default");
        event["requestContext"]["stage"] = json!(stage);
        event["requestContext"]["http"]["method"] = json!(method);
        event["rawPath"] = json!(path);
        let response = ask(&chat, &event);
        assert_eq!(response.status(), status, "{method} {path}");
        assert_eq!(header(&response, "allow"), allow, "{method} {path}");
    }
}

#[test]
fn an_event_without_an_identity_is_an_internal_error_without_details() {
    let mut event = sample!("list_conversations");
    event["requestContext"]
        .as_object_mut()
        .unwrap()
        .remove("authorizer")
        .unwrap();
    let response = ask(&welcome(), &event);
    assert_eq!(response.status(), 500);
    assert_eq!(body(&response)["code"], json!("internal"));
    assert_eq!(header(&response, "retry-after"), "1");
}

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

#[test]
fn the_protocol_lists_every_request_that_costs_more_than_one_token() {
    let document = include_str!("../../../../docs/protocol.md");
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
