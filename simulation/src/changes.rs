//! Changes of participants. Each is requested until it is answered. The changes of a user follow
//! one another, or begin as planned and overlap.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use chat::routes::{AddParticipant, RemoveParticipant, RemoveParticipants};
use checker::history::{ChangeAnswer, ChangeAttempt, Record};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    faults::Place,
    functions::{self, Reply},
    plan::{Change, ConversationPlan, Step},
    world::World,
};

/// Starts all planned changes.
pub fn start(world: &Arc<World>) {
    for conversation in 0..world.plan.conversations.len() {
        for changes in 0..world.plan.conversations[conversation].changes.len() {
            let here = Arc::clone(world);
            world.under_way.fetch_add(1, Ordering::Relaxed);
            world.tasks.spawn(async move {
                all(&here, conversation, changes).await;
                here.under_way.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }
}

/// Carries out all changes of one participant.
async fn all(world: &Arc<World>, conversation: usize, changes: usize) {
    let planned = &world.plan.conversations[conversation];
    let changes = &planned.changes[changes];
    let numbered = (1..).zip(&changes.steps);
    let steps = numbered
        .filter(|(_, step)| world.faults.keeps(step.place))
        .map(|(number, step)| {
            let request = ChangeRequest {
                planned,
                user: changes.user,
                change: step.change,
                id: format!("{}-{}-{number}", planned.id, changes.user),
            };
            carry_out(world, request, step)
        });
    if changes.overlap {
        join_all(steps).await;
    } else {
        for step in steps {
            step.await;
        }
    }
}

struct ChangeRequest<'a> {
    planned: &'a ConversationPlan,
    user: &'static str,
    change: Change,
    /// The name of the change in the history.
    id: String,
}

impl ChangeRequest<'_> {
    fn attempt(&self) -> Record {
        let attempt = ChangeAttempt {
            conversation: self.planned.id.clone(),
            user: self.user.to_owned(),
            change: Some(self.id.clone()),
        };
        if self.change == Change::Add {
            Record::Add(attempt)
        } else {
            Record::Remove(attempt)
        }
    }

    fn answer(&self, seq: Option<u64>) -> Record {
        let answer = ChangeAnswer {
            conversation: self.planned.id.clone(),
            user: self.user.to_owned(),
            seq,
            change: Some(self.id.clone()),
        };
        if self.change == Change::Add {
            Record::Added(answer)
        } else {
            Record::Removed(answer)
        }
    }
}

async fn carry_out(world: &Arc<World>, request: ChangeRequest<'_>, step: &Step) {
    let at = u64::try_from(step.at.as_millis()).unwrap_or(0);
    let wait = at.saturating_sub(world.now());
    world.sleep(Duration::from_millis(wait)).await;
    let overlaps = world
        .observer()
        .change_begins(&request.planned.id, request.user);
    if overlaps {
        world.count("changes that overlapped another of the same user");
    }
    let seq = ask(world, &request, step.place).await;
    world.count("changes of participants");
    world
        .observer()
        .change_ends(&request.planned.id, request.user);
    world.record(request.answer(seq));
}

/// Requests a change until it is answered.
async fn ask(world: &Arc<World>, request: &ChangeRequest<'_>, place: Place) -> Option<u64> {
    let owner = request.planned.participants[0];
    let mut by = if request.change == Change::Leave {
        request.user
    } else {
        owner
    };
    // Half of the removals by the owner use the route that removes many.
    let of_many = request.change == Change::Remove && place.named("many").chance().below(2) == 0;
    // A function that works on the change holds a clone of this token.
    let at_work = Arc::new(());
    let mut attempt = 0;
    loop {
        let fields = json!({"conversation": request.planned.id, "user": request.user});
        let place = place.within(attempt);
        attempt += 1;
        let token = Arc::clone(&at_work);
        world.record(request.attempt());
        let reply = match request.change {
            Change::Add => functions::http::<AddParticipant>(world, place, by, fields, token).await,
            Change::Remove if of_many => {
                let fields = json!({"conversation": request.planned.id, "users": [request.user]});
                functions::http::<RemoveParticipants>(world, place, by, fields, token).await
            }
            Change::Remove | Change::Leave => {
                functions::http::<RemoveParticipant>(world, place, by, fields, token).await
            }
        };
        match reply {
            Reply::Granted(reply) if reply["users"][0]["outcome"] == "contended" => {}
            Reply::Granted(reply) if of_many => {
                world.count("participants that were removed with many");
                return reply["users"][0]["seq"].as_u64();
            }
            Reply::Granted(reply) => return reply["seq"].as_u64(),
            // A removed user may not leave: an earlier attempt, or another change, has removed
            // them.
            Reply::Refused(problem) if problem["retry"] == "never" => by = owner,
            Reply::Refused(_) | Reply::Unanswered => {}
        }
        let wait = Duration::from_millis(500 + place.chance().below(2_000));
        world.sleep(wait).await;
        // An abandoned attempt may still be at work.
        while Arc::strong_count(&at_work) > 1 {
            world.sleep(Duration::from_millis(200)).await;
        }
    }
}
