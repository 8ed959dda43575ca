//! One port, by IPv4 and IPv6, for this machine only.

use std::{
    io::{self, ErrorKind},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::net::{TcpListener, TcpSocket};

/// How many connections may wait to be accepted. It is large because many clients may reconnect at
/// the same moment. The system may lower it.
const BACKLOG: u32 = 4096;
/// How many free ports are tried until one is free for IPv6, too.
const ATTEMPTS: usize = 16;

/// A port that is open on 127.0.0.1 and, if the machine has IPv6, on [::1].
#[derive(Debug)]
pub(super) struct Port {
    pub number: u16,
    pub listeners: Vec<TcpListener>,
}

/// Why a port could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another program uses the port.
    #[error("port {port} is in use: choose another with --{option}, or 0 for any free one")]
    InUse {
        /// The wanted port.
        port: u16,
        /// The option for the port, without dashes.
        option: &'static str,
    },
    /// The system does not open the port, for another reason.
    #[error("cannot open port {port}: {source}; choose another with --{option}")]
    Unavailable {
        /// The wanted port.
        port: u16,
        /// The option for the port, without dashes.
        option: &'static str,
        /// The system's reason.
        source: io::Error,
    },
}

impl Port {
    /// Opens `port`, or any free one for 0. `option` is part of the error message.
    ///
    /// # Errors
    /// Fails if the port cannot be opened on one of the two addresses.
    pub fn open(option: &'static str, port: u16) -> Result<Self, ListenError> {
        let mut attempts = if port == 0 { ATTEMPTS } else { 1 };
        loop {
            attempts -= 1;
            match pair(port) {
                Ok(port) => return Ok(port),
                // A free port for IPv4 may be taken for IPv6.
                Err(error) if error.kind() == ErrorKind::AddrInUse && attempts > 0 => {}
                Err(error) if error.kind() == ErrorKind::AddrInUse => {
                    return Err(ListenError::InUse { port, option });
                }
                Err(source) => {
                    return Err(ListenError::Unavailable {
                        port,
                        option,
                        source,
                    });
                }
            }
        }
    }

    pub fn has_ipv6(&self) -> bool {
        self.listeners.len() > 1
    }
}

fn pair(port: u16) -> io::Result<Port> {
    let first = listen((Ipv4Addr::LOCALHOST, port).into())?;
    let number = first.local_addr()?.port();
    let mut listeners = vec![first];
    match listen((Ipv6Addr::LOCALHOST, number).into()) {
        Ok(second) => listeners.push(second),
        Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
        // Any other error means that the machine has no IPv6, so no client uses it.
        Err(_) => {}
    }
    Ok(Port { number, listeners })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Allows a port that another program has closed a moment ago.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_free_port_is_the_same_for_both_addresses() {
        let port = Port::open("http-port", 0).unwrap();
        for listener in &port.listeners {
            let address = listener.local_addr().unwrap();
            assert_eq!(address.port(), port.number);
            assert!(address.ip().is_loopback());
        }
    }

    #[tokio::test]
    async fn the_error_for_a_port_in_use_names_the_option() {
        let port = Port::open("http-port", 0).unwrap();
        let error = Port::open("ws-port", port.number).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "port {} is in use: choose another with --ws-port, or 0 for any free one",
                port.number
            )
        );
    }
}
