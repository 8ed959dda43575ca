use super::{super::Case, numbered, repeated};

pub fn cases() -> Vec<Case> {
    let send = r#"{"action":"sendMessage","conversation":"welcome","id":"m","body":""#;
    let ping = r#"{"action":"ping","positions":{"#;
    vec![
        repeated("frames", "nested arrays", "", "[", ""),
        repeated("frames", "nested objects", "", r#"{"a":"#, ""),
        repeated("frames", "a long body", send, "x", r#""}"#),
        repeated("frames", "escapes in a body", send, r"\u00e9", r#""}"#),
        repeated("frames", "quotes in a body", send, r#"\""#, r#""}"#),
        repeated("frames", "surrogates", send, r"\ud83d\ude00", r#""}"#),
        repeated("frames", "a long action", r#"{"action":""#, "x", r#""}"#),
        repeated(
            "frames",
            "a long ref",
            r#"{"ref":""#,
            "x",
            r#"","action":"ping"}"#,
        ),
        repeated(
            "frames",
            "digits",
            r#"{"action":"subscribe","after":"#,
            "9",
            "}",
        ),
        repeated("frames", "white space", "", " ", r#"{"action":"ping"}"#),
        numbered(
            "frames",
            "unknown fields",
            r#"{"action":"ping""#,
            |n| format!(r#","f{n}":1"#),
            "}",
        ),
        numbered(
            "frames",
            "positions",
            ping,
            |n| format!(r#""c{n}":1,"#),
            r#""c":1}}"#,
        ),
        repeated(
            "frames",
            "one field again",
            r#"{"action":"ping""#,
            r#","a":1"#,
            "}",
        ),
    ]
}
