//! Pushes by the management API of the WebSocket API.

use aws_sdk_apigatewaymanagement::{
    Client, config::retry::RetryConfig, error::SdkError,
    operation::post_to_connection::PostToConnectionError, primitives::Blob,
};
use chat::{
    domain::ConnectionId,
    ports::{Outbound, PushError},
};

use crate::fault;

/// The WebSocket API's side door.
#[derive(Clone, Debug)]
pub struct Gateway {
    client: Client,
}

impl Gateway {
    /// Pushes through the endpoint that the configuration names. The SDK never repeats a push by itself: the core does,
    /// within the time that is left for all of them.
    #[must_use]
    pub fn new(configuration: impl Into<aws_sdk_apigatewaymanagement::config::Builder>) -> Self {
        let configuration = configuration.into().retry_config(RetryConfig::disabled());
        Self {
            client: Client::from_conf(configuration.build()),
        }
    }

    /// Opens the connection that the first push will need, by a push to an id that no connection has: the one request
    /// that every function with a gateway may make. A failure shows again, and for good, at the first push.
    pub(crate) async fn warm_up(&self) {
        let call = self
            .client
            .post_to_connection()
            .connection_id("warm-up")
            .data(Blob::new([]));
        if let Err(error) = call.send().await {
            tracing::debug!(answer = fault::told(&error), "pushed to nobody");
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

/// Why the gateway did not take a frame. It is judged by status, since not every refusal has a body that names it.
fn push_error(error: SdkError<PostToConnectionError>) -> PushError {
    match error
        .raw_response()
        .map(|response| response.status().as_u16())
    {
        Some(410) => PushError::Gone,
        Some(429 | 500..) => PushError::Busy,
        Some(_) => fault::of_call("pushing a frame", &error).into(),
        None => match &error {
            // It never left this machine, or nothing came back in time.
            SdkError::DispatchFailure(_)
            | SdkError::TimeoutError(_)
            | SdkError::ResponseError(_) => PushError::Busy,
            _ => fault::of_call("pushing a frame", &error).into(),
        },
    }
}
