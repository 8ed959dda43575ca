//! New code for running functions, and the output of their processes.

use std::{collections::BTreeMap, fs};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::lambda::{
    Meeting, answer, await_freeze, call, executable, function, is_gone, mark, spawn, start,
};

#[tokio::test]
async fn new_code_takes_over_while_old_code_finishes_its_events() {
    let (lambda, _) = start([function("One"), function("Two")], 2).await;
    let meeting = Meeting::new().await;
    let busy = spawn(&lambda, "One", meeting.event(1));
    let (busy_process, _, mut go_on) = meeting.next().await;
    let idle = answer(call(&lambda, "One", json!({})).await)["pid"].clone();
    await_freeze(&idle).await;
    let other = answer(call(&lambda, "Two", json!({})).await)["pid"].clone();

    let folder = mark();
    fs::create_dir(&folder).unwrap();
    let code = folder.join("function");
    fs::copy(executable(), &code).unwrap();
    lambda
        .replace(&BTreeMap::from([("One".to_owned(), code)]))
        .unwrap();

    // Both places are taken until the idle process is gone, so this invocation waits for its end.
    let environment = answer(call(&lambda, "One", json!({ "do": "environment" })).await);
    assert_eq!(
        environment["LAMBDA_TASK_ROOT"],
        folder.canonicalize().unwrap().display().to_string()
    );
    assert!(is_gone(&idle));
    go_on.write_u8(1).await.unwrap();
    let ended = answer(busy.await.unwrap());
    assert_eq!(ended["pid"], busy_process);
    let after = answer(call(&lambda, "One", json!({})).await);
    assert_ne!(after["pid"], ended["pid"]);
    assert_eq!(answer(call(&lambda, "Two", json!({})).await)["pid"], other);

    let missing = BTreeMap::from([("One".to_owned(), folder.join("missing"))]);
    assert!(lambda.replace(&missing).is_err());
    lambda.stop().await;
    fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_log_tail_has_the_output_and_the_report_of_its_invocation() {
    let (lambda, address) = start([function("One")], 1).await;
    let client = reqwest::Client::new();
    // Event, the function's own line, status, and whether the report includes an init.
    let table = [
        (
            json!({ "do": "say", "line": "first" }),
            "first",
            "success",
            true,
        ),
        (
            json!({ "do": "say", "line": "second" }),
            "second",
            "success",
            false,
        ),
        (json!({ "do": "fail" }), "", "error", false),
        (json!({ "do": "exit" }), "", "failure", false),
    ];
    for (event, line, status, init) in table {
        let response = client
            .post(format!("{address}/One/invocations"))
            .header("x-amz-log-type", "Tail")
            .body(event.to_string())
            .send()
            .await
            .unwrap();
        let log = BASE64_STANDARD
            .decode(&response.headers()["x-amz-log-result"])
            .unwrap();
        let request_id = response.headers()["x-amzn-requestid"].to_str().unwrap();
        let log = String::from_utf8(log).unwrap();
        let lines: Vec<_> = log.lines().collect();
        let start: Value = serde_json::from_str(lines[0]).unwrap();
        assert_eq!(start["type"], "platform.start", "{log}");
        assert_eq!(start["record"]["requestId"], request_id);
        let report: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
        assert_eq!(report["type"], "platform.report", "{log}");
        assert_eq!(report["record"]["status"], status, "{log}");
        let metrics = &report["record"]["metrics"];
        assert!(metrics["billedDurationMs"].as_f64() >= metrics["durationMs"].as_f64());
        assert_eq!(metrics["initDurationMs"].is_number(), init, "{log}");
        if !line.is_empty() {
            // The two outputs have no order between them.
            let mut own = lines[1..lines.len() - 1].to_vec();
            own.sort();
            let outputs = ["error", "output"];
            assert_eq!(
                own,
                outputs.map(|output| format!("{line} to standard {output}"))
            );
        }
    }
    let unasked = client
        .post(format!("{address}/One/invocations"))
        .send()
        .await
        .unwrap();
    assert!(!unasked.headers().contains_key("x-amz-log-result"));
    let unknown = client
        .post(format!("{address}/One/invocations"))
        .header("x-amz-log-type", "Everything")
        .send()
        .await
        .unwrap();
    assert_eq!(unknown.status(), 400);
    lambda.stop().await;
}
