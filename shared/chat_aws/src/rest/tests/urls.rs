//! Paths and queries.

use serde_json::{Value, json};

use super::{ask, body, header, welcome};

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
fn path_parameters_replace_fields_of_the_body() {
    let mut event = sample!("send_message");
    event["body"] = json!(r#"{"conversation": "elsewhere", "body": "hi"}"#);
    assert_eq!(
        body(&ask(&welcome(), &event))["conversation"],
        json!("welcome")
    );
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
fn an_emoji_in_a_path_is_decoded_and_loses_its_selectors() {
    let chat = welcome();
    ask(&chat, &sample!("send_message"));
    // `❤️`, `#️⃣` and `👍🏻`, as text and in base64url.
    for (path, emoji, seq) in [
        ("❤\u{fe0f}", "❤", json!(2)),
        ("base64url.4p2k77iP", "❤", Value::Null),
        ("base64url.I--4j-KDow", "#\u{20e3}", json!(3)),
        ("base64url.8J-RjfCfj7s=", "👍🏻", json!(4)),
        ("👍🏻", "👍🏻", Value::Null),
    ] {
        let mut event = sample!("react");
        event["pathParameters"]["emoji"] = json!(path);
        let reacted = body(&ask(&chat, &event));
        assert_eq!(
            (&reacted["emoji"], &reacted["seq"]),
            (&json!(emoji), &seq),
            "{path}"
        );
    }
    for bad in ["a", "base64url.YQ", "base64url.!", "👍👍"] {
        let mut event = sample!("withdraw_reaction");
        event["pathParameters"]["emoji"] = json!(bad);
        let problem = body(&ask(&chat, &event));
        assert_eq!(
            (&problem["code"], &problem["field"]),
            (&json!("invalid"), &json!("emoji")),
            "{bad}"
        );
    }
}
