//! A request as a route gets it, whichever way it came.

use std::{future::Future, pin::pin};

use futures_util::future::{Either, select};
use serde::Serialize;

use crate::{
    domain::{Connection, Identity, Timestamp},
    error::{InternalError, Rejection, RequestError},
    fields::Fields,
};

/// What work answers, unless the last moment comes first: then it is given up where it stands. What it has asked for may
/// still be done, so for a client this is as if no answer had come, only sooner.
///
/// # Errors
/// Those of the work, and a [`InternalError`] if it was given up.
pub async fn in_time<T, E: From<InternalError>>(
    work: impl Future<Output = Result<T, E>>,
    last_moment: impl Future<Output = ()>,
) -> Result<T, E> {
    match select(pin!(work), pin!(last_moment)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(InternalError::new("answering in time", "something hangs").into()),
    }
}

/// Something that a client can ask for.
pub trait Route<P> {
    /// Its name in all places: the action, the route key, this crate's file and the sample entries are called so.
    const NAME: &'static str;

    /// What the client is told if it is granted.
    type Reply: Serialize + Send;

    /// Grants the request or refuses it.
    fn handle(
        ports: &P,
        request: &Request,
    ) -> impl Future<Output = Result<Self::Reply, RequestError>> + Send;
}

/// What a route knows of who asks, for what, and how long it may take.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks, as the authorizer found it when the connection or the request was made.
    pub identity: Identity,
    /// The connection that the request came by; none by HTTP.
    pub connection: Option<Connection>,
    /// What is asked.
    pub fields: Fields,
    /// When the answer is of no use any more.
    pub deadline: Timestamp,
}

impl Request {
    /// Who asks, unless the token has ended since it was checked.
    ///
    /// # Errors
    /// `unauthenticated`.
    pub fn caller(&self, now: Timestamp) -> Result<&Identity, Rejection> {
        if now < self.identity.expires {
            Ok(&self.identity)
        } else {
            Err(Rejection::Unauthenticated)
        }
    }
}
