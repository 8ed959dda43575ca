use super::{super::Case, numbered, repeated};

pub fn cases() -> Vec<Case> {
    let queue = r#""QueueUrl":"http://127.0.0.1:9324/123456789012/Jobs""#;
    let send = &format!("SendMessage {{{queue},\"MessageBody\":\"");
    let attributes = &format!("SendMessage {{{queue},\"MessageBody\":\"x\",\"MessageAttributes\":{{");
    let receive = &format!(
        "SendMessage {{{queue},\"MessageBody\":\"x\",\"MessageAttributes\":{{\"a\":{{\"DataType\":\
         \"String\",\"StringValue\":\"v\"}}}}}}\nReceiveMessage {{{queue},\"MessageAttributeNames\":["
    );
    let batch = &format!("SendMessageBatch {{{queue},\"Entries\":[");
    vec![
        repeated("sqs", "a long body", send, "x", "\"}"),
        repeated("sqs", "escapes in a body", send, r"\u00e9", "\"}"),
        numbered(
            "sqs",
            "attributes",
            attributes,
            |n| format!(r#""a{n}":{{"DataType":"String","StringValue":"v"}},"#),
            r#""a":{"DataType":"String","StringValue":"v"}}}"#,
        ),
        repeated("sqs", "names of attributes", receive, "\"a.*\",", "\"a\"]}"),
        repeated(
            "sqs",
            "a long type of an attribute",
            &format!("{attributes}\"a\":{{\"StringValue\":\"v\",\"DataType\":\"String."),
            "a.",
            "\"}}}",
        ),
        repeated(
            "sqs",
            "a binary attribute",
            &format!("{attributes}\"a\":{{\"DataType\":\"Binary\",\"BinaryValue\":\""),
            "AAAA",
            "\"}}}",
        ),
        numbered(
            "sqs",
            "entries",
            batch,
            |n| format!(r#"{{"Id":"e{n}","MessageBody":"x"}},"#),
            r#"{"Id":"e","MessageBody":"x"}]}"#,
        ),
        repeated(
            "sqs",
            "a long entry",
            &format!("{batch}{{\"Id\":\"e\",\"MessageBody\":\""),
            "x",
            "\"}]}",
        ),
        repeated(
            "sqs",
            "a long receipt",
            &format!("DeleteMessage {{{queue},\"ReceiptHandle\":\""),
            "AAAA",
            "\"}",
        ),
        repeated("sqs", "a long name of a queue", "GetQueueUrl {\"QueueName\":\"", "x", "\"}"),
        repeated("sqs", "slashes in a URL", "PurgeQueue {\"QueueUrl\":\"", "/", "\"}"),
        repeated("sqs", "nested", "SendMessage ", "[", ""),
    ]
}
