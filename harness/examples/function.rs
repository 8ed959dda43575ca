//! A Lambda function that follows the instruction in its event. The harness's tests run it.

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
                // The test checks whether it worked.
                let _ = fs::write(mark, "ended well");
            })
            .await;
        }
        _ => {}
    }
    lambda_runtime::run(service_fn(handle)).await
}

/// The instruction in an event. Other members are ignored.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Instruction {
    Fail,
    Exit,
    Hang,
    /// Returns a response larger than Lambda's limit.
    Grow,
    Environment,
    /// Writes this text to standard output and standard error.
    Say {
        line: String,
    },
    /// Connects to this address, identifies itself, and waits for an answer.
    Meet {
        at: String,
        number: u32,
    },
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    match Instruction::deserialize(&event) {
        Ok(Instruction::Fail) => Err("as you wished".into()),
        Ok(Instruction::Exit) => process::exit(7),
        Ok(Instruction::Hang) => pending().await,
        Ok(Instruction::Grow) => Ok(Value::String("x".repeat(7 * 1024 * 1024))),
        Ok(Instruction::Environment) => Ok(env::vars()
            .map(|(name, value)| (name, Value::from(value)))
            .collect()),
        Ok(Instruction::Say { line }) => {
            println!("{line} to standard output");
            eprintln!("{line} to standard error");
            Ok(Value::Null)
        }
        Ok(Instruction::Meet { at, number }) => {
            let mut stream = TcpStream::connect(at).await?;
            stream.write_u32(process::id()).await?;
            stream.write_u32(number).await?;
            let _ = stream.read_u8().await?;
            Ok(json!({ "pid": process::id() }))
        }
        // Other events are returned unchanged.
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
