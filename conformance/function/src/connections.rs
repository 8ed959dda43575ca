//! The management API, by Amazon's own SDK; what it answers is told as JSON.

use std::time::Duration;

use aws_config::{BehaviorVersion, retry::RetryConfig};
use aws_sdk_apigatewaymanagement::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    primitives::Blob,
};
use serde_json::{Value, json};

/// Between two looks at a connection that is waited for.
const PAUSE: Duration = Duration::from_millis(50);

/// What functions do about connections.
#[derive(Clone, Debug)]
pub struct Connections(Client);

impl Connections {
    /// Of the endpoint that the environment names. Nothing is repeated: the first answer is what a case asks for.
    pub async fn from_environment() -> Self {
        let configuration = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::disabled())
            .load()
            .await;
        Self(Client::new(&configuration))
    }

    /// `{"status": 200}`, or what [`Connections::get`] says of errors.
    pub async fn post(&self, connection: &str, data: &str) -> Value {
        let call = self.0.post_to_connection().connection_id(connection);
        match call.data(Blob::new(data)).send().await {
            Ok(_) => json!({ "status": 200 }),
            Err(error) => refusal(&error),
        }
    }

    /// `{"status": 200}`, or `{"status", "error", "message"}` with the exception's name and the service's own words.
    pub async fn get(&self, connection: &str) -> Value {
        let call = self.0.get_connection().connection_id(connection);
        match call.send().await {
            Ok(_) => json!({ "status": 200 }),
            Err(error) => refusal(&error),
        }
    }

    /// `{"status": 204}`, or what [`Connections::get`] says of errors.
    pub async fn delete(&self, connection: &str) -> Value {
        let call = self.0.delete_connection().connection_id(connection);
        match call.send().await {
            Ok(_) => json!({ "status": 204 }),
            Err(error) => refusal(&error),
        }
    }

    /// Waits until the connection is gone: the suite's way to let a function go on.
    pub async fn await_end(&self, connection: &str) {
        while self.get(connection).await["status"] == 200 {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn refusal<E>(error: &SdkError<E>) -> Value
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
