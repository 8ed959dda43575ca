//! The world in memory, for tests: stores that keep the ports' promises, connections that remember what was pushed to
//! them, and a clock that stands still until everyone waits for it.

mod memory;
mod people;
mod world;

pub use memory::{FakeChat, Refusal};
pub use world::World;
