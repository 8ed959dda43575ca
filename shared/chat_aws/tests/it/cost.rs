//! The cost of each request in calls, capacity units and pushes, measured on the embedded engine.
//! The figures in `docs/cost.md` are compared with these.

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
        AddParticipant, CreateConversation, DeleteMessage, EditMessage, GetConversation,
        ListConversations, Ping, ReadEvents, ReadMessages, Receipt, RemoveParticipant,
        RemoveParticipants, SendMessage, ShowPresence, Subscribe, Typing, Unsubscribe, connect,
        disconnect,
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
    let c = || json!({"conversation": "c"});
    let three = || json!({"conversation": "c", "users": ["x", "y", "z"]});
    let edsger = || json!({"conversation": "c", "user": "edsger"});
    let message =
        |id: &str, after| json!({"conversation": "c", "id": id, "body": "Hi", "after": after});
    let edit = |id: &str, target, after| json!({"conversation": "c", "id": id, "target": target, "body": "Hi!", "after": after});
    let lines = [
        line("`$connect`", &small.connect("ada-3").await),
        line(
            "`$connect`, too many connections",
            &small.connect_beyond_the_limit("ada-4").await,
        ),
        line(
            "`subscribe`, `after` given",
            &small.subscribe("ada-3", "c").await,
        ),
        line(
            "`subscribe` again, `after` left out",
            &small.frame::<Subscribe>("ada-3", c()).await,
        ),
        line(
            "`subscribe` again, with `receipts`",
            &small
                .frame::<Subscribe>("ada-3", json!({"conversation": "c", "receipts": true}))
                .await,
        ),
        line(
            "`ping` without positions",
            &small.frame::<Ping>("ada-3", json!({})).await,
        ),
        line(
            "`ping`, each position",
            &small
                .frame::<Ping>("ada-3", json!({"positions": {"c": 10}}))
                .await,
        ),
        line(
            "`ping`, each position that is behind",
            &small
                .frame::<Ping>("ada-3", json!({"positions": {"c": 9}}))
                .await,
        ),
        line(
            "`ping`, `presence`",
            &small
                .frame::<Ping>("ada-3", json!({"presence": "active"}))
                .await,
        ),
        line(
            "`ping`, `watch` of a conversation of two",
            &small.frame::<Ping>("ada-3", json!({"watch": ["c"]})).await,
        ),
        line(
            "`unsubscribe`",
            &small.frame::<Unsubscribe>("ada-3", c()).await,
        ),
        line(
            "`$disconnect`, no subscription",
            &small.disconnect("ada-3").await,
        ),
        line(
            "`$disconnect`, one subscription",
            &small.disconnect("ada-2").await,
        ),
        line(
            "`sendMessage`, `after` given",
            &small
                .frame::<SendMessage>("ada-1", message("n-1", Some(10)))
                .await,
        ),
        line(
            "`sendMessage`, `after` five entries ago",
            &small
                .frame::<SendMessage>("ada-1", message("n-5", Some(6)))
                .await,
        ),
        line(
            "`sendMessage`, `after` left out",
            &small
                .frame::<SendMessage>("ada-1", message("n-2", None))
                .await,
        ),
        line(
            "`sendMessage`, repeated",
            &small
                .frame::<SendMessage>("ada-1", message("n-2", Some(12)))
                .await,
        ),
        line(
            "`typing`",
            &small
                .frame::<Typing>("ada-1", json!({"conversation": "c", "after": 12}))
                .await,
        ),
        line("`receipt`", &small.receipt("ada-1", 10, false).await),
        line(
            "`receipt`, nothing new",
            &small.receipt("ada-1", 9, false).await,
        ),
        line(
            "`receipt`, private",
            &small.receipt("ada-1", 12, true).await,
        ),
        line(
            "`receipt`, shows what was private",
            &small.receipt("ada-1", 11, false).await,
        ),
        line(
            "`POST /conversations`, three users",
            &small
                .ask::<CreateConversation>("ada", json!({"id": "d", "participants": ["x", "y"]}))
                .await,
        ),
        line(
            "`POST /conversations`, repeated",
            &small
                .ask::<CreateConversation>("ada", json!({"id": "d", "participants": ["x", "y"]}))
                .await,
        ),
        line(
            "`GET /conversations`, two",
            &small.ask::<ListConversations>("ada", json!({})).await,
        ),
        line(
            "`GET /conversations/{id}`",
            &small.ask::<GetConversation>("ada", c()).await,
        ),
        line(
            "`POST …/messages`, `after` given",
            &small
                .ask::<SendMessage>("ada", message("n-3", Some(13)))
                .await,
        ),
        line(
            "`editMessage`, `after` given",
            &small
                .frame::<EditMessage>("ada-1", edit("e-1", 11, Some(14)))
                .await,
        ),
        line(
            "`editMessage`, repeated",
            &small
                .frame::<EditMessage>("ada-1", edit("e-1", 11, Some(14)))
                .await,
        ),
        line(
            "`deleteMessage`, `after` given",
            &small
                .frame::<DeleteMessage>("ada-1", edit("d-1", 11, Some(15)))
                .await,
        ),
        line(
            "`PATCH …/messages/{seq}`, `after` given",
            &small
                .ask::<EditMessage>("ada", edit("e-2", 10, Some(16)))
                .await,
        ),
        line(
            "`DELETE …/messages/{seq}`, `after` given",
            &small
                .ask::<DeleteMessage>("ada", edit("d-2", 10, Some(17)))
                .await,
        ),
        line(
            "`DELETE …/messages/{seq}` of a deleted message",
            &small
                .ask::<DeleteMessage>("ada", edit("d-3", 10, Some(18)))
                .await,
        ),
        line(
            "`GET …/messages`",
            &small.ask::<ReadMessages>("ada", c()).await,
        ),
        line(
            "`PUT …/receipt`",
            &small
                .ask::<Receipt>("ada", json!({"conversation": "c", "read": 13}))
                .await,
        ),
        line(
            "`PUT /me/presence`",
            &small
                .ask::<ShowPresence>("ada", json!({"shown": true}))
                .await,
        ),
        line("`GET …/events`", &small.ask::<ReadEvents>("ada", c()).await),
        line(
            "`GET …/events`, with edits of two older messages",
            &small
                .ask::<ReadEvents>("ada", json!({"conversation": "c", "after": 14}))
                .await,
        ),
        line(
            "a read by a user who is not a participant",
            &small.refused::<ReadEvents>(json!({})).await,
        ),
        line(
            "`subscribe` by a user who is not a participant",
            &small.refused::<Subscribe>(json!({"after": 0})).await,
        ),
        line(
            "`receipt` by a user who is not a participant",
            &small.refused::<Receipt>(json!({"read": 0})).await,
        ),
        line(
            "`PUT …/participants/{user}`",
            &small.ask::<AddParticipant>("ada", edsger()).await,
        ),
        line(
            "`DELETE …/participants/{user}`",
            &small.ask::<RemoveParticipant>("ada", edsger()).await,
        ),
        line(
            "`DELETE …/participants/{user}`, repeated",
            &small.ask::<RemoveParticipant>("ada", edsger()).await,
        ),
        line("`POST …/removals`, three users", &small.removals().await),
        line(
            "`POST …/removals`, repeated",
            &small.ask::<RemoveParticipants>("ada", three()).await,
        ),
    ];
    let document = include_str!("../../../../docs/cost.md");
    let documented: Vec<&str> = document
        .lines()
        .skip_while(|line| !line.starts_with("| request"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert_eq!(documented, lines, "measured:\n{}", lines.join("\n"));
}

#[tokio::test]
async fn many_subscriptions_in_one_frame_cost_as_much_as_one_by_one() {
    let small = Small::conversation().await;
    let other = json!({"id": "b", "participants": []});
    small.ask::<CreateConversation>("ada", other).await;
    let again = |fields: Value| small.frame::<Subscribe>("ada-1", fields);
    again(json!({"conversation": "b"})).await;
    let one = again(json!({"conversation": "b"})).await;
    let wanted = json!([{"conversation": "c"}, {"conversation": "b"}]);
    let two = again(json!({"conversations": wanted})).await;
    assert_eq!(two.calls, 2 * one.calls);
    assert_eq!(two.read_units, 2.0 * one.read_units);
    assert_eq!(two.write_units, 2.0 * one.write_units);
    assert!(two.rounds <= one.rounds);
}

#[tokio::test]
async fn a_message_costs_one_write_unit_and_reaches_the_first_page_in_three_rounds() {
    let small = Small::conversation().await;
    let cost = small.send("m-1", Some(0)).await;
    assert_eq!(cost.pushed, ["ada-2", "grace-1"], "one for each other page");
    let before = cost.before_push.as_ref().unwrap();
    assert_eq!(before.write_units, 1.0);
    assert!(before.read_units <= 3.0, "{before:?}");
    assert!(before.rounds <= 3, "{before:?}");
    // No call follows the pushes: the reply is the function's response.
    assert_eq!((cost.calls, cost.rounds), (before.calls, before.rounds));
}

/// Long messages, so that the answer to a query about the log would be large.
#[tokio::test]
async fn a_refused_request_costs_the_same_for_a_missing_and_for_a_foreign_conversation() {
    let small = Small::conversation().await;
    let body = "x".repeat(16_000);
    for number in 1..=12 {
        let fields = json!({"conversation": "c", "id": format!("m-{number}"), "body": body});
        small.ask::<SendMessage>("ada", fields).await;
    }
    let refused = [
        small.refused::<ReadEvents>(json!({"after": 0})).await,
        small.refused::<ReadMessages>(json!({"limit": 1})).await,
        small.refused::<GetConversation>(json!({})).await,
        small
            .refused::<AddParticipant>(json!({"user": "mallory"}))
            .await,
        small
            .refused::<RemoveParticipant>(json!({"user": "ada"}))
            .await,
        small
            .refused::<RemoveParticipants>(json!({"users": ["ada", "grace"]}))
            .await,
        small
            .refused::<SendMessage>(json!({"id": "n", "body": "Hi"}))
            .await,
        small
            .refused::<EditMessage>(json!({"id": "n", "target": 1, "body": "Hi"}))
            .await,
        small
            .refused::<DeleteMessage>(json!({"id": "n", "target": 1}))
            .await,
    ];
    for cost in &refused {
        assert_eq!((cost.calls, cost.write_units), (1, 0.0));
        assert!(cost.read_units <= 1.0, "{cost:?}");
    }
    for after in [json!(0), json!(12), Value::Null] {
        let cost = small.refused::<Subscribe>(json!({"after": after})).await;
        assert_eq!((cost.calls, cost.rounds), (4, 3), "{after}");
    }
    let mut pings = Vec::new();
    for conversation in ["c", "none"] {
        let positions = json!({"positions": {conversation: 0}});
        pings.push(small.frame::<Ping>("mallory-1", positions).await);
    }
    assert_eq!((&pings[0], small.meter.read_entries()), (&pings[1], 0));

    // A receipt asks for one entry, and then whether the caller has a row.
    for read in [1, 12, 13] {
        let mut costs = Vec::new();
        for conversation in ["c", "none"] {
            let (identity, _) = small.connection("mallory-1");
            let fields = json!({"conversation": conversation, "read": read});
            let refused = small.reply::<Receipt>((identity, None), fields).await;
            let not_found = Err(RequestError::Rejected(Rejection::NotFound));
            assert_eq!(
                format!("{refused:?}"),
                format!("{:?}", not_found as Result<(), _>)
            );
            assert!(small.meter.read_entries() <= 1);
            costs.push(small.meter.read());
        }
        let [foreign, missing] = &costs[..] else {
            panic!("two requests")
        };
        assert_eq!((foreign.calls, foreign.rounds), (2, 2));
        assert_eq!((missing.calls, missing.rounds), (2, 2));
        assert!(foreign.read_units <= 5.0, "{foreign:?}");
    }

    // A message sent with `after` asks for a few entries before the check.
    let (identity, _) = small.connection("mallory-1");
    let fields = json!({"conversation": "c", "id": "n", "body": "Hi", "after": 0});
    let sent = small.reply::<SendMessage>((identity, None), fields).await;
    assert!(sent.is_err());
    let cost = small.meter.read();
    assert!(small.meter.read_entries() <= 4, "{cost:?}");
    assert!(cost.read_units <= 18.0, "{cost:?}");
}

#[tokio::test]
async fn a_request_costs_the_same_in_a_long_log_as_in_an_empty_one() {
    let empty = Small::conversation().await.send("new", Some(0)).await;
    let long = Small::conversation().await;
    long.fill(100_000).await;
    assert_eq!(long.send("new", Some(100_000)).await, empty);
    let subscribed = json!({"conversation": "c", "after": 100_001});
    let cost = long.frame::<Subscribe>("ada-1", subscribed).await;
    assert_eq!((cost.read_units, cost.rounds), (3.0, 3));
}
