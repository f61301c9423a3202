//! Loom and shuttle as oracles, and the programs they get wrong.
//!
//! Where a peer is right, it and our depth-first search must find the same outcomes in the same
//! source text. Where one is known to be wrong, a test says what is right: interleavings it misses,
//! correct programs it calls deadlocks, limits it does not keep.

mod alarms;
mod limits;
mod programs;

use selvedge::Explorer;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// What one execution of a program came to.
type Outcome = Vec<usize>;

/// Collects the outcomes of all executions.
fn collect(explore: impl FnOnce(Box<dyn Fn(Outcome) + Send + Sync>)) -> BTreeSet<Outcome> {
    let all = Arc::new(Mutex::new(BTreeSet::new()));
    let inner = Arc::clone(&all);
    explore(Box::new(move |outcome| {
        inner.lock().unwrap().insert(outcome);
    }));
    std::mem::take(&mut *all.lock().unwrap())
}

/// The outcomes our depth-first search finds; it must come to its end, and find nothing wrong.
fn ours(program: fn() -> Outcome) -> BTreeSet<Outcome> {
    collect(|note| {
        let outcome = Explorer::new().exhaustive().spurious(0).run(move || note(program()));
        assert!(outcome.is_clean() && outcome.exhausted, "{outcome}");
    })
}

fn by_shuttle(program: fn() -> Outcome) -> BTreeSet<Outcome> {
    collect(|note| {
        shuttle::check_dfs(move || note(program()), None);
    })
}

fn by_loom(program: fn() -> Outcome) -> BTreeSet<Outcome> {
    collect(|note| loom::model(move || note(program())))
}

fn set(outcomes: &[&[usize]]) -> BTreeSet<Outcome> {
    outcomes.iter().map(|o| o.to_vec()).collect()
}
