//! The parameters of a run. Values that are not given are drawn from the seed.

use std::collections::BTreeSet;

use crate::{
    faults::{Item, Place},
    mutants::Mutant,
};

/// Everything on which a run depends.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    /// Determines everything that is not given here.
    pub seed: u64,
    /// The number of messages.
    pub messages: Option<u64>,
    /// The number of devices.
    pub clients: Option<u64>,
    /// The number of conversations.
    pub conversations: Option<u64>,
    /// The seconds in which devices act and faults are injected.
    pub seconds: Option<u64>,
    /// If set: only these faults and actions occur.
    pub only: Option<BTreeSet<Item>>,
    /// The mutant to run with.
    pub mutant: Option<Mutant>,
}

/// The size of a run.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub messages: u64,
    pub clients: u64,
    pub conversations: u64,
    pub seconds: u64,
}

impl Parameters {
    /// Returns the place of the whole run.
    pub fn place(&self) -> Place {
        Place::of_seed(self.seed)
    }

    /// Returns the size, with missing values drawn from the seed.
    pub fn size(&self) -> Size {
        let chance = self.place().within(2).chance();
        let drawn = Size {
            messages: 250 + chance.below(400),
            clients: 3 + chance.below(8),
            conversations: 1 + chance.below(4),
            seconds: [6, 15, 30, 60][usize::try_from(chance.below(4)).unwrap_or(0)],
        };
        Size {
            messages: self.messages.unwrap_or(drawn.messages),
            clients: self.clients.unwrap_or(drawn.clients).max(1),
            conversations: self.conversations.unwrap_or(drawn.conversations).max(1),
            seconds: self.seconds.unwrap_or(drawn.seconds).max(1),
        }
    }

    /// Returns the command-line options that repeat this run.
    pub fn options(&self) -> String {
        let mut options = format!("--seed {}", self.seed);
        let numbers = [
            ("messages", self.messages),
            ("clients", self.clients),
            ("conversations", self.conversations),
            ("seconds", self.seconds),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                options += &format!(" --{name} {number}");
            }
        }
        if let Some(mutant) = self.mutant {
            options += &format!(" --mutant {}", mutant.name());
        }
        if let Some(only) = &self.only {
            let items: Vec<_> = only.iter().map(|item| format!("{:x}", item.0)).collect();
            options += &format!(" --only {}", items.join(","));
        }
        options
    }
}
