//! The ports that the harness listens on: this machine only, by IPv4 and IPv6.

use std::{
    io::{self, ErrorKind},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::net::{TcpListener, TcpSocket};

use super::say;
use crate::{options::Options, template::Local};

/// Connections that wait to be accepted; the system may hold it to less. A crowd that reconnects comes in one moment.
const BACKLOG: u32 = 4096;
/// How often another free port is tried when the IPv6 side of the first one is taken.
const ATTEMPTS: usize = 16;

/// All ports of the harness.
#[derive(Debug)]
pub struct Listeners {
    /// The HTTP API, the page and the identity provider.
    pub http: Port,
    /// The WebSocket API and its management API.
    pub ws: Port,
    /// Lambda's Invoke API.
    pub lambda: Port,
    /// DynamoDB.
    pub dynamodb: Port,
}

impl Listeners {
    /// Opens what the options ask for.
    ///
    /// # Errors
    /// The first port that is not to be had.
    pub fn open(options: &Options) -> Result<Self, ListenError> {
        let listeners = Self {
            http: Port::open("--http-port", options.http_port)?,
            ws: Port::open("--ws-port", options.ws_port)?,
            lambda: Port::open("--lambda-port", options.lambda_port)?,
            dynamodb: Port::open("--dynamodb-port", options.dynamodb_port)?,
        };
        if !listeners.http.has_ipv6() {
            say("This machine has no IPv6: everything listens on 127.0.0.1 only.");
        }
        Ok(listeners)
    }

    /// URL of the identity provider.
    pub fn issuer(&self) -> String {
        format!("{}/.local", self.http.http_url())
    }

    /// What a template may ask of a local run.
    pub fn local(&self, audience: &str) -> Local {
        let port = self.http.port;
        let origins =
            ["localhost", "127.0.0.1", "[::1]"].map(|host| format!("http://{host}:{port}"));
        Local {
            origins: origins.join(","),
            issuer: self.issuer(),
            audience: audience.to_owned(),
        }
    }
}

/// One port, open on 127.0.0.1 and, where the machine has it, on [::1].
#[derive(Debug)]
pub struct Port {
    /// The same for both addresses.
    pub port: u16,
    /// One or two.
    pub listeners: Vec<TcpListener>,
}

/// Why a port could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another program has it.
    #[error("port {port} is in use: choose another by {option}, or 0 for any free one")]
    InUse {
        /// As it was asked for.
        port: u16,
        /// `--http-port` or another.
        option: &'static str,
    },
    /// Whatever else the machine says.
    #[error("port {port} of {option} cannot be opened: {source}")]
    Refused {
        /// As it was asked for.
        port: u16,
        /// `--http-port` or another.
        option: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl Port {
    /// Opens `port`, or with 0 any free one. `option` is named when that fails.
    ///
    /// # Errors
    /// If the port is taken, also if only one of the two addresses is.
    pub fn open(option: &'static str, port: u16) -> Result<Self, ListenError> {
        let mut attempts = if port == 0 { ATTEMPTS } else { 1 };
        loop {
            attempts -= 1;
            match pair(port) {
                Ok(port) => return Ok(port),
                // With port 0 only the IPv6 side can be taken, by chance.
                Err(error) if error.kind() == ErrorKind::AddrInUse && attempts > 0 => {}
                Err(error) if error.kind() == ErrorKind::AddrInUse => {
                    return Err(ListenError::InUse { port, option });
                }
                Err(source) => {
                    return Err(ListenError::Refused {
                        port,
                        option,
                        source,
                    });
                }
            }
        }
    }

    /// `http://127.0.0.1:PORT`
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Whether the machine has IPv6.
    pub fn has_ipv6(&self) -> bool {
        self.listeners.len() > 1
    }
}

fn pair(port: u16) -> io::Result<Port> {
    let first = listen((Ipv4Addr::LOCALHOST, port).into())?;
    let port = first.local_addr()?.port();
    let mut listeners = vec![first];
    match listen((Ipv6Addr::LOCALHOST, port).into()) {
        Ok(second) => listeners.push(second),
        Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
        // Whatever else the reason is, a machine without IPv6 has no client that would come by it.
        Err(_) => {}
    }
    Ok(Port { port, listeners })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A port that was in use a moment ago is free.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn any_free_port_is_the_same_for_both_addresses() {
        let port = Port::open("--http-port", 0).unwrap();
        for listener in &port.listeners {
            let address = listener.local_addr().unwrap();
            assert_eq!(address.port(), port.port);
            assert!(address.ip().is_loopback());
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_an_error_that_names_the_option() {
        let port = Port::open("--http-port", 0).unwrap();
        let error = Port::open("--ws-port", port.port).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "port {} is in use: choose another by --ws-port, or 0 for any free one",
                port.port
            )
        );
    }
}
