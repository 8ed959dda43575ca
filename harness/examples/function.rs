//! A Lambda function that behaves as each event tells it to: what the harness's tests run.

use std::{env, fs, future::pending, process};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    match env::var("INIT").as_deref() {
        Ok("exit") => process::exit(3),
        Ok("hang") => pending().await,
        Ok("exit once") => {
            if fs::File::create_new(env::var("MARK")?).is_ok() {
                process::exit(3);
            }
        }
        Ok("graceful") => {
            let mark = env::var("MARK")?;
            lambda_runtime::spawn_graceful_shutdown_handler(|| async move {
                // Whether it worked is what the test looks at.
                let _ = fs::write(mark, "ended well");
            })
            .await;
        }
        _ => {}
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    match event["do"].as_str() {
        Some("fail") => Err("as you wished".into()),
        Some("exit") => process::exit(7),
        Some("hang") => pending().await,
        Some("grow") => Ok(Value::String("x".repeat(7 * 1024 * 1024))),
        Some("environment") => Ok(env::vars()
            .map(|(name, value)| (name, Value::from(value)))
            .collect()),
        // Says who it is and goes on when it is answered.
        Some("meet") => {
            let mut stream = TcpStream::connect(event["at"].as_str().unwrap_or_default()).await?;
            stream.write_u32(process::id()).await?;
            stream
                .write_u32(event["number"].as_u64().unwrap_or_default().try_into()?)
                .await?;
            let _ = stream.read_u8().await?;
            Ok(json!({ "pid": process::id() }))
        }
        _ => Ok(json!({
            "event": event,
            "pid": process::id(),
            "request": context.request_id,
            "deadline": context.deadline,
            "arn": context.invoked_function_arn,
            "client": context.client_context.is_some(),
        })),
    }
}
