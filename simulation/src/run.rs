//! One run: everybody does what is planned while things go wrong, then nothing goes wrong any more and everything
//! settles, and then what was seen is judged.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use chat::{
    mutant::with_mutant,
    ports::Clock as _,
    routes::{CreateConversation, ReadEvents, SendMessage},
};
use checker::{
    Counts,
    history::{Entry, Record},
    judge,
};
use serde_json::json;

use crate::{
    changes,
    faults::{Faults, Happened, Kind},
    functions::{Reply, http},
    parameters::Parameters,
    plan::{Deed, Plan},
    stage::{Stage, conversation_id},
};

/// How long things go wrong after the last deed.
const AFTERMATH: u64 = 20_000;
/// After the faults have stopped, everything must have settled by then.
const SETTLED_AFTER: u64 = 400_000;
/// How young a connection may be without being forgotten when it is gone.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its name.
    pub promise: String,
    /// How.
    pub what: String,
    /// The lines that matter.
    pub story: Vec<String>,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Nothing, if all is well.
    pub broken: Vec<Broken>,
    /// How much was judged.
    pub counts: Counts,
    /// What went wrong.
    pub happened: Happened,
    /// What else happened.
    pub tally: BTreeMap<&'static str, u64>,
    /// What the checker judged.
    pub history: Vec<Record>,
    /// Everything that happened, if that was asked for.
    pub story: Vec<String>,
}

thread_local! {
    static RUNNING: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The options of the run that goes on in this thread, or was the last: for whoever reports that it has panicked.
#[must_use]
pub fn running() -> String {
    RUNNING.with_borrow(Clone::clone)
}

/// Runs it, and writes everything down if that is wanted.
#[must_use]
pub fn run(parameters: &Parameters, tells_all: bool) -> Outcome {
    RUNNING.replace(parameters.options());
    let of_server = parameters
        .mutant
        .and_then(crate::mutants::Mutant::of_server);
    with_mutant(of_server, || run_here(parameters, tells_all))
}

fn run_here(parameters: &Parameters, tells_all: bool) -> Outcome {
    let place = parameters.place();
    let faults = Faults::new(place, parameters.only.clone());
    let mut stage = Stage::new(place, Plan::new(parameters), faults);
    stage.mutant = parameters
        .mutant
        .and_then(crate::mutants::Mutant::of_clients);
    if tells_all {
        stage.tell_all();
    }
    let stage = Arc::new(stage);
    stage.record(Record::Seed {
        seed: parameters.seed,
        about: format!(
            "(cargo run --release -p simulation -- {})",
            parameters.options()
        ),
    });
    let (mut broken, history) = stage.tasks.run(&stage.chat.runtime, whole(&stage));
    let numbered: Vec<(usize, Record)> = (1..).zip(history.iter().cloned()).collect();
    let counts = match judge(&numbered) {
        Ok(verdict) => {
            broken.extend(verdict.violations.into_iter().map(|violation| Broken {
                promise: violation.promise.to_string(),
                what: violation.what,
                story: violation.trace,
            }));
            verdict.counts
        }
        Err(missing) => {
            broken.push(told(
                "complete: everything can be read in the end",
                missing.to_string(),
            ));
            Counts::of(&numbered)
        }
    };
    Outcome {
        broken,
        counts,
        happened: stage.faults.happened(),
        tally: stage.tally(),
        history,
        story: stage.story(),
    }
}

fn told(promise: &str, what: String) -> Broken {
    Broken {
        promise: promise.to_owned(),
        what,
        story: Vec::new(),
    }
}

async fn whole(stage: &Arc<Stage>) -> (Vec<Broken>, Vec<Record>) {
    set(stage).await;
    act(stage).await;
    stage.faults.stop();
    stage.tell(|| "nothing goes wrong any more".to_owned());
    settle(stage).await;
    for device in 0..stage.plan.devices.len() {
        stage.client(device, |client| client.end(stage));
    }
    for talk in 0..stage.plan.conversations.len() {
        read_whole(stage, talk).await;
    }
    let history = stage.history();
    let mut broken = Vec::new();
    for talk in 0..stage.plan.conversations.len() {
        broken.extend(strangers(stage, talk));
        broken.extend(stale_rows(stage, talk).await);
    }
    let seen = std::mem::take(&mut stage.observer().broken);
    broken.extend(seen.into_iter().map(|seen| {
        let promise = match seen.promise {
            "told" => {
                "told: whoever has subscribed is told of what is stored, before it is acknowledged"
            }
            _ => {
                "pushed: a push that the gateway is too busy for is tried again while there is time"
            }
        };
        told(promise, seen.what)
    }));
    (broken, history)
}

/// The conversations, asked for until they are there.
async fn set(stage: &Arc<Stage>) {
    for talk in &stage.plan.conversations {
        let owner = talk.participants[0];
        let fields = json!({"id": talk.id, "participants": talk.participants});
        loop {
            let place = stage.unplanned();
            let reply = http::<CreateConversation>(stage, place, owner, fields.clone(), ()).await;
            if matches!(reply, Reply::Granted(_)) {
                break;
            }
        }
    }
}

async fn act(stage: &Arc<Stage>) {
    let began = stage.now();
    let place = stage.unplanned();
    for device in 0..stage.plan.devices.len() {
        let place = place.within(device as u64);
        if stage.faults.does(place) {
            stage.client(device, |client| client.start(stage, place));
        }
    }
    changes::start(stage);
    for index in 0..stage.plan.deeds.len() {
        let (at, place, _) = stage.plan.deeds[index];
        stage.after(at, move |stage| {
            if stage.faults.does(place) {
                act_out(stage, index);
            }
        });
    }
    // What is written at last is at the mercy of the faults, too.
    let until = u64::try_from(stage.plan.time.as_millis()).unwrap_or(0) + AFTERMATH;
    stage
        .sleep(Duration::from_millis(
            (began + until).saturating_sub(stage.now()),
        ))
        .await;
}

fn act_out(stage: &Arc<Stage>, index: usize) {
    let (_, place, deed) = &stage.plan.deeds[index];
    match deed {
        Deed::Say { device, talk, id } => {
            let talk = &stage.plan.conversations[*talk].id;
            stage.client(*device, |client| client.say(stage, talk, id));
        }
        Deed::Cut { device } => stage.client(*device, |client| client.cut(stage)),
        Deed::Crash { device } => {
            if stage.faults.strikes(Kind::Crash, *place) {
                stage.client(*device, |client| client.crash(stage, *place));
            }
        }
    }
}

/// Waits until everybody has everything, or should have it.
async fn settle(stage: &Arc<Stage>) {
    let until = stage.now() + SETTLED_AFTER;
    while stage.now() < until && !is_settled(stage) {
        stage.sleep(Duration::from_secs(1)).await;
    }
}

fn is_settled(stage: &Arc<Stage>) -> bool {
    if stage.gateway().is_deceived() || stage.under_way.load(Ordering::Relaxed) > 0 {
        return false;
    }
    stage.plan.conversations.iter().all(|talk| {
        let head = stage.head(&talk.id);
        let devices = stage.plan.devices.iter().enumerate();
        let mut participants =
            devices.filter(|(_, device)| stage.is_participant(&talk.id, device.user));
        participants
            .all(|(device, _)| stage.client(device, |client| client.is_complete(&talk.id, head)))
    })
}

/// The owner reads the log.
async fn read_whole(stage: &Arc<Stage>, talk: usize) {
    let talk = &stage.plan.conversations[talk];
    let mut events: Vec<Entry> = Vec::new();
    loop {
        let after = events.last().map_or(0, |entry| entry.seq);
        let fields = json!({"conversation": talk.id, "after": after, "limit": 1000});
        let place = stage.unplanned();
        let Reply::Granted(mut page) =
            http::<ReadEvents>(stage, place, talk.participants[0], fields, ()).await
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
    let conversation = talk.id.clone();
    stage.record(Record::Log {
        conversation,
        events,
    });
}

/// Nobody has written who was never a participant.
fn strangers(stage: &Arc<Stage>, talk: usize) -> Option<Broken> {
    let talk = &stage.plan.conversations[talk];
    let added = talk.changes.iter().map(|changes| changes.user);
    let known: BTreeSet<&str> = talk.participants.iter().copied().chain(added).collect();
    let log = stage.chat.log(&conversation_id(&talk.id));
    let stranger = log
        .iter()
        .find(|event| !known.contains(event.draft.sender.as_str()))?;
    let what = format!(
        "{} of {} is by {}",
        stranger.seq, talk.id, stranger.draft.sender
    );
    Some(told("participants: only participants write", what))
}

/// One more message, and nothing is left of connections that have ended: whoever pushes to one finds it gone.
async fn stale_rows(stage: &Arc<Stage>, talk: usize) -> Vec<Broken> {
    let talk = &stage.plan.conversations[talk];
    let fields = json!({"conversation": talk.id, "id": "the-last", "body": "Is anybody here?"});
    let place = stage.unplanned();
    let began = stage.chat.now();
    let _ = http::<SendMessage>(stage, place, talk.participants[0], fields, ()).await;
    let rows = stage.chat.subscriptions().into_iter();
    let stale = rows.filter(|(conversation, row)| {
        conversation.as_str() == talk.id
            && stage.is_participant(&talk.id, row.user.as_str())
            && began.since(row.connection.connected_at) >= HANDSHAKE
            && stage.gateway().age(&row.connection.id, began).is_none()
    });
    stale
        .map(|(conversation, row)| {
            let what = format!(
                "the subscription of {} to {conversation} is left, and the connection is gone",
                row.connection.id
            );
            told(
                "rows: nothing is left of a connection that was found gone",
                what,
            )
        })
        .collect()
}
