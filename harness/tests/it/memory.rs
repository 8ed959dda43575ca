//! The memory of the harness after a flood of large requests.

use std::{fs, sync::LazyLock};

use axum::body::Bytes;
use futures_util::future::join_all;
use nix::sys::signal::Signal;

use crate::{
    gateway::http,
    run::{Folder, TEMPLATE},
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
