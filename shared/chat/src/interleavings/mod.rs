//! Concurrent requests to the real routes in unsteady runtimes. Every promise of the design is kept
//! with each seed; for each [`Mutant`](crate::mutant::Mutant) some seed shows a broken promise.
//!
//! The scenarios and promises are those of `model/model.py`. The model explores all interleavings
//! of an abstraction; the tests here run some interleavings of the code itself. The mutants of a
//! client (`position_head`, `no_ping`) are covered by the model and by the tests of the client.

mod mutants;
mod removal;
mod scenarios;
mod world;
