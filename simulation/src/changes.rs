//! Participants are added and removed, each change asked for until it is answered: one of a user after the other, or
//! each when it is planned, so that they overlap.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use chat::routes::{AddParticipant, RemoveParticipant};
use checker::history::{ChangeAnswer, ChangeAttempt, Record};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    faults::Place,
    functions::{self, Reply},
    plan::{Change, Step, Talk},
    stage::Stage,
};

/// Starts everything that is planned.
pub fn start(stage: &Arc<Stage>) {
    for talk in 0..stage.plan.conversations.len() {
        for changes in 0..stage.plan.conversations[talk].changes.len() {
            let here = Arc::clone(stage);
            stage.under_way.fetch_add(1, Ordering::Relaxed);
            stage.tasks.spawn(async move {
                all(&here, talk, changes).await;
                here.under_way.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }
}

/// All that is done to one participant.
async fn all(stage: &Arc<Stage>, talk: usize, changes: usize) {
    let talk = &stage.plan.conversations[talk];
    let changes = &talk.changes[changes];
    let numbered = (1..).zip(&changes.steps);
    let steps = numbered
        .filter(|(_, step)| stage.faults.does(step.place))
        .map(|(number, step)| {
            let what = What {
                talk,
                user: changes.user,
                change: step.change,
                id: format!("{}-{}-{number}", talk.id, changes.user),
            };
            carry_out(stage, what, step)
        });
    if changes.overlap {
        join_all(steps).await;
    } else {
        for step in steps {
            step.await;
        }
    }
}

struct What<'a> {
    talk: &'a Talk,
    user: &'static str,
    change: Change,
    /// By which the checker knows the attempts at it.
    id: String,
}

impl What<'_> {
    fn asked(&self) -> Record {
        let attempt = ChangeAttempt {
            conversation: self.talk.id.clone(),
            user: self.user.to_owned(),
            change: Some(self.id.clone()),
        };
        if self.change == Change::Add {
            Record::Add(attempt)
        } else {
            Record::Remove(attempt)
        }
    }

    fn answered(&self, seq: Option<u64>) -> Record {
        let answer = ChangeAnswer {
            conversation: self.talk.id.clone(),
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

async fn carry_out(stage: &Arc<Stage>, what: What<'_>, step: &Step) {
    let at = u64::try_from(step.at.as_millis()).unwrap_or(0);
    let wait = at.saturating_sub(stage.now());
    stage.sleep(Duration::from_millis(wait)).await;
    let overlaps = stage.observer().change_begins(&what.talk.id, what.user);
    if overlaps {
        stage.count("changes that overlapped another of the same user");
    }
    let seq = ask(stage, &what, step.place).await;
    stage.count("changes of participants");
    stage.observer().change_ends(&what.talk.id, what.user);
    stage.record(what.answered(seq));
}

/// Asks until there is an answer.
async fn ask(stage: &Arc<Stage>, what: &What<'_>, place: Place) -> Option<u64> {
    let owner = what.talk.participants[0];
    let mut by = if what.change == Change::Leave {
        what.user
    } else {
        owner
    };
    // Held by a function that is at work on it.
    let at_work = Arc::new(());
    let mut attempt = 0;
    loop {
        let fields = json!({"conversation": what.talk.id, "user": what.user});
        let place = place.within(attempt);
        attempt += 1;
        let token = Arc::clone(&at_work);
        stage.record(what.asked());
        let reply = if what.change == Change::Add {
            functions::http::<AddParticipant>(stage, place, by, fields, token).await
        } else {
            functions::http::<RemoveParticipant>(stage, place, by, fields, token).await
        };
        match reply {
            Reply::Granted(reply) => return reply["seq"].as_u64(),
            // Who is out is told so no more: an earlier attempt has removed him, or another change.
            Reply::Refused(problem) if problem["retry"] == "never" => by = owner,
            Reply::Refused(_) | Reply::Unanswered => {}
        }
        let wait = Duration::from_millis(500 + place.chance().below(2_000));
        stage.sleep(wait).await;
        // An attempt that nobody waits for any more may still be at work.
        while Arc::strong_count(&at_work) > 1 {
            stage.sleep(Duration::from_millis(200)).await;
        }
    }
}
