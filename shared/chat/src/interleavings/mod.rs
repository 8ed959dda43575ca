//! The real routes, many at once, in unsteady worlds: what the design promises holds with every seed, and with each
//! [`Mutant`](crate::mutant::Mutant) some seed shows a promise broken.
//!
//! The scenarios and the promises are those of `model/model.py`, which explores all interleavings of an abstract of this
//! code; here some interleavings of the code itself are run. What is only the client's to get wrong (`position_head`,
//! `no_ping`) is not here: the model has it, and so have the page's tests.

mod mutants;
mod removal;
mod scenarios;
mod world;
