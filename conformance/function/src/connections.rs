//! The management API through the AWS SDK. Results are reported as JSON.

use std::time::Duration;

use aws_config::{BehaviorVersion, retry::RetryConfig};
use aws_sdk_apigatewaymanagement::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    primitives::Blob,
};
use serde_json::{Value, json};

/// The interval between two checks of a connection.
const PAUSE: Duration = Duration::from_millis(50);

/// A client of the management API.
#[derive(Clone, Debug)]
pub struct Connections(Client);

impl Connections {
    /// Creates a client for the endpoint that the environment names. It does not retry, because a
    /// test case checks the first response.
    pub async fn from_environment() -> Self {
        let configuration = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::disabled())
            .load()
            .await;
        Self(Client::new(&configuration))
    }

    /// Posts data. Returns `{"status": 200}`, or an error as [`Connections::get`] does.
    pub async fn post(&self, connection: &str, data: &str) -> Value {
        let call = self.0.post_to_connection().connection_id(connection);
        match call.data(Blob::new(data)).send().await {
            Ok(_) => json!({ "status": 200 }),
            Err(error) => error_report(&error),
        }
    }

    /// Describes a connection. Returns `{"status": 200}`, or `{"status", "error", "message"}` with
    /// the name of the exception and the message of the service.
    pub async fn get(&self, connection: &str) -> Value {
        let call = self.0.get_connection().connection_id(connection);
        match call.send().await {
            Ok(_) => json!({ "status": 200 }),
            Err(error) => error_report(&error),
        }
    }

    /// Closes a connection. Returns `{"status": 204}`, or an error as [`Connections::get`] does.
    pub async fn delete(&self, connection: &str) -> Value {
        let call = self.0.delete_connection().connection_id(connection);
        match call.send().await {
            Ok(_) => json!({ "status": 204 }),
            Err(error) => error_report(&error),
        }
    }

    /// Waits until the connection is gone. The suite uses this to let a function continue.
    pub async fn await_end(&self, connection: &str) {
        while self.get(connection).await["status"] == 200 {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn error_report<E>(error: &SdkError<E>) -> Value
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    json!({
        "status": status,
        "error": error.code(),
        "message": error.message().map_or_else(|| DisplayErrorContext(error).to_string(), str::to_owned),
    })
}
