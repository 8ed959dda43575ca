//! Two versions at once: recorded rows and frames of earlier releases, and rows of a later one.
//!
//! Each file in `tests/rows` was recorded by a release: the rows of a table, what the release answered
//! from them, and frames with their replies. This version has to answer the same, and may add to it.
//! `RECORD_ROWS=1 cargo test -p chat_aws this_version_is_recorded` writes the file of this version.

use std::{collections::HashMap, env, fs, path::PathBuf, time::Duration};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use chat::{
    domain::{Connection, DisplayName, Identity, Timestamp, UserId},
    fakes::FakeChat,
    fields::Fields,
    ports::{Clock as _, Presences as _},
    request::{Request, Route},
    routes::{
        AddParticipant, CreateConversation, DeleteMessage, EditMessage, GetConversation,
        ListConversations, ReadEvents, ReadMessages, Receipt, RemoveParticipant, SendMessage,
        Subscribe, connect,
    },
    user_data::export,
};
use chat_aws::Ports;
use serde_json::{Map, Value, json};

use crate::{
    engines::{client, create_table, embedded},
    meter::Meter,
};

/// What clients send, in the words of today.
fn frames() -> Vec<Value> {
    vec![
        json!({"action": "subscribe", "ref": "1", "conversation": "c", "after": 0}),
        json!({"action": "sendMessage", "ref": "2", "conversation": "c", "id": "m-1", "body": "hello", "after": 0}),
        json!({"action": "sendMessage", "ref": "3", "conversation": "c", "id": "m-1", "body": "hello", "after": 0}),
        json!({"action": "editMessage", "ref": "4", "conversation": "c", "id": "e-1", "target": 1, "body": "hi", "after": 1}),
        json!({"action": "sendMessage", "ref": "5", "conversation": "c", "id": "m-2", "body": "again", "replyTo": 1, "after": 2}),
        json!({"action": "receipt", "conversation": "c", "read": 3}),
        json!({"action": "ping", "ref": "6", "positions": {"c": 1}, "presence": "active", "watch": ["c"]}),
        json!({"action": "deleteMessage", "ref": "7", "conversation": "c", "id": "d-1", "target": 3, "after": 3}),
        json!({"action": "subscribe", "ref": "8", "conversation": "c", "after": 1, "receipts": true}),
        json!({"action": "unsubscribe", "ref": "9", "conversation": "c"}),
        json!({"action": "sendMessage", "ref": "10", "conversation": "none", "id": "m-3", "body": "hello"}),
        json!({"action": "fly", "ref": "11"}),
    ]
}

/// Sends frames to a fresh chat, and returns the replies.
fn replies(frames: &[Value]) -> Vec<Value> {
    let chat = FakeChat::new();
    chat.conversation("c", &["ada", "grace"]);
    chat.connect("ada-1");
    let replies = frames
        .iter()
        .map(|frame| chat.frame("ada-1", frame.clone()));
    replies.collect()
}

struct Stack {
    ports: Ports<Meter>,
    plain: Client,
    table: String,
}

impl Stack {
    async fn empty() -> Self {
        let plain = client(embedded());
        let (table, name) = create_table(&plain).await;
        Self {
            ports: Ports::new(table, Meter::default()),
            plain,
            table: name,
        }
    }

    async fn with(rows: &[Value]) -> Self {
        let stack = Self::empty().await;
        for row in rows {
            let item: HashMap<_, _> = row
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (name.clone(), attribute(value)))
                .collect();
            let put = stack.plain.put_item().table_name(&stack.table);
            put.set_item(Some(item)).send().await.unwrap();
        }
        stack
    }

    async fn ask<R: Route<Ports<Meter>>>(&self, user: &str, fields: Value) -> Value {
        let request = Request {
            identity: identity(user),
            connection: (R::NAME == "subscribe").then(|| connection(user)),
            fields: Fields::from_object(fields.as_object().unwrap().clone()),
            deadline: self.ports.now().plus(Duration::from_secs(9)),
        };
        let reply = Box::pin(R::handle(&self.ports, &request)).await;
        serde_json::to_value(reply.unwrap_or_else(|error| panic!("{}: {error:?}", R::NAME)))
            .unwrap()
    }

    /// Uses everything that stores rows.
    async fn use_it(&self) {
        for user in ["ada", "grace"] {
            let connected =
                connect::handle(&self.ports, &identity(user), &connection(user), 100).await;
            connected.unwrap();
        }
        let c = |mut fields: Value| {
            fields["conversation"] = json!("c");
            fields
        };
        self.ask::<CreateConversation>(
            "ada",
            json!({"id": "c", "title": "Lunch", "participants": ["grace"]}),
        )
        .await;
        self.ask::<Subscribe>("grace", c(json!({"after": 0}))).await;
        for (user, id, body) in [
            ("ada", "m-1", "hello"),
            ("grace", "m-2", "hi"),
            ("ada", "m-3", "bye"),
        ] {
            self.ask::<SendMessage>(user, c(json!({"id": id, "body": body})))
                .await;
        }
        self.ask::<EditMessage>(
            "ada",
            c(json!({"id": "e-1", "target": 1, "body": "hello, Grace"})),
        )
        .await;
        self.ask::<SendMessage>(
            "grace",
            c(json!({"id": "m-4", "body": "yes", "replyTo": 1})),
        )
        .await;
        self.ask::<DeleteMessage>("ada", c(json!({"id": "d-1", "target": 2})))
            .await;
        self.ask::<AddParticipant>("ada", c(json!({"user": "alan"})))
            .await;
        self.ask::<RemoveParticipant>("ada", c(json!({"user": "alan"})))
            .await;
        self.ask::<Receipt>("grace", c(json!({"read": 5}))).await;
        self.ask::<Receipt>("ada", c(json!({"read": 6, "private": true})))
            .await;
        let ada = connection("ada").id;
        let user = UserId::new("ada").unwrap();
        self.ports
            .look(&user, &ada, self.ports.now())
            .await
            .unwrap();
    }

    async fn rows(&self) -> Vec<Value> {
        let found = self
            .plain
            .scan()
            .table_name(&self.table)
            .send()
            .await
            .unwrap();
        let mut rows: Vec<Value> = found
            .items
            .unwrap()
            .into_iter()
            .map(|item| {
                let members = item
                    .iter()
                    .map(|(name, value)| (name.clone(), json_of(value)));
                Value::Object(members.collect::<Map<_, _>>())
            })
            .collect();
        rows.sort_by_key(|row| row["pk"].to_string() + &row["sk"].to_string());
        rows
    }

    /// What readers get.
    async fn answers(&self) -> Value {
        let c = || json!({"conversation": "c"});
        let mut exports = Map::new();
        for user in ["ada", "grace"] {
            let id = UserId::new(user).unwrap();
            let until = self.ports.now().plus(Duration::from_secs(60));
            let exported = export(&self.ports, &id, None, until).await.unwrap();
            assert!(exported.done);
            let records = exported.records.into_iter();
            let known = records.filter(|record| record["record"] != "unknown");
            exports.insert(user.to_owned(), known.collect());
        }
        json!({
            "events": self.ask::<ReadEvents>("ada", json!({"conversation": "c", "after": 0})).await,
            "messages": self.ask::<ReadMessages>("grace", c()).await,
            "conversation": self.ask::<GetConversation>("ada", c()).await,
            "conversations": self.ask::<ListConversations>("grace", json!({})).await,
            "exports": exports,
        })
    }
}

fn identity(user: &str) -> Identity {
    Identity {
        user: UserId::new(user).unwrap(),
        name: DisplayName::fitted(&user.to_uppercase()),
        expires: Timestamp::from_seconds(4_000_000_000),
    }
}

fn connection(user: &str) -> Connection {
    let id = chat::contract::connection(&format!("{user}-1")).id;
    Connection::new(
        id,
        Timestamp::from_seconds(3_000_000_000),
        identity(user).expires,
    )
}

/// Converts an attribute to DynamoDB's JSON.
fn json_of(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::Bool(value) => json!({"BOOL": value}),
        AttributeValue::Ss(texts) => json!({"SS": texts}),
        other => panic!("{other:?} is not recorded: add it here"),
    }
}

fn attribute(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text(value)),
        "N" => AttributeValue::N(text(value)),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
        "SS" => AttributeValue::Ss(value.as_array().unwrap().iter().map(text).collect()),
        other => panic!("{other} is not recorded"),
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/rows")
}

/// Returns the recordings by name.
fn recordings() -> Vec<(String, Value)> {
    let files = fs::read_dir(folder()).unwrap();
    let recordings = files.map(|file| {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        (
            path.display().to_string(),
            serde_json::from_str(&text).unwrap(),
        )
    });
    recordings.collect()
}

/// Asserts that `actual` has everything of `expected`. It may have further members.
fn assert_has(actual: &Value, expected: &Value, path: &str) {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            for (name, value) in expected {
                let found = actual.get(name);
                let found = found.unwrap_or_else(|| panic!("{path}.{name} is missing"));
                assert_has(found, value, &format!("{path}.{name}"));
            }
        }
        (Value::Array(actual), Value::Array(expected)) => {
            assert_eq!(actual.len(), expected.len(), "{path}");
            for (number, (actual, expected)) in actual.iter().zip(expected).enumerate() {
                assert_has(actual, expected, &format!("{path}[{number}]"));
            }
        }
        _ => assert_eq!(actual, expected, "{path}"),
    }
}

#[tokio::test]
async fn rows_of_the_version_before_are_read_as_they_were_meant() {
    for (name, recording) in recordings() {
        let rows = recording["rows"].as_array().unwrap();
        let answers = Stack::with(rows).await.answers().await;
        assert_has(&answers, &recording["answers"], &name);
    }
}

#[tokio::test]
async fn rows_of_the_next_version_are_read_without_what_it_added() {
    for (name, recording) in recordings() {
        let mut rows = recording["rows"].as_array().unwrap().clone();
        for row in &mut rows {
            row["later"] = json!({"S": "an attribute of the next version"});
        }
        for (pk, sk) in [
            ("conversation#c", "later#1"),
            ("conversation#c", "file#1"),
            ("user#ada", "push#1"),
            ("user#ada", "settings"),
            ("later#1", "row"),
        ] {
            rows.push(json!({"pk": {"S": pk}, "sk": {"S": sk}, "later": {"N": "1"}}));
        }
        let answers = Stack::with(&rows).await.answers().await;
        assert_has(&answers, &recording["answers"], &name);
    }
}

#[test]
fn frames_of_clients_of_the_version_before_are_answered_as_before() {
    for (name, recording) in recordings() {
        let [sent, expected] =
            ["frames", "replies"].map(|member| recording[member].as_array().unwrap().clone());
        assert_has(&json!(replies(&sent)), &json!(expected), &name);
        // Members that this version does not know.
        let later = sent.into_iter().map(|mut frame| {
            frame["later"] = json!({"member": [1]});
            frame
        });
        let later: Vec<Value> = later.collect();
        assert_has(&json!(replies(&later)), &json!(expected), &name);
    }
}

#[tokio::test]
async fn this_version_is_recorded() {
    let path = folder().join(concat!(env!("CARGO_PKG_VERSION"), ".json"));
    if env::var_os("RECORD_ROWS").is_some() {
        let stack = Stack::empty().await;
        stack.use_it().await;
        let recording = json!({
            "rows": stack.rows().await,
            "answers": stack.answers().await,
            "frames": frames(),
            "replies": replies(&frames()),
        });
        fs::create_dir_all(folder()).unwrap();
        fs::write(
            &path,
            serde_json::to_string_pretty(&recording).unwrap() + "\n",
        )
        .unwrap();
    }
    assert!(
        path.exists(),
        "{path:?} is missing: see the top of this file"
    );
}
