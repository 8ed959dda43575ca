//! One run: devices act while faults are injected, then the faults stop and everything settles, and
//! then the recorded history is checked.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use chat::{
    mutant::with_mutant,
    rate_limit::RateLimits,
    routes::{CreateConversation, ReadEvents, ReadMessages},
};
use checker::{
    Counts,
    history::{Entry, Reaction, Record},
    judge,
};
use serde_json::{Value, json};

use crate::{
    changes,
    client::Device,
    faults::{Faults, Kind, Occurrences, Place},
    functions::{Reply, http},
    mutants::Mutant,
    parameters::Parameters,
    plan::{Action, Plan},
    promises::{self, Broken},
    world::World,
};

/// How long faults are injected after the last action, in milliseconds.
const AFTERMATH: u64 = 20_000;
/// How long everything may take to settle after the faults have stopped, in milliseconds.
const SETTLED_AFTER: u64 = 400_000;

/// The result of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The broken promises.
    pub broken: Vec<Broken>,
    /// The size of the history.
    pub counts: Counts,
    /// The faults and actions that occurred.
    pub occurrences: Occurrences,
    /// Counts of other occurrences.
    pub tally: BTreeMap<&'static str, u64>,
    /// The history that the checker judged.
    pub history: Vec<Record>,
    /// Every step of the run, if a trace was requested.
    pub trace: Vec<String>,
}

thread_local! {
    static RUNNING: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Returns the options of this thread's current or last run, for the report of a panic.
#[must_use]
pub fn running() -> String {
    RUNNING.with_borrow(Clone::clone)
}

/// Runs a simulation, with a trace if one is requested.
#[must_use]
pub fn run(parameters: &Parameters, with_trace: bool) -> Outcome {
    RUNNING.replace(parameters.options());
    let of_server = parameters.mutant.and_then(Mutant::of_server);
    with_mutant(of_server, || run_here(parameters, with_trace))
}

fn run_here(parameters: &Parameters, with_trace: bool) -> Outcome {
    let place = parameters.place();
    let faults = Faults::new(place, parameters.only.clone());
    let mut world = World::new(place, Plan::new(parameters), faults);
    world.chat.limits = rate_limits(place);
    world.mutant = parameters.mutant.and_then(Mutant::of_clients);
    if with_trace {
        world.record_trace();
    }
    let world = Arc::new(world);
    world.record(Record::Seed {
        seed: parameters.seed,
        about: format!(
            "(cargo run --release -p simulation -- {})",
            parameters.options()
        ),
    });
    let simulation = Simulation {
        devices: Device::all(&world),
        world,
    };
    let world = &simulation.world;
    let (mut broken, history) = world.tasks.run(&world.chat.runtime, simulation.whole());
    let numbered: Vec<(usize, Record)> = (1..).zip(history.iter().cloned()).collect();
    let counts = match judge(&numbered) {
        Ok(verdict) => {
            broken.extend(verdict.violations.into_iter().map(|violation| Broken {
                promise: violation.promise.to_string(),
                what: violation.what,
                trace: violation.trace,
            }));
            verdict.counts
        }
        Err(missing) => {
            broken.push(Broken::new(
                "complete: every log can be read at the end",
                missing.to_string(),
            ));
            Counts::of(&numbered)
        }
    };
    Outcome {
        broken,
        counts,
        occurrences: world.faults.occurrences(),
        tally: world.tally(),
        history,
        trace: world.lines(),
    }
}

/// Returns how many frames a user may send. In a quarter of the runs, devices reach the limit.
fn rate_limits(place: Place) -> RateLimits {
    let (rate, burst) = (NonZeroU32::new(2), NonZeroU32::new(10));
    match rate.zip(burst) {
        Some((rate, burst)) if place.within(6).chance().below(4) == 0 => {
            RateLimits::new(rate, burst)
        }
        _ => RateLimits::unlimited(),
    }
}

/// A world and the devices in it.
struct Simulation {
    world: Arc<World>,
    devices: Vec<Arc<Device>>,
}

impl Simulation {
    async fn whole(&self) -> (Vec<Broken>, Vec<Record>) {
        let world = &self.world;
        self.create_conversations().await;
        self.act().await;
        world.faults.stop();
        world.trace(|| "the faults stop".to_owned());
        self.settle().await;
        for device in &self.devices {
            device.act(|client, world| client.end(world));
        }
        for conversation in 0..world.plan.conversations.len() {
            self.read_log(conversation).await;
        }
        let history = world.take_history();
        let broken = promises::broken(world).await;
        (broken, history)
    }

    /// Creates the conversations. Each request is repeated until it is granted.
    async fn create_conversations(&self) {
        let world = &self.world;
        for planned in &world.plan.conversations {
            let owner = planned.participants[0];
            let fields = json!({"id": planned.id, "participants": planned.participants});
            loop {
                let place = world.unplanned();
                let reply =
                    http::<CreateConversation>(world, place, owner, fields.clone(), ()).await;
                if matches!(reply, Reply::Granted(_)) {
                    break;
                }
            }
        }
    }

    /// Lets the devices act as planned.
    async fn act(&self) {
        let world = &self.world;
        let began = world.now();
        let place = world.unplanned();
        for (number, device) in (0..).zip(&self.devices) {
            let place = place.within(number);
            if world.faults.keeps(place) {
                device.act(|client, world| client.start(world, place));
            }
        }
        changes::start(world);
        for index in 0..world.plan.actions.len() {
            let (at, place, ref action) = world.plan.actions[index];
            let device = Arc::clone(&self.devices[action.device()]);
            world.after(at, move |world| {
                if world.faults.keeps(place) {
                    carry_out(world, &device, index);
                }
            });
        }
        // The last messages are exposed to faults as well.
        let until = u64::try_from(world.plan.time.as_millis()).unwrap_or(0) + AFTERMATH;
        world
            .sleep(Duration::from_millis(
                (began + until).saturating_sub(world.now()),
            ))
            .await;
    }

    /// Waits until every client has everything, or until the time limit.
    async fn settle(&self) {
        let until = self.world.now() + SETTLED_AFTER;
        while self.world.now() < until && !self.is_settled() {
            self.world.sleep(Duration::from_secs(1)).await;
        }
    }

    fn is_settled(&self) -> bool {
        let world = &self.world;
        if world.connections().any_silent() || world.under_way.load(Ordering::Relaxed) > 0 {
            return false;
        }
        world.plan.conversations.iter().all(|planned| {
            let head = world.head(&planned.id);
            let devices = world.plan.devices.iter().zip(&self.devices);
            let mut participants =
                devices.filter(|(device, _)| world.is_participant(&planned.id, device.user));
            participants
                .all(|(_, device)| device.act(|client, _| client.is_complete(&planned.id, head)))
        })
    }

    /// Records a conversation's log as its owner reads it.
    async fn read_log(&self, conversation: usize) {
        let world = &self.world;
        let planned = &world.plan.conversations[conversation];
        let mut events: Vec<Entry> = Vec::new();
        loop {
            let after = events.last().map_or(0, |entry| entry.seq);
            let fields = json!({"conversation": planned.id, "after": after, "limit": 1000});
            let place = world.unplanned();
            let owner = planned.participants[0];
            let Reply::Granted(mut page) =
                http::<ReadEvents>(world, place, owner, fields, ()).await
            else {
                break;
            };
            events.extend(
                serde_json::from_value::<Vec<Entry>>(page["events"].take()).unwrap_or_default(),
            );
            if page["limited"] == false {
                break;
            }
        }
        world.record(Record::Log {
            conversation: planned.id.clone(),
            events,
            reactions: self.read_reactions(conversation).await,
        });
    }

    /// Reads the reactions of a conversation from history, as its owner.
    async fn read_reactions(&self, conversation: usize) -> Option<Vec<Reaction>> {
        let world = &self.world;
        let planned = &world.plan.conversations[conversation];
        let mut reactions: Vec<Reaction> = Vec::new();
        let mut before = Value::Null;
        loop {
            let fields = json!({"conversation": planned.id, "before": before, "limit": 100,
                "reactions": true});
            let place = world.unplanned();
            let owner = planned.participants[0];
            let reply = http::<ReadMessages>(world, place, owner, fields, ()).await;
            let Reply::Granted(mut page) = reply else {
                return None;
            };
            let found = serde_json::from_value::<Vec<Reaction>>(page["reactions"].take());
            reactions.extend(found.ok()?);
            before = page["before"].take();
            if before.is_null() {
                return Some(reactions);
            }
        }
    }
}

fn carry_out(world: &Arc<World>, device: &Device, index: usize) {
    let (_, place, action) = &world.plan.actions[index];
    match action {
        Action::Send {
            conversation, id, ..
        } => {
            let conversation = &world.plan.conversations[*conversation].id;
            device.act(|client, world| client.say(world, conversation, id));
        }
        Action::Revise {
            conversation,
            id,
            deletes,
            ..
        } => {
            let conversation = &world.plan.conversations[*conversation].id;
            device.act(|client, world| client.revise(world, conversation, id, *deletes));
        }
        Action::React {
            conversation, id, ..
        } => {
            let conversation = &world.plan.conversations[*conversation].id;
            device.act(|client, world| client.react(world, conversation, id));
        }
        Action::Meet {
            conversation,
            id,
            author,
            meeting,
            ..
        } => {
            let conversation = &world.plan.conversations[*conversation].id;
            let meeting = (author.as_str(), *meeting);
            device.act(|client, world| client.meet(world, conversation, id, meeting));
        }
        Action::Cut { .. } => device.act(|client, world| client.cut(world)),
        Action::Crash { .. } => {
            if world.faults.injects(Kind::Crash, *place) {
                device.act(|client, world| client.crash(world, *place));
            }
        }
    }
}
