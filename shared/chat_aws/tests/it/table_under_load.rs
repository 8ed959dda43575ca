//! Responses of a busy DynamoDB that no local engine gives: transaction conflicts and unprocessed
//! keys.

use chat::{
    contract::{at, change, connection, conversation, conversation_id, message, participant, user},
    domain::Draft,
    ports::{Connections as _, Log as _, Participants as _, Put},
};
use chat_aws::dynamo::Table;
use serde_json::{Value, json};

use crate::{
    engines::client,
    scripted::{response, serve},
};

fn ok(body: &Value) -> String {
    response(
        "200 OK",
        "content-type: application/x-amz-json-1.0\r\n",
        &body.to_string(),
    )
}

fn cancelled(codes: &[&str]) -> String {
    let reasons: Vec<Value> = codes.iter().map(|code| json!({"Code": code})).collect();
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled",
        "CancellationReasons": reasons,
    });
    let headers = "content-type: application/x-amz-json-1.0\r\n";
    response("400 Bad Request", headers, &body.to_string())
}

/// Creates a conversation with one participant. Returns the outcome and the number of attempts.
async fn create(script: Vec<String>) -> (Option<bool>, usize) {
    let (url, mut requests) = serve(script).await;
    let table = Table::new(client(&url), "chat");
    let created = table
        .create(&conversation("c", None), &[participant("ada")])
        .await;
    requests.close();
    let mut attempts = 0;
    while requests.recv().await.is_some() {
        attempts += 1;
    }
    (created.ok(), attempts)
}

#[tokio::test]
async fn a_conflicting_transaction_is_retried_and_a_rejected_one_is_not() {
    let conflict = || cancelled(&["TransactionConflict", "None"]);
    let throttled = cancelled(&["None", "ThrottlingError"]);
    let exists = || cancelled(&["ConditionalCheckFailed", "TransactionConflict"]);
    let invalid = cancelled(&["ValidationError", "None"]);
    for (script, expected) in [
        (vec![ok(&json!({}))], (Some(true), 1)),
        (vec![conflict(), throttled, ok(&json!({}))], (Some(true), 3)),
        (vec![exists()], (Some(false), 1)),
        (vec![conflict(), exists()], (Some(false), 2)),
        (vec![invalid], (None, 1)),
        (vec![conflict(); 6], (None, 5)),
    ] {
        let shown = format!("{script:?}");
        assert_eq!(create(script).await, expected, "{shown}");
    }
}

/// Puts an entry. Returns the outcome and the number of attempts.
async fn put(draft: &Draft, script: Vec<String>) -> (Option<Put>, usize) {
    let (url, mut requests) = serve(script).await;
    let table = Table::new(client(&url), "chat");
    let put = table.put(&conversation_id("c"), &at(1, draft)).await;
    requests.close();
    let mut attempts = 0;
    while requests.recv().await.is_some() {
        attempts += 1;
    }
    (put.ok(), attempts)
}

#[tokio::test]
async fn a_message_that_conflicts_with_a_transaction_is_put_again() {
    let conflict = || {
        let body = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
            "message": "Transaction is ongoing for the item",
        });
        let headers = "content-type: application/x-amz-json-1.0\r\n";
        response("400 Bad Request", headers, &body.to_string())
    };
    let hello = message("ada", "m-1", "Hello");
    for (script, expected) in [
        (
            vec![conflict(), conflict(), ok(&json!({}))],
            (Some(Put::Stored), 3),
        ),
        (vec![conflict(); 6], (None, 5)),
    ] {
        assert_eq!(put(&hello, script).await, expected);
    }
}

#[tokio::test]
async fn a_conflicting_change_is_retried_and_one_without_effect_is_not() {
    let addition = change("1", true, "grace");
    for (script, expected) in [
        (
            vec![cancelled(&["TransactionConflict", "None"]), ok(&json!({}))],
            (Some(Put::Stored), 2),
        ),
        (
            vec![cancelled(&["None", "ConditionalCheckFailed"])],
            (Some(Put::Unchanged), 1),
        ),
        // The response lacks the existing entry, so the outcome is unknown.
        (
            vec![cancelled(&["ConditionalCheckFailed", "None"])],
            (None, 1),
        ),
    ] {
        let shown = format!("{script:?}");
        assert_eq!(put(&addition, script).await, expected, "{shown}");
    }
}

#[tokio::test]
async fn unprocessed_keys_are_requested_again() {
    let about = json!({
        "pk": {"S": "conversation#c"}, "sk": {"S": "about"},
        "created_at": {"N": "1780000000123"}, "created_by": {"S": "ada"},
    });
    let ada = json!({
        "pk": {"S": "conversation#c"}, "sk": {"S": "participant#ada"}, "owner": {"S": "user#ada"},
        "name": {"S": "ADA"}, "role": {"S": "owner"}, "joined_at": {"N": "1780000000123"},
    });
    let left = json!({"chat": {
        "ConsistentRead": true,
        "Keys": [{"pk": {"S": "conversation#c"}, "sk": {"S": "participant#ada"}}],
    }});
    let script = vec![
        ok(&json!({"Responses": {"chat": [about]}, "UnprocessedKeys": left})),
        ok(&json!({"Responses": {"chat": []}, "UnprocessedKeys": left})),
        ok(&json!({"Responses": {"chat": [ada]}, "UnprocessedKeys": {}})),
    ];
    let (url, mut requests) = serve(script).await;
    let table = Table::new(client(&url), "chat");
    let memberships = table
        .memberships_of(&user("ada"), &[conversation_id("c")])
        .await
        .unwrap();
    assert_eq!(memberships, [(conversation("c", None), participant("ada"))]);

    let asked = |request: String| -> Value {
        serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let first = asked(requests.recv().await.unwrap());
    assert_eq!(
        first["RequestItems"]["chat"]["Keys"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    for _ in 0..2 {
        let again = asked(requests.recv().await.unwrap());
        assert_eq!(again, json!({"RequestItems": left}));
    }
}

#[tokio::test]
async fn keys_that_are_never_processed_are_an_internal_error() {
    let left = json!({"chat": {"Keys": [{"pk": {"S": "conversation#c"}, "sk": {"S": "about"}}]}});
    let never = ok(&json!({"Responses": {}, "UnprocessedKeys": left}));
    let (url, _requests) = serve(vec![never; 6]).await;
    let table = Table::new(client(&url), "chat");
    assert!(
        table
            .memberships_of(&user("ada"), &[conversation_id("c")])
            .await
            .is_err()
    );
}

#[tokio::test]
async fn unprocessed_rows_are_deleted_again() {
    let delete =
        |pk: &str, sk: &str| json!({"DeleteRequest": {"Key": {"pk": {"S": pk}, "sk": {"S": sk}}}});
    let subscription = delete("conversation#c", "viewer#ada\u{1f}a=");
    let places = delete("connection#a=", "places");
    let own = delete("user#ada", "connection#a=");
    let all = json!({"chat": [subscription, places, own]});
    let left = json!({"chat": [subscription]});
    let answer = |left: &Value| ok(&json!({"UnprocessedItems": left}));
    for (script, deleted) in [
        (vec![answer(&left), answer(&left), answer(&json!({}))], true),
        (vec![answer(&left); 5], false),
    ] {
        let attempts = script.len();
        let (url, mut requests) = serve(script).await;
        let table = Table::new(client(&url), "chat");
        let removed = table
            .remove_connection(&user("ada"), &connection("a=").id, &[conversation_id("c")])
            .await;
        assert_eq!(removed.is_ok(), deleted);
        for attempt in 0..attempts {
            let request = requests.recv().await.unwrap();
            let asked: Value =
                serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
            let expected = if attempt == 0 { &all } else { &left };
            assert_eq!(asked, json!({"RequestItems": expected}), "{attempt}");
        }
    }
}
