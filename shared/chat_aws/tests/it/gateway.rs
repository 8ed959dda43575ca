//! Pushes to a gateway of one answer, which remembers the request.

use aws_sdk_apigatewaymanagement::config::{
    BehaviorVersion, Builder, Config, Credentials, Region, timeout::TimeoutConfig,
};
use chat::ports::{Outbound as _, PushError};
use chat_aws::Gateway;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::contract::connection;

const ID: &str = "BFaT_fALIAMCKug=";
const FRAME: &str = r#"{"event":"message","body":"Grüße"}"#;

/// A gateway at this endpoint, below a stage.
fn gateway(endpoint: &str) -> Gateway {
    let configuration: Builder = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("{endpoint}/dev"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .timeout_config(TimeoutConfig::disabled());
    Gateway::new(configuration)
}

/// Answers every request in the same way. Each comes out of the channel as its head and its body.
async fn answering(answer: &'static str) -> (Gateway, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            sender.send(request(&mut stream).await).unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (gateway(&endpoint), requests)
}

async fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "{text}");
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_frame_is_posted_below_the_stage_as_it_is() {
    let (gateway, mut requests) = answering(OK).await;
    gateway.push(&connection(ID).id, FRAME).await.unwrap();
    let request = requests.recv().await.unwrap();
    let (line, _) = request.split_once("\r\n").unwrap();
    assert_eq!(line, "POST /dev/@connections/BFaT_fALIAMCKug%3D HTTP/1.1");
    assert_eq!(request.split_once("\r\n\r\n").unwrap().1, FRAME);
}

#[tokio::test]
async fn refusals_say_whether_to_try_again() {
    macro_rules! refusal {
        ($status:literal, $headers:literal, $body:literal) => {
            concat!(
                "HTTP/1.1 ",
                $status,
                "\r\nconnection: close\r\n",
                $headers,
                "\r\n",
                $body
            )
        };
    }
    for (answer, expected) in [
        (
            refusal!(
                "410 Gone",
                "x-amzn-ErrorType: GoneException\r\ncontent-length: 0\r\n",
                ""
            ),
            "gone",
        ),
        (refusal!("410 Gone", "content-length: 0\r\n", ""), "gone"),
        (
            refusal!(
                "429 Too Many Requests",
                "x-amzn-ErrorType: LimitExceededException\r\n",
                ""
            ),
            "busy",
        ),
        (
            refusal!(
                "500 Internal Server Error",
                "",
                r#"{"message":"Internal server error"}"#
            ),
            "busy",
        ),
        (refusal!("503 Service Unavailable", "", "no JSON"), "busy"),
        (
            refusal!(
                "400 Bad Request",
                "",
                r#"{"message":"Invalid connectionId"}"#
            ),
            "fault",
        ),
        (
            refusal!(
                "403 Forbidden",
                "x-amzn-ErrorType: ForbiddenException\r\n",
                ""
            ),
            "fault",
        ),
        (
            refusal!("413 Payload Too Large", "", r#"{"message":"too large"}"#),
            "fault",
        ),
    ] {
        let (gateway, mut requests) = answering(answer).await;
        let error = gateway.push(&connection(ID).id, FRAME).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{answer}: {error:?}");
        assert!(!format!("{error:?}").contains("Grüße"), "{error:?}");
        // The core repeats pushes, and nobody else.
        requests.recv().await.unwrap();
        assert!(requests.try_recv().is_err(), "{answer}");
    }
}

#[tokio::test]
async fn a_gateway_that_cannot_be_reached_is_busy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = gateway(&endpoint)
        .push(&connection(ID).id, FRAME)
        .await
        .unwrap_err();
    assert_eq!(kind(&error), "busy", "{error:?}");
}

fn kind(error: &PushError) -> &'static str {
    match error {
        PushError::Gone => "gone",
        PushError::Busy => "busy",
        PushError::Fault(_) => "fault",
    }
}
