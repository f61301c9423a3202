//! What a program may know of the machine it runs on.
//!
//! Invariant: in a model the answers are the same on every machine, so that an execution is.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The processors a model pretends to have.
const MODEL_CPUS: usize = 4;

/// What the program asked for; 0 if it never did.
static MAX_PROCS: AtomicUsize = AtomicUsize::new(0);

/// The processors this process may use.
pub(crate) fn cpus() -> usize {
    match super::model() {
        Some(_) => MODEL_CPUS,
        None => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    }
}

/// How many goroutines run at once, and, unless `n` is 0, how many are to from now on. A model runs
/// one at a time whatever it is told.
pub(crate) fn max_procs(n: usize) -> usize {
    if super::model().is_some() {
        return MODEL_CPUS;
    }
    let before = match n {
        0 => MAX_PROCS.load(Ordering::Relaxed),
        n => MAX_PROCS.swap(n, Ordering::Relaxed),
    };
    if before == 0 { cpus() } else { before }
}
