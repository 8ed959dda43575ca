//! The description of a service: its port, its addresses, and how it starts.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use futures_util::future::BoxFuture;
use tokio::{net::TcpListener, sync::watch};

use super::start_error::StartError;
use crate::{
    bill::Billing,
    dynamodb::{Browser, Streams},
    faults::Faults,
    gateway::{clock::Clock, websocket::Connections},
    iam::Access,
    lambda::Lambda,
    options::Options,
    sqs::Queues,
    stack::Stack,
    trace::Trace,
};

/// A service with a port of its own.
#[derive(Debug)]
pub(super) struct Service {
    /// The key of its main address in the ready file.
    pub name: &'static str,
    /// The command-line option for its port, without dashes.
    pub option: &'static str,
    pub default_port: u16,
    /// The help text of the option.
    pub help: &'static str,
    /// Returns the addresses for the ready file and the terminal.
    pub addresses: fn(&Setup) -> Vec<Address>,
    /// Environment variables of every function, each with the key of the address that it is set to.
    /// If no address has the key, the variable is set to Lambda's.
    pub variables: &'static [(&'static str, &'static str)],
    pub role: Role,
}

/// Whether a service calls functions or is called by them. This decides when it starts and stops.
#[derive(Debug)]
pub(super) enum Role {
    /// Functions call it, so it starts before them and stops after them.
    Called(StartCalled),
    /// Runs the functions.
    Lambda,
    /// It calls functions, so it starts after them and stops before them.
    Caller(StartCaller),
}

pub(super) type StartCalled = for<'a> fn(&'a Setup, Vec<TcpListener>) -> BoxFuture<'a, Called>;
pub(super) type Called = Result<Box<dyn Stop>, StartError>;

pub(super) type StartCaller =
    fn(&Setup, &Lambda, Vec<TcpListener>, watch::Receiver<bool>) -> Result<Caller, StartError>;
/// Serves until the channel's value is `true`. `None` if the template has nothing to serve.
pub(super) type Caller = Option<BoxFuture<'static, ()>>;

/// A running service that functions call.
pub(super) trait Stop: Send + Sync {
    fn stop(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// What services need when they start.
#[derive(Debug)]
pub(super) struct Setup {
    pub options: Options,
    pub stack: Stack,
    /// The folder of the page. It need not exist.
    pub web: PathBuf,
    /// The folder of the sample events. It need not exist.
    pub samples: PathBuf,
    /// The open ports by the names of their services.
    pub ports: BTreeMap<&'static str, u16>,
    /// The open ports of all HTTP APIs but the first one, by their logical ids.
    pub further_ports: BTreeMap<String, u16>,
    pub access: Access,
    pub clock: Clock,
    pub faults: Faults,
    pub trace: Trace,
    pub billing: Billing,
    pub connections: Connections,
    /// The tables, once DynamoDB has started.
    pub browser: Arc<OnceLock<Browser>>,
    /// The streams of the tables, once DynamoDB has started.
    pub streams: OnceLock<Streams>,
    pub queues: Queues,
}

impl Setup {
    /// Returns `127.0.0.1:PORT` of a service.
    pub fn authority(&self, service: &str) -> String {
        format!("127.0.0.1:{}", self.port(service))
    }

    pub fn port(&self, service: &str) -> u16 {
        self.ports.get(service).copied().unwrap_or_default()
    }
}

/// One address of a service.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// The key in the ready file.
    pub key: String,
    /// A URL without a slash at its end.
    pub url: String,
    /// The name on the terminal.
    pub label: String,
    /// What the terminal shows after the URL.
    pub suffix: &'static str,
}

impl Address {
    pub fn new(key: &str, label: &str, url: String) -> Self {
        Self {
            key: key.to_owned(),
            url,
            label: label.to_owned(),
            suffix: "",
        }
    }
}
