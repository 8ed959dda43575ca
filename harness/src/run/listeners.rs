//! The open ports of all services.

use std::collections::BTreeMap;

use tokio::net::TcpListener;

use super::{
    port::{ListenError, Port},
    ports::Ports,
    service::Service,
    services::SERVICES,
    terminal::say,
};

/// The open ports of all services.
#[derive(Debug)]
pub(super) struct Listeners(BTreeMap<&'static str, Port>);

impl Listeners {
    /// Opens one port for each service.
    ///
    /// # Errors
    /// Fails at the first port that cannot be opened.
    pub fn open(ports: &Ports) -> Result<Self, ListenError> {
        let mut listeners = BTreeMap::new();
        for service in SERVICES {
            let port = Port::open(service.option, ports.of(service.name))?;
            listeners.insert(service.name, port);
        }
        if !listeners.values().all(Port::has_ipv6) {
            say("This machine has no IPv6: everything listens on 127.0.0.1 only.");
        }
        Ok(Self(listeners))
    }

    /// Returns the numbers of the ports by service.
    pub fn ports(&self) -> BTreeMap<&'static str, u16> {
        self.0
            .iter()
            .map(|(name, port)| (*name, port.number))
            .collect()
    }

    /// Removes and returns the listeners of a service.
    pub fn take(&mut self, service: &Service) -> Vec<TcpListener> {
        self.0
            .remove(service.name)
            .map(|port| port.listeners)
            .unwrap_or_default()
    }
}
