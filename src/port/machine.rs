//! What a program may know of the machine it runs on.
//!
//! Invariant: in a model the answers are the same on every machine, so that an execution is.

/// The processors a model pretends to have.
const MODEL_CPUS: usize = 4;

/// The processors this process may use.
pub(crate) fn cpus() -> usize {
    match super::model() {
        Some(_) => MODEL_CPUS,
        None => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    }
}

/// How many goroutines run at once in a model, whatever it is told.
pub(crate) fn model_procs() -> Option<usize> {
    super::model().map(|_| MODEL_CPUS)
}
