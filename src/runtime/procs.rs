//! How many processors there are unless the program says: `GOMAXPROCS`, else what this process may
//! use of the machine, cgroup quotas included.
//!
//! Invariant: what cannot be understood is an error that names it.
//!
//! Source: Go's `runtime.GOMAXPROCS`; std's `available_parallelism`, which knows cgroups.

use super::p::{self, MOST};
use super::start;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the program asked for before the runtime started; 0 if it did not.
static CHOSEN: AtomicUsize = AtomicUsize::new(0);

/// The number of processors there are, or will be; unless `n` is 0 there will be `n`, if the runtime
/// does not run yet.
pub(super) fn choose(n: usize) -> usize {
    if start::is_started() {
        return p::count();
    }
    let before = standard();
    if n != 0 {
        CHOSEN.store(n.min(MOST), Ordering::Relaxed);
    }
    before
}

/// The number of processors.
///
/// # Panics
/// If `GOMAXPROCS` is set to what is no number from 1 to the most there can be.
pub(super) fn standard() -> usize {
    let chosen = CHOSEN.load(Ordering::Relaxed);
    if chosen != 0 {
        return chosen;
    }
    match std::env::var("GOMAXPROCS") {
        Ok(text) if !text.is_empty() => parse(&text).unwrap_or_else(|error| panic!("{error}")),
        _ => std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(MOST),
    }
}

fn parse(text: &str) -> Result<usize, String> {
    let valid = text.parse().ok().filter(|n| (1..=MOST).contains(n));
    valid.ok_or_else(|| format!("selvedge: GOMAXPROCS = {text:?}: expected a number from 1 to {MOST}"))
}

#[test]
fn a_count_is_a_small_positive_number() {
    assert_eq!(parse("1"), Ok(1));
    assert_eq!(parse("1024"), Ok(1024));
    for text in ["0", "-1", "1025", "two", " 2", "2.0"] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(text) && error.contains("from 1 to 1024"), "{error}");
    }
}
