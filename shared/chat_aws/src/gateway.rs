//! Pushes through the management API of the WebSocket API.

use aws_sdk_apigatewaymanagement::{
    Client, config::retry::RetryConfig, error::SdkError,
    operation::post_to_connection::PostToConnectionError, primitives::Blob,
};
use chat::{
    domain::ConnectionId,
    ports::{Outbound, PushError},
};

use crate::call_error::{call_error, error_chain};

/// The client of the management API.
#[derive(Clone, Debug)]
pub struct Gateway {
    client: Client,
}

impl Gateway {
    /// Creates a client for the endpoint that the configuration names. The SDK never retries a
    /// push: the core does, within a time limit.
    #[must_use]
    pub fn new(configuration: impl Into<aws_sdk_apigatewaymanagement::config::Builder>) -> Self {
        let configuration = configuration.into().retry_config(RetryConfig::disabled());
        Self {
            client: Client::from_conf(configuration.build()),
        }
    }

    /// Opens the HTTP connection for the first push, by a push to an id that no connection has.
    /// Every function with a gateway has the permission for this request. An error is ignored: if
    /// it persists, the first push fails, too.
    pub(crate) async fn warm_up(&self) {
        let call = self
            .client
            .post_to_connection()
            .connection_id("warm-up")
            .data(Blob::new([]));
        if let Err(error) = call.send().await {
            tracing::debug!(response = error_chain(&error), "warm-up push sent");
        }
    }
}

impl Outbound for Gateway {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        let call = self
            .client
            .post_to_connection()
            .connection_id(connection.as_str())
            .data(Blob::new(frame));
        call.send().await.map_err(push_error)?;
        Ok(())
    }
}

/// Converts the error of a push. The status decides, because not every error response has a body
/// that names the error.
fn push_error(error: SdkError<PostToConnectionError>) -> PushError {
    match error
        .raw_response()
        .map(|response| response.status().as_u16())
    {
        Some(410) => PushError::Gone,
        Some(429 | 500..) => PushError::Busy,
        Some(_) => call_error("pushing a frame", &error).into(),
        None => match &error {
            // The request was not sent, or no response arrived in time.
            SdkError::DispatchFailure(_)
            | SdkError::TimeoutError(_)
            | SdkError::ResponseError(_) => PushError::Busy,
            _ => call_error("pushing a frame", &error).into(),
        },
    }
}
