//! Frames in transit between the gateway and the devices.

use std::{sync::Arc, time::Duration};

use chat::domain::ConnectionId;

use crate::{
    faults::{Kind, Place},
    world::World,
};

/// Waits for the transit of one frame.
pub async fn transit(world: &World, place: Place) {
    let chance = place.within(7).chance();
    world
        .sleep(Duration::from_millis(2 + chance.below(40)))
        .await;
    if world.faults.injects(Kind::FrameDelayed, place) {
        world
            .sleep(Duration::from_millis(100 + chance.below(2_900)))
            .await;
    }
}

/// Sends a frame to a device. It arrives if the connection is still open at that time.
pub fn deliver(world: &Arc<World>, connection: &ConnectionId, frame: &str, place: Place) {
    let (here, id, frame) = (Arc::clone(world), connection.clone(), frame.to_owned());
    world.tasks.spawn(async move {
        transit(&here, place).await;
        let wire = here.connections().passable(&id);
        if let Some(endpoint) = wire.and_then(|wire| wire.caller.endpoint()) {
            endpoint.heard(&id, &frame);
        }
    });
}
