//! How connections end, and what `$disconnect` receives.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{
        CloseFrame,
        frame::{
            Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

use crate::gateway::{Gateway, api, close_frame, function_error, next_text, polite};

fn frame(kind: Data, payload: impl Into<Vec<u8>>, last: bool) -> Message {
    Message::Frame(Frame::message(payload.into(), OpCode::Data(kind), last))
}

fn code_and_reason(event: &Value) -> (u64, &str) {
    let context = &event["requestContext"];
    (
        context["disconnectStatusCode"].as_u64().unwrap(),
        context["disconnectReason"].as_str().unwrap(),
    )
}

#[tokio::test]
async fn the_gateway_closes_on_unsupported_frames() {
    const FRAME: usize = 32 * 1024;
    let five_fragments = (0..5).map(|number| {
        let kind = if number == 0 {
            Data::Text
        } else {
            Data::Continue
        };
        frame(kind, "x".repeat(FRAME), number == 4)
    });
    for (name, messages, code) in [
        ("binary", vec![Message::binary("bytes")], 1003),
        (
            "a frame too long",
            vec![Message::text("x".repeat(FRAME + 1))],
            1009,
        ),
        (
            "far too long",
            vec![Message::text("x".repeat(64 * FRAME))],
            1009,
        ),
        ("a message too long", five_fragments.collect(), 1009),
        ("no UTF-8", vec![frame(Data::Text, [0xff], true)], 1007),
        (
            "a reserved opcode",
            vec![frame(Data::Reserved(3), "", true)],
            1002,
        ),
    ] {
        let (functions, mut calls) = polite().functions();
        let gateway = Gateway::start(api(), functions).await;
        let mut client = gateway.connect().await;
        calls.next("Connect").await;
        for message in messages {
            // The gateway may close before the last frame is written.
            let _ = client.send(message).await;
        }
        let (seen, reason) = close_frame(&mut client).await;
        assert_eq!(seen, code, "{name}");
        drop(client);
        assert_eq!(
            code_and_reason(&calls.next("Disconnect").await),
            (u64::from(code), reason.as_str()),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_message_may_have_many_frames() {
    let (functions, mut calls) = polite().functions();
    let gateway = Gateway::start(api(), functions).await;
    let mut client = gateway.connect().await;
    calls.next("Connect").await;
    let whole = json!({ "action": "chat", "text": "é".repeat(50 * 1024) }).to_string();
    let (head, tail) = whole.as_bytes().split_at(30_000);
    client.send(frame(Data::Text, head, false)).await.unwrap();
    // Control frames may come in between.
    client.send(Message::Ping("between".into())).await.unwrap();
    for piece in tail.chunks(20_001) {
        client
            .send(frame(Data::Continue, piece, false))
            .await
            .unwrap();
    }
    client.send(frame(Data::Continue, "", true)).await.unwrap();
    assert_eq!(
        calls.next("Chat").await["body"].as_str(),
        Some(whole.as_str())
    );
    assert_eq!(
        client.next().await.unwrap().unwrap(),
        Message::Pong("between".into())
    );
    assert_eq!(next_text(&mut client).await, whole);
}

#[tokio::test]
async fn disconnect_sees_how_the_client_left() {
    let close = |code, reason: &str| {
        Some(CloseFrame {
            code,
            reason: reason.to_owned().into(),
        })
    };
    for (frame, expected) in [
        (None, (1005, "Client-side close frame status not set")),
        (
            close(CloseCode::Normal, ""),
            (1000, "Connection Closed Normally"),
        ),
        (close(CloseCode::Away, ""), (1001, "Going away")),
        (close(CloseCode::Normal, "bye"), (1000, "bye")),
        (
            close(CloseCode::Library(4001), "other tab"),
            (4001, "other tab"),
        ),
    ] {
        let (functions, mut calls) = polite().functions();
        let gateway = Gateway::start(api(), functions).await;
        let mut client = gateway.connect().await;
        calls.next("Connect").await;
        client.close(frame.clone()).await.unwrap();
        while client.next().await.is_some() {}
        assert_eq!(
            code_and_reason(&calls.next("Disconnect").await),
            expected,
            "{frame:?}"
        );
    }
}

#[tokio::test]
async fn disconnect_runs_after_a_lost_connection_and_may_fail() {
    let (functions, mut calls) = polite()
        .returning("Disconnect", function_error("broken"))
        .functions();
    let gateway = Gateway::start(api(), functions).await;
    for _ in 0..2 {
        let client = gateway.connect().await;
        calls.next("Connect").await;
        drop(client);
        assert_eq!(code_and_reason(&calls.next("Disconnect").await).0, 1006);
    }
}

#[tokio::test]
async fn stopping_closes_every_socket_and_waits_for_disconnect() {
    let (functions, mut calls) = polite().functions();
    let gateway = Gateway::start(api(), functions).await;
    let mut clients = [gateway.connect().await, gateway.connect().await];
    calls.next("Connect").await;
    calls.next("Connect").await;
    gateway.shutdown.send_replace(true);
    for client in &mut clients {
        assert_eq!(close_frame(client).await, (1001, "Going away".to_owned()));
        while client.next().await.is_some() {}
    }
    gateway.server.await.unwrap();
    for _ in clients {
        assert_eq!(
            code_and_reason(&calls.next("Disconnect").await),
            (1001, "Going away")
        );
    }
    calls.assert_none();
}
