//! Decisions: which one comes next, how to write them down, how to replay them.

pub mod base32;
pub mod rng;
pub mod spec;
pub mod token;
