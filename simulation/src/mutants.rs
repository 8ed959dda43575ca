//! Mutants: safeguards taken out for a test. The server's are switches in its code, the client's
//! are defined here.

use chat::mutant::Mutant as ServerMutant;

/// A mutant of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientMutant {
    /// A retry sends a reported head as `after`, without having seen the entries.
    PositionHead,
    /// The position moves to every received entry, even after a gap.
    PositionUnseen,
    /// Pings are ignored, so only gaps show missing entries.
    NoPing,
    /// The reactions of a page of history count as newer than every entry that was seen.
    StateWithoutSeq,
}

impl ClientMutant {
    const ALL: [Self; 4] = [
        Self::PositionHead,
        Self::PositionUnseen,
        Self::NoPing,
        Self::StateWithoutSeq,
    ];
}

/// A mutant of the server or of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A mutant of the server.
    Server(ServerMutant),
    /// A mutant of the client.
    Client(ClientMutant),
}

impl Mutant {
    /// Returns all mutants.
    pub fn all() -> Vec<Self> {
        let server = ServerMutant::ALL.into_iter().map(Self::Server);
        server
            .chain(ClientMutant::ALL.into_iter().map(Self::Client))
            .collect()
    }

    /// Returns the mutant's name, the same as in the model.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Server(mutant) => mutant.name(),
            Self::Client(ClientMutant::PositionHead) => "position_head",
            Self::Client(ClientMutant::PositionUnseen) => "position_unseen",
            Self::Client(ClientMutant::NoPing) => "no_ping",
            Self::Client(ClientMutant::StateWithoutSeq) => "state_without_seq",
        }
    }

    /// Returns the mutant of this name.
    ///
    /// # Errors
    /// Lists all names if there is no such mutant.
    pub fn named(name: &str) -> Result<Self, String> {
        let all = Self::all();
        let names: Vec<_> = all.iter().map(|mutant| mutant.name()).collect();
        let found = all.iter().find(|mutant| mutant.name() == name);
        found
            .copied()
            .ok_or_else(|| format!("no such mutant; there are: {}", names.join(", ")))
    }

    /// Returns the server's mutant, if it is one.
    #[must_use]
    pub fn of_server(self) -> Option<ServerMutant> {
        match self {
            Self::Server(mutant) => Some(mutant),
            Self::Client(_) => None,
        }
    }

    /// Returns the client's mutant, if it is one.
    #[must_use]
    pub fn of_clients(self) -> Option<ClientMutant> {
        match self {
            Self::Client(mutant) => Some(mutant),
            Self::Server(_) => None,
        }
    }
}
