//! Who runs when: the documentation of Go's `runtime.Gosched`.

use super::Program;
use selvedge::sync::Arc;
use selvedge::sync::atomic::{AtomicBool, Ordering};
use selvedge::{go, thread};

pub(super) const ALL: &[Program] = &[("who yields lets others run", yielding)];

/// Whatever was done before: turns that are counted by a common number must not fall in step with it.
fn yielding() {
    for before in 0..4 {
        for _ in 0..before {
            thread::yield_now();
        }
        let told = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&told);
        let other = go(move || theirs.store(true, Ordering::Release));
        while !told.load(Ordering::Acquire) {
            thread::yield_now();
        }
        other.join().unwrap();
    }
}
