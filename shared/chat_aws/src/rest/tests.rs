//! The sample events and other requests, with the in-memory stores.

use chat::fakes::FakeChat;
use lambda_http::{Body, Response};
use serde_json::{Value, json};

use super::answer;

/// Reads a sample event.
macro_rules! sample {
    ($name:literal) => {
        serde_json::from_str::<serde_json::Value>(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../events/rest_",
            $name,
            ".json"
        )))
        .unwrap()
    };
}

mod bodies;
mod limits;
mod urls;
mod users;

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
        (sample!("react"), 200),
        (sample!("react"), 200),
        (sample!("withdraw_reaction"), 200),
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
