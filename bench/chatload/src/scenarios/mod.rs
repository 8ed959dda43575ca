//! One file per scenario: a function that runs it and returns what it measured.

pub mod burst;
pub mod catch_up;
pub mod echo;
pub mod fan_out;
pub mod http;
pub mod idle;
pub mod load;
pub mod storm;
