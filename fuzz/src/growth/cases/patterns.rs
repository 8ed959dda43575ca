use super::{super::Case, numbered, repeated};

/// A pattern has at most 4,096 characters, so only few patterns grow. Records grow as far as those of
/// a stream.
pub fn cases() -> Vec<Case> {
    let rules = "{\"a\":[\"x\",{\"prefix\":\"y\"},{\"suffix\":\"z\"},{\"exists\":false}]}\n";
    vec![
        repeated("patterns", "nested fields", "", "{\"a\":", ""),
        repeated("patterns", "rules", "{\"a\":[", "\"x\",", "\"x\"]}\n{\"a\":\"y\"}"),
        repeated(
            "patterns",
            "alternatives",
            "{\"$or\":[",
            "{\"a\":[1]},",
            "{\"a\":[1]}]}\n{\"a\":2}",
        ),
        repeated(
            "patterns",
            "comparisons",
            "{\"a\":[{\"numeric\":[",
            "\"<\",9,",
            "\">\",0]}]}\n{\"a\":2}",
        ),
        repeated(
            "patterns",
            "excluded values",
            "{\"a\":[{\"anything-but\":[",
            "1,",
            "1]}]}\n{\"a\":2}",
        ),
        numbered(
            "patterns",
            "fields",
            "{",
            |n| format!(r#""f{n}":[1],"#),
            "\"f\":[1]}\n{}",
        ),
        repeated("patterns", "items of a record", &format!("{rules}{{\"a\":["), "1,", "1]}"),
        repeated(
            "patterns",
            "objects in a list of a record",
            "{\"a\":{\"b\":[\"x\"]}}\n{\"a\":[",
            "{\"b\":1},",
            "1]}",
        ),
        repeated(
            "patterns",
            "a long value of a record",
            "{\"a\":[{\"equals-ignore-case\":\"xX\"}]}\n{\"a\":\"",
            "X",
            "\"}",
        ),
        numbered(
            "patterns",
            "fields of a record",
            &format!("{rules}{{"),
            |n| format!(r#""f{n}":1,"#),
            "\"a\":1}",
        ),
    ]
}
