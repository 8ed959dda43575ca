//! Lambda with a real function process: `examples/function.rs`, which uses the real runtime crate.

use std::{
    fs,
    path::PathBuf,
    pin::pin,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use harness::{
    faults::Faults,
    gateway::clock::Clock,
    iam::{Access, Signatures},
    invoke::{Invoke, Outcome, Queued},
    lambda::{Lambda, Settings},
    stack::Function,
};
use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use crate::access;

/// Cargo builds examples with the tests, next to their folder.
pub fn executable() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/function");
    assert!(
        path.exists(),
        "run `cargo build --package harness --examples` first"
    );
    path
}

pub fn function(logical_id: &str) -> Function {
    access::function(logical_id, &[])
}

pub fn with_environment(mut function: Function, variables: &[(&str, &str)]) -> Function {
    function.environment.extend(
        variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    function
}

/// Starts a Lambda with these functions. Returns it with the URL of its Invoke API.
pub async fn start(
    functions: impl IntoIterator<Item = Function>,
    concurrency: usize,
) -> (Lambda, String) {
    start_with_faults(functions, concurrency, Faults::default()).await
}

pub async fn start_with_faults(
    functions: impl IntoIterator<Item = Function>,
    concurrency: usize,
    faults: Faults,
) -> (Lambda, String) {
    let stack = access::stack(functions);
    let executables = stack
        .functions
        .keys()
        .map(|id| (id.clone(), executable()))
        .collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!(
        "http://{}/2015-03-31/functions",
        listener.local_addr().unwrap()
    );
    let settings = Settings {
        concurrency,
        invoke_listeners: vec![listener],
        environment: [("OVERRIDE".to_owned(), "everywhere".to_owned())].into(),
        access: Access::from_stack(&stack, Signatures::Verified),
        faults,
    };
    (
        Lambda::start(&stack, &executables, settings).unwrap(),
        address,
    )
}

/// Returns a queue signal without a receiver, for callers without a time limit of their own.
pub fn not_queued() -> Queued {
    oneshot::channel().0
}

pub async fn call(lambda: &Lambda, function: &str, event: Value) -> Outcome {
    lambda
        .invoke(function, event.to_string().into(), not_queued())
        .await
        .unwrap()
}

pub fn spawn(lambda: &Lambda, function: &'static str, event: Value) -> JoinHandle<Outcome> {
    let lambda = lambda.clone();
    tokio::spawn(async move { call(&lambda, function, event).await })
}

#[track_caller]
pub fn answer(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Answer(body) => serde_json::from_slice(&body).unwrap(),
        Outcome::FunctionError(body) => panic!("{}", String::from_utf8_lossy(&body)),
    }
}

#[track_caller]
pub fn error(outcome: Outcome) -> Value {
    match outcome {
        Outcome::FunctionError(body) => serde_json::from_slice(&body).unwrap(),
        Outcome::Answer(body) => panic!("{}", String::from_utf8_lossy(&body)),
    }
}

pub fn is_gone(pid: &Value) -> bool {
    let pid = Pid::from_raw(pid.as_i64().unwrap().try_into().unwrap());
    kill(pid, None) == Err(Errno::ESRCH)
}

/// Waits until the system reports every thread of the process as stopped.
pub async fn await_freeze(pid: &Value) {
    loop {
        let pid = pid.to_string();
        let state = tokio::task::spawn_blocking(move || {
            Command::new("ps")
                .args(["-o", "state=", "-p", &pid])
                .output()
                .unwrap()
                .stdout
        })
        .await
        .unwrap();
        assert!(!state.is_empty(), "the process is gone");
        if state.starts_with(b"T") {
            return;
        }
    }
}

/// Returns a path at which there is no file.
pub fn mark() -> PathBuf {
    std::env::temp_dir().join(format!("harness-{}", uuid::Uuid::new_v4()))
}

/// Accepts connections of functions with the event `meet`. Each sends its process id and a number,
/// and continues when it gets a byte.
pub struct Meeting(TcpListener);

impl Meeting {
    pub async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn event(&self, number: usize) -> Value {
        json!({ "do": "meet", "at": self.0.local_addr().unwrap().to_string(), "number": number })
    }

    /// Returns the next function's stream, and how far the clock was set ahead until it connected.
    pub async fn next_by(&self, clock: &Clock) -> (TcpStream, Duration) {
        let began = clock.ahead();
        let mut next = pin!(self.next());
        loop {
            tokio::select! {
                biased;
                (_, _, stream) = &mut next => return (stream, clock.ahead() - began),
                () = tokio::task::yield_now() => {
                    clock.set_ahead(clock.ahead() + Duration::from_secs(1)).unwrap();
                }
            }
        }
    }

    pub async fn next(&self) -> (u32, u32, TcpStream) {
        let (mut stream, _) = self.0.accept().await.unwrap();
        (
            stream.read_u32().await.unwrap(),
            stream.read_u32().await.unwrap(),
            stream,
        )
    }
}

#[tokio::test]
async fn a_process_is_frozen_between_events_and_reused() {
    let (lambda, _) = start([function("One"), function("Two")], 8).await;
    let before = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis();
    let first = answer(call(&lambda, "One", json!({ "n": 1 })).await);
    assert_eq!(first["event"], json!({ "n": 1 }));
    assert_eq!(
        first["arn"],
        "arn:aws:lambda:us-east-1:123456789012:function:test-One"
    );
    let left = u128::from(first["deadline"].as_u64().unwrap()) - before;
    assert!(
        left >= 900_000,
        "the deadline is the timeout away from the moment of the event: {left}"
    );
    await_freeze(&first["pid"]).await;

    // The function can be called by each of its names.
    for name in ["test-One", "One_binary", first["arn"].as_str().unwrap()] {
        let again = answer(call(&lambda, name, json!({})).await);
        assert_eq!(again["pid"], first["pid"]);
        assert_ne!(again["request"], first["request"]);
    }
    let other = answer(call(&lambda, "Two", json!({})).await);
    assert_ne!(other["pid"], first["pid"]);

    await_freeze(&first["pid"]).await;
    lambda.stop().await;
    assert!(
        is_gone(&first["pid"]) && is_gone(&other["pid"]),
        "stop leaves no process behind"
    );
}

#[tokio::test]
async fn a_process_sees_only_lambdas_environment() {
    let one = with_environment(function("One"), &[("TABLE", "chat")]);
    let (lambda, _) = start([one], 1).await;
    let seen = answer(call(&lambda, "One", json!({ "do": "environment" })).await);
    assert_eq!(seen["TABLE"], "chat");
    assert_eq!(seen["OVERRIDE"], "everywhere");
    assert_eq!(seen["AWS_LAMBDA_FUNCTION_NAME"], "test-One");
    let text = |name: &str| seen[name].as_str().unwrap_or_default().to_owned();
    let root = executable().canonicalize().unwrap();
    let root = root.parent().unwrap().display().to_string();
    for (name, value) in [
        ("_HANDLER", "bootstrap"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/test-One"),
        ("LAMBDA_TASK_ROOT", &root),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("TZ", ":UTC"),
        ("LANG", "en_US.UTF-8"),
    ] {
        assert_eq!(text(name), value, "{name}");
    }
    for name in [
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "LD_LIBRARY_PATH",
        "PATH",
    ] {
        assert_ne!(text(name), "", "{name}");
    }
    for name in ["AWS_EXECUTION_ENV", "AWS_LAMBDA_MAX_CONCURRENCY"] {
        assert_eq!(seen.get(name), None, "{name} is not set for these runtimes");
    }
    for name in ["HOME", "USER", "CARGO_MANIFEST_DIR"] {
        assert_eq!(seen.get(name), None, "{name} is the developer's");
    }
    lambda.stop().await;
}

#[tokio::test]
async fn a_failed_function_keeps_its_process_and_a_dead_one_is_replaced() {
    let (lambda, _) = start([function("One")], 1).await;
    let first = answer(call(&lambda, "One", json!({})).await);
    let failed = error(call(&lambda, "One", json!({ "do": "fail" })).await);
    assert_eq!(failed["errorMessage"], "as you wished");
    let too_large = error(call(&lambda, "One", json!({ "do": "grow" })).await);
    assert_eq!(too_large["errorType"], "Function.ResponseSizeTooLarge");
    let same = answer(call(&lambda, "One", json!({})).await);
    assert_eq!(same["pid"], first["pid"]);

    let died = error(call(&lambda, "One", json!({ "do": "exit" })).await);
    assert_eq!(died["errorType"], "Runtime.ExitError");
    let reason = "Error: Runtime exited with error: exit status 7";
    assert!(
        died["errorMessage"].as_str().unwrap().ends_with(reason),
        "{died}"
    );
    let next = answer(call(&lambda, "One", json!({})).await);
    assert_ne!(next["pid"], first["pid"]);
    lambda.stop().await;
}

#[tokio::test]
async fn killing_a_frozen_process_loses_no_event() {
    let (lambda, _) = start([function("One")], 1).await;
    let first = answer(call(&lambda, "One", json!({})).await);
    await_freeze(&first["pid"]).await;
    let pid = Pid::from_raw(first["pid"].as_i64().unwrap().try_into().unwrap());
    kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    while !is_gone(&first["pid"]) {
        tokio::task::yield_now().await;
    }
    let next = answer(call(&lambda, "One", json!({})).await);
    assert_ne!(next["pid"], first["pid"]);
    lambda.stop().await;
}

#[tokio::test]
async fn stopping_ends_running_and_waiting_events() {
    let mark = mark();
    let graceful = with_environment(
        function("Well"),
        &[("INIT", "graceful"), ("MARK", mark.to_str().unwrap())],
    );
    let hanging = with_environment(function("Hanging"), &[("INIT", "hang")]);
    let (lambda, _) = start([function("One"), graceful, hanging], 1).await;
    let meeting = Meeting::new().await;
    let calls = [
        spawn(&lambda, "One", meeting.event(1)),
        spawn(&lambda, "One", json!({})),
        spawn(&lambda, "Hanging", json!({})),
    ];
    let (pid, _, _stream) = meeting.next().await;
    let well = answer(call(&lambda, "Well", json!({})).await);
    await_freeze(&well["pid"]).await;
    lambda.stop().await;
    assert!(is_gone(&json!(pid)) && is_gone(&well["pid"]));
    for call in calls {
        assert_eq!(error(call.await.unwrap())["errorType"], "Sandbox.Stopped");
    }
    assert_eq!(fs::read_to_string(&mark).unwrap(), "ended well");
    fs::remove_file(mark).unwrap();
}
