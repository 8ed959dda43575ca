//! Features that only the table has: times to live, owners, pages, errors of calls.

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use chat::{
    contract::{connection, conversation, conversation_id, participant, subscription, user},
    ports::{Connections as _, Participants as _, Subscriptions as _},
};
use chat_aws::dynamo::Table;

use crate::engines::{client, create_table, embedded};

async fn row(client: &Client, table: &str, pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    let get = client.get_item().table_name(table);
    let get = get
        .key("pk", AttributeValue::S(pk.into()))
        .key("sk", AttributeValue::S(sk.into()));
    get.send().await.unwrap().item.unwrap()
}

#[tokio::test]
async fn rows_have_the_attributes_for_ttl_and_index() {
    let client = client(embedded());
    let (table, name) = create_table(&client).await;
    table
        .add_connection(&user("ada"), &connection("c="))
        .await
        .unwrap();
    table
        .subscribe(&conversation_id("lunch"), &subscription("ada", "c="))
        .await
        .unwrap();
    assert!(
        table
            .create(&conversation("lunch", None), &[participant("ada")])
            .await
            .unwrap()
    );

    // 2 h 5 min after the handshake, in seconds.
    let expires_at = AttributeValue::N("1780007500".into());
    assert_eq!(
        row(&client, &name, "user#ada", "connection#c=").await["expires_at"],
        expires_at
    );
    let subscription = row(&client, &name, "conversation#lunch", "subscription#c=").await;
    assert_eq!(subscription["expires_at"], expires_at);
    assert_eq!(
        subscription["owner"],
        AttributeValue::S("connection#c=".into())
    );
    let participant = row(&client, &name, "conversation#lunch", "participant#ada").await;
    assert_eq!(participant["owner"], AttributeValue::S("user#ada".into()));
    for row in [
        participant,
        row(&client, &name, "conversation#lunch", "about").await,
    ] {
        assert!(!row.contains_key("expires_at"), "{row:?}");
    }
}

#[tokio::test]
async fn a_roster_of_more_than_one_page_is_complete() {
    let client = client(embedded());
    let (table, name) = create_table(&client).await;
    let id = conversation_id("c");
    let subscribers = ["a=", "b=", "c=", "d=", "e="].map(|name| subscription("ada", name));
    for subscriber in &subscribers {
        table.subscribe(&id, subscriber).await.unwrap();
        // A page is limited to a megabyte of whole rows, even if a projection returns less.
        let sk = format!("subscription#{}", subscriber.connection.id);
        let key = [("pk", "conversation#c".to_owned()), ("sk", sk)];
        let key = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value)));
        client
            .update_item()
            .table_name(&name)
            .set_key(Some(key.into()))
            .update_expression("SET ballast = :ballast")
            .expression_attribute_values(":ballast", AttributeValue::S("x".repeat(390_000)))
            .send()
            .await
            .unwrap();
    }
    assert_eq!(table.roster(&id).await.unwrap().subscriptions, subscribers);
}

#[tokio::test]
async fn an_internal_error_names_the_service_s_error_but_no_content() {
    let table = Table::new(client(embedded()), "missing");
    let error = table
        .add_connection(&user("ada"), &connection("c="))
        .await
        .unwrap_err();
    let text = format!("{error:?} {error}");
    assert!(text.contains("ResourceNotFoundException"), "{text}");
    assert!(!text.contains("ada"), "{text}");
}
