//! What `#[selvedge::test]` expands to: configuration, environment, regressions.

pub mod config;
pub mod env;
mod explorer;
pub mod grammar;
pub mod notice;
mod outcome;
pub mod regressions;
pub mod seed;
mod session;
mod settings;
pub mod shard;

mod interrupt;
pub(crate) mod watchdog;

pub use explorer::{Explorer, check};
pub use outcome::Outcome;
