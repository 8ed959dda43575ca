//! The WebSocket API and its management API, which share a port.

use std::sync::Arc;

use tokio::{net::TcpListener, sync::watch};

use crate::{
    gateway::websocket,
    lambda::Lambda,
    run::{
        service::{Address, Caller, Role, Service, Setup},
        start_error::StartError,
    },
};

pub(super) static SERVICE: Service = Service {
    name: "ws",
    option: "ws-port",
    default_port: 3001,
    help: "Port of the WebSocket API and of its management API; 0 takes any free one",
    addresses,
    variables: &[("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", "management")],
    role: Role::Caller(start),
};

fn addresses(setup: &Setup) -> Vec<Address> {
    let Some(api) = &setup.stack.websocket_api else {
        return Vec::new();
    };
    let base = format!("{}/{}", setup.authority(SERVICE.name), api.stage);
    vec![
        Address::new(SERVICE.name, "WebSocket API", format!("ws://{base}")),
        Address {
            suffix: "/@connections",
            ..Address::new("management", "@connections", format!("http://{base}"))
        },
    ]
}

/// Without a WebSocket API the listeners are closed, and connections are refused.
fn start(
    setup: &Setup,
    lambda: &Lambda,
    listeners: Vec<TcpListener>,
    closed: watch::Receiver<bool>,
) -> Result<Caller, StartError> {
    let Some(api) = &setup.stack.websocket_api else {
        return Ok(None);
    };
    let connections = setup.connections.clone();
    let router = websocket::router(
        Arc::new(api.clone()),
        setup.access.clone(),
        lambda.clone(),
        connections.clone(),
    )?;
    let served = websocket::serve(listeners, router, connections, closed);
    Ok(Some(Box::pin(served)))
}
