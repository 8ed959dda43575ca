//! Reproducible random numbers from a seed.

use std::sync::atomic::{AtomicU64, Ordering};

/// A sequence of pseudorandom numbers that depends only on its seed.
#[derive(Debug)]
pub struct Chance(AtomicU64);

impl Chance {
    /// Creates the sequence of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Returns the next number.
    pub fn draw(&self) -> u64 {
        // SplitMix64: https://prng.di.unimi.it/splitmix64.c
        let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns the next number below `bound`, or 0 if `bound` is 0.
    pub fn below(&self, bound: u64) -> u64 {
        self.draw() % bound.max(1)
    }
}
