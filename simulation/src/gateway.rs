//! The gateway: connections, what goes over them, and how they end.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chat::{
    domain::{Connection, ConnectionId, Identity, Timestamp},
    ports::Clock as _,
    routes::{connect, disconnect},
};

use crate::{
    faults::{Kind, Place},
    functions,
    stage::Stage,
};

/// What the gateway says itself when a function has no answer. It carries no `ref`.
const NO_ANSWER: &str =
    r#"{"message":"Internal server error","connectionId":"c","requestId":"request"}"#;

#[derive(Default)]
pub struct Gateway {
    open: BTreeMap<ConnectionId, Wire>,
    made: BTreeMap<usize, u64>,
}

#[derive(Clone)]
struct Wire {
    device: usize,
    life: u64,
    identity: Identity,
    connection: Connection,
    /// In its handshake, during which the gateway calls it gone.
    young: bool,
    /// Nothing gets through any more, and the gateway does not know.
    silent: bool,
}

impl Gateway {
    /// How old an open connection is.
    pub fn age(&self, connection: &ConnectionId, now: Timestamp) -> Option<Duration> {
        let wire = self.open.get(connection).filter(|wire| !wire.young)?;
        Some(now.since(wire.connection.connected_at))
    }

    /// Whether the gateway takes some connection for open that is not.
    pub fn is_deceived(&self) -> bool {
        self.open.values().any(|wire| wire.silent)
    }
}

/// A client begins a handshake.
pub fn dial(stage: &Arc<Stage>, device: usize, life: u64, place: Place) {
    let here = Arc::clone(stage);
    stage.tasks.spawn(async move {
        let stage = here;
        let chance = place.within(5).chance();
        stage
            .sleep(Duration::from_millis(5 + chance.below(60)))
            .await;
        let failed =
            |stage: &Arc<Stage>| stage.client(device, |client| client.dial_failed(stage, life));
        if stage.faults.strikes(Kind::HandshakeRefused, place) {
            return failed(&stage);
        }
        let wire = handshake(&stage, device, life);
        let (identity, connection) = (wire.identity.clone(), wire.connection.clone());
        stage.gateway().open.insert(connection.id.clone(), wire);
        let id = connection.id.clone();
        let admitted = functions::run(&stage, place, |ports, _| {
            Box::pin(async move {
                connect::handle(&*ports, &identity, &connection)
                    .await
                    .is_ok()
            })
        })
        .await;
        if admitted != Some(true) {
            stage.gateway().open.remove(&id);
            return failed(&stage);
        }
        if let Some(wire) = stage.gateway().open.get_mut(&id) {
            wire.young = false;
        }
        stage.count("connections");
        stage
            .sleep(Duration::from_millis(2 + chance.below(40)))
            .await;
        stage.client(device, |client| client.opened(&stage, life, &id));
    });
}

fn handshake(stage: &Stage, device: usize, life: u64) -> Wire {
    let mut gateway = stage.gateway();
    let made = gateway.made.entry(device).or_default();
    *made += 1;
    let device_plan = &stage.plan.devices[device];
    let id = ConnectionId::new(format!("{}.{made}", device_plan.name)).unwrap();
    Wire {
        device,
        life,
        identity: stage.chat.identity(device_plan.user),
        connection: Connection {
            id,
            connected_at: stage.chat.now(),
        },
        young: true,
        silent: false,
    }
}

/// A client sends a frame.
pub fn send(stage: &Arc<Stage>, connection: &ConnectionId, text: String, place: Place) {
    let (here, id) = (Arc::clone(stage), connection.clone());
    stage.tasks.spawn(async move {
        let stage = here;
        frame_delay(&stage, place).await;
        if stage.faults.strikes(Kind::CutBefore, place) {
            return cut(&stage, &id, place);
        }
        let wire = stage
            .gateway()
            .open
            .get(&id)
            .filter(|wire| !wire.silent)
            .cloned();
        let Some(Wire {
            identity,
            connection,
            ..
        }) = wire
        else {
            return;
        };
        if stage.faults.strikes(Kind::CutMeanwhile, place) {
            let id = id.clone();
            let wait = place.within(11).chance().below(60);
            stage.after(Duration::from_millis(wait), move |stage| {
                cut(stage, &id, place)
            });
        }
        let reply = functions::message(&stage, place, identity, connection, text).await;
        if stage.faults.strikes(Kind::CutAfter, place) {
            return cut(&stage, &id, place);
        }
        deliver(
            &stage,
            &id,
            reply.as_deref().unwrap_or(NO_ANSWER),
            place.within(6),
        );
    });
}

async fn frame_delay(stage: &Stage, place: Place) {
    let chance = place.within(7).chance();
    stage
        .sleep(Duration::from_millis(2 + chance.below(40)))
        .await;
    if stage.faults.strikes(Kind::FrameDelayed, place) {
        stage
            .sleep(Duration::from_millis(100 + chance.below(2_900)))
            .await;
    }
}

/// A frame on its way to a client: it arrives if the connection is still there then.
pub fn deliver(stage: &Arc<Stage>, connection: &ConnectionId, frame: &str, place: Place) {
    let (here, id, frame) = (Arc::clone(stage), connection.clone(), frame.to_owned());
    stage.tasks.spawn(async move {
        frame_delay(&here, place).await;
        let wire = here
            .gateway()
            .open
            .get(&id)
            .filter(|wire| !wire.silent)
            .cloned();
        if let Some(wire) = wire {
            here.client(wire.device, |client| client.heard(&here, &id, &frame));
        }
    });
}

/// A connection is cut, perhaps without a word to the client; then the gateway takes a while to notice.
pub fn cut(stage: &Arc<Stage>, connection: &ConnectionId, place: Place) {
    let Some(wire) = stage.gateway().open.get(connection).cloned() else {
        return;
    };
    let half_open = stage.faults.strikes(Kind::HalfOpen, place);
    stage.count("connections that were cut");
    stage.tell(|| {
        format!(
            "{connection} is cut{}",
            if half_open { " without a word" } else { "" }
        )
    });
    let (id, chance) = (connection.clone(), place.within(8).chance());
    if half_open {
        if let Some(wire) = stage.gateway().open.get_mut(connection) {
            wire.silent = true;
        }
        let wait = Duration::from_millis(chance.below(60_000));
        stage.after(wait, move |stage| close(stage, &id, place));
    } else {
        close(stage, &id, place);
        let connection = connection.clone();
        stage.after(Duration::from_millis(chance.below(100)), move |stage| {
            stage.client(wire.device, |client| {
                client.lost(stage, wire.life, &connection)
            });
        });
    }
}

/// The gateway learns that a connection has ended, and calls `$disconnect`: late, twice or never.
pub fn close(stage: &Arc<Stage>, connection: &ConnectionId, place: Place) {
    let Some(wire) = stage.gateway().open.remove(connection) else {
        return;
    };
    let strikes = |kind| stage.faults.strikes(kind, place);
    if strikes(Kind::DisconnectNever) {
        return stage.tell(|| format!("$disconnect of {connection} never comes"));
    }
    let chance = place.within(9).chance();
    let mut waits = vec![chance.below(50)];
    if strikes(Kind::DisconnectLate) {
        waits[0] = 2_000 + chance.below(58_000);
    }
    if strikes(Kind::DisconnectTwice) {
        waits.push(waits[0] + chance.below(10_000));
    }
    for (number, wait) in (0..).zip(waits) {
        let (here, wire) = (Arc::clone(stage), wire.clone());
        stage.tasks.spawn(async move {
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
