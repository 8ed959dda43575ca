use super::{super::Case, numbered, repeated};

pub fn cases() -> Vec<Case> {
    let statement =
        r#"{"Effect":"Allow","Action":"dynamodb:*","Resource":"arn:aws:dynamodb:*:*:table/*a*b"}"#;
    let call = &format!("PutItem\n{statement}\n{{\"TableName\":\"");
    vec![
        repeated("policies", "a long name of a table", call, "a", "\"}"),
        numbered(
            "policies",
            "tables",
            &format!("BatchGetItem\n{statement}\n{{\"RequestItems\":{{"),
            |n| format!(r#""t{n}":{{}},"#),
            r#""t":{}}}"#,
        ),
        repeated(
            "policies",
            "parts of a transaction",
            &format!("TransactWriteItems\n{statement}\n{{\"TransactItems\":["),
            r#"{"Put":{"TableName":"t"}},"#,
            r#"{"Put":{"TableName":"t"}}]}"#,
        ),
        repeated(
            "policies",
            "a nested item",
            &format!("PutItem\n{statement}\n"),
            "{\"Item\":",
            "",
        ),
        repeated(
            "policies",
            "stars",
            "PutItem\n{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"arn:",
            "*",
            "\"}\n{\"TableName\":\"abc\"}",
        ),
        numbered(
            "policies",
            "actions",
            "PutItem\n{\"Effect\":\"Allow\",\"Resource\":\"*\",\"Action\":[",
            |n| format!(r#""a:{n}","#),
            "\"a:b\"]}\n{\"TableName\":\"abc\"}",
        ),
        numbered(
            "policies",
            "resources",
            "PutItem\n{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":[",
            |n| format!(r#""arn:{n}","#),
            "\"arn:b\"]}\n{\"TableName\":\"abc\"}",
        ),
    ]
}
