use super::{super::Case, numbered, repeated, short};

pub fn cases() -> Vec<Case> {
    let create = "POST /conversations\n\n{\"id\":\"c\",\"participants\":[";
    let send = "POST /conversations/welcome/messages\n\n{\"id\":\"m\",\"body\":\"";
    vec![
        numbered(
            "rest",
            "participants",
            create,
            |n| format!(r#""u{n}","#),
            r#""u"]}"#,
        ),
        repeated(
            "rest",
            "one participant again",
            create,
            r#""u","#,
            r#""u"]}"#,
        ),
        repeated(
            "rest",
            "participants that are no ids",
            create,
            "{},",
            "{}]}",
        ),
        repeated(
            "rest",
            "a long title",
            "POST /conversations\n\n{\"id\":\"c\",\"title\":\"",
            "x",
            "\"}",
        ),
        repeated("rest", "a long message", send, "x", "\"}"),
        repeated("rest", "nested arrays", "POST /conversations\n\n", "[", ""),
        short("rest", "segments", "GET /conversations", "/a", "\n\n"),
        short("rest", "slashes", "GET /conversations", "/", "\n\n"),
        short("rest", "braces", "GET /conversations/", "{", "\n\n"),
        repeated(
            "rest",
            "a route key of segments",
            "GET /\nx-route: GET /conversations",
            "/a",
            "\n\n",
        ),
        short(
            "rest",
            "a long id",
            "GET /conversations/",
            "x",
            "/events\n\n",
        ),
        Case {
            most: 512,
            ..numbered(
                "rest",
                "query",
                "GET /conversations/welcome/events?after=0",
                |n| format!("&q{n}=1"),
                "\n\n",
            )
        },
        short(
            "rest",
            "one parameter again",
            "GET /conversations/welcome/events?after=0",
            "&after=1",
            "\n\n",
        ),
        short(
            "rest",
            "digits",
            "GET /conversations/welcome/events?after=",
            "9",
            "\n\n",
        ),
        repeated(
            "rest",
            "a long key",
            "POST /conversations/welcome/messages\nidempotency-key: ",
            "k",
            "\n\n{\"body\":\"x\"}",
        ),
    ]
}
