//! A client that was away reads everything that it missed, page by page. Only for servers whose
//! messages have positions.

use std::time::Instant;

use futures_util::SinkExt;
use serde_json::{Value, json};

use crate::{
    context::{Context, round},
    net::{connect, exchange},
};

pub async fn run(context: Context, count: usize) -> Result<Value, String> {
    let (token, conversation) = context.member(0, 1);
    let (mut sender, mut own) = context.pair(0, 0).await?;
    let mut stream = connect(&context.http).await?;
    let mut read = async |after: u64| -> Result<Value, String> {
        let request = context
            .adapter
            .read(&context.http, token, conversation, after);
        let (status, body) = exchange(&mut stream, &request).await?;
        if status != 200 {
            return Err(format!("http {status}: {body}"));
        }
        serde_json::from_str(&body).map_err(|error| error.to_string())
    };
    let before = head(&read(0).await?);
    for number in 0..count as u64 {
        let frame = context
            .adapter
            .send(conversation, &context.body(0, number), number);
        sender
            .send(frame)
            .await
            .map_err(|error| error.to_string())?;
        while !context.receive(&mut own).await?.contains(&(0, number)) {}
    }
    let started = Instant::now();
    let (mut position, mut pages) = (before, 0);
    loop {
        let page = read(position).await?;
        let last = positions(&page).into_iter().max();
        let Some(last) = last.filter(|last| *last > position) else {
            break;
        };
        position = last;
        pages += 1;
    }
    let seconds = started.elapsed().as_secs_f64();
    let found = (position - before) as f64;
    Ok(json!({
        "scenario": "catch-up",
        "sent": count,
        "read": found,
        "pages": pages,
        "seconds": round(seconds),
        "entries_per_s": round(found / seconds),
    }))
}

fn head(page: &Value) -> u64 {
    page["head"].as_u64().unwrap_or(0)
}

/// The positions in a page, whatever the name of its list.
fn positions(page: &Value) -> Vec<u64> {
    page.as_object()
        .into_iter()
        .flat_map(|page| page.values())
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(|entry| entry["seq"].as_u64())
        .collect()
}
