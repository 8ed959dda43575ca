//! Safeguards that can be taken out: those of the server are switches in its code, those of a client are here.

use chat::mutant::Mutant as ServerMutant;

/// What a client can do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientMutant {
    /// A retry says that everything was seen up to a head that was only reported.
    PositionHead,
    /// The position moves to whatever comes, seen or not what is before it.
    PositionUnseen,
    /// Nothing but the gap test shows what is missing.
    NoPing,
}

impl ClientMutant {
    const ALL: [Self; 3] = [Self::PositionHead, Self::PositionUnseen, Self::NoPing];
}

/// A safeguard that is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// Of the server.
    Server(ServerMutant),
    /// Of the clients.
    Client(ClientMutant),
}

impl Mutant {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let server = ServerMutant::ALL.into_iter().map(Self::Server);
        server
            .chain(ClientMutant::ALL.into_iter().map(Self::Client))
            .collect()
    }

    /// Its name, in the model if that has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Server(mutant) => mutant.name(),
            Self::Client(ClientMutant::PositionHead) => "position_head",
            Self::Client(ClientMutant::PositionUnseen) => "position_unseen",
            Self::Client(ClientMutant::NoPing) => "no_ping",
        }
    }

    /// The mutant of this name.
    ///
    /// # Errors
    /// All names.
    pub fn named(name: &str) -> Result<Self, String> {
        let all = Self::all();
        let names: Vec<_> = all.iter().map(|mutant| mutant.name()).collect();
        let found = all.iter().find(|mutant| mutant.name() == name);
        found
            .copied()
            .ok_or_else(|| format!("there are: {}", names.join(", ")))
    }

    /// That of the server, if it is one.
    #[must_use]
    pub fn of_server(self) -> Option<ServerMutant> {
        match self {
            Self::Server(mutant) => Some(mutant),
            Self::Client(_) => None,
        }
    }

    /// That of the clients, if it is one.
    #[must_use]
    pub fn of_clients(self) -> Option<ClientMutant> {
        match self {
            Self::Client(mutant) => Some(mutant),
            Self::Server(_) => None,
        }
    }
}
