//! The time an exploration may take: the one place of exploring that looks at the clock on the wall.
//!
//! Invariant: it decides when to stop, and nothing else; what an execution does never depends on it.

use std::time::{Duration, Instant};

/// A span of wall time, perhaps limited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    started: Instant,
    limit: Option<Duration>,
}

impl Budget {
    /// The time starts now.
    pub(crate) fn start(limit: Option<Duration>) -> Budget {
        Budget { started: Instant::now(), limit }
    }

    /// Whether the time is up.
    pub(crate) fn is_used_up(&self) -> bool {
        self.limit.is_some_and(|limit| self.started.elapsed() >= limit)
    }

    /// How long it has been.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Begin anew, with the same limit.
    pub(crate) fn restart(&mut self) {
        self.started = Instant::now();
    }
}
