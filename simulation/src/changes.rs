//! Participants are added and removed: one change of a user after the other, each asked for until it is answered.

use std::{sync::Arc, time::Duration};

use chat::routes::{AddParticipant, RemoveParticipant};
use checker::history::Record;
use serde_json::json;

use crate::{
    faults::Place,
    functions::{self, Reply},
    plan::Change,
    stage::Stage,
};

/// Starts everything that is planned.
pub fn start(stage: &Arc<Stage>) {
    for talk in 0..stage.plan.conversations.len() {
        for changes in 0..stage.plan.conversations[talk].changes.len() {
            let here = Arc::clone(stage);
            stage
                .under_way
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            stage.tasks.spawn(async move {
                one_after_the_other(&here, talk, changes).await;
                here.under_way
                    .fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
            });
        }
    }
}

async fn one_after_the_other(stage: &Arc<Stage>, talk: usize, changes: usize) {
    let talk = &stage.plan.conversations[talk];
    let changes = &talk.changes[changes];
    // Held by every function that is at work on such a change.
    let at_work = Arc::new(());
    for (time, place, change) in &changes.steps {
        if !stage.faults.does(*place) {
            continue;
        }
        let wait = u64::try_from(time.as_millis())
            .unwrap_or(0)
            .saturating_sub(stage.now());
        stage.sleep(Duration::from_millis(wait)).await;
        let asking = ask(
            Arc::clone(stage),
            (talk.id.clone(), talk.participants[0], changes.user),
            *change,
            *place,
            Arc::clone(&at_work),
        );
        if stage.concurrent_changes {
            stage.tasks.spawn(asking);
            continue;
        }
        // An attempt that nobody waits for any more may still be at work.
        while Arc::strong_count(&at_work) > 2 {
            stage.sleep(Duration::from_millis(200)).await;
        }
        asking.await;
    }
}

async fn ask(
    stage: Arc<Stage>,
    names: (String, &'static str, &'static str),
    change: Change,
    place: Place,
    at_work: Arc<()>,
) {
    let (conversation, owner, user) = names;
    let mut by = if change == Change::Leave { user } else { owner };
    for attempt in 0.. {
        let (conversation, user) = (conversation.clone(), user.to_owned());
        let fields = json!({"conversation": conversation, "user": user});
        let place = place.within(attempt);
        let token = Arc::clone(&at_work);
        stage
            .observer()
            .participant_changes(&conversation, &user, false);
        let reply = if change == Change::Add {
            stage.record(Record::Add {
                conversation: conversation.clone(),
                user: user.clone(),
                change: None,
            });
            functions::http::<AddParticipant>(&stage, place, by, fields, token).await
        } else {
            stage.record(Record::Remove {
                conversation: conversation.clone(),
                user: user.clone(),
                change: None,
            });
            functions::http::<RemoveParticipant>(&stage, place, by, fields, token).await
        };
        match reply {
            Reply::Granted(reply) => {
                let seq = reply["seq"].as_u64();
                stage.count("changes of participants");
                stage
                    .observer()
                    .participant_changes(&conversation, &user, true);
                stage.record(if change == Change::Add {
                    Record::Added {
                        conversation,
                        user,
                        seq,
                        change: None,
                    }
                } else {
                    Record::Removed {
                        conversation,
                        user,
                        seq,
                        change: None,
                    }
                });
                return;
            }
            // Who has left is told so no more: an earlier attempt has removed him.
            Reply::Refused(problem) if problem["retry"] == "never" => by = owner,
            Reply::Refused(_) | Reply::Unanswered => {}
        }
        stage
            .sleep(Duration::from_millis(500 + place.chance().below(2_000)))
            .await;
    }
}
