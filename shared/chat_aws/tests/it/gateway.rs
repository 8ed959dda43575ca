//! Pushes to a gateway with scripted responses.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use chat::{
    contract::connection,
    ports::{Outbound as _, PushError},
};
use chat_aws::Gateway;
use tokio::net::TcpListener;

use crate::scripted::{response, serve};

const FRAME: &str = r#"{"event":"message","body":"Grüße"}"#;

/// Returns a client of the gateway at this URL, with a stage in the path.
fn gateway(url: &str) -> Gateway {
    let credentials = Credentials::new("local", "secret", Some("token".to_owned()), None, "test");
    let configuration = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Gateway::new(&configuration.build(), &format!("{url}/dev")).unwrap()
}

async fn push(url: &str) -> Result<(), PushError> {
    gateway(url)
        .push(&connection("BFaT_fALIAMCKug=").id, FRAME)
        .await
}

fn kind(error: &PushError) -> &'static str {
    match error {
        PushError::Gone => "gone",
        PushError::Busy => "busy",
        PushError::Internal(_) => "internal",
    }
}

#[tokio::test]
async fn a_frame_is_posted_unchanged_below_the_stage() {
    let (url, mut requests) = serve(vec![response("200 OK", "", "")]).await;
    push(&url).await.unwrap();
    let request = requests.recv().await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let line = "POST /dev/@connections/BFaT_fALIAMCKug%3D HTTP/1.1";
    assert_eq!(head.lines().next(), Some(line));
    assert_eq!(body, FRAME);
    // A function's credentials have a session token.
    assert!(head.contains("\r\nx-amz-security-token: token"), "{head}");
    let authorization = "\r\nauthorization: AWS4-HMAC-SHA256 Credential=local/";
    assert!(head.contains(authorization), "{head}");
    assert!(
        head.contains("/us-east-1/execute-api/aws4_request"),
        "{head}"
    );
}

#[tokio::test]
async fn only_busy_pushes_may_be_retried_and_only_by_the_core() {
    for (status, kind_of_error, body, expected) in [
        ("410 Gone", "GoneException", "", "gone"),
        ("410 Gone", "", "", "gone"),
        (
            "429 Too Many Requests",
            "LimitExceededException",
            "",
            "busy",
        ),
        (
            "500 Internal Server Error",
            "",
            r#"{"message":"Internal server error"}"#,
            "busy",
        ),
        ("503 Service Unavailable", "", "not JSON", "busy"),
        (
            "400 Bad Request",
            "BadRequestException",
            r#"{"message":"Invalid"}"#,
            "internal",
        ),
        (
            "403 Forbidden",
            "ForbiddenException",
            r#"{"message":"Forbidden"}"#,
            "internal",
        ),
        (
            "413 Payload Too Large",
            "PayloadTooLargeException",
            r#"{"message":"large"}"#,
            "internal",
        ),
    ] {
        let header = format!("x-amzn-ErrorType: {kind_of_error}\r\n");
        let failed = response(status, &header, body);
        let (url, mut requests) = serve(vec![failed, response("200 OK", "", "")]).await;
        let error = push(&url).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{status}: {error:?}");
        assert!(!format!("{error:?}").contains("Grüße"), "{error:?}");
        // Only the core retries pushes.
        requests.recv().await.unwrap();
        assert!(requests.try_recv().is_err(), "{status}");
    }
}

#[tokio::test]
async fn an_unreachable_gateway_counts_as_busy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = push(&url).await.unwrap_err();
    assert_eq!(kind(&error), "busy", "{error:?}");
}
