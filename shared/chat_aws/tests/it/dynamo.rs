//! The contract, kept by the table on an engine in this process; and what only the table has: times to live, owners.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    types::{
        AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
        KeyType, Projection, ProjectionType, ScalarAttributeType,
    },
};
use chat::ports::{Connections as _, Participants as _, Subscriptions as _};
use chat_aws::dynamo::Table;
use tokio::net::TcpListener;

use crate::contract::{
    self, connection, conversation, conversation_id, participant, subscription, user,
};

const NAME: &str = "chat";

/// A client of an engine of its own.
async fn engine() -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let database = dynoxide::Database::memory().unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    client(&format!("http://{address}"))
}

/// A client of a DynamoDB at this URL. It repeats nothing.
pub fn client(url: &str) -> Client {
    let configuration = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .retry_config(RetryConfig::disabled())
        .credentials_provider(Credentials::new("local", "local", None, None, "test"));
    Client::from_conf(configuration.build())
}

/// The table of `infra/template.yaml`.
async fn create_table(client: &Client) {
    let key = |name: &str, kind| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
            .unwrap()
    };
    let text = |name: &str| {
        let definition = AttributeDefinition::builder().attribute_name(name);
        definition
            .attribute_type(ScalarAttributeType::S)
            .build()
            .unwrap()
    };
    let by_owner = GlobalSecondaryIndex::builder()
        .index_name("by_owner")
        .key_schema(key("owner", KeyType::Hash))
        .key_schema(key("pk", KeyType::Range))
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::KeysOnly)
                .build(),
        );
    client
        .create_table()
        .table_name(NAME)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .set_attribute_definitions(Some(["pk", "sk", "owner"].map(text).into()))
        .global_secondary_indexes(by_owner.build().unwrap())
        .send()
        .await
        .unwrap();
}

/// Names each test after the sentence of the contract that it checks on a table of its own.
macro_rules! the_table_keeps {
    ($($noun:ident: $($sentence:ident)*;)*) => {
        $(mod $noun {
            $(#[tokio::test]
            async fn $sentence() {
                let client = super::engine().await;
                super::create_table(&client).await;
                super::contract::$noun::$sentence(&super::Table::new(client, super::NAME)).await;
            })*
        })*
    };
}

the_table_keeps! {
    log:
        an_entry_is_read_as_it_was_stored
        entries_are_in_ascending_order_and_every_one_is_included
        a_page_holds_at_most_a_megabyte_and_says_that_there_are_more
        reading_back_is_descending_from_the_last_entry
        logs_are_kept_apart
        an_entry_is_not_replaced_and_is_answered_instead
        a_repeated_put_is_answered_with_itself
        of_puts_at_one_position_one_wins_and_all_others_learn_of_it;
    participants:
        a_conversation_is_stored_with_all_its_participants
        a_conversation_needs_no_title_and_may_have_91_participants
        a_conversation_that_exists_is_not_changed_by_creating_it
        of_two_that_create_a_conversation_one_does
        what_does_not_exist_is_not_found
        a_participant_that_is_there_is_not_changed_by_adding_him
        a_removed_participant_is_not_found_any_more
        conversations_of_a_user_are_in_the_order_of_their_ids
        a_page_may_begin_after_a_conversation_that_is_none_of_the_user
        only_conversations_in_which_the_user_takes_part_are_confirmed
        fifty_conversations_are_confirmed_at_once;
    subscriptions:
        the_roster_is_all_participants_and_all_subscriptions
        a_subscription_that_is_stored_again_is_one
        a_stale_subscription_is_kept_until_it_is_deleted
        unsubscribing_deletes_one_subscription_if_it_is_there
        the_conversations_of_a_connection_are_those_it_is_subscribed_to;
    connections:
        connections_of_a_user_are_all_that_were_stored
        disconnecting_deletes_one_connection_if_it_is_there;
}

async fn row(client: &Client, pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    let get = client.get_item().table_name(NAME);
    let get = get
        .key("pk", AttributeValue::S(pk.into()))
        .key("sk", AttributeValue::S(sk.into()));
    get.send().await.unwrap().item.unwrap()
}

#[tokio::test]
async fn rows_carry_what_ttl_and_index_need() {
    let client = engine().await;
    create_table(&client).await;
    let table = Table::new(client.clone(), NAME);
    table
        .connected(&user("ada"), &connection("c="))
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
        row(&client, "user#ada", "connection#c=").await["expires_at"],
        expires_at
    );
    let subscription = row(&client, "conversation#lunch", "subscription#c=").await;
    assert_eq!(subscription["expires_at"], expires_at);
    assert_eq!(
        subscription["owner"],
        AttributeValue::S("connection#c=".into())
    );
    let participant = row(&client, "conversation#lunch", "participant#ada").await;
    assert_eq!(participant["owner"], AttributeValue::S("user#ada".into()));
    for row in [
        participant,
        row(&client, "conversation#lunch", "about").await,
    ] {
        assert!(!row.contains_key("expires_at"), "{row:?}");
    }
}

#[tokio::test]
async fn a_roster_of_more_than_one_page_is_complete() {
    let client = engine().await;
    create_table(&client).await;
    let table = Table::new(client.clone(), NAME);
    let id = conversation_id("c");
    let listeners = ["a=", "b=", "c=", "d=", "e="].map(|name| subscription("ada", name));
    for listener in &listeners {
        table.subscribe(&id, listener).await.unwrap();
        // A page is a megabyte of whole rows, whatever is asked of them.
        let sk = format!("subscription#{}", listener.connection.id);
        let key = [("pk", "conversation#c".to_owned()), ("sk", sk)];
        let key = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value)));
        client
            .update_item()
            .table_name(NAME)
            .set_key(Some(key.into()))
            .update_expression("SET ballast = :ballast")
            .expression_attribute_values(":ballast", AttributeValue::S("x".repeat(390_000)))
            .send()
            .await
            .unwrap();
    }
    assert_eq!(table.roster(&id).await.unwrap().subscriptions, listeners);
}

#[tokio::test]
async fn a_fault_names_the_service_s_error_and_no_content() {
    let table = Table::new(engine().await, "missing");
    let fault = table
        .connected(&user("ada"), &connection("c="))
        .await
        .unwrap_err();
    let told = format!("{fault:?} {fault}");
    assert!(told.contains("ResourceNotFoundException"), "{told}");
    assert!(!told.contains("ada"), "{told}");
}
