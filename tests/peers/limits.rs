//! A limit is kept, whatever the program.

use selvedge::sync::Arc;
use selvedge::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use selvedge::{Explorer, thread};
use std::time::Duration;

/// 369 600 interleavings.
fn four_times_three() {
    let x = Arc::new(AtomicUsize::new(0));
    for _ in 0..4 {
        let x = Arc::clone(&x);
        drop(thread::spawn(move || (0..3).for_each(|_| _ = x.fetch_add(1, SeqCst))));
    }
}

#[test]
fn a_number_of_executions_is_kept() {
    for explorer in [Explorer::new(), Explorer::new().exhaustive()] {
        let outcome = explorer.executions(10).run(four_times_three);
        assert_eq!((outcome.executions, outcome.exhausted), (10, false), "{outcome}");
    }
}

#[test]
fn a_time_is_kept() {
    let outcome = Explorer::new().exhaustive().time(Duration::from_millis(1)).run(four_times_three);
    assert!(outcome.executions < 300_000 && !outcome.exhausted, "{} executions", outcome.executions);
}
