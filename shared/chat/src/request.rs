//! Requests as the routes receive them, over WebSocket or HTTP.

use std::{future::Future, pin::pin};

use futures_util::future::{Either, select};
use serde::Serialize;

use crate::{
    domain::{Connection, Identity, Timestamp},
    error::{InternalError, Rejection, RequestError},
    fields::Fields,
    rate_limit::ORDINARY_COST,
};

/// Returns the result of `work`, unless `last_moment` ends first. Then the work is dropped. Calls
/// that the work has made may still take effect, so for the client this is like a lost reply.
///
/// # Errors
/// Those of the work, and an [`InternalError`] if it was dropped.
pub async fn in_time<T, E: From<InternalError>>(
    work: impl Future<Output = Result<T, E>>,
    last_moment: impl Future<Output = ()>,
) -> Result<T, E> {
    match select(pin!(work), pin!(last_moment)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => {
            Err(InternalError::new("answering in time", "a call takes too long").into())
        }
    }
}

/// A route: an action that clients can request.
pub trait Route<P> {
    /// The name of the action, of the route key, of this crate's file and of the sample events.
    const NAME: &'static str;

    /// The cost of a request to its user's allowance, in tokens ([`crate::rate_limit`]).
    const COST: u32 = ORDINARY_COST;

    /// Returns the cost of a request with these fields, which are not checked yet.
    #[must_use]
    fn cost(_fields: &Fields) -> u32 {
        Self::COST
    }

    /// The reply if the request is granted.
    type Reply: Serialize + Send;

    /// Handles the request.
    fn handle(
        ports: &P,
        request: &Request,
    ) -> impl Future<Output = Result<Self::Reply, RequestError>> + Send;
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The caller, as the authorizer identified them when the connection or the request was made.
    pub identity: Identity,
    /// The connection that sent the request; `None` over HTTP.
    pub connection: Option<Connection>,
    /// The values of the request.
    pub fields: Fields,
    /// When the client stops waiting for the reply.
    pub deadline: Timestamp,
}

impl Request {
    /// Returns the caller, if their token has not expired since it was checked.
    ///
    /// # Errors
    /// `unauthenticated` if the token has expired.
    pub fn caller(&self, now: Timestamp) -> Result<&Identity, Rejection> {
        if now < self.identity.expires {
            Ok(&self.identity)
        } else {
            Err(Rejection::Unauthenticated)
        }
    }
}
