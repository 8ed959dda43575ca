//! The function itself: find the token, believe it or not, answer in the form of the API that asked.

use std::collections::BTreeSet;

use crate::{
    answer::Answer,
    clock::Clock,
    configuration::Configuration,
    event::{Event, HttpEvent, WebSocketEvent},
    identity::Identity,
    origin::AllowedOrigins,
    refusal::{Failure, Refusal},
    verifier::Verifier,
};

/// Answers the gateway's questions.
pub struct Authorizer<C> {
    allowed_origins: AllowedOrigins,
    verifier: Verifier<C>,
}

impl<C: Clock> Authorizer<C> {
    /// Takes the configuration and fetches the issuer's keys, so that the first request does not wait for them. If they
    /// cannot be had yet, the first request tries again.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub async fn open(configuration: Configuration, clock: C) -> Result<Self, reqwest::Error> {
        Ok(Self {
            allowed_origins: configuration.allowed_origins.clone(),
            verifier: Verifier::open(configuration, clock).await?,
        })
    }

    /// Answers one event.
    ///
    /// # Errors
    /// [`Failure::Refused`], whose message makes the gateway answer 401, and [`Failure::KeysUnavailable`] (500).
    pub async fn handle(&self, event: Event) -> Result<Answer, Failure> {
        match event {
            Event::WebSocket(event) => self.handshake(event).await,
            Event::Http(event) => self.request(event).await,
        }
    }

    async fn handshake(&self, event: WebSocketEvent) -> Result<Answer, Failure> {
        // Who sends no Origin is no browser, and so nobody whom another page could have sent.
        let mut origins = event.headers.values("origin");
        if !origins.all(|origin| self.allowed_origins.allow(origin)) {
            tracing::info!(reason = "foreign origin", "connection refused");
            return Ok(Answer::deny(event.method_arn));
        }
        let mut tokens = event.headers.subprotocol_tokens();
        tokens.extend(event.headers.authorization_tokens());
        let identity = self.identify(tokens).await?;
        Ok(Answer::allow(event.method_arn, identity))
    }

    async fn request(&self, event: HttpEvent) -> Result<Answer, Failure> {
        let identity = self.identify(event.headers.authorization_tokens()).await?;
        Ok(Answer::authorized(identity))
    }

    async fn identify(&self, tokens: BTreeSet<&str>) -> Result<Identity, Failure> {
        let mut tokens = tokens.into_iter();
        let verified = match (tokens.next(), tokens.next()) {
            (None, _) => Err(Refusal::Missing.into()),
            (Some(token), None) => self.verifier.verify(token).await,
            (Some(_), Some(_)) => Err(Refusal::Ambiguous.into()),
        };
        if let Err(Failure::Refused(refusal)) = &verified {
            tracing::info!(reason = %refusal, issuer = self.verifier.issuer(), "token refused");
        }
        verified
    }
}
