//! Serves every listener of the harness: one accept loop, one time limit for reading a request's
//! head and one for each part of its body, one [`guard`] before the service, and a graceful shutdown.

mod body_limit;
mod guard;
mod loopback;
mod peer;

use std::{pin::pin, time::Duration};

use axum::{
    Extension, Router,
    extract::connect_info::ConnectInfo,
    middleware::{from_fn, from_fn_with_state},
    serve::Listener,
};
use futures_util::future::join_all;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

pub(crate) use self::loopback::asked_name;
use self::peer::RecordingStream;
pub use self::{guard::Pages, loopback::is_loopback_origin, peer::Peer};

/// How long open requests have to finish after the shutdown.
const GRACE: Duration = Duration::from_secs(5);
/// How long a client has to send the head of a request.
///
/// hyper counts the idle time between two requests as well. AWS SDKs reuse a connection that was
/// idle for up to 90 seconds, so the limit is longer.
const HEAD_LIMIT: Duration = Duration::from_secs(120);

/// Serves `router` on all `listeners` until `shutdown` turns true or its sender is dropped. Then
/// open requests have five seconds to finish.
///
/// `pages` says which web pages may call the service. Handlers find the [`Peer`] as `ConnectInfo`.
pub async fn serve(
    listeners: Vec<TcpListener>,
    router: Router,
    pages: Pages,
    shutdown: watch::Receiver<bool>,
) {
    let router = router
        .layer(from_fn(body_limit::until_it_stalls))
        .layer(from_fn_with_state(pages, guard::only_permitted_pages))
        .layer(from_fn(guard::only_loopback_names));
    let servers = listeners
        .into_iter()
        .map(|listener| accept(listener, router.clone(), shutdown.clone()));
    let patience = async {
        turned_true(shutdown.clone()).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        _ = join_all(servers) => {}
        () = patience => {}
    }
}

/// Resolves once the value is true, or when its sender is dropped.
pub(crate) async fn turned_true(mut value: watch::Receiver<bool>) {
    let _ = value.wait_for(|value| *value).await;
}

/// Accepts connections until the shutdown, then waits for their open requests.
async fn accept(mut listener: TcpListener, router: Router, shutdown: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let mut closes = pin!(turned_true(shutdown.clone()));
    loop {
        tokio::select! {
            () = &mut closes => break,
            (stream, address) = Listener::accept(&mut listener) => {
                // Otherwise small frames wait for acknowledgements. On failure the socket is only
                // slower.
                let _ = stream.set_nodelay(true);
                let (stream, peer) = RecordingStream::new(stream, address);
                let router = router.clone().layer(Extension(ConnectInfo(peer.clone())));
                let served = serve_connection(stream, router, shutdown.clone());
                connections.spawn(async move {
                    served.await;
                    if peer.speaks_tls() {
                        warn_about_tls();
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Warns that a client speaks TLS and says what to do. Functions do so if they build the URL of
/// `@connections` from an event, as code for API Gateway often does.
fn warn_about_tls() {
    tracing::warn!(
        "a client speaks TLS, but local services are plain HTTP: in a function, leave the endpoint \
         of @connections to the AWS SDK, which reads AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI, or \
         read this variable, instead of building https://${{domainName}}/${{stage}} from the event; \
         a browser needs http:// and ws://"
    );
}

/// Serves the requests of one connection.
async fn serve_connection(
    stream: RecordingStream,
    router: Router,
    shutdown: watch::Receiver<bool>,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    let mut connection = pin!(connection);
    // An error means that the client has left or sent no HTTP, so there is no one to answer.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = turned_true(shutdown) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
