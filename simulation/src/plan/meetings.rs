//! Moments at which devices change the same message. Elsewhere in a plan this is too rare to show
//! what a deletion must prevent.

use std::time::Duration;

use super::{Action, Change, Changes, ConversationPlan, DevicePlan, conversations_of, moment};
use crate::{faults::Place, parameters::Size};

/// The messages of a run for each such moment.
const MESSAGES: u64 = 25;
/// The actions of a moment begin within this time, in milliseconds. A request takes about as long
/// from its read to its put.
const TOGETHER: u64 = 20;

/// What a device does with the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meeting {
    Delete,
    Edit,
    React,
}

/// Draws the meetings. At each one, the owner deletes the newest message of some author, the author
/// edits it, and others react to it. Half of them also send a message, so that positions are lost and
/// reads have holes.
pub fn meetings(
    place: Place,
    size: Size,
    devices: &[DevicePlan],
    conversations: &[ConversationPlan],
) -> Vec<(Duration, Place, Action)> {
    let time = Duration::from_secs(size.seconds);
    let mut actions = Vec::new();
    for number in 0..size.messages / MESSAGES {
        let place = place.within(number);
        let chance = place.chance();
        let below = |count: usize| usize::try_from(chance.below(count.max(1) as u64)).unwrap_or(0);
        let conversation = below(conversations.len());
        let owner = conversations[conversation].participants[0];
        let present = devices.iter().enumerate().filter(|(_, device)| {
            conversations_of(device.user, conversations).contains(&conversation)
        });
        let present: Vec<(usize, &str)> = present
            .map(|(index, device)| (index, device.user))
            .collect();
        let Some((_, author)) = present.get(below(present.len())).copied() else {
            continue;
        };
        let deleting = present.iter().find(|(_, user)| *user == owner);
        let deleting = deleting.map(|(device, _)| *device);
        // Half of them while a participant is removed, if any is.
        let removals = removals(&conversations[conversation]);
        let removal = removals.get(below(2 * removals.len())).copied();
        let (moment, removed) = removal.unwrap_or_else(|| (moment(&chance, time), ""));
        for (device, user) in present {
            let place = place.within(1 + device as u64);
            let chance = place.chance();
            let id = format!("n{number}-{device}");
            // The removed user reads first, then the removal is stored, and then what hides it in a
            // read with a hole.
            let first = if removed.is_empty() || removed == user {
                moment
            } else {
                moment + Duration::from_millis(TOGETHER / 2)
            };
            let at = first + Duration::from_millis(chance.below(TOGETHER));
            let meeting = if Some(device) == deleting {
                Meeting::Delete
            } else if user == author {
                Meeting::Edit
            } else {
                Meeting::React
            };
            if meeting != Meeting::Delete && chance.below(2) == 0 {
                let at = first + Duration::from_millis(chance.below(TOGETHER));
                let send = Action::Send {
                    device,
                    conversation,
                    id: format!("{id}s"),
                };
                actions.push((at, place.within(1), send));
            }
            let meet = Action::Meet {
                device,
                conversation,
                id,
                author: author.to_owned(),
                meeting,
            };
            actions.push((at, place, meet));
        }
    }
    actions
}

/// Returns the removals from a conversation.
fn removals(planned: &ConversationPlan) -> Vec<(Duration, &'static str)> {
    let of_one = |changes: &Changes| {
        let removals = changes
            .steps
            .iter()
            .filter(|step| step.change != Change::Add);
        removals
            .map(|step| (step.at, changes.user))
            .collect::<Vec<_>>()
    };
    planned.changes.iter().flat_map(of_one).collect()
}
