//! Concurrent requests to the real routes in unsteady runtimes. With every seed, the routes keep
//! every promise of the design; with each [`Mutant`](crate::mutant::Mutant), some seed breaks one.
//!
//! The scenarios and promises are those of `model/model.py`. The model explores all interleavings
//! of an abstraction; the tests here run some interleavings of the code itself. The mutants of a
//! client (`position_head`, `no_ping`) are covered by the model and by the tests of the client.

mod messages;
mod mutants;
mod reactions;
mod removal;
mod scenarios;
mod world;
