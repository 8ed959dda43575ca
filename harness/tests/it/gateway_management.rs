//! The management API.

use std::sync::{Arc, OnceLock};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};

use crate::gateway::{
    Calls, Client, Gateway, answer, api, close_frame, connection_id, http, keys, manage, next_text,
    polite,
};

const UNKNOWN: &str = "BFHPhfCWIAMCKlQ=";

async fn connected() -> (Gateway, Client, String, Calls) {
    let (functions, mut calls) = polite().functions();
    let gateway = Gateway::start(api(), functions).await;
    let client = gateway.connect().await;
    let connection = connection_id(&calls.next("Connect").await);
    (gateway, client, connection, calls)
}

fn error_type(response: &reqwest::Response) -> &str {
    response.headers()["x-amzn-errortype"].to_str().unwrap()
}

#[tokio::test]
async fn posts_arrive_as_text_in_order() {
    let (gateway, mut client, connection, _calls) = connected().await;
    // The longest message has several frames, cut at arbitrary bytes.
    let longest = "é".repeat(64 * 1024);
    for text in ["one", "", &longest, "four"] {
        let response = gateway.manage("POST", &connection, text.to_owned()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.text().await.unwrap(), "");
    }
    for text in ["one", "", &longest, "four"] {
        assert_eq!(next_text(&mut client).await, text);
    }
}

#[tokio::test]
async fn every_encoding_of_the_url_is_accepted() {
    let (gateway, mut client, connection, _calls) = connected().await;
    let encoded = connection.replace('=', "%3D");
    for path in [
        format!("@connections/{connection}"),
        format!("@connections/{encoded}"),
        format!("%40connections/{encoded}"),
    ] {
        let url = format!("http://{}/prod/{path}", gateway.address);
        let response = manage(http().post(url).body(path.clone())).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(next_text(&mut client).await, path);
    }
}

#[tokio::test]
async fn a_connection_is_described() {
    let (functions, mut calls) = polite().functions();
    let gateway = Gateway::start(api(), functions).await;
    let request =
        ClientRequestBuilder::new(gateway.url().parse().unwrap()).with_header("User-Agent", "test");
    let (_client, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let connect = calls.next("Connect").await;
    let response = gateway.manage("GET", &connection_id(&connect), "").await;
    assert_eq!(response.status(), 200);
    let description: Value = response.json().await.unwrap();
    assert_eq!(
        keys(&description),
        ["connectedAt", "identity", "lastActiveAt"].into()
    );
    assert_eq!(
        description["identity"],
        json!({ "sourceIp": "127.0.0.1", "userAgent": "test" })
    );
    for moment in ["connectedAt", "lastActiveAt"] {
        let text = description[moment].as_str().unwrap();
        assert!(
            text.len() == "2024-11-11T11:35:24.553Z".len() && text.ends_with('Z'),
            "{text}"
        );
    }
}

#[tokio::test]
async fn errors_of_the_management_api_are_those_of_aws() {
    let (gateway, _client, connection, _calls) = connected().await;
    let too_long = "x".repeat(128 * 1024 + 1);
    for (method, id, body, status, kind, message) in [
        ("POST", UNKNOWN, "", 410, "GoneException", None),
        ("GET", UNKNOWN, "", 410, "GoneException", None),
        ("DELETE", UNKNOWN, "", 410, "GoneException", None),
        (
            "POST",
            "nonsense",
            "",
            400,
            "BadRequestException",
            Some("Invalid connectionId: nonsense"),
        ),
        (
            "POST",
            &connection,
            &too_long,
            413,
            "PayloadTooLargeException",
            Some("Message too long"),
        ),
        (
            "PUT",
            &connection,
            "",
            403,
            "ForbiddenException",
            Some("Forbidden"),
        ),
    ] {
        let response = gateway.manage(method, id, body.to_owned()).await;
        assert_eq!(
            (response.status().as_u16(), error_type(&response)),
            (status, kind),
            "{method} {id}"
        );
        let body = response.text().await.unwrap();
        let expected = message
            .map(|message| json!({ "message": message }).to_string())
            .unwrap_or_default();
        assert_eq!(body, expected, "{method} {id}");
    }
}

#[tokio::test]
async fn only_signed_calls_of_the_stage_are_admitted() {
    let (gateway, _client, connection, _calls) = connected().await;
    let signed = "AWS4-HMAC-SHA256 x";
    for (stage, authorization, message) in [
        ("prod", None, "Missing Authentication Token"),
        ("prod", Some("Bearer x"), "Missing Authentication Token"),
        ("other", Some(signed), "Forbidden"),
    ] {
        let mut request = http().post(format!(
            "http://{}/{stage}/@connections/{connection}",
            gateway.address
        ));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 403);
        assert_eq!(
            response.json::<Value>().await.unwrap(),
            json!({ "message": message })
        );
    }
}

#[tokio::test]
async fn a_connection_does_not_exist_before_connect_has_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://{}/prod/@connections",
        listener.local_addr().unwrap()
    );
    let (statuses, mut seen) = mpsc::unbounded_channel();
    let script = polite().running("Connect", move |event| {
        let (url, statuses) = (format!("{url}/{}", connection_id(&event)), statuses.clone());
        async move {
            let response = manage(http().post(url).body("early")).await;
            statuses.send(response.status().as_u16()).unwrap();
            answer(&json!({ "statusCode": 200 }))
        }
    });
    let (functions, mut calls) = script.functions();
    let gateway = Gateway::start_on(listener, api(), functions);
    let mut client = gateway.connect().await;
    assert_eq!(seen.recv().await, Some(410));
    // The connection can be posted to as soon as the client sees its 101.
    let connection = connection_id(&calls.next("Connect").await);
    assert_eq!(
        gateway.manage("POST", &connection, "late").await.status(),
        200
    );
    assert_eq!(next_text(&mut client).await, "late");
}

#[tokio::test]
async fn a_deleted_connection_is_gone_at_once_and_gets_earlier_posts() {
    let (gateway, mut client, connection, mut calls) = connected().await;
    assert_eq!(
        gateway
            .manage("POST", &connection, "last words")
            .await
            .status(),
        200
    );
    let deleted = gateway.manage("DELETE", &connection, "").await;
    assert_eq!(deleted.status(), 204);
    assert_eq!(gateway.manage("POST", &connection, "").await.status(), 410);
    assert_eq!(
        gateway.manage("DELETE", &connection, "").await.status(),
        410
    );
    assert_eq!(next_text(&mut client).await, "last words");
    assert_eq!(
        close_frame(&mut client).await,
        (1000, "Connection Closed Normally".to_owned())
    );
    assert!(client.next().await.is_none());
    let disconnect = calls.next("Disconnect").await;
    assert_eq!(disconnect["requestContext"]["disconnectStatusCode"], 1000);
    assert_eq!(
        disconnect["requestContext"]["disconnectReason"],
        "Connection Closed Normally"
    );
}

#[tokio::test]
async fn posts_to_a_client_that_does_not_read_are_refused() {
    let (gateway, mut client, connection, mut calls) = connected().await;
    let large = "x".repeat(128 * 1024);
    // The buffers of operating systems differ but are finite: 4,096 messages are half a gigabyte.
    let mut accepted = 0;
    let refused = loop {
        let response = gateway.manage("POST", &connection, large.clone()).await;
        if response.status() != 200 {
            break response;
        }
        accepted += 1;
        assert!(accepted < 4096, "nothing bounds the buffer");
    };
    assert_eq!(
        (refused.status().as_u16(), error_type(&refused)),
        (429, "LimitExceededException")
    );
    // No accepted message is lost, and after the client has read there is room again.
    for _ in 0..accepted {
        assert_eq!(next_text(&mut client).await.len(), large.len());
    }
    assert_eq!(
        gateway.manage("POST", &connection, "room").await.status(),
        200
    );
    assert_eq!(next_text(&mut client).await, "room");
    client.send(Message::Close(None)).await.unwrap();
    calls.next("Disconnect").await;
}

#[tokio::test]
async fn a_function_may_post_to_its_own_connection() {
    let address = Arc::new(OnceLock::new());
    let known = Arc::clone(&address);
    let script = polite().running("Chat", move |event| {
        let url = format!(
            "http://{}/prod/@connections/{}",
            known.get().unwrap(),
            connection_id(&event)
        );
        async move {
            let response = manage(http().post(url).body("pushed")).await;
            assert_eq!(response.status(), 200);
            answer(&json!({ "statusCode": 200, "body": "replied" }))
        }
    });
    let (functions, _calls) = script.functions();
    let gateway = Gateway::start(api(), functions).await;
    address.set(gateway.address).unwrap();
    let mut client = gateway.connect().await;
    client
        .send(Message::text(r#"{"action":"chat"}"#))
        .await
        .unwrap();
    assert_eq!(next_text(&mut client).await, "pushed");
    assert_eq!(next_text(&mut client).await, "replied");
}
