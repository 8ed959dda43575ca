//! The open ports of all services.

use std::collections::BTreeMap;

use tokio::net::TcpListener;

use super::{
    port::{ListenError, Port},
    ports::Ports,
    service::Service,
    services::SERVICES,
    start_error::StartError,
    terminal::say,
};
use crate::stack::HttpApi;

/// The option for the ports of all HTTP APIs but the first one.
const API_PORT: &str = "api-port";

/// The open ports of all services.
#[derive(Debug)]
pub(super) struct Listeners {
    services: BTreeMap<&'static str, Port>,
    /// Those of all HTTP APIs but the first one, by their logical ids.
    further: BTreeMap<String, Port>,
}

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
        Ok(Self {
            services: listeners,
            further: BTreeMap::new(),
        })
    }

    /// Opens a port for each HTTP API but the first one. `wanted` are their ports by logical id.
    ///
    /// # Errors
    /// Fails at the first port that cannot be opened, or if `wanted` has another name.
    pub fn open_further(
        &mut self,
        apis: &[HttpApi],
        mut wanted: BTreeMap<String, u16>,
    ) -> Result<(), StartError> {
        for api in apis.iter().skip(1) {
            let name = api.logical_id.clone();
            let port = wanted.remove(&name).unwrap_or_default();
            self.further.insert(name, Port::open(API_PORT, port)?);
        }
        match wanted.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(StartError::ApiPort {
                name,
                apis: match apis {
                    [_, further @ ..] if !further.is_empty() => {
                        let names = further.iter().map(|api| api.logical_id.as_str());
                        names.collect::<Vec<_>>().join(", ")
                    }
                    _ => "none".to_owned(),
                },
            }),
        }
    }

    /// Returns the numbers of the ports of all HTTP APIs but the first one.
    pub fn further_ports(&self) -> BTreeMap<String, u16> {
        let ports = self.further.iter();
        ports
            .map(|(name, port)| (name.clone(), port.number))
            .collect()
    }

    /// Removes and returns the listeners of all HTTP APIs but the first one.
    pub fn take_further(&mut self) -> BTreeMap<String, Vec<TcpListener>> {
        let ports = std::mem::take(&mut self.further).into_iter();
        ports.map(|(name, port)| (name, port.listeners)).collect()
    }

    /// Returns the numbers of the ports by service.
    pub fn ports(&self) -> BTreeMap<&'static str, u16> {
        self.services
            .iter()
            .map(|(name, port)| (*name, port.number))
            .collect()
    }

    /// Removes and returns the listeners of a service.
    pub fn take(&mut self, service: &Service) -> Vec<TcpListener> {
        self.services
            .remove(service.name)
            .map(|port| port.listeners)
            .unwrap_or_default()
    }
}
