//! What idle connections cost the server.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    context::{Context, round},
    net::{Usage, tree_usage},
};

const PARALLEL_CONNECTS: usize = 64;
const SETTLE: Duration = Duration::from_secs(5);

pub async fn run(
    context: Context,
    steps: Vec<usize>,
    watched: &[(String, u32)],
) -> Result<Value, String> {
    // The first connects also load what is loaded only once, which is not the cost of a connection.
    drop(connect(&context, 0, 100).await?);
    sleep(SETTLE).await;
    let usages = || -> Vec<Usage> { watched.iter().map(|(_, pid)| tree_usage(*pid)).collect() };
    let base = usages();
    let mut open = 0;
    let mut rows = Vec::new();
    for step in steps {
        for (sender, mut receiver) in connect(&context, open, step).await? {
            let context = context.clone();
            // Reading answers the server's pings.
            tokio::spawn(async move {
                let _sender = sender;
                while context.receive(&mut receiver).await.is_ok() {}
            });
        }
        open = step;
        sleep(SETTLE).await;
        let mut row = json!({ "connections": step });
        for ((name, _), (now, base)) in watched.iter().zip(usages().iter().zip(&base)) {
            let kib = (now.rss_mb - base.rss_mb) * 1024.0 / step as f64;
            row[format!("{name}_rss_mb")] = round(now.rss_mb).into();
            row[format!("{name}_kib_per_connection")] = round(kib).into();
        }
        rows.push(row);
    }
    Ok(json!({ "scenario": "idle", "steps": rows }))
}

async fn connect(
    context: &Context,
    from: usize,
    to: usize,
) -> Result<Vec<(crate::net::Sender, crate::net::Receiver)>, String> {
    stream::iter(from..to)
        .map(|index| context.pair(index / 2, index % 2))
        .buffer_unordered(PARALLEL_CONNECTS)
        .try_collect()
        .await
}
