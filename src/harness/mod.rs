//! What `#[selvedge::test]` expands to: configuration, environment, regressions.

pub mod config;
pub mod env;
pub mod grammar;
pub mod notice;
pub mod regressions;
pub mod seed;
mod settings;
pub mod shard;

mod interrupt;
pub(crate) mod watchdog;
