//! Pushes through the management API of the WebSocket API.
//!
//! A push is one small request, and a message to a large conversation makes hundreds of them. The
//! SDK's client for this API spends most of its time around the request: on its configuration, its
//! endpoint and its interceptors. So this module only uses the SDK's parts: its HTTP client, its
//! signatures and its credentials.

use std::{
    iter,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_config::SdkConfig;
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials as _, SharedCredentialsProvider},
};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
use aws_smithy_runtime::client::{
    auth::no_auth::{NO_AUTH_SCHEME_ID, NoAuthScheme},
    identity::{IdentityCache, no_auth::NoAuthIdentityResolver},
    orchestrator::endpoints::StaticUriEndpointResolver,
    retries::strategy::NeverRetryStrategy,
};
use aws_smithy_runtime_api::client::{
    auth::static_resolver::StaticAuthSchemeOptionResolver,
    http::{HttpClient as _, HttpConnector as _, HttpConnectorSettings, SharedHttpConnector},
    identity::SharedIdentityResolver,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use chat::{
    domain::ConnectionId,
    error::InternalError,
    ports::{Outbound, PushError},
};
use lambda_http::http::{self, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{Error, call_error::call_error};

const DOING: &str = "pushing a frame";
/// The service in the signature.
const SERVICE: &str = "execute-api";
/// What a segment of a path may hold without an escape.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Credentials are fetched again so long before their end.
const MARGIN: Duration = Duration::from_secs(60);
/// The error's name in a response of the API.
const ERROR_TYPE: &str = "x-amzn-errortype";

/// The client of the management API.
#[derive(Debug)]
pub struct Gateway {
    connector: SharedHttpConnector,
    provider: SharedCredentialsProvider,
    credentials: Mutex<Option<Credentials>>,
    region: String,
    /// The URL of the stage, without a slash at its end.
    stage: String,
}

impl Gateway {
    /// Creates a client for the stage at this URL. It has the region, the credentials, the HTTP
    /// client and the time limit for connects of the configuration. It never retries a push: the
    /// core does, within a time limit.
    ///
    /// # Errors
    /// Fails if the configuration lacks one of these.
    pub fn new(configuration: &SdkConfig, stage: &str) -> Result<Self, Error> {
        let region = configuration.region().ok_or("no region is configured")?;
        let provider = configuration.credentials_provider();
        Ok(Self {
            connector: connector(configuration)?,
            provider: provider.ok_or("no credentials are configured")?,
            credentials: Mutex::default(),
            region: region.to_string(),
            stage: stage.trim_end_matches('/').to_owned(),
        })
    }

    /// Opens the HTTP connection for the first push, by a push to an id that no connection has.
    /// Every function with a gateway has the permission for this request. An error is ignored: if
    /// it persists, the first push fails, too.
    pub(crate) async fn warm_up(&self) {
        if let Err(error) = self.post("warm-up", "").await {
            tracing::debug!(%error, "warm-up push sent");
        }
    }

    async fn post(&self, connection: &str, frame: &str) -> Result<(), PushError> {
        let request = self.signed(connection, frame).await?;
        let request = request.try_into().map_err(failed)?;
        let response = self.connector.call(request).await.map_err(not_answered)?;
        let status = response.status().as_u16();
        let kind = response.headers().get(ERROR_TYPE).unwrap_or_default();
        let outcome = match status {
            200..300 => Ok(()),
            410 => Err(PushError::Gone),
            429 | 500.. => Err(PushError::Busy),
            _ => Err(InternalError::new(DOING, format!("status {status} {kind}")).into()),
        };
        // The connection serves the next push once the body is read. The status has decided.
        let _ = ByteStream::new(response.into_body()).collect().await;
        outcome
    }

    async fn signed(
        &self,
        connection: &str,
        frame: &str,
    ) -> Result<http::Request<SdkBody>, InternalError> {
        let id = utf8_percent_encode(connection, ESCAPED);
        let url = format!("{}/@connections/{id}", self.stage);
        let identity = self.credentials().await?.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(SERVICE)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(failed)?;
        let body = SignableBody::Bytes(frame.as_bytes());
        let signable = SignableRequest::new("POST", &url, iter::empty(), body).map_err(failed)?;
        let signed = sign(signable, &parameters.into()).map_err(failed)?;
        let mut request = http::Request::builder()
            .method(Method::POST)
            .uri(&url)
            .body(SdkBody::from(frame))
            .map_err(failed)?;
        signed.into_parts().0.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    /// Returns the credentials, which the provider may need a request for, until they end.
    async fn credentials(&self) -> Result<Credentials, InternalError> {
        let soon = SystemTime::now() + MARGIN;
        let known = self.known().clone();
        if let Some(known) = known.filter(|it| it.expiry().is_none_or(|end| end > soon)) {
            return Ok(known);
        }
        let fetched = self.provider.provide_credentials().await.map_err(failed)?;
        *self.known() = Some(fetched.clone());
        Ok(fetched)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<Credentials>> {
        self.credentials
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbound for Gateway {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        self.post(connection.as_str(), frame).await
    }
}

/// Returns the configuration's connections to servers.
fn connector(configuration: &SdkConfig) -> Result<SharedHttpConnector, Error> {
    // The HTTP client takes only the clock and the timer. The others must be set, but are never
    // asked.
    let components = RuntimeComponents::builder("gateway")
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![
            NO_AUTH_SCHEME_ID,
        ])))
        .with_auth_scheme(NoAuthScheme::new())
        .with_identity_resolver(
            NO_AUTH_SCHEME_ID,
            SharedIdentityResolver::new(NoAuthIdentityResolver::new()),
        )
        .with_identity_cache(Some(IdentityCache::no_cache()))
        .with_endpoint_resolver(Some(StaticUriEndpointResolver::uri("http://localhost")))
        .with_retry_strategy(Some(NeverRetryStrategy::new()))
        .with_sleep_impl(configuration.sleep_impl())
        .with_time_source(configuration.time_source())
        .build()?;
    let mut settings = HttpConnectorSettings::builder();
    let timeouts = configuration.timeout_config();
    settings.set_connect_timeout(timeouts.and_then(|timeouts| timeouts.connect_timeout()));
    let client = configuration
        .http_client()
        .ok_or("no HTTP client is configured")?;
    Ok(client.http_connector(&settings.build(), &components))
}

/// Converts the error of a request that got no response. It was not sent, or the response did not
/// arrive.
fn not_answered(error: ConnectorError) -> PushError {
    if error.is_user() {
        return call_error(DOING, &error).into();
    }
    PushError::Busy
}

fn failed(error: impl std::error::Error + 'static) -> InternalError {
    call_error(DOING, &error)
}
