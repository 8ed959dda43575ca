//! Features that only the table has: times to live, owners, pages, errors of calls.

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use chat::{
    contract::{connection, conversation, conversation_id, participant, subscription, user},
    domain::{Content, Entry, ReadState, Seq, UserId},
    ports::{Connections as _, Log as _, Participants as _, Subscriptions as _},
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
    let subscription = row(&client, &name, "conversation#lunch", "viewer#ada\u{1f}c=").await;
    assert_eq!(subscription["expires_at"], expires_at);
    // An owner would cost an entry of the index.
    assert!(!subscription.contains_key("owner"), "{subscription:?}");
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
        let sk = format!("viewer#ada\u{1f}{}", subscriber.connection.id);
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

/// Earlier versions accepted ids, titles and bodies that are refused today.
#[tokio::test]
async fn what_an_earlier_version_stored_stays_readable() {
    let client = client(embedded());
    let (table, name) = create_table(&client).await;
    let decomposed = "Zoe\u{308}";
    let text = |name: &str, value: &str| (name.to_owned(), AttributeValue::S(value.to_owned()));
    let number = |name: &str, value: u64| (name.to_owned(), AttributeValue::N(value.to_string()));
    for row in [
        vec![
            text("sk", "about"),
            text("title", "\u{200b}"),
            text("created_by", decomposed),
            number("created_at", 1),
        ],
        vec![
            text("sk", &format!("participant#{decomposed}")),
            text("owner", &format!("user#{decomposed}")),
            text("name", "\u{202e}eoZ\u{200b}"),
            text("role", "owner"),
            number("joined_at", 1),
        ],
        vec![
            text("sk", "event#000000000001"),
            text("sender", decomposed),
            text("id", "m-1"),
            text("digest", "0"),
            text("kind", "message"),
            text("name", "\u{3164}"),
            text("body", "\u{200b}"),
            number("sent_at", 1),
        ],
        vec![
            text("sk", "event#000000000002"),
            text("sender", decomposed),
            text("id", "m-2"),
            text("digest", "0"),
            text("kind", "participant_removed"),
            text("user", "grace"),
            text("name", "Grace"),
            number("sent_at", 1),
        ],
    ] {
        let mut item = HashMap::from_iter(row);
        item.extend([text("pk", "conversation#c")]);
        let put = client.put_item().table_name(&name).set_item(Some(item));
        put.send().await.unwrap();
    }

    let id = conversation_id("c");
    let conversation = table.conversation(&id).await.unwrap().unwrap();
    assert_eq!(
        (conversation.title, conversation.created_by.as_str()),
        (None, decomposed)
    );
    let page = table.participants(&id, None, 10).await.unwrap();
    let zoe = &page.participants[0];
    assert_eq!((zoe.user.as_str(), zoe.name.as_str()), (decomposed, "eoZ"));
    let user = UserId::from_stored(decomposed).unwrap();
    assert!(table.participant(&id, &user).await.unwrap().is_some());
    let page = table.read_from(&id, Seq::START.next(), 10).await.unwrap();
    let Content::Message { name, body, .. } = &page.entries[0].draft.content else {
        panic!("a message was stored");
    };
    assert_eq!((name.as_str(), body.as_str()), (decomposed, "\u{200b}"));
    // Entries had no counters: each counts as a message.
    let [message, removal] = &page.entries[..] else {
        panic!("two entries were stored");
    };
    let of = |entry: &Entry| {
        let newest = entry.counters.newest_message;
        (entry.counters.messages, newest.map(Seq::number))
    };
    assert_eq!((of(message), of(removal)), ((1, Some(1)), (2, None)));
    assert_eq!(zoe.read, ReadState::default());
    // The next entries keep the number of messages that count as read.
    let draft = chat::contract::message("grace", "m-3", "new");
    let next = Entry::new(removal.seq.next(), removal.counters, draft);
    assert_eq!((next.counters.messages, next.counters.earlier), (3, 2));
    table.put(&id, &next).await.unwrap();
    let page = table.read_from(&id, next.seq, 1).await.unwrap();
    assert_eq!(page.entries, [next]);
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
