//! The plan of a run: devices, conversations and actions. It is drawn from the seed before the run,
//! so that each action can be left out by itself.

mod meetings;

use std::{collections::BTreeSet, time::Duration};

pub use self::meetings::Meeting;
use self::meetings::meetings;
use crate::{
    faults::Place,
    parameters::{Parameters, Size},
};

const USERS: [&str; 8] = [
    "ada", "bob", "carol", "dave", "erin", "frank", "grace", "heidi",
];
/// Clients may omit `after` in conversations with fewer entries than this: without it, the server
/// searches only this many entries.
const WITHOUT_AFTER: u64 = 90;

/// The plan of a run.
#[derive(Debug)]
pub struct Plan {
    pub devices: Vec<DevicePlan>,
    pub conversations: Vec<ConversationPlan>,
    pub actions: Vec<(Duration, Place, Action)>,
    /// When the actions end.
    pub time: Duration,
}

/// A planned device.
#[derive(Debug)]
pub struct DevicePlan {
    pub name: String,
    pub user: &'static str,
    /// Whether the device has no WebSocket.
    pub by_http_only: bool,
    /// Whether the device omits `after` when it sends, where that is allowed.
    pub without_after: bool,
}

/// A planned conversation. Its first participant owns it and is never removed.
#[derive(Debug)]
pub struct ConversationPlan {
    pub id: String,
    pub participants: Vec<&'static str>,
    pub changes: Vec<Changes>,
    /// Whether the conversation stays so short that `after` may be omitted.
    pub is_short: bool,
}

impl ConversationPlan {
    /// Whether the user is a participant at some time.
    pub fn may_contain(&self, user: &str) -> bool {
        let added = self.changes.iter().map(|changes| changes.user);
        let mut users = self.participants.iter().copied().chain(added);
        users.any(|known| known == user)
    }
}

/// The changes of one participant.
#[derive(Debug)]
pub struct Changes {
    pub user: &'static str,
    /// Whether the changes may overlap; otherwise they follow one another.
    pub overlap: bool,
    pub steps: Vec<Step>,
}

/// One change.
#[derive(Debug)]
pub struct Step {
    pub at: Duration,
    pub place: Place,
    pub change: Change,
}

/// A change of participants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Add,
    /// Removal by the owner.
    Remove,
    /// Removal by the user.
    Leave,
}

/// An action of a device, or a disruption of it.
#[derive(Debug)]
pub enum Action {
    Send {
        device: usize,
        conversation: usize,
        id: String,
    },
    /// An edit or a deletion of a message that the device has seen.
    Revise {
        device: usize,
        conversation: usize,
        id: String,
        deletes: bool,
    },
    /// A reaction to a message, or its withdrawal.
    React {
        device: usize,
        conversation: usize,
        id: String,
    },
    /// A change of the newest message of `author`, which other devices change at the same moment.
    Meet {
        device: usize,
        conversation: usize,
        id: String,
        author: String,
        meeting: Meeting,
    },
    Cut {
        device: usize,
    },
    Crash {
        device: usize,
    },
}

impl Action {
    /// Returns the index of the device.
    pub fn device(&self) -> usize {
        match self {
            Self::Send { device, .. }
            | Self::Revise { device, .. }
            | Self::React { device, .. }
            | Self::Meet { device, .. }
            | Self::Cut { device }
            | Self::Crash { device } => *device,
        }
    }
}

impl Plan {
    /// Draws a plan.
    pub fn new(parameters: &Parameters) -> Self {
        let size = parameters.size();
        let place = parameters.place().within(3);
        let devices = devices(place.within(0), size);
        let users: BTreeSet<&'static str> = devices.iter().map(|device| device.user).collect();
        let users: Vec<&'static str> = USERS
            .into_iter()
            .filter(|user| users.contains(user))
            .collect();
        let time = Duration::from_secs(size.seconds);
        let mut conversations: Vec<ConversationPlan> = (0..size.conversations)
            .map(|number| conversation(place.within(1).within(number), number, &users, time))
            .collect();
        let mut actions = messages(place.within(2), size, &devices, &conversations);
        actions.extend(reactions(place.within(4), size, &devices, &conversations));
        actions.extend(meetings(place.within(5), size, &devices, &conversations));
        for (number, planned) in conversations.iter_mut().enumerate() {
            let messages = actions.iter().filter(|(_, _, action)| {
                matches!(
                    action,
                    Action::Send { conversation, .. }
                        | Action::Revise { conversation, .. }
                        | Action::React { conversation, .. }
                        | Action::Meet { conversation, .. }
                        if *conversation == number
                )
            });
            // A change may be stored once for each attempt.
            let changed: usize = planned
                .changes
                .iter()
                .map(|changes| changes.steps.len() * 4)
                .sum();
            planned.is_short = ((messages.count() + changed) as u64) < WITHOUT_AFTER;
        }
        actions.extend(disruptions(place.within(3), &devices, time));
        Self {
            devices,
            conversations,
            actions,
            time,
        }
    }
}

fn devices(place: Place, size: Size) -> Vec<DevicePlan> {
    let chance = place.chance();
    let people = 2 + chance.below(size.clients.clamp(2, USERS.len() as u64) - 1);
    let mut counts = [0; USERS.len()];
    (0..size.clients.max(2))
        .map(|number| {
            let index = if number < people {
                number
            } else {
                chance.below(people)
            };
            let index = usize::try_from(index).unwrap_or(0);
            counts[index] += 1;
            DevicePlan {
                name: format!("{}-{}", USERS[index], counts[index]),
                user: USERS[index],
                by_http_only: chance.below(5) == 0,
                without_after: chance.below(3) == 0,
            }
        })
        .collect()
}

fn conversation(
    place: Place,
    number: u64,
    users: &[&'static str],
    time: Duration,
) -> ConversationPlan {
    let chance = place.chance();
    let owner = usize::try_from(number).unwrap_or(0) % users.len();
    let others = users
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != owner);
    let (mut participants, mut changes) = (vec![users[owner]], Vec::new());
    for (index, user) in others {
        let is_in = chance.below(5) > 0;
        if is_in {
            participants.push(user);
        }
        if chance.below(2) == 0 {
            let place = place.within(1 + index as u64);
            let overlap = place.named("overlap").chance().below(2) == 0;
            let steps = if overlap {
                overlapping(place, time)
            } else {
                in_turn(place, is_in, time)
            };
            changes.push(Changes {
                user,
                overlap,
                steps,
            });
        }
    }
    ConversationPlan {
        id: format!("c{}", number + 1),
        participants,
        changes,
        is_short: false,
    }
}

/// Draws changes that follow one another: additions of a non-participant, removals of a
/// participant.
fn in_turn(place: Place, mut is_in: bool, time: Duration) -> Vec<Step> {
    let chance = place.chance();
    let count = 1 + chance.below(4);
    let mut times: Vec<Duration> = (0..count).map(|_| moment(&chance, time)).collect();
    times.sort();
    (0..)
        .zip(times)
        .map(|(number, at)| {
            let change = match (is_in, chance.below(3)) {
                (false, _) => Change::Add,
                (true, 0) => Change::Leave,
                (true, _) => Change::Remove,
            };
            is_in = change == Change::Add;
            Step {
                at,
                place: place.within(number),
                change,
            }
        })
        .collect()
}

/// Draws bursts of overlapping changes to one participant.
fn overlapping(place: Place, time: Duration) -> Vec<Step> {
    let chance = place.chance();
    let mut steps = Vec::new();
    for _ in 0..=chance.below(2) {
        let moment = moment(&chance, time);
        for _ in 0..2 + chance.below(3) {
            let change = match chance.below(4) {
                0 | 1 => Change::Add,
                2 => Change::Leave,
                _ => Change::Remove,
            };
            steps.push(Step {
                at: moment + Duration::from_millis(chance.below(300)),
                place: place.within(steps.len() as u64),
                change,
            });
        }
    }
    steps
}

fn moment(chance: &chat::fakes::Chance, time: Duration) -> Duration {
    Duration::from_millis(chance.below(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
}

/// Draws the messages, and edits and deletions among them. Some runs have bursts in which many devices send at the same time.
fn messages(
    place: Place,
    size: Size,
    devices: &[DevicePlan],
    conversations: &[ConversationPlan],
) -> Vec<(Duration, Place, Action)> {
    let chance = place.chance();
    let time = Duration::from_secs(size.seconds);
    let bursts: Vec<Duration> = (0..chance.below(4))
        .map(|_| moment(&chance, time))
        .collect();
    (0..size.messages)
        .map(|number| {
            let place = place.within(number);
            let chance = place.chance();
            let device = usize::try_from(chance.below(devices.len() as u64)).unwrap_or(0);
            let mine = conversations_of(devices[device].user, conversations);
            // Most messages go to one conversation, so that the others stay short.
            let favourite = chance.below(3) > 0;
            let conversation = if favourite {
                0
            } else {
                chance.below(mine.len() as u64)
            };
            let conversation = mine
                .get(usize::try_from(conversation).unwrap_or(0))
                .copied()
                .unwrap_or(0);
            let at = match bursts.get(usize::try_from(chance.below(6)).unwrap_or(0)) {
                Some(burst) => *burst + Duration::from_millis(chance.below(400)),
                None => moment(&chance, time),
            };
            let action = match chance.below(20) {
                rest @ 0..4 => Action::Revise {
                    device,
                    conversation,
                    id: format!("e{number}"),
                    deletes: rest == 0,
                },
                _ => Action::Send {
                    device,
                    conversation,
                    id: format!("m{number}"),
                },
            };
            (at, place, action)
        })
        .collect()
}

/// Returns the conversations in which a user is a participant at some time.
fn conversations_of(user: &str, conversations: &[ConversationPlan]) -> Vec<usize> {
    let numbered = conversations.iter().enumerate();
    let mine = numbered.filter(|(_, planned)| planned.may_contain(user));
    mine.map(|(number, _)| number).collect()
}

/// Draws the reactions, one for about three messages. Many are clicks at the same moment.
fn reactions(
    place: Place,
    size: Size,
    devices: &[DevicePlan],
    conversations: &[ConversationPlan],
) -> Vec<(Duration, Place, Action)> {
    let time = Duration::from_secs(size.seconds);
    let mut last = Duration::ZERO;
    (0..size.messages / 3)
        .filter_map(|number| {
            let place = place.within(number);
            let chance = place.chance();
            let device = usize::try_from(chance.below(devices.len() as u64)).unwrap_or(0);
            let mine = conversations_of(devices[device].user, conversations);
            let favourite = usize::try_from(chance.below(mine.len() as u64)).unwrap_or(0);
            let favourite = if chance.below(3) > 0 { 0 } else { favourite };
            let conversation = *mine.get(favourite)?;
            if chance.below(3) > 0 {
                last = moment(&chance, time);
            }
            let at = last + Duration::from_millis(chance.below(100));
            let action = Action::React {
                device,
                conversation,
                id: format!("r{number}"),
            };
            Some((at, place, action))
        })
        .collect()
}

fn disruptions(
    place: Place,
    devices: &[DevicePlan],
    time: Duration,
) -> Vec<(Duration, Place, Action)> {
    let mut disruptions = Vec::new();
    for device in 0..devices.len() {
        let chance = place.within(device as u64).chance();
        for number in 0..4 {
            let place = place.within(device as u64).within(number);
            let action = if number < 2 {
                Action::Cut { device }
            } else {
                Action::Crash { device }
            };
            disruptions.push((moment(&chance, time), place, action));
        }
    }
    disruptions
}
