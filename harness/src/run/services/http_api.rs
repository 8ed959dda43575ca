//! The HTTP API, and what shares its port: the page, the identity provider and fault control.

use std::{collections::BTreeMap, fs, sync::Arc};

use axum::Router;
use tokio::{net::TcpListener, sync::watch};

use super::websocket_api;
use crate::{
    cognito::Cognito,
    faults,
    gateway::http,
    identity::Identity,
    lambda::Lambda,
    page,
    run::{
        service::{Address, Caller, Role, Service, Setup},
        start_error::StartError,
        terminal::say,
    },
    server::{self, Pages},
    template::Local,
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
    let api = match &setup.stack.http_api {
        Some(api) if api.stage != "$default" => format!("{base}/{}", api.stage),
        _ => base,
    };
    let login = format!("{}/login", issuer(port));
    let mut addresses = vec![
        Address::new(SERVICE.name, "HTTP API", api),
        Address::new("login", "Log in", login),
    ];
    if setup.web.is_dir() {
        // People type this address, so it has a name instead of the number.
        let page = format!("http://localhost:{port}");
        addresses.insert(0, Address::new("page", "Page", page));
    }
    addresses
}

fn start(
    setup: &Setup,
    lambda: &Lambda,
    listeners: Vec<TcpListener>,
    closed: watch::Receiver<bool>,
) -> Result<Caller, StartError> {
    let page = page(setup);
    let apis = match &setup.stack.http_api {
        Some(api) => http::router(
            Arc::new(api.clone()),
            lambda.clone(),
            setup.clock.clone(),
            page,
        )?,
        None => page,
    };
    let router = identity(setup)?
        .router()
        .merge(cognito(setup).router())
        .merge(faults::router(setup.faults.clone(), setup.clock.clone()))
        .merge(apis);
    Ok(Some(Box::pin(server::serve(
        listeners,
        router,
        Pages::Cors,
        closed,
    ))))
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
