//! Time, in nanoseconds since the program first asked.
//!
//! Invariants: [`now`] never goes back; [`coarse`] is a value that [`now`] gave not long ago, kept
//! current by whoever reads the exact clock anyway: the monitor at each of its rounds, and a
//! processor that looks at its timers.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Nanoseconds since the program first asked.
pub(crate) type Nanos = u64;

/// No time: later than every other.
pub(crate) const NEVER: Nanos = Nanos::MAX;

static COARSE: AtomicU64 = AtomicU64::new(0);

/// The exact time: 20 ns or so.
pub(crate) fn now() -> Nanos {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as Nanos
}

/// The exact time, which becomes the coarse one.
pub(crate) fn refresh() -> Nanos {
    let now = now();
    COARSE.store(now, Ordering::Relaxed);
    now
}

/// A time not long ago: one load.
#[inline]
pub(crate) fn coarse() -> Nanos {
    COARSE.load(Ordering::Relaxed)
}
