//! The simulated gateway: handshakes, frames from clients, and how connections end.

use std::{sync::Arc, time::Duration};

use chat::{
    domain::{Connection, ConnectionId},
    ports::Clock as _,
    routes::{connect, disconnect},
};

use checker::history::Record;

use crate::{
    connections::{Caller, Wire},
    faults::{Kind, Place},
    functions,
    network::{deliver, transit},
    world::World,
};

/// The gateway's own reply if a function has no answer. It carries no `ref`.
const NO_ANSWER: &str =
    r#"{"message":"Internal server error","connectionId":"c","requestId":"request"}"#;

/// Until this time after the end of a token, pushes that were under way may arrive: a fan-out takes
/// up to 3 s, and a frame as long again.
const UNDER_WAY: Duration = Duration::from_secs(7);

/// More connections than any simulated user has. The tests of the route cover the limit.
const MOST_CONNECTIONS: usize = 1_000;

/// Begins a handshake.
pub fn dial(world: &Arc<World>, caller: Caller, place: Place) {
    let here = Arc::clone(world);
    world.tasks.spawn(async move {
        let world = here;
        let chance = place.within(5).chance();
        world
            .sleep(Duration::from_millis(5 + chance.below(60)))
            .await;
        let life = caller.life;
        let Some(endpoint) = caller.endpoint() else {
            return;
        };
        if world.faults.injects(Kind::HandshakeRefused, place) {
            return endpoint.dial_failed(life);
        }
        let wire = handshake(&world, caller, place);
        let (identity, connection) = (wire.identity.clone(), wire.connection.clone());
        world.connections().add(wire);
        let id = connection.id.clone();
        let admitted = functions::run(&world, place, |ports, _| {
            Box::pin(async move {
                connect::handle(&*ports, &identity, &connection, MOST_CONNECTIONS)
                    .await
                    .is_ok()
            })
        })
        .await;
        if admitted != Some(true) {
            world.connections().remove(&id);
            return endpoint.dial_failed(life);
        }
        world.connections().admit(&id);
        token_ends_later(&world, &id);
        world.count("connections");
        world
            .sleep(Duration::from_millis(2 + chance.below(40)))
            .await;
        endpoint.opened(life, &id);
    });
}

fn handshake(world: &World, caller: Caller, place: Place) -> Wire {
    let number = world.connections().next_number(caller.device);
    let device = &world.plan.devices[caller.device];
    let id = ConnectionId::new(format!("{}.{number}", device.name)).unwrap();
    let mut identity = world.chat.identity(device.user);
    let has_short_token = world.faults.injects(Kind::TokenEnds, place);
    if has_short_token {
        let seconds = 3 + place.within(12).chance().below(10);
        identity.expires = world.chat.now().plus(Duration::from_secs(seconds));
    }
    Wire {
        caller,
        connection: Connection::new(id, world.chat.now(), identity.expires),
        identity,
        young: true,
        silent: false,
        has_short_token,
    }
}

/// Records the end of a connection's token after pushes that were under way have arrived.
fn token_ends_later(world: &Arc<World>, connection: &ConnectionId) {
    let wire = world.connections().wire(connection);
    let Some(wire) = wire.filter(|wire| wire.has_short_token) else {
        return;
    };
    let rest = wire.identity.expires.since(world.chat.now());
    world.after(rest + UNDER_WAY, move |world| {
        world.count("tokens that ended");
        world.record(Record::Expired(recorded(world, &wire)));
    });
}

/// Records the push of an entry or a notice, if the token of the connection ends during the run.
pub fn record_push(world: &World, connection: &ConnectionId, event: &str) {
    let wire = world.connections().wire(connection);
    if let Some(wire) = wire.filter(|wire| wire.has_short_token) {
        world.record(Record::Pushed {
            connection: recorded(world, &wire),
            event: event.to_owned(),
        });
    }
}

fn recorded(world: &World, wire: &Wire) -> checker::history::Connection {
    checker::history::Connection {
        client: world.plan.devices[wire.caller.device].name.clone(),
        user: wire.identity.user.to_string(),
        connection: wire.connection.id.to_string(),
    }
}

/// Sends a client's frame to its function, and the answer back.
pub fn send(world: &Arc<World>, connection: &ConnectionId, text: String, place: Place) {
    let (here, id) = (Arc::clone(world), connection.clone());
    world.tasks.spawn(async move {
        let world = here;
        transit(&world, place).await;
        if world.faults.injects(Kind::CutBefore, place) {
            return cut(&world, &id, place);
        }
        let wire = world.connections().passable(&id);
        let Some(Wire {
            identity,
            connection,
            ..
        }) = wire
        else {
            return;
        };
        if world.faults.injects(Kind::CutMeanwhile, place) {
            let id = id.clone();
            let wait = place.within(11).chance().below(60);
            world.after(Duration::from_millis(wait), move |world| {
                cut(world, &id, place)
            });
        }
        let is_silent = functions::is_silent(&text);
        let reply = functions::message(&world, place, identity, connection, text).await;
        if world.faults.injects(Kind::CutAfter, place) {
            return cut(&world, &id, place);
        }
        if is_silent && reply.is_some() {
            return;
        }
        deliver(
            &world,
            &id,
            reply.as_deref().unwrap_or(NO_ANSWER),
            place.within(6),
        );
    });
}

/// Cuts a connection. If it stays half-open, the client is not notified and the gateway notices
/// later.
pub fn cut(world: &Arc<World>, connection: &ConnectionId, place: Place) {
    let Some(wire) = world.connections().wire(connection) else {
        return;
    };
    let half_open = world.faults.injects(Kind::HalfOpen, place);
    world.count("connections that were cut");
    world.trace(|| {
        format!(
            "{connection} is cut{}",
            if half_open {
                " and stays half-open"
            } else {
                ""
            }
        )
    });
    let (id, chance) = (connection.clone(), place.within(8).chance());
    if half_open {
        world.connections().silence(connection);
        let wait = Duration::from_millis(chance.below(60_000));
        world.after(wait, move |world| close(world, &id, place));
    } else {
        close(world, &id, place);
        let connection = connection.clone();
        world.after(Duration::from_millis(chance.below(100)), move |_| {
            if let Some(endpoint) = wire.caller.endpoint() {
                endpoint.lost(wire.caller.life, &connection);
            }
        });
    }
}

/// Closes a connection and calls `$disconnect`: in time, late, twice or never.
pub fn close(world: &Arc<World>, connection: &ConnectionId, place: Place) {
    let Some(wire) = world.connections().remove(connection) else {
        return;
    };
    let injects = |kind| world.faults.injects(kind, place);
    if injects(Kind::DisconnectNever) {
        return world.trace(|| format!("$disconnect of {connection} is not called"));
    }
    let chance = place.within(9).chance();
    let mut waits = vec![chance.below(50)];
    if injects(Kind::DisconnectLate) {
        waits[0] = 2_000 + chance.below(58_000);
    }
    if injects(Kind::DisconnectTwice) {
        waits.push(waits[0] + chance.below(10_000));
    }
    for (number, wait) in (0..).zip(waits) {
        let (here, wire) = (Arc::clone(world), wire.clone());
        world.tasks.spawn(async move {
            here.sleep(Duration::from_millis(wait)).await;
            let place = place.within(10 + number);
            functions::run(&here, place, |ports, _| {
                Box::pin(async move {
                    let _ =
                        disconnect::handle(&*ports, &wire.identity.user, &wire.connection.id).await;
                })
            })
            .await;
        });
    }
}
