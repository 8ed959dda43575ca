//! Presence: what pings say of the user, what pongs show of others, and hiding.

use std::sync::Arc;

use chat::routes::ShowPresence;
use serde_json::{Value, json};

use super::{Client, Question, frames::Frame};
use crate::world::World;

impl Client {
    /// Says at once that the user looks, as most pages do when they have connected.
    pub(super) fn greet(&mut self, world: &Arc<World>) {
        if self.next_place("greet").chance().below(3) == 0 {
            return;
        }
        let frame = self.with_presence(world, json!({"action": "ping"}));
        self.ask(world, Question::Ping, frame);
    }

    /// Adds to a ping whether the user looks, and which conversations they watch. Now and then the
    /// user hides or shows their presence.
    pub(super) fn with_presence(&mut self, world: &Arc<World>, mut frame: Value) -> Value {
        self.hide_or_show(world);
        let place = self.next_place("look or look away");
        let looks = place.chance().below(3) > 0;
        frame["presence"] = json!(if looks { "active" } else { "away" });
        // Also conversations in which the user never was.
        let all = world.plan.conversations.iter();
        let all: Vec<&str> = all.map(|planned| planned.id.as_str()).take(5).collect();
        frame["watch"] = json!(all);
        frame
    }

    fn hide_or_show(&mut self, world: &Arc<World>) {
        let place = self.next_place("hide or show");
        let chance = place.chance();
        if chance.below(8) > 0 {
            return;
        }
        let shown = chance.below(2) == 0;
        if !shown {
            world.count("presences that were hidden");
        }
        let fields = json!({"shown": shown});
        self.ask_by_http::<ShowPresence>(world, place.within(1), fields, |_, _, _| {});
    }

    /// Takes what a pong says of watched conversations.
    pub(super) fn watched(&mut self, world: &Arc<World>, frame: &Frame) {
        if !frame.presence.is_empty() {
            world.count("presences that were seen");
        }
        for (id, reads) in frame.read.as_object().into_iter().flatten() {
            let mut planned = world.plan.conversations.iter();
            let planned = planned.find(|planned| planned.id == *id);
            if !planned.is_some_and(|planned| planned.may_contain(&self.user)) {
                let what = format!("{} watches {id}, in which they never were", self.user);
                world.observer().found("presence", what);
            }
            self.reads(world, id, reads);
        }
    }
}
