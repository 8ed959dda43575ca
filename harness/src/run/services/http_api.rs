//! The HTTP APIs. The first one shares its port with the page, the identity provider and fault
//! control. Each other one has a port of its own.

use std::{collections::BTreeMap, fs, sync::Arc};

use axum::{Extension, Router};
use futures_util::future::BoxFuture;
use tokio::{net::TcpListener, sync::watch};

use super::{sqs, websocket_api};
use crate::{
    bill,
    cognito::Cognito,
    console::{Console, Parts},
    faults,
    gateway::http,
    identity::Identity,
    lambda::Lambda,
    page,
    push::PushService,
    run::{
        service::{Address, Caller, Role, Service, Setup},
        start_error::StartError,
        terminal::say,
    },
    server::{self, Pages},
    stack::HttpApi,
    template::{DynamicValues, Local},
};

/// The audience of local tokens.
const AUDIENCE: &str = "local-development";
/// The file of the signing key in the folder of `--data`.
const SIGNING_KEY: &str = "signing-key.p8";
/// The file in that folder with the key of the issuer of Cognito tokens.
const COGNITO_KEY: &str = "cognito-key.p8";

pub(super) static SERVICE: Service = Service {
    name: "http",
    option: "http-port",
    default_port: 3000,
    help: "Port of the HTTP API, the page and the identity provider; 0 takes any free one",
    addresses,
    variables: &[],
    role: Role::Caller(start),
};

fn addresses(setup: &Setup) -> Vec<Address> {
    let port = setup.port(SERVICE.name);
    let base = format!("http://{}", setup.authority(SERVICE.name));
    let apis = &setup.stack.http_apis;
    let api = match apis.first() {
        Some(api) => in_stage(api, base),
        None => base,
    };
    let label = match apis.as_slice() {
        [first, _, ..] => format!("HTTP API {}", first.logical_id),
        _ => "HTTP API".to_owned(),
    };
    let login = format!("{}/login", issuer(port));
    let mut addresses = vec![Address::new(SERVICE.name, &label, api)];
    for api in apis.iter().skip(1) {
        let name = &api.logical_id;
        let port = setup.further_ports.get(name).copied().unwrap_or_default();
        let url = in_stage(api, format!("http://127.0.0.1:{port}"));
        let key = format!("{}.{name}", SERVICE.name);
        addresses.push(Address::new(&key, &format!("HTTP API {name}"), url));
    }
    addresses.push(Address::new("login", "Log in", login));
    let console = format!("http://localhost:{port}/.local/");
    addresses.push(Address::new("console", "Console", console));
    if setup.web.is_dir() {
        // People type this address, so it has a name instead of the number.
        let page = format!("http://localhost:{port}");
        addresses.insert(0, Address::new("page", "Page", page));
    }
    addresses
}

/// Returns the URL of the API's stage.
fn in_stage(api: &HttpApi, base: String) -> String {
    match api.stage.as_str() {
        "$default" => base,
        stage => format!("{base}/{stage}"),
    }
}

fn start(
    setup: &Setup,
    lambda: &Lambda,
    listeners: Vec<TcpListener>,
    closed: watch::Receiver<bool>,
) -> Result<Caller, StartError> {
    let page = page(setup);
    let apis = match setup.stack.http_apis.first() {
        Some(api) => router(api, setup, lambda, page)?,
        None => page,
    };
    let router = identity(setup)?
        .router()
        .merge(cognito(setup).router())
        .merge(faults::router(setup.faults.clone(), setup.clock.clone()))
        .merge(push(setup).router())
        .merge(bill::router(setup.billing.clone()))
        .merge(console(setup, lambda).router())
        .merge(apis)
        .layer(Extension(setup.trace.clone()));
    Ok(Some(Box::pin(server::serve(
        listeners,
        router,
        Pages::Cors,
        closed,
    ))))
}

fn router(
    api: &HttpApi,
    setup: &Setup,
    lambda: &Lambda,
    fallback: Router,
) -> Result<Router, StartError> {
    let (api, clock) = (Arc::new(api.clone()), setup.clock.clone());
    Ok(http::router(api, lambda.clone(), clock, fallback)?)
}

/// Serves every HTTP API but the first one. `ports` are the open ports by the names of the APIs.
pub(in crate::run) fn start_further(
    setup: &Setup,
    lambda: &Lambda,
    mut ports: BTreeMap<String, Vec<TcpListener>>,
    closed: &watch::Receiver<bool>,
) -> Result<Vec<BoxFuture<'static, ()>>, StartError> {
    let mut tasks: Vec<BoxFuture<'static, ()>> = Vec::new();
    for api in setup.stack.http_apis.iter().skip(1) {
        let listeners = ports.remove(&api.logical_id).unwrap_or_default();
        let not_found = Router::new().fallback(http::not_found);
        let router = router(api, setup, lambda, not_found)?;
        let router = router.layer(Extension(setup.trace.clone()));
        let served = server::serve(listeners, router, Pages::Cors, closed.clone());
        tasks.push(Box::pin(served));
    }
    Ok(tasks)
}

/// Returns the values that a template may take from a local run. `ports` are by service.
pub(in crate::run) fn local(ports: &BTreeMap<&'static str, u16>) -> Local {
    let port = ports.get(SERVICE.name).copied().unwrap_or_default();
    let origins = ["localhost", "127.0.0.1", "[::1]"].map(|host| format!("http://{host}:{port}"));
    Local {
        origins: origins.join(","),
        issuer: issuer(port),
        cognito_issuer: cognito_issuer(port),
        audience: AUDIENCE.to_owned(),
        http_endpoint: format!("http://127.0.0.1:{port}"),
        sqs_endpoint: sqs::url(ports.get(sqs::SERVICE.name).copied().unwrap_or_default()),
        dynamic_values: DynamicValues::default(),
    }
}

fn issuer(port: u16) -> String {
    format!("http://127.0.0.1:{port}/.local")
}

fn cognito_issuer(port: u16) -> String {
    format!("{}/cognito", issuer(port))
}

/// Creates the issuer of Cognito tokens. [`identity`] has already created the folder of `--data`.
fn cognito(setup: &Setup) -> Cognito {
    let key_file = setup
        .options
        .data
        .as_ref()
        .map(|folder| folder.join(COGNITO_KEY));
    let issuer = cognito_issuer(setup.port(SERVICE.name));
    Cognito::new(issuer, AUDIENCE.to_owned(), key_file)
}

fn console(setup: &Setup, lambda: &Lambda) -> Console {
    Console::new(Parts {
        trace: setup.trace.clone(),
        billing: setup.billing.clone(),
        stack: setup.stack.clone(),
        lambda: lambda.clone(),
        connections: setup.connections.clone(),
        browser: Arc::clone(&setup.browser),
        queues: setup.queues.clone(),
        samples: setup.samples.clone(),
    })
}

fn push(setup: &Setup) -> PushService {
    let origin = format!("http://{}", setup.authority(SERVICE.name));
    PushService::new(origin, setup.clock.clone(), setup.faults.clone())
}

fn identity(setup: &Setup) -> Result<Identity, StartError> {
    let key_file = match &setup.options.data {
        Some(folder) => {
            fs::create_dir_all(folder).map_err(|source| StartError::Path {
                option: "--data",
                path: folder.clone(),
                source,
            })?;
            Some(folder.join(SIGNING_KEY))
        }
        None => None,
    };
    let issuer = issuer(setup.port(SERVICE.name));
    Ok(Identity::new(
        issuer,
        AUDIENCE.to_owned(),
        key_file.as_deref(),
    )?)
}

fn page(setup: &Setup) -> Router {
    if !setup.web.is_dir() {
        say(format_args!(
            "There is no page: {} is not a folder. Choose another with --web.",
            setup.web.display()
        ));
    }
    let stage = setup.stack.websocket_api.as_ref();
    let endpoints = page::Endpoints {
        http_port: setup.port(SERVICE.name),
        ws_port: setup.port(websocket_api::SERVICE.name),
        stage: stage.map(|api| api.stage.clone()).unwrap_or_default(),
    };
    page::router(setup.web.clone(), endpoints)
}
