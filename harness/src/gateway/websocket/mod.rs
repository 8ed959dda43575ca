//! A WebSocket API with its management API, on one port: `ws://HOST:PORT/STAGE` and
//! `http://HOST:PORT/STAGE/@connections/ID`.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use percent_encoding::percent_decode_str;
use tokio::{net::TcpListener, sync::watch};

pub(crate) use self::connections::Command;
pub use self::{
    connections::Connections,
    selection::{RouteSelection, SelectionError},
};
use self::{limits::LONGEST_URL, management::Management};
use crate::{
    gateway::throttle::Throttles,
    iam::Access,
    invoke::Invoke,
    server::{self, Pages, Peer},
    service::Pipeline,
    stack::WebSocketApi,
};

mod authorizer;
mod connections;
mod ending;
mod handshake;
mod limits;
mod management;
mod message;
mod mock;
mod outgoing;
mod policy;
mod pump;
mod reply;
mod selection;
mod session;
mod socket;

struct Gateway<I> {
    api: Arc<WebSocketApi>,
    management: Pipeline<Management>,
    selection: RouteSelection,
    throttles: Throttles,
    invoke: I,
    connections: Connections,
}

/// Serves the whole port. `access` has the permissions to manage connections. The router must be
/// served by [`serve`] or [`server::serve`], which add the peer.
///
/// # Errors
/// Fails if the route selection expression is not supported.
pub fn router<I: Invoke>(
    api: Arc<WebSocketApi>,
    access: Access,
    invoke: I,
    connections: Connections,
) -> Result<Router, SelectionError> {
    let selection = RouteSelection::parse(&api.route_selection_expression)?;
    let management = Management {
        api: Arc::clone(&api),
        connections: connections.clone(),
    };
    let throttles = Throttles::new(api.throttling.clone(), connections.clock().clone());
    let gateway = Gateway {
        api,
        throttles,
        management: Pipeline::new(management, access, connections.faults().clone()),
        selection,
        invoke,
        connections,
    };
    Ok(Router::new().fallback(answer).with_state(Arc::new(gateway)))
}

/// Serves `router` until `shutdown` turns true, then closes every socket with 1001 and waits for
/// the `$disconnect` calls. The caller limits that wait.
pub async fn serve(
    listeners: Vec<TcpListener>,
    router: Router,
    connections: Connections,
    shutdown: watch::Receiver<bool>,
) {
    let sockets = async {
        server::turned_true(shutdown.clone()).await;
        connections.end_all().await;
    };
    tokio::join!(
        server::serve(listeners, router, Pages::Sockets, shutdown.clone()),
        sockets
    );
}

async fn answer<I: Invoke>(
    State(gateway): State<Arc<Gateway<I>>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    if length_of_url(&request) > LONGEST_URL {
        return reply::error(StatusCode::URI_TOO_LONG, None, "URI Too Long").map(Body::from);
    }
    let path = request.uri().path().to_owned();
    let segments: Vec<_> = path
        .split('/')
        .skip(1)
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy())
        .collect();
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    match segments.as_slice() {
        [stage] | [stage, ""] if *stage == gateway.api.stage => {
            let (parts, _) = request.into_parts();
            // As on AWS, a client that hangs up does not cancel its handshake.
            let accepting = tokio::spawn(handshake::accept(gateway, peer, parts));
            accepting.await.unwrap_or_else(|_| {
                reply::error(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    None,
                    "Internal server error",
                )
                .map(Body::from)
            })
        }
        [stage, "@connections", _] if *stage == gateway.api.stage => {
            gateway.management.answer(request).await
        }
        _ => reply::error(
            StatusCode::FORBIDDEN,
            Some("ForbiddenException"),
            "Forbidden",
        )
        .map(Body::from),
    }
}

/// Returns the length of the URL without its scheme, which the client does not send.
fn length_of_url(request: &Request) -> usize {
    let host = request.headers().get(header::HOST);
    let path = request.uri().path_and_query();
    host.map_or(0, HeaderValue::len) + path.map_or(0, |path| path.as_str().len())
}
