//! What a worker shows of itself to those who watch it from other threads.
//!
//! Invariant: written by the worker alone, with relaxed stores; whoever reads it learns nothing that
//! orders anything.

use selvedge_checkers::ids::Gid;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A worker's sign of life.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    steps: AtomicU64,
    running: AtomicU32,
}

impl Pulse {
    /// The steps of all executions so far, and a few more.
    #[inline]
    pub(crate) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// The goroutine whose code runs; the clock while nobody's does.
    pub(crate) fn running(&self) -> Gid {
        Gid(self.running.load(Ordering::Relaxed))
    }

    /// Say how many steps there were.
    #[inline]
    pub(super) fn beat(&self, steps: u64) {
        self.steps.store(steps, Ordering::Relaxed);
    }

    /// Say whose code runs from now on.
    #[inline]
    pub(super) fn runs(&self, g: Gid) {
        self.running.store(g.0, Ordering::Relaxed);
    }
}
