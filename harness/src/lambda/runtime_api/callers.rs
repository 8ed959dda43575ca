//! Who may call the Runtime API: the connections of the function's own processes are served, others
//! are refused.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, http::StatusCode, response::Response, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use nix::unistd::Pid;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinSet, spawn_blocking},
};
use tracing::{error, warn};

use super::{super::origin, error_response};

/// How long a foreign process has to send its request, which is refused.
const FOREIGN_HEAD_LIMIT: Duration = Duration::from_secs(5);

/// The processes that may call.
#[derive(Clone, Debug)]
pub(super) struct Callers {
    /// The name of the function.
    pub function: String,
    /// `None` is a group that has ended.
    pub group: Option<Pid>,
    /// The address of the listener.
    pub address: SocketAddr,
}

impl Callers {
    /// Whether a connection belongs to one of them. Unknown connections do not.
    async fn include(&self, client: SocketAddr) -> bool {
        let Some(group) = self.group else {
            return false;
        };
        let server = self.address;
        let found = spawn_blocking(move || origin::is_in_group(group, client, server)).await;
        match found {
            Ok(Ok(is_member)) => is_member,
            Ok(Err(error)) => {
                error!(
                    function = self.function,
                    %error,
                    "cannot find out which process calls the Runtime API, so the call is refused"
                );
                false
            }
            // The runtime is shutting down.
            Err(_) => false,
        }
    }
}

/// Serves connections until it is dropped, which also closes them.
pub(super) async fn accept(mut listener: TcpListener, router: Router, callers: Callers) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            (stream, client) = Listener::accept(&mut listener) => {
                connections.spawn(serve_connection(stream, client, router.clone(), callers.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves the requests of one connection. Errors mean that the client has left.
async fn serve_connection(stream: TcpStream, client: SocketAddr, router: Router, callers: Callers) {
    // Events and results are small writes, which would otherwise be delayed. On failure the
    // connection is only slower.
    let _ = stream.set_nodelay(true);
    let is_caller = callers.include(client).await;
    let stream = TokioIo::new(stream);
    let mut http = http1::Builder::new();
    if is_caller {
        // No time limit: hyper would count the time for which a process is frozen.
        let service = TowerToHyperService::new(router);
        let _ = http.serve_connection(stream, service).await;
    } else {
        warn!(function = callers.function, %client, "a foreign process called the Runtime API");
        let service = TowerToHyperService::new(Router::new().fallback(foreign));
        let _ = http
            .timer(TokioTimer::new())
            .header_read_timeout(FOREIGN_HEAD_LIMIT)
            .keep_alive(false)
            .serve_connection(stream, service)
            .await;
    }
}

async fn foreign() -> Response {
    error_response(
        StatusCode::FORBIDDEN,
        "AccessDenied",
        "Only the process of the function and its children may call its Runtime API",
    )
}
