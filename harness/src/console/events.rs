//! The events of the trace, over a WebSocket. The page says where to begin, and gets batches until it
//! closes the socket. A page that reads too slowly misses events, and is told how many.

use std::time::Duration;

use axum::{
    extract::{
        Query, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Console;
use crate::{bill, trace::Event};

/// How often new events are sent.
const PAUSE: Duration = Duration::from_millis(100);
/// The most events of one batch.
const MOST: usize = 2_000;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    /// The number of the first event.
    from: u64,
}

pub(super) async fn open(
    State(console): State<Console>,
    Query(wanted): Query<Wanted>,
    upgrade: WebSocketUpgrade,
) -> Response {
    // The page sends nothing.
    upgrade
        .max_message_size(1024)
        .on_upgrade(move |socket| send(console, socket, wanted.from))
}

async fn send(console: Console, mut socket: WebSocket, mut next: u64) {
    loop {
        let batch = console.0.trace.read(next, MOST);
        next = batch.next;
        if batch.events.is_empty() && batch.lost == 0 {
            tokio::select! {
                () = sleep(PAUSE) => {}
                message = socket.recv() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => {}
                }
            }
            continue;
        }
        let events = batch.events.iter().map(|event| console.shown(event));
        let text = json!({
            "lost": batch.lost,
            "next": batch.next,
            "events": events.collect::<Vec<_>>(),
        });
        if socket.send(Message::text(text.to_string())).await.is_err() {
            return;
        }
    }
}

impl Console {
    /// Returns an event with its cost.
    fn shown(&self, event: &Event) -> Value {
        let mut shown = event.json();
        let cost = bill::cost(self.0.billing.prices(), &event.fact.usage);
        if let Value::Object(shown) = &mut shown
            && cost > 0.0
        {
            shown.insert("cost".to_owned(), cost.into());
        }
        shown
    }
}
