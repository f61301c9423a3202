//! Decisions: which one comes next, how to write them down, how to replay them.
//!
//! `strategies` decide, one a file; `explorer` runs execution after execution until a budget is
//! used up or something is found; `profile` tells what one execution was like; [`token`] and [`rng`]
//! are frozen formats.

mod account;
pub mod base32;
mod borrows;
pub(crate) mod bounds;
pub(crate) mod budget;
pub(crate) mod checkpoint;
pub(crate) mod codec;
mod confirm;
pub(crate) mod dpor;
pub(crate) mod explorer;
mod interrupt;
mod lane;
pub(crate) mod minimise;
pub(crate) mod nearest;
pub(crate) mod plan;
pub(crate) mod profile;
pub(crate) mod progress;
pub mod rng;
pub mod shards;
mod signals;
pub mod spec;
pub(crate) mod strategies;
mod team;
pub mod token;
mod watchdog;
pub(crate) mod what_if;
