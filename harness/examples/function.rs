//! A Lambda function that behaves as each event tells it to: what the harness's tests run.

use std::{
    env,
    fs::{self, File},
    future::pending,
    process,
};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::Deserialize;
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
        Ok("exit once") if File::create_new(env::var("MARK")?).is_ok() => process::exit(3),
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

/// What an event asks for, among whatever else it holds.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Wish {
    Fail,
    Exit,
    Hang,
    /// Answers with more than Lambda passes on.
    Grow,
    Environment,
    /// Writes this to both of its outputs.
    Say {
        line: String,
    },
    /// Says who it is at this address, and goes on when it is answered.
    Meet {
        at: String,
        number: u32,
    },
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    match Wish::deserialize(&event) {
        Ok(Wish::Fail) => Err("as you wished".into()),
        Ok(Wish::Exit) => process::exit(7),
        Ok(Wish::Hang) => pending().await,
        Ok(Wish::Grow) => Ok(Value::String("x".repeat(7 * 1024 * 1024))),
        Ok(Wish::Environment) => Ok(env::vars()
            .map(|(name, value)| (name, Value::from(value)))
            .collect()),
        Ok(Wish::Say { line }) => {
            println!("{line} to standard output");
            eprintln!("{line} to standard error");
            Ok(Value::Null)
        }
        Ok(Wish::Meet { at, number }) => {
            let mut stream = TcpStream::connect(at).await?;
            stream.write_u32(process::id()).await?;
            stream.write_u32(number).await?;
            let _ = stream.read_u8().await?;
            Ok(json!({ "pid": process::id() }))
        }
        // Everything else comes back.
        Err(_) => Ok(json!({
            "event": event,
            "pid": process::id(),
            "request": context.request_id,
            "deadline": context.deadline,
            "arn": context.invoked_function_arn,
            "client": context.client_context.is_some(),
        })),
    }
}
