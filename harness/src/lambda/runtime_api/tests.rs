use std::{collections::BTreeMap, path::PathBuf};

use nix::unistd::getpgrp;

use super::*;
use crate::{
    iam::Credentials,
    stack::{Code, Function},
};

/// Serves a function whose processes are those of this test. Returns the URL of `next`.
async fn serve() -> (RuntimeApi, String) {
    let function = Function {
        logical_id: "One".to_owned(),
        name: "one".to_owned(),
        code: Code::Bootstrap(PathBuf::from("/code")),
        handler: "bootstrap".to_owned(),
        environment: BTreeMap::new(),
        timeout: Duration::from_secs(3),
        memory: 128,
        reserved_concurrency: None,
        asynchronous: Default::default(),
        policy: Vec::new(),
    };
    let deployment = Deployment::new(
        &function,
        PathBuf::from("/code/bootstrap"),
        &Credentials::administrator(),
        &BTreeMap::new(),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let api = RuntimeApi::serve(listener, Arc::new(deployment), Some(getpgrp())).unwrap();
    let url = format!("http://{address}/2018-06-01/runtime/invocation/next");
    (api, url)
}

fn invocation() -> Invocation {
    Invocation {
        request_id: "r1".to_owned(),
        payload: Bytes::from_static(b"{}"),
        client_context: None,
        trace: None,
        deadline: SystemTime::now(),
    }
}

async fn next_poll(api: &mut RuntimeApi) -> oneshot::Sender<Invocation> {
    match api.calls.recv().await {
        Some(Call::Next(poll)) => poll,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_second_poll_is_refused_while_the_first_is_open() {
    let (mut api, next) = serve().await;
    let first = tokio::spawn(reqwest::get(next.clone()));
    let poll = next_poll(&mut api).await;
    tokio::select! {
        second = reqwest::get(&next) => assert_eq!(second.unwrap().status(), 403),
        call = api.calls.recv() => panic!("the sandbox got {call:?}"),
    }

    poll.send(invocation()).unwrap();
    let event = first.await.unwrap().unwrap();
    assert_eq!(event.headers()["lambda-runtime-aws-request-id"], "r1");
    assert_eq!(event.text().await.unwrap(), "{}");
}

#[tokio::test]
async fn a_poll_that_was_dropped_gets_nothing_and_the_next_one_gets_the_event() {
    let (mut api, next) = serve().await;
    let first = tokio::spawn(reqwest::get(next.clone()));
    let mut poll = next_poll(&mut api).await;
    first.abort();
    poll.closed().await;
    let undelivered = poll.send(invocation()).unwrap_err();

    let second = tokio::spawn(reqwest::get(next));
    next_poll(&mut api).await.send(undelivered).unwrap();
    assert_eq!(second.await.unwrap().unwrap().text().await.unwrap(), "{}");
}
