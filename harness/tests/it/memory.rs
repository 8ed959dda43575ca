//! The memory of the harness after a flood of large requests.

use std::{fs, sync::LazyLock};

use axum::body::Bytes;
use futures_util::future::join_all;
use nix::sys::signal::Signal;
use reqwest::Method;

use crate::{
    gateway::http,
    run::{Folder, TEMPLATE},
    s3_world::{LIFE, Signer},
};

const MEGABYTE: u64 = 1024 * 1024;
const REQUESTS: usize = 24;
/// Not JSON, so each request is read to its end and refused.
static BODY: LazyLock<Bytes> = LazyLock::new(|| vec![b'x'; 15 * 1024 * 1024].into());

/// Returns the resident memory of a process in bytes.
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches("kB").trim();
    kilobytes.parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn the_memory_of_a_flood_is_given_back() {
    let folder = Folder::with(TEMPLATE);
    let mut program = folder.start(&["--http-port=0"]);
    program.says("Ready after").await;
    let ready = folder.ready();
    let dynamodb = ready["dynamodb"].as_str().unwrap();
    let before = resident(program.pid());

    let requests = (0..REQUESTS).map(|_| {
        http()
            .post(dynamodb)
            .header("x-amz-target", "DynamoDB_20120810.GetItem")
            .body(BODY.clone())
            .send()
    });
    for response in join_all(requests).await {
        assert_eq!(response.unwrap().status(), 400);
    }

    // The allocator returns memory while the next requests are served.
    for _ in 0..5_000 {
        if resident(program.pid()) < before + 64 * MEGABYTE {
            assert!(program.end(Signal::SIGINT).await.success());
            return;
        }
        assert_eq!(http().get(dynamodb).send().await.unwrap().status(), 200);
    }
    let after = resident(program.pid());
    panic!(
        "{} MB before, {} MB after",
        before / MEGABYTE,
        after / MEGABYTE
    );
}

/// Returns a body that is never in memory as a whole.
fn stream(megabytes: u64) -> reqwest::Body {
    let megabyte = Bytes::from(vec![b'x'; 1024 * 1024]);
    let chunks = (0..megabytes).map(move |_| Ok::<_, std::io::Error>(megabyte.clone()));
    reqwest::Body::wrap_stream(futures_util::stream::iter(chunks))
}

#[tokio::test]
async fn objects_are_stored_and_sent_at_a_memory_that_does_not_grow_with_them() {
    const SIZE: u64 = 100;
    let bucket = "Resources: {Files: {Type: AWS::S3::Bucket}}";
    let folder = Folder::with(bucket);
    let mut program = folder.start(&["--http-port=0"]);
    program.says("Ready after").await;
    let ready = folder.ready();
    let url = format!("{}/local-files/F", ready["s3"].as_str().unwrap());
    let presigned = |method| Signer::administrator().presigned(&method, &url, &[], LIFE);
    let put = async |megabytes: u64| {
        let request = http().put(presigned(Method::PUT));
        let request = request.header("content-length", megabytes * MEGABYTE);
        let response = request.body(stream(megabytes)).send().await.unwrap();
        assert_eq!(response.status(), 200);
    };
    put(1).await;
    let before = resident(program.pid());
    put(SIZE).await;
    let stored = resident(program.pid());
    let mut response = http().get(presigned(Method::GET)).send().await.unwrap();
    let mut read = 0;
    while let Some(chunk) = response.chunk().await.unwrap() {
        read += chunk.len() as u64;
    }
    assert_eq!(read, SIZE * MEGABYTE);
    let sent = resident(program.pid());
    for after in [stored, sent] {
        let megabytes = |bytes: u64| bytes / MEGABYTE;
        let (before, after) = (megabytes(before), megabytes(after));
        assert!(after < before + 16, "{before} MB before, {after} MB after");
    }
    assert!(program.end(Signal::SIGINT).await.success());
}
