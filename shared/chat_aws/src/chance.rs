//! Randomness from the thread's generator, which is seeded with the system's entropy.

use chat::ports::Random;
use rand::RngExt as _;
use uuid::Uuid;

/// Random numbers and version 4 UUIDs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chance;

impl Random for Chance {
    fn below(&self, bound: u64) -> u64 {
        rand::rng().random_range(0..bound.max(1))
    }

    fn fresh_id(&self) -> String {
        Uuid::new_v4().to_string()
    }
}
