//! The corpus over the types of loom: the same files, compiled with this crate in place of the library.
//!
//! Invariant: what is here does with the peer's own types what the library's does, and nothing else: a goroutine
//! is a thread, a wait group joins its goroutines. Plain memory is a cell of loom.

extern crate self as selvedge;

#[path = "../../common.rs"]
mod common;
#[allow(dead_code, reason = "a part of the corpus uses a part of it")]
#[path = "../../../../fixtures/src/fixture.rs"]
pub mod fixture;
mod races;

pub mod cell;
pub mod kit;
#[allow(dead_code, reason = "a part of the corpus uses a part of it")]
#[path = "../../../../fixtures/src/production.rs"]
pub mod production;
pub mod sync;

pub use loom::thread::spawn as go;
pub use loom::{hint, thread};

/// The patterns: name, the program with the bug and the one without.
pub fn all() -> impl Iterator<Item = (&'static str, fn(), fn())> {
    let entries = [common::ENTRIES, races::ENTRIES].into_iter().flatten();
    entries.map(|entry| {
        let [buggy, fixed] = entry.twins();
        (buggy.name, buggy.run, fixed.run)
    })
}
