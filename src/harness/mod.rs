//! What `#[selvedge::test]` expands to: configuration, environment, regressions.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

mod artefacts;
mod by_hand;
pub mod config;
pub mod env;
mod explorer;
pub mod file;
pub mod grammar;
mod identity;
pub mod notice;
mod outcome;
mod present;
mod production;
mod progress;
pub mod regressions;
mod remote;
mod resume;
mod schedule;
pub mod seed;
mod settings;
pub mod shard;
mod summary;
pub mod terminal;
mod trial;

pub use crate::explore::shards::{Merged, merge};
pub use by_hand::Choice;
pub use explorer::{Explorer, check, run_attribute};
pub use identity::Test;
pub use outcome::Outcome;

/// Print a notice, once for each text and process.
fn once_a_process(text: &str) {
    static PRINTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut printed = PRINTED.lock().unwrap_or_else(PoisonError::into_inner);
    if printed.insert(text.to_owned()) {
        eprintln!("selvedge: {text}");
    }
}
