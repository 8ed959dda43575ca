//! Who is there, and what everybody does when: drawn from the seed before anything runs, so that each deed can be taken
//! out by itself.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    faults::Place,
    parameters::{Parameters, Size},
};

const USERS: [&str; 8] = [
    "ada", "bob", "carol", "dave", "erin", "frank", "grace", "heidi",
];
/// Entries of a conversation at most in which clients may leave `after` out: so much is looked through without it.
const WITHOUT_AFTER: u64 = 90;

/// Everything that is intended.
#[derive(Debug)]
pub struct Plan {
    pub devices: Vec<Device>,
    pub conversations: Vec<Talk>,
    pub deeds: Vec<(Duration, Place, Deed)>,
    /// Until when things are done.
    pub time: Duration,
}

/// A device.
#[derive(Debug)]
pub struct Device {
    pub name: String,
    pub user: &'static str,
    /// It has no WebSocket.
    pub by_http_only: bool,
    /// It never says where it is when it sends, where that is allowed.
    pub without_after: bool,
}

/// A conversation. The first participant owns it, and stays.
#[derive(Debug)]
pub struct Talk {
    pub id: String,
    pub participants: Vec<&'static str>,
    pub changes: Vec<Changes>,
    /// Whether it stays so short that `after` may be left out.
    pub is_short: bool,
}

/// What is done to one participant.
#[derive(Debug)]
pub struct Changes {
    pub user: &'static str,
    /// Whether they may overlap; otherwise one is done after the other.
    pub overlap: bool,
    pub steps: Vec<Step>,
}

/// One of them.
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
    /// By the owner.
    Remove,
    /// By himself.
    Leave,
}

/// Something that a device does, or that happens to it.
#[derive(Debug)]
pub enum Deed {
    Say {
        device: usize,
        talk: usize,
        id: String,
    },
    Cut {
        device: usize,
    },
    Crash {
        device: usize,
    },
}

impl Plan {
    /// What the seed has in mind.
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
        let mut conversations: Vec<Talk> = (0..size.conversations)
            .map(|number| talk(place.within(1).within(number), number, &users, time))
            .collect();
        let mut deeds = says(place.within(2), size, &devices, &conversations);
        for (number, talk) in conversations.iter_mut().enumerate() {
            let said = deeds
                .iter()
                .filter(|(_, _, deed)| matches!(deed, Deed::Say { talk, .. } if *talk == number));
            // A change may be stored as often as it is asked for.
            let changed: usize = talk
                .changes
                .iter()
                .map(|changes| changes.steps.len() * 4)
                .sum();
            talk.is_short = ((said.count() + changed) as u64) < WITHOUT_AFTER;
        }
        deeds.extend(accidents(place.within(3), &devices, time));
        Self {
            devices,
            conversations,
            deeds,
            time,
        }
    }
}

fn devices(place: Place, size: Size) -> Vec<Device> {
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
            Device {
                name: format!("{}-{}", USERS[index], counts[index]),
                user: USERS[index],
                by_http_only: chance.below(5) == 0,
                without_after: chance.below(3) == 0,
            }
        })
        .collect()
}

fn talk(place: Place, number: u64, users: &[&'static str], time: Duration) -> Talk {
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
                at_once(place, time)
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
    Talk {
        id: format!("c{}", number + 1),
        participants,
        changes,
        is_short: false,
    }
}

/// He is added when he is out, and removed when he is in.
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

/// At a few moments somebody does several things to him.
fn at_once(place: Place, time: Duration) -> Vec<Step> {
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

/// Some runs are a steady talk, and in others all speak at once.
fn says(
    place: Place,
    size: Size,
    devices: &[Device],
    conversations: &[Talk],
) -> Vec<(Duration, Place, Deed)> {
    let chance = place.chance();
    let time = Duration::from_secs(size.seconds);
    let crowds: Vec<Duration> = (0..chance.below(4))
        .map(|_| moment(&chance, time))
        .collect();
    (0..size.messages)
        .map(|number| {
            let place = place.within(number);
            let chance = place.chance();
            let device = usize::try_from(chance.below(devices.len() as u64)).unwrap_or(0);
            let mine: Vec<usize> = (0..conversations.len())
                .filter(|talk| {
                    let talk = &conversations[*talk];
                    let user = devices[device].user;
                    talk.participants.contains(&user)
                        || talk.changes.iter().any(|changes| changes.user == user)
                })
                .collect();
            // Most is said in one conversation, so that the others stay short.
            let favourite = chance.below(3) > 0;
            let talk = if favourite {
                0
            } else {
                chance.below(mine.len() as u64)
            };
            let talk = mine
                .get(usize::try_from(talk).unwrap_or(0))
                .copied()
                .unwrap_or(0);
            let at = match crowds.get(usize::try_from(chance.below(6)).unwrap_or(0)) {
                Some(crowd) => *crowd + Duration::from_millis(chance.below(400)),
                None => moment(&chance, time),
            };
            let id = format!("m{number}");
            (at, place, Deed::Say { device, talk, id })
        })
        .collect()
}

fn accidents(place: Place, devices: &[Device], time: Duration) -> Vec<(Duration, Place, Deed)> {
    let mut accidents = Vec::new();
    for device in 0..devices.len() {
        let chance = place.within(device as u64).chance();
        for number in 0..4 {
            let place = place.within(device as u64).within(number);
            let deed = if number < 2 {
                Deed::Cut { device }
            } else {
                Deed::Crash { device }
            };
            accidents.push((moment(&chance, time), place, deed));
        }
    }
    accidents
}
