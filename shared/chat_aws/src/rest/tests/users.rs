//! Users in paths.

use chat::fakes::FakeChat;
use serde_json::{Value, json};

use super::{ask, body, welcome};

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
