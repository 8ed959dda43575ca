//! Handles an event: finds the token, verifies it, and responds in the shape that the calling API
//! expects.

use std::collections::BTreeSet;

use chat::{domain::Identity, ports::Clock};

use crate::{
    configuration::Configuration,
    error::{AuthorizerError, TokenError},
    event::{Event, HttpEvent, WebSocketEvent},
    origin::AllowedOrigins,
    response::AuthorizerResponse,
    verifier::Verifier,
};

/// Handles the gateway's authorization events.
pub struct Authorizer<C> {
    allowed_origins: AllowedOrigins,
    verifier: Verifier<C>,
}

impl<C: Clock + Clone + Sync> Authorizer<C> {
    /// Creates an authorizer and fetches the issuer's keys, so that the first request does not wait
    /// for them. If the fetch fails, the first request tries again.
    ///
    /// # Errors
    /// Fails if TLS cannot be set up.
    pub async fn open(configuration: Configuration, clock: C) -> Result<Self, reqwest::Error> {
        Ok(Self {
            allowed_origins: configuration.allowed_origins.clone(),
            verifier: Verifier::open(configuration, clock).await?,
        })
    }

    /// Handles one event.
    ///
    /// # Errors
    /// [`AuthorizerError::Token`], whose message makes the gateway respond 401, and
    /// [`AuthorizerError::KeysUnavailable`] (500).
    pub async fn handle(&self, event: Event) -> Result<AuthorizerResponse, AuthorizerError> {
        match event {
            Event::WebSocket(event) => self.authorize_handshake(event).await,
            Event::Http(event) => self.authorize_request(event).await,
        }
    }

    async fn authorize_handshake(
        &self,
        event: WebSocketEvent,
    ) -> Result<AuthorizerResponse, AuthorizerError> {
        // Only browsers send Origin; without one there is no cross-site risk.
        let mut origins = event.headers.values("origin");
        if !origins.all(|origin| self.allowed_origins.allow(origin)) {
            tracing::info!(reason = "foreign origin", "connection refused");
            return Ok(AuthorizerResponse::deny_connection(event.method_arn));
        }
        let mut tokens = event.headers.subprotocol_tokens();
        tokens.extend(event.headers.authorization_tokens());
        let identity = self.identify(tokens).await?;
        Ok(AuthorizerResponse::allow_connection(
            event.method_arn,
            identity,
        ))
    }

    async fn authorize_request(
        &self,
        event: HttpEvent,
    ) -> Result<AuthorizerResponse, AuthorizerError> {
        let identity = self.identify(event.headers.authorization_tokens()).await?;
        Ok(AuthorizerResponse::allow_request(identity))
    }

    async fn identify(&self, tokens: BTreeSet<&str>) -> Result<Identity, AuthorizerError> {
        let mut tokens = tokens.into_iter();
        let verified = match (tokens.next(), tokens.next()) {
            (None, _) => Err(TokenError::Missing.into()),
            (Some(token), None) => self.verifier.verify(token).await,
            (Some(_), Some(_)) => Err(TokenError::Ambiguous.into()),
        };
        if let Err(AuthorizerError::Token(error)) = &verified {
            tracing::info!(reason = %error, issuer = self.verifier.issuer(), "token refused");
        }
        verified
    }
}
