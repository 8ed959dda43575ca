//! Which processes may call the Runtime API of a function's process.

use serde_json::{Value, json};

use crate::{
    gateway::http,
    lambda::{answer, await_freeze, call, function, start},
};

#[tokio::test]
async fn a_foreign_process_gets_no_event_and_does_not_disturb_the_function() {
    let (lambda, _) = start([function("One")], 1).await;
    let seen = answer(call(&lambda, "One", json!({ "do": "environment" })).await);
    let address = format!(
        "http://{}",
        seen["AWS_LAMBDA_RUNTIME_API"].as_str().unwrap()
    );
    let first = answer(call(&lambda, "One", json!({})).await);
    await_freeze(&first["pid"]).await;

    let invocation = format!("{address}/2018-06-01/runtime/invocation");
    let request = first["request"].as_str().unwrap();
    for foreign in [
        http().get(format!("{invocation}/next")),
        http().post(format!("{invocation}/{request}/response")),
        http().post(format!("{address}/2018-06-01/runtime/init/error")),
        http()
            .post(format!("{address}/2020-01-01/extension/register"))
            .header("lambda-extension-name", "foreign")
            .json(&json!({})),
    ] {
        let response = foreign.send().await.unwrap();
        assert_eq!(response.status(), 403);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["errorType"], "AccessDenied");
    }

    let second = answer(call(&lambda, "One", json!({})).await);
    assert_eq!(second["pid"], first["pid"]);
    lambda.stop().await;
}
