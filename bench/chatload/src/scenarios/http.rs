//! Clients that post by HTTP, one message after another each.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use serde_json::{Value, json};

use crate::{
    context::{Context, histogram, quantiles, round},
    net::{connect, exchange},
};

pub async fn run(context: Context, count: usize, clients: usize) -> Result<Value, String> {
    let latency = Arc::new(Mutex::new(histogram()));
    let started = Instant::now();
    let mut tasks = Vec::new();
    for index in 0..clients {
        let (context, latency) = (context.clone(), Arc::clone(&latency));
        tasks.push(tokio::spawn(async move {
            let (token, conversation) = context.member(index, 0);
            let mut stream = connect(&context.http).await?;
            for number in 0..(count / clients) as u64 {
                let body = context.body(index, number);
                let nonce = number | (index as u64) << 32;
                let request =
                    context
                        .adapter
                        .post(&context.http, token, conversation, &body, nonce);
                let sent = context.now();
                let (status, body) = exchange(&mut stream, &request).await?;
                if status >= 300 {
                    return Err(format!("http {status}: {body}"));
                }
                let mut latency = latency.lock().unwrap_or_else(PoisonError::into_inner);
                latency.saturating_record((context.now() - sent).max(1));
            }
            Ok::<_, String>(())
        }));
    }
    for task in tasks {
        task.await.map_err(|error| error.to_string())??;
    }
    let latency = latency.lock().unwrap_or_else(PoisonError::into_inner);
    let rate = latency.len() as f64 / started.elapsed().as_secs_f64();
    Ok(json!({
        "scenario": "http",
        "clients": clients,
        "post": quantiles(&latency),
        "posts_per_s": round(rate),
    }))
}
