//! A message into a large conversation.

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use chat::ports::Clock as _;
use futures_util::{StreamExt as _, stream};

use super::Small;

/// Writes participants, each with a subscription, bypassing the ports.
async fn crowd(small: &Small, number: usize) {
    let connected_at = small.ports.now().millis();
    let text = |text: String| AttributeValue::S(text);
    let item = |fields: Vec<(&str, AttributeValue)>| {
        let fields = fields.into_iter();
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        let put = PutRequest::builder().set_item(Some(fields.collect()));
        WriteRequest::builder()
            .put_request(put.build().unwrap())
            .build()
    };
    let rows: Vec<WriteRequest> = (0..number)
        .flat_map(|number| {
            let user = format!("user-{number:04}");
            let pk = text("conversation#c".into());
            let participant = item(vec![
                ("pk", pk.clone()),
                ("sk", text(format!("participant#{user}"))),
                ("owner", text(format!("user#{user}"))),
                ("name", text(user.clone())),
                ("role", text("member".into())),
                ("joined_at", AttributeValue::N("1780000000000".into())),
            ]);
            let connection = format!("L0SM9cOFvHc{number:04}=");
            let subscription = item(vec![
                ("pk", pk),
                ("sk", text(format!("viewer#{user}\u{1f}{connection}"))),
                ("user", text(user)),
                ("connected_at", AttributeValue::N(connected_at.to_string())),
                ("expires_at", AttributeValue::N("4000000000".into())),
            ]);
            [participant, subscription]
        })
        .collect();
    let calls = rows.chunks(25).map(|rows| {
        let call = small.plain.batch_write_item();
        call.request_items(&small.table, rows.to_vec()).send()
    });
    let mut calls = stream::iter(calls).buffer_unordered(4);
    while let Some(written) = calls.next().await {
        let left = written.unwrap().unprocessed_items.unwrap_or_default();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test]
async fn a_message_into_a_room_of_5_000_reads_few_units_before_the_first_push() {
    let small = Small::conversation().await;
    crowd(&small, 5_000).await;
    let cost = small.send("m-1", Some(0)).await;
    let before = cost.before_push.as_ref().unwrap();
    assert!(before.read_units <= 60.0, "{before:?}");
    assert!(before.rounds <= 4, "{before:?}");
    // No page is read twice. How many are reached in three seconds depends on the machine.
    assert!(cost.pushed.len() > 500, "{} pushes", cost.pushed.len());
    assert!(cost.read_units <= 300.0, "{} units", cost.read_units);
}
