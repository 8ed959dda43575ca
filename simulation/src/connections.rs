//! The open connections of the simulated gateway, and the devices at their other ends.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};

use chat::domain::{Connection, ConnectionId, Identity, Timestamp};

/// The device at the other end of a connection.
///
/// A device that has restarted since ignores calls for an earlier `life`.
pub trait Endpoint: Send + Sync {
    /// The handshake failed.
    fn dial_failed(&self, life: u64);
    /// The handshake succeeded.
    fn opened(&self, life: u64, connection: &ConnectionId);
    /// The connection ended.
    fn lost(&self, life: u64, connection: &ConnectionId);
    /// A frame arrived.
    fn heard(&self, connection: &ConnectionId, frame: &str);
}

/// One life of a device, which may open connections.
#[derive(Clone)]
pub struct Caller {
    /// The device's index in the plan.
    pub device: usize,
    pub life: u64,
    /// Weak, because devices own the world that owns the connections.
    pub endpoint: Weak<dyn Endpoint>,
}

impl Caller {
    /// Returns the device while the simulation runs.
    pub fn endpoint(&self) -> Option<Arc<dyn Endpoint>> {
        self.endpoint.upgrade()
    }
}

/// A connection as the gateway sees it.
#[derive(Clone)]
pub struct Wire {
    pub caller: Caller,
    pub identity: Identity,
    pub connection: Connection,
    /// During the handshake; pushes are answered with 410 until it ends.
    pub young: bool,
    /// The connection is cut, but the gateway has not noticed.
    pub silent: bool,
    /// The token ends during the run.
    pub has_short_token: bool,
}

/// All connections that the gateway considers open.
#[derive(Default)]
pub struct Connections {
    open: BTreeMap<ConnectionId, Wire>,
    /// How many connections each device has opened.
    opened: BTreeMap<usize, u64>,
}

impl Connections {
    /// Returns the age of an open connection.
    pub fn age(&self, connection: &ConnectionId, now: Timestamp) -> Option<Duration> {
        let wire = self.open.get(connection).filter(|wire| !wire.young)?;
        Some(now.since(wire.connection.connected_at))
    }

    /// Whether entries are pushed to the connection: it is open, and its token has not ended.
    pub fn is_served(&self, connection: &ConnectionId, now: Timestamp) -> bool {
        let wire = self.open.get(connection).filter(|wire| !wire.young);
        wire.is_some_and(|wire| now < wire.connection.expires_at())
    }

    /// Whether any connection is cut without the gateway having noticed.
    pub fn any_silent(&self) -> bool {
        self.open.values().any(|wire| wire.silent)
    }

    /// Counts a new connection of a device, and returns its number.
    pub fn next_number(&mut self, device: usize) -> u64 {
        let opened = self.opened.entry(device).or_default();
        *opened += 1;
        *opened
    }

    /// Adds a connection that is in its handshake.
    pub fn add(&mut self, wire: Wire) {
        self.open.insert(wire.connection.id.clone(), wire);
    }

    /// Removes a connection.
    pub fn remove(&mut self, connection: &ConnectionId) -> Option<Wire> {
        self.open.remove(connection)
    }

    /// Ends the handshake of a connection.
    pub fn admit(&mut self, connection: &ConnectionId) {
        if let Some(wire) = self.open.get_mut(connection) {
            wire.young = false;
        }
    }

    /// Cuts a connection without the gateway noticing.
    pub fn silence(&mut self, connection: &ConnectionId) {
        if let Some(wire) = self.open.get_mut(connection) {
            wire.silent = true;
        }
    }

    /// Returns a connection, whether frames pass or not.
    pub fn wire(&self, connection: &ConnectionId) -> Option<Wire> {
        self.open.get(connection).cloned()
    }

    /// Returns a connection through which frames pass.
    pub fn passable(&self, connection: &ConnectionId) -> Option<Wire> {
        self.wire(connection).filter(|wire| !wire.silent)
    }
}
