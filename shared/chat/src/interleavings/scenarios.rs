//! The scenarios of the model, with the same names.

use futures_util::future::{LocalBoxFuture, join_all};

use super::world::{After, Promise, World};

/// Concurrent actions of some users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    Retries,
    RetriesAndSubscribe,
    Crowd,
    NoAfter,
    InventedAfter,
    EmptyLog,
    Removal,
    RemovalAndAdding,
    Changes,
    RemovalAndHistory,
    EditAndDelete,
    Edits,
    RemovalAndEdit,
    Reactions,
    ReactAndDelete,
    RemovalAndReact,
}

/// All scenarios.
pub const ALL: [Scenario; 16] = [
    Scenario::Retries,
    Scenario::RetriesAndSubscribe,
    Scenario::Crowd,
    Scenario::NoAfter,
    Scenario::InventedAfter,
    Scenario::EmptyLog,
    Scenario::Removal,
    Scenario::RemovalAndAdding,
    Scenario::Changes,
    Scenario::RemovalAndHistory,
    Scenario::EditAndDelete,
    Scenario::Edits,
    Scenario::RemovalAndEdit,
    Scenario::Reactions,
    Scenario::ReactAndDelete,
    Scenario::RemovalAndReact,
];

impl Scenario {
    /// Runs the scenario with a seed, and returns the broken promises.
    pub fn run(self, seed: u64) -> Vec<Promise> {
        let world = World::new(seed, self.history());
        if self.has_own_message() {
            world.own_message();
        }
        world.chat.run(join_all(self.tasks(&world)));
        world.broken()
    }

    /// Whether the log begins with a message of the watched user.
    fn has_own_message(self) -> bool {
        matches!(
            self,
            Self::EditAndDelete
                | Self::Edits
                | Self::RemovalAndEdit
                | Self::Reactions
                | Self::ReactAndDelete
                | Self::RemovalAndReact
        )
    }

    fn history(self) -> usize {
        match self {
            _ if self.has_own_message() => 0,
            Self::EmptyLog => 0,
            Self::Crowd
            | Self::Removal
            | Self::RemovalAndAdding
            | Self::Changes
            | Self::RemovalAndHistory => 1,
            _ => 2,
        }
    }

    fn tasks(self, world: &World) -> Vec<LocalBoxFuture<'_, ()>> {
        let ada = |after| send(world, "ada", "x", after);
        let bob = |after| send(world, "bob", "y", after);
        let carol = |after| send(world, "carol", "z", after);
        let subscribe = || -> LocalBoxFuture<'_, ()> {
            Box::pin(async {
                world.subscribe().await;
            })
        };
        let remove = || -> LocalBoxFuture<'_, ()> { Box::pin(world.remove()) };
        let add = || -> LocalBoxFuture<'_, ()> { Box::pin(world.add()) };
        let history = || -> LocalBoxFuture<'_, ()> { Box::pin(world.history()) };
        let edit =
            |id: &'static str, after| -> LocalBoxFuture<'_, ()> { Box::pin(world.edit(id, after)) };
        let delete = |after| -> LocalBoxFuture<'_, ()> { Box::pin(world.delete(after)) };
        let react = |user: &'static str, on, after| -> LocalBoxFuture<'_, ()> {
            Box::pin(world.react(user, on, after))
        };
        let position = After::Position;
        let at = After::At;
        match self {
            // The same message three times: with two fixed positions, and with the position that
            // Ada has reached.
            Self::Retries => vec![ada(at(1)), ada(at(2)), ada(position), bob(at(0))],
            Self::RetriesAndSubscribe => vec![ada(at(1)), ada(position), bob(at(2)), subscribe()],
            Self::Crowd => vec![
                ada(at(1)),
                ada(position),
                bob(at(1)),
                carol(at(0)),
                subscribe(),
            ],
            Self::NoAfter => vec![
                ada(After::Missing),
                ada(at(1)),
                bob(After::Missing),
                carol(After::Missing),
                subscribe(),
            ],
            Self::InventedAfter => vec![ada(at(4)), bob(at(1))],
            Self::EmptyLog => vec![ada(at(0)), ada(position), bob(at(0)), subscribe()],
            Self::Removal => vec![ada(at(0)), subscribe(), remove(), bob(at(1)), carol(at(0))],
            Self::RemovalAndAdding => vec![remove(), add(), ada(at(0)), bob(at(1)), subscribe()],
            Self::Changes => vec![remove(), remove(), add(), add(), subscribe()],
            Self::RemovalAndHistory => vec![history(), remove(), bob(at(1))],
            // The same edit twice.
            Self::EditAndDelete => vec![
                edit("x", at(1)),
                edit("x", position),
                delete(at(1)),
                subscribe(),
                history(),
            ],
            Self::Edits => vec![
                edit("x", at(1)),
                edit("z", at(0)),
                bob(at(1)),
                subscribe(),
                history(),
            ],
            // Two devices of Bob, and Carol.
            Self::Reactions => vec![
                react("bob", true, 1),
                react("bob", true, 0),
                react("bob", false, 1),
                react("carol", true, 1),
                subscribe(),
                history(),
            ],
            Self::ReactAndDelete => vec![
                react("bob", true, 1),
                react("bob", false, 0),
                react("carol", true, 1),
                delete(at(1)),
                subscribe(),
                history(),
            ],
            Self::RemovalAndReact => vec![
                react("ada", true, 0),
                remove(),
                react("carol", true, 1),
                carol(at(0)),
            ],
            Self::RemovalAndEdit => vec![edit("x", at(0)), remove(), delete(at(1)), carol(at(0))],
        }
    }
}

fn send<'a>(world: &'a World, user: &'a str, id: &'a str, after: After) -> LocalBoxFuture<'a, ()> {
    Box::pin(async move {
        world.send(user, id, after).await;
    })
}
