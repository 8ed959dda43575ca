//! Safeguards that can be taken out: those of the server are switches in its code, those of a client are here.

use chat::mistake::Mistake as ServerMistake;

/// What a client can do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientMistake {
    /// A retry says that everything was seen up to a head that was only reported.
    PositionHead,
    /// The position moves to whatever comes, seen or not what is before it.
    PositionUnseen,
    /// Nothing but the gap test shows what is missing.
    NoPing,
}

impl ClientMistake {
    const ALL: [Self; 3] = [Self::PositionHead, Self::PositionUnseen, Self::NoPing];
}

/// A safeguard that is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// Of the server.
    Server(ServerMistake),
    /// Of the clients.
    Client(ClientMistake),
}

impl Mistake {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let server = ServerMistake::ALL.into_iter().map(Self::Server);
        server
            .chain(ClientMistake::ALL.into_iter().map(Self::Client))
            .collect()
    }

    /// Its name, in the model if that has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Server(mistake) => mistake.name(),
            Self::Client(ClientMistake::PositionHead) => "position_head",
            Self::Client(ClientMistake::PositionUnseen) => "position_unseen",
            Self::Client(ClientMistake::NoPing) => "no_ping",
        }
    }

    /// The mistake of this name.
    ///
    /// # Errors
    /// All names.
    pub fn named(name: &str) -> Result<Self, String> {
        let all = Self::all();
        let names: Vec<_> = all.iter().map(|mistake| mistake.name()).collect();
        let found = all.iter().find(|mistake| mistake.name() == name);
        found
            .copied()
            .ok_or_else(|| format!("there are: {}", names.join(", ")))
    }

    /// That of the server, if it is one.
    #[must_use]
    pub fn of_server(self) -> Option<ServerMistake> {
        match self {
            Self::Server(mistake) => Some(mistake),
            Self::Client(_) => None,
        }
    }

    /// That of the clients, if it is one.
    #[must_use]
    pub fn of_clients(self) -> Option<ClientMistake> {
        match self {
            Self::Client(mistake) => Some(mistake),
            Self::Server(_) => None,
        }
    }
}
