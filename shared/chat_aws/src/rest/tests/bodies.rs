//! Bodies, and the id of a message in its body, its query or its header.

use chat::fakes::FakeChat;
use serde_json::{Value, json};

use super::{ask, body, welcome};

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
