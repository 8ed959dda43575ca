use super::{super::Case, numbered, repeated};

pub fn cases() -> Vec<Case> {
    let deep = "{\"a\":{\"a\":1}}";
    vec![
        repeated(
            "selections",
            "steps",
            "$request.body.a",
            ".a",
            &format!("\n{deep}"),
        ),
        repeated(
            "selections",
            "indexes",
            "$request.body.a",
            "[0]",
            &format!("\n{deep}"),
        ),
        repeated("selections", "dots", "$request.body.", ".", "\n"),
        repeated("selections", "brackets", "$request.body.a", "[", "\n"),
        repeated(
            "selections",
            "references",
            "",
            "${request.body.a}",
            &format!("\n{deep}"),
        ),
        repeated("selections", "open references", "", "${", "\n"),
        repeated("selections", "open braces", "${", "{", "\n"),
        repeated("selections", "escaped dollars", "", r"\$", "\n"),
        repeated("selections", "text", "", "é", "\n"),
        repeated(
            "selections",
            "nested message",
            "$request.body.a\n",
            "{\"a\":",
            "1",
        ),
        repeated(
            "selections",
            "a long value",
            "$request.body.a\n{\"a\":\"",
            "x",
            "\"}",
        ),
        repeated(
            "selections",
            "a list of values",
            "$request.body.a\n{\"a\":[",
            "1,",
            "1]}",
        ),
        numbered(
            "selections",
            "fields",
            "$request.body.a\n{",
            |n| format!(r#""f{n}":1,"#),
            r#""a":1}"#,
        ),
    ]
}
