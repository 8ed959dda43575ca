//! The list of HTTP routes. A new route is one row in [`routes`].

use std::{future::Future, pin::Pin};

use chat::{
    error::RequestError,
    fields::Fields,
    ports::{
        Clock, Connections, Log, Outbound, Participants, Presences, Random, Reactions, Receipts,
        Settings, Subscriptions,
    },
    request::{Request, Route},
    routes::{
        AddParticipant, CreateConversation, DeleteMessage, EditMessage, GetConversation,
        ListConversations, React, ReadEvents, ReadMessages, Receipt, RemoveParticipant,
        RemoveParticipants, SendMessage, ShowPresence, WithdrawReaction,
    },
    wire::encode,
};
use lambda_http::{
    Body, Response,
    http::{Method, StatusCode},
};

use super::response;

/// Returns every route. A row holds the method, the path as in the template, where the fields come
/// from in addition to the path, the core's route, and when the status is 201 instead of 200.
pub fn routes<P: AllPorts>() -> Vec<HttpRoute<P>> {
    rows! {
        POST "/conversations" from Body => CreateConversation, created if |reply| reply.created;
        GET "/conversations" from Query => ListConversations;
        GET "/conversations/{id}" from Query => GetConversation;
        PUT "/conversations/{id}/participants/{user}" from Path => AddParticipant;
        DELETE "/conversations/{id}/participants/{user}" from Path => RemoveParticipant;
        PUT "/me/presence" from Body => ShowPresence;
        PUT "/conversations/{id}/receipt" from Body => Receipt;
        POST "/conversations/{id}/removals" from Body => RemoveParticipants;
        POST "/conversations/{id}/messages" from Message => SendMessage, created if |reply| !reply.duplicate;
        PATCH "/conversations/{id}/messages/{seq}" from Message => EditMessage, created if |reply| !reply.is_duplicate();
        DELETE "/conversations/{id}/messages/{seq}" from MessageQuery => DeleteMessage, created if |reply| !reply.is_duplicate();
        PUT "/conversations/{id}/messages/{seq}/reactions/{emoji}" from Query => React;
        DELETE "/conversations/{id}/messages/{seq}/reactions/{emoji}" from Query => WithdrawReaction;
        GET "/conversations/{id}/messages" from Query => ReadMessages;
        GET "/conversations/{id}/events" from Query => ReadEvents;
    }
}

/// Where a route's fields come from, in addition to the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldSource {
    /// The members of the body.
    Body,
    /// The members of the body, with the `Idempotency-Key` header as the message's `id`.
    Message,
    /// The query string, with the `Idempotency-Key` header as the message's `id`.
    MessageQuery,
    /// The path only.
    Path,
    /// The query string.
    Query,
}

/// One route of the HTTP API.
pub struct HttpRoute<P> {
    pub method: Method,
    /// The path, with parameters in braces.
    pub pattern: &'static str,
    pub fields: FieldSource,
    /// The least cost of a request to its user's allowance, in tokens.
    pub cost: u32,
    /// The cost of a request with these fields.
    pub cost_of: fn(&Fields) -> u32,
    handler: Handler<P>,
}

type Handler<P> = Box<dyn for<'a> Fn(&'a P, &'a Request) -> Handling<'a> + Send + Sync>;
type Handling<'a> = Pin<Box<dyn Future<Output = Result<Response<Body>, RequestError>> + Send + 'a>>;

impl<P: AllPorts> HttpRoute<P> {
    fn new<R: Route<P> + 'static>(
        method: Method,
        pattern: &'static str,
        fields: FieldSource,
        is_created: fn(&R::Reply) -> bool,
    ) -> Self {
        Self {
            method,
            pattern,
            fields,
            cost: R::COST,
            cost_of: R::cost,
            handler: Box::new(move |ports, request| {
                Box::pin(async move {
                    let reply = R::handle(ports, request).await?;
                    let status = if is_created(&reply) {
                        StatusCode::CREATED
                    } else {
                        StatusCode::OK
                    };
                    Ok(response(status, "application/json", encode(&reply)))
                })
            }),
        }
    }

    /// Calls the core's route.
    ///
    /// # Errors
    /// Returns the errors of the core's route.
    pub async fn handle(
        &self,
        ports: &P,
        request: &Request,
    ) -> Result<Response<Body>, RequestError> {
        (self.handler)(ports, request).await
    }
}

/// Defines [`AllPorts`]: a type that implements every one of these ports implements it.
macro_rules! all_ports {
    ($($port:ident)*) => {
        /// All ports of the core: one function serves every route.
        pub trait AllPorts: $($port +)* Sync + 'static {}

        impl<P: $($port +)* Sync + 'static> AllPorts for P {}
    };
}

all_ports! {
    Log Participants Presences Reactions Receipts Subscriptions Connections Outbound Settings Clock
    Random
}

/// Expands rows to a list of [`HttpRoute`]s.
macro_rules! rows {
    ($($method:ident $pattern:literal from $fields:ident => $route:ident
        $(, created if $is_created:expr)?;)*) => {
        vec![$(HttpRoute::new::<$route>(
            Method::$method,
            $pattern,
            FieldSource::$fields,
            rows!(@is_created $($is_created)?),
        )),*]
    };
    (@is_created) => { |_| false };
    (@is_created $is_created:expr) => { $is_created };
}
use rows;
