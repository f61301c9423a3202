//! The programs of the table, each with the number of its traces. The module above names the crate
//! they are for, `use selvedge as engine`, so that the crate itself can run them in its own tests.
//!
//! Where a count is our own, it is that of a brute force, which tries every interleaving and
//! collects the traces.

mod channels;
mod groups;
pub(crate) mod portable;
mod spins;
mod structures;

use super::engine;
pub(crate) use portable::Program;
use portable::{atomics, each};

/// Every program, in the order of the report.
pub(crate) fn all() -> impl Iterator<Item = &'static Program> {
    let ours = [spins::PROGRAMS, structures::PROGRAMS, groups::PROGRAMS, channels::PROGRAMS];
    portable::all().chain(ours.into_iter().flatten())
}
