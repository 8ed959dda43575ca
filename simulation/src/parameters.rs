//! How large a run is. Everything that is not asked for comes from the seed.

use std::collections::BTreeSet;

use crate::{
    faults::{Item, Place},
    mutants::Mutant,
};

/// What a run hangs on, and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    /// Decides everything that is not said here.
    pub seed: u64,
    /// Messages that are written.
    pub messages: Option<u64>,
    /// Devices.
    pub clients: Option<u64>,
    /// Conversations.
    pub conversations: Option<u64>,
    /// Seconds in which everything is done and goes wrong.
    pub seconds: Option<u64>,
    /// If not all: what happens in it.
    pub only: Option<BTreeSet<Item>>,
    /// The safeguard that is taken out.
    pub mutant: Option<Mutant>,
}

/// The size that a run has.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub messages: u64,
    pub clients: u64,
    pub conversations: u64,
    pub seconds: u64,
}

impl Parameters {
    /// The place of everything.
    pub fn place(&self) -> Place {
        Place::of_seed(self.seed)
    }

    /// The size: what is not asked for comes from the seed.
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

    /// The options that make this run again.
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
