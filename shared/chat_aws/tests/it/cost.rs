//! The cost of each request in calls, capacity units and pushes, measured on the embedded engine.
//! The figures in `docs/cost.md` are compared with these.

mod connections;
mod conversations;
mod crowd;
mod messages;
mod participants;
mod reactions;
mod refused;
mod signals;

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, PutRequest, WriteRequest},
};
use chat::{
    domain::{Connection, Identity},
    error::{Rejection, RequestError},
    fields::Fields,
    ports::Clock as _,
    request::{Request, Route},
    routes::{
        AddParticipant, CreateConversation, Receipt, RemoveParticipants, SendMessage, Subscribe,
        connect, disconnect,
    },
};
use chat_aws::{Ports, dynamo::Table};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::{
    engines::{client, configuration, create_table, embedded},
    meter::{Cost, Meter},
};

/// Ada and Grace in the conversation `c`. Grace has one subscribed page, Ada two.
struct Small {
    ports: Ports<Meter>,
    meter: Meter,
    plain: Client,
    table: String,
}

const PAGES: [&str; 3] = ["ada-1", "ada-2", "grace-1"];

impl Small {
    async fn conversation() -> Self {
        let meter = Meter::default();
        let metered = configuration(embedded()).interceptor(meter.clone());
        let plain = client(embedded());
        let (_, table) = create_table(&plain).await;
        let metered = Table::new(Client::from_conf(metered.build()), &table);
        let small = Self {
            ports: Ports::new(metered, meter.clone()),
            meter,
            plain,
            table,
        };
        let fields = json!({"id": "c", "title": "Lunch", "participants": ["grace"]});
        small.ask::<CreateConversation>("ada", fields).await;
        for page in PAGES {
            small.connect(page).await;
            small.subscribe(page, "c").await;
        }
        small.meter.read();
        small
    }

    fn identity(&self, user: &str) -> Identity {
        let contract = chat::contract::participant(user);
        Identity {
            user: contract.user,
            name: contract.name,
            expires: self.ports.now().plus(Duration::from_secs(3_600)),
        }
    }

    fn connection(&self, page: &str) -> (Identity, Connection) {
        let (user, _) = page.split_once('-').unwrap();
        let identity = self.identity(user);
        let id = chat::contract::connection(page).id;
        let connection = Connection::new(id, self.ports.now(), identity.expires);
        (identity, connection)
    }

    async fn request<R: Route<Ports<Meter>>>(
        &self,
        (identity, connection): (Identity, Option<Connection>),
        fields: Value,
    ) -> R::Reply {
        let reply = self.reply::<R>((identity, connection), fields).await;
        reply.unwrap_or_else(|error| panic!("{} failed: {error:?}", R::NAME))
    }

    async fn reply<R: Route<Ports<Meter>>>(
        &self,
        (identity, connection): (Identity, Option<Connection>),
        fields: Value,
    ) -> Result<R::Reply, RequestError> {
        let Value::Object(fields) = fields else {
            panic!("fields are an object")
        };
        let request = Request {
            identity,
            connection,
            fields: Fields::from_object(fields),
            deadline: self.ports.now().plus(Duration::from_secs(9)),
        };
        // Boxed, since the futures of a whole test would not fit into the stack.
        Box::pin(R::handle(&self.ports, &request)).await
    }

    /// Makes a request of Mallory, who is not a participant, over HTTP and over a connection, for
    /// the conversation `c` and for one that does not exist. Returns the cost, which is the same.
    async fn refused<R: Route<Ports<Meter>>>(&self, fields: Value) -> Cost {
        let mut costs = Vec::new();
        self.meter.read_entries();
        for page in [None, Some("mallory-1")] {
            for conversation in ["c", "none"] {
                let (identity, connection) = self.connection("mallory-1");
                let mut fields = fields.clone();
                fields["conversation"] = json!(conversation);
                let connection = page.map(|_| connection);
                let refused = self.reply::<R>((identity, connection), fields).await;
                let refused = refused.err();
                let not_found =
                    matches!(refused, Some(RequestError::Rejected(Rejection::NotFound)));
                // `subscribe` exists only over a connection.
                assert!(not_found || page.is_none(), "{}: {refused:?}", R::NAME);
                assert_eq!(self.meter.read_entries(), 0, "{}", R::NAME);
                costs.push(self.meter.read());
            }
        }
        let [http_foreign, http_missing, foreign, missing] = &costs[..] else {
            panic!("four requests")
        };
        assert_eq!(http_foreign, http_missing, "{} over HTTP", R::NAME);
        assert_eq!(foreign, missing, "{} over a connection", R::NAME);
        foreign.clone()
    }

    /// Makes a request over HTTP.
    async fn ask<R: Route<Ports<Meter>>>(&self, user: &str, fields: Value) -> Cost {
        self.request::<R>((self.identity(user), None), fields).await;
        self.meter.read()
    }

    /// Makes a request over a page's connection.
    async fn frame<R: Route<Ports<Meter>>>(&self, page: &str, fields: Value) -> Cost {
        let (identity, connection) = self.connection(page);
        self.request::<R>((identity, Some(connection)), fields)
            .await;
        self.meter.read()
    }

    async fn connect(&self, page: &str) -> Cost {
        let (identity, connection) = self.connection(page);
        let connected = connect::handle(&self.ports, &identity, &connection, 100).await;
        connected.unwrap();
        self.meter.read()
    }

    /// Opens a connection of a user who may have none.
    async fn connect_beyond_the_limit(&self, page: &str) -> Cost {
        let (identity, connection) = self.connection(page);
        let refused = connect::handle(&self.ports, &identity, &connection, 0).await;
        refused.unwrap_err();
        self.meter.read()
    }

    async fn disconnect(&self, page: &str) -> Cost {
        let (identity, connection) = self.connection(page);
        let closed = disconnect::handle(&self.ports, &identity.user, &connection.id).await;
        closed.unwrap();
        self.meter.read()
    }

    async fn subscribe(&self, page: &str, conversation: &str) -> Cost {
        let fields = json!({"conversation": conversation, "after": 0});
        self.frame::<Subscribe>(page, fields).await
    }

    async fn receipt(&self, page: &str, read: u64, private: bool) -> Cost {
        let fields = json!({"conversation": "c", "read": read, "private": private});
        self.frame::<Receipt>(page, fields).await
    }

    /// Adds three users, and removes them with one request.
    async fn removals(&self) -> Cost {
        let users = ["x", "y", "z"];
        for user in users {
            let fields = json!({"conversation": "c", "user": user});
            self.ask::<AddParticipant>("ada", fields).await;
        }
        let fields = json!({"conversation": "c", "users": users});
        self.ask::<RemoveParticipants>("ada", fields).await
    }

    async fn send(&self, id: &str, after: Option<u64>) -> Cost {
        let fields = json!({"conversation": "c", "id": id, "body": "Shall we?", "after": after});
        self.frame::<SendMessage>("ada-1", fields).await
    }

    /// Writes messages at 1, 2, 3 … in batches, bypassing the ports, which need one call per
    /// message.
    async fn fill(&self, messages: u64) {
        let mut first = None;
        if self.send("m-1", Some(0)).await.write_units > 0.0 {
            let get = self.plain.get_item().table_name(&self.table);
            let get = get
                .key("pk", AttributeValue::S("conversation#c".into()))
                .key("sk", AttributeValue::S("event#000000000001".into()));
            first = get.send().await.unwrap().item;
        }
        let first = first.unwrap();
        let seqs: Vec<u64> = (2..=messages).collect();
        let calls = seqs.chunks(25).map(|chunk| {
            let puts = chunk.iter().map(|seq| {
                let mut item = first.clone();
                item.insert("sk".into(), AttributeValue::S(format!("event#{seq:012}")));
                item.insert("id".into(), AttributeValue::S(format!("m-{seq}")));
                let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
                WriteRequest::builder().put_request(put).build()
            });
            let call = self.plain.batch_write_item();
            call.request_items(&self.table, puts.collect()).send()
        });
        let mut calls = stream::iter(calls).buffer_unordered(4);
        while let Some(written) = calls.next().await {
            let left = written.unwrap().unprocessed_items.unwrap_or_default();
            assert!(left.is_empty(), "{left:?}");
        }
    }
}

/// Returns a line of the table in `docs/cost.md`.
fn line(request: &str, cost: &Cost) -> String {
    let Cost {
        calls,
        rounds,
        read_units,
        write_units,
        pushed,
        ..
    } = cost;
    let pushes = pushed.len();
    format!("| {request} | {calls} | {rounds} | {read_units} | {write_units} | {pushes} |")
}

#[tokio::test]
async fn every_request_costs_what_the_documentation_says() {
    let small = Small::conversation().await;
    for number in 1..=10 {
        small.send(&format!("m-{number}"), Some(number - 1)).await;
    }
    let lines = [
        connections::lines(&small).await,
        conversations::lines(&small).await,
        messages::sending(&small).await,
        messages::changing(&small).await,
        messages::reading(&small).await,
        signals::lines(&small).await,
        refused::lines(&small).await,
        participants::lines(&small).await,
    ]
    .concat();
    let document = include_str!("../../../../docs/cost.md");
    let documented: Vec<&str> = document
        .lines()
        .skip_while(|line| !line.starts_with("| request"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert_eq!(documented, lines, "measured:\n{}", lines.join("\n"));
}
