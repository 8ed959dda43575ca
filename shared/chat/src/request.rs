//! A request as a route gets it, whichever way it came.

use std::future::Future;

use serde::Serialize;

use crate::{
    domain::{Connection, Identity, Timestamp},
    failure::{Failure, Rejection},
    fields::Fields,
};

/// Something that a client can ask for.
pub trait Route<P> {
    /// Its name in all places: the action, the route key, this crate's file and the sample events are called so.
    const NAME: &'static str;

    /// What the client is told if it is granted.
    type Reply: Serialize + Send;

    /// Grants the request or refuses it.
    fn handle(
        ports: &P,
        request: &Request,
    ) -> impl Future<Output = Result<Self::Reply, Failure>> + Send;
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
