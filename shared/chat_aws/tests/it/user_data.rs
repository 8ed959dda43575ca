//! Erasure on a real table: a search of all rows, a function that dies at any call, and the cost.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    config::{ConfigBag, Intercept, interceptors::BeforeSerializationInterceptorContextRef},
    error::BoxError,
    types::AttributeValue,
};
use chat::{
    domain::{Connection, DisplayName, Identity, UserId},
    fields::Fields,
    ports::{Clock as _, Presences as _},
    request::{Request, Route},
    routes::{
        AddParticipant, CreateConversation, DeleteMessage, EditMessage, React, RemoveParticipant,
        SendMessage, Subscribe, connect,
    },
    user_data::{Erased, erase},
};
use chat_aws::{NoGateway, Ports, dynamo::Table};
use serde_json::{Value, json};

use crate::{
    engines::{client, configuration, create_table, embedded},
    meter::Meter,
};

/// The user who is erased. No other value contains the id or the name.
const GRACE: &str = "user-0c9f-grace";
const NAME: &str = "Rear Admiral Hopper";
/// The end of each of her texts.
const TEXT: &str = "the code of the back door is 4711";

struct Chat {
    ports: Ports<Meter>,
    meter: Meter,
    plain: Client,
    table: String,
}

impl Chat {
    /// Returns an empty table.
    async fn empty() -> Self {
        let meter = Meter::default();
        let metered = configuration(embedded()).interceptor(meter.clone());
        let plain = client(embedded());
        let (_, table) = create_table(&plain).await;
        let metered = Table::new(Client::from_conf(metered.build()), &table);
        Self {
            ports: Ports::new(metered, meter.clone()),
            meter,
            plain,
            table,
        }
    }

    /// Returns a table in which Grace has left traces of every kind, in conversations that she is
    /// in, has left, has come back to, and has created.
    async fn with_traces() -> Self {
        let chat = Self::empty().await;
        let connection = chat.connection();
        let connected = connect::handle(&chat.ports, &identity(GRACE), &connection, 100).await;
        connected.unwrap();
        for (id, creator, other) in [
            ("in", GRACE, "ada"),
            ("left", "ada", GRACE),
            ("back", GRACE, "ada"),
        ] {
            let fields = json!({"id": id, "title": "Lunch", "participants": [other]});
            chat.ask::<CreateConversation>(creator, fields).await;
            let fields = json!({"conversation": id, "after": 0});
            let caller = (identity(GRACE), Some(connection.clone()));
            chat.request::<Subscribe>(caller, fields).await;
            for number in 1..=3 {
                chat.send(id, GRACE, &format!("g-{number}"), TEXT).await;
                chat.send(id, "ada", &format!("a-{number}"), "something else")
                    .await;
            }
            let body = format!("on second thoughts, {TEXT}");
            let fields = json!({"conversation": id, "id": "e-1", "target": 1, "body": body});
            chat.ask::<EditMessage>(GRACE, fields).await;
            let fields = json!({"conversation": id, "id": "d-1", "target": 3});
            chat.ask::<DeleteMessage>(GRACE, fields).await;
            for (emoji, on) in [("👍", true), ("🎉", true), ("🎉", false)] {
                let fields = json!({"conversation": id, "target": 4, "emoji": emoji, "on": on});
                chat.ask::<React>(GRACE, fields).await;
            }
        }
        // The owner has deleted a message of Ada.
        let fields = json!({"conversation": "back", "id": "d-2", "target": 2});
        chat.ask::<DeleteMessage>(GRACE, fields).await;
        for id in ["left", "back"] {
            let fields = json!({"conversation": id, "user": GRACE});
            chat.ask::<RemoveParticipant>(GRACE, fields).await;
        }
        let fields = json!({"conversation": "back", "user": GRACE, "name": NAME});
        chat.ask::<AddParticipant>("ada", fields).await;
        let (user, now) = (user(), chat.ports.now());
        let looks = chat.ports.look(&user, &connection.id, now);
        looks.await.unwrap();
        chat.meter.read();
        chat
    }

    fn connection(&self) -> Connection {
        let id = chat::contract::connection("grace-1").id;
        Connection::new(id, self.ports.now(), identity(GRACE).expires)
    }

    async fn send(&self, conversation: &str, sender: &str, id: &str, body: &str) {
        let fields = json!({"conversation": conversation, "id": id, "body": body});
        self.ask::<SendMessage>(sender, fields).await;
    }

    async fn ask<R: Route<Ports<Meter>>>(&self, user: &str, fields: Value) {
        self.request::<R>((identity(user), None), fields).await;
    }

    async fn request<R: Route<Ports<Meter>>>(
        &self,
        (identity, connection): (Identity, Option<Connection>),
        fields: Value,
    ) {
        let request = Request {
            identity,
            connection,
            fields: Fields::from_object(fields.as_object().unwrap().clone()),
            deadline: self.ports.now().plus(Duration::from_secs(9)),
        };
        // Boxed, since the futures of a whole test would not fit into the stack.
        let reply = Box::pin(R::handle(&self.ports, &request)).await;
        assert!(reply.is_ok(), "{}: {:?}", R::NAME, reply.err());
    }

    /// Erases Grace with a client that makes at most `calls` calls.
    async fn erase_within(&self, calls: usize) -> Option<Erased> {
        let mortal = configuration(embedded()).interceptor(Mortal(AtomicUsize::new(calls)));
        let table = Table::new(Client::from_conf(mortal.build()), &self.table);
        let ports = Ports::new(table, NoGateway);
        let until = ports.now().plus(Duration::from_secs(600));
        erase(&ports, &user(), None, until).await.ok()
    }

    /// Erases Grace in one pass.
    async fn erase(&self) -> Erased {
        let until = self.ports.now().plus(Duration::from_secs(600));
        let erased = erase(&self.ports, &user(), None, until).await.unwrap();
        assert!(erased.done);
        erased
    }

    /// Returns all rows of the table.
    async fn rows(&self) -> Vec<BTreeMap<String, AttributeValue>> {
        let scan = self
            .plain
            .scan()
            .table_name(&self.table)
            .consistent_read(true);
        let found = scan.send().await.unwrap();
        assert!(found.last_evaluated_key.is_none());
        let rows = found.items.unwrap().into_iter();
        rows.map(|row| row.into_iter().collect()).collect()
    }

    /// Returns where a text is: `ATTRIBUTE of SORT KEY`, with the kinds of rows instead of their
    /// keys.
    async fn search(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for row in self.rows().await {
            let kind = row["sk"].as_s().unwrap().split('#').next().unwrap();
            for (name, value) in &row {
                if format!("{name} {value:?}").contains(text) {
                    found.push(format!("{name} of {kind}"));
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }

    async fn assert_erased(&self) {
        for text in [NAME, TEXT, "4711"] {
            assert_eq!(self.search(text).await, [""; 0], "{text}");
        }
        // Where the id decides what is a repetition, who did what, and whom an entry is about (a
        // reaction is by the user whom its key names); and in the entries that never knew a name.
        assert_eq!(
            self.search(GRACE).await,
            [
                "created_by of about",
                "deleted_by of event",
                "name of event",
                "sender of event",
                "sk of emoji",
                "user of event"
            ]
        );
        // Of Ada, everything is left but what Grace has deleted.
        assert_eq!(self.search("something else").await, ["body of event"]);
        let bodies = self.rows().await;
        let bodies = bodies.iter().filter(|row| row.contains_key("body"));
        assert_eq!(bodies.count(), 3 * 3 - 1);
    }
}

fn user() -> UserId {
    UserId::new(GRACE).unwrap()
}

fn identity(user: &str) -> Identity {
    let name = if user == GRACE { NAME } else { "Ada" };
    Identity {
        user: UserId::new(user).unwrap(),
        name: DisplayName::fitted(name),
        expires: chat::domain::Timestamp::from_seconds(4_000_000_000),
    }
}

#[tokio::test]
async fn after_an_erasure_no_row_has_a_text_a_name_or_a_key_of_the_user() {
    let chat = Chat::with_traces().await;
    assert_eq!(chat.search(TEXT).await, ["body of event"]);
    assert_eq!(
        chat.search(NAME).await,
        ["name of emoji", "name of event", "name of participant"]
    );
    let places = chat.search(GRACE).await;
    for place in [
        "owner of participant",
        "pk of connection",
        "pk of presence",
        "sk of participant",
        "sk of viewer",
        "user of viewer",
    ] {
        assert!(places.contains(&place.to_owned()), "{place}: {places:?}");
    }

    let erased = chat.erase().await;
    // One of three messages in each of three conversations was deleted before.
    assert_eq!((erased.conversations, erased.messages), (2, 6));
    chat.assert_erased().await;
    assert!(
        chat.search("places").await.is_empty(),
        "places of connections"
    );
    assert!(chat.erase().await.is_nothing());
    // An edit by a device that was offline brings nothing back.
    chat.assert_erased().await;
}

/// Fails every call after the first ones, as if the function were killed.
#[derive(Debug)]
struct Mortal(AtomicUsize);

impl Intercept for Mortal {
    fn name(&self) -> &'static str {
        "Mortal"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let left = self.0.load(Ordering::Relaxed);
        if left == 0 {
            return Err("killed".into());
        }
        self.0.store(left - 1, Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::test]
async fn an_erasure_that_is_killed_at_any_call_is_completed_by_the_next_one() {
    let chat = Chat::with_traces().await;
    let mut killed = 0;
    // Each attempt begins at the start and comes further, since what is erased needs no call.
    let mut calls = 1;
    while chat.erase_within(calls).await.is_none() {
        killed += 1;
        calls += killed % 2;
        assert!(killed < 200, "the attempts do not come further");
    }
    assert!(killed > 10, "{killed}");
    chat.assert_erased().await;
}

#[tokio::test]
async fn each_message_costs_five_write_units_and_two_calls() {
    let mut costs = Vec::new();
    for messages in [5, 25] {
        let chat = Chat::empty().await;
        let fields = json!({"id": "c", "participants": [GRACE]});
        chat.ask::<CreateConversation>("ada", fields).await;
        for number in 1..=messages {
            chat.send("c", GRACE, &format!("m-{number}"), TEXT).await;
        }
        chat.meter.read();
        let erased = chat.erase().await;
        assert_eq!(erased.messages, messages);
        costs.push(chat.meter.read());
    }
    let [few, many] = &costs[..] else {
        panic!("two conversations");
    };
    assert_eq!(many.calls - few.calls, 20 * 2);
    assert!(
        (many.write_units - few.write_units - 20.0 * 5.0).abs() < 0.01,
        "{costs:?}"
    );
}

#[tokio::test]
async fn a_place_that_no_step_returned_is_refused() {
    use chat::ports::{Place, Traces as _};
    let chat = Chat::empty().await;
    for place in ["", "conversation#c", "!", "YWJj"] {
        let place = Place::new(place);
        let read = chat.ports.traces_of(&user(), Some(&place)).await;
        assert!(read.is_err(), "{place:?}");
    }
}
