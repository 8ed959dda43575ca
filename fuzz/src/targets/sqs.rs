//! Calls of SQS.
//!
//! Each line is an operation and its body. `RECEIPT` in a body is the receipt of the message that was
//! received last. Waiting takes no time, because the clock of the target goes on by itself.

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use harness::{
    gateway::clock::Clock,
    iam::{Access, Signatures},
    sqs::{Queues, SqsApi},
    stack::Stack,
};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

use super::templates::stack;

const TEMPLATE: &str = r#"
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: Jobs
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 1}
  Dead:
    Type: AWS::SQS::Queue
    Properties: {QueueName: Dead}
"#;
/// More calls reach no other code.
const MOST_CALLS: usize = 8;

thread_local! {
    static STACK: Stack = stack(TEMPLATE).unwrap();
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
}

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    STACK.with(|stack| RUNTIME.with(|runtime| runtime.block_on(perform(stack, text))));
}

async fn perform(stack: &Stack, text: &str) {
    let queues = Queues::new(&stack.queues, Clock::default());
    let access = Access::from_stack(stack, Signatures::Ignored);
    let router = SqsApi::router("http://127.0.0.1:9324".to_owned(), queues, access);
    let mut receipt = String::new();
    for call in text.lines().take(MOST_CALLS) {
        let (operation, body) = call.split_once(' ').unwrap_or((call, ""));
        let request = Request::post("/")
            .header("x-amz-target", format!("AmazonSQS.{operation}"))
            .body(Body::from(body.replacen("RECEIPT", &receipt, 1)));
        let Ok(request) = request else { continue };
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        assert!([200, 400].contains(&status), "{status}: {operation}");
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body: Value = serde_json::from_slice(&body).expect("an answer is JSON");
        if let Some(received) = body["Messages"][0]["ReceiptHandle"].as_str() {
            received.clone_into(&mut receipt);
        }
    }
}
