//! The simulated gateway: handshakes, frames from clients, and how connections end.

use std::{sync::Arc, time::Duration};

use chat::{
    domain::{Connection, ConnectionId},
    ports::Clock as _,
    routes::{connect, disconnect},
};

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
        let wire = handshake(&world, caller);
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
        world.count("connections");
        world
            .sleep(Duration::from_millis(2 + chance.below(40)))
            .await;
        endpoint.opened(life, &id);
    });
}

fn handshake(world: &World, caller: Caller) -> Wire {
    let number = world.connections().next_number(caller.device);
    let device = &world.plan.devices[caller.device];
    let id = ConnectionId::new(format!("{}.{number}", device.name)).unwrap();
    let identity = world.chat.identity(device.user);
    Wire {
        caller,
        connection: Connection::new(id, world.chat.now(), identity.expires),
        identity,
        young: true,
        silent: false,
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
