//! Time: sleeping, timers and tickers, virtual in a model.
//!
//! Invariants, Go 1.23's:
//! - A timer's channel looks unbuffered (capacity and length are 0), and once `stop` or `reset`
//!   has returned no tick from before can be received.
//! - `stop` on a timer that has fired but whose tick nobody received gives true.
//! - A ticker drops ticks for a slow receiver. A tick carries the time it was sent at.
//! - A timer whose last handle is dropped never fires; what [`after_func`] was given still runs.
//!
//! In a model time stands still while any goroutine can go on and then jumps to the next timer, so
//! an hour's sleep takes no time, and which of two timers with the same deadline fires first is
//! explored.
//!
//! Source: Go's package `time`, and `std::time` where std has the name.

mod function;
mod instant;
mod ticker;
mod timer;

#[cfg(test)]
mod time_tests;

pub(crate) use function::{CallOff, run_after};
pub use instant::Instant;
pub use std::time::Duration;
pub use ticker::{Ticker, tick};
pub use timer::{Timer, after, after_func};

use crate::objects::{Nanos, Op};
use crate::port::{self, wait};
use std::panic::Location;

/// A billionth of a second.
pub const NANOSECOND: Duration = Duration::from_nanos(1);
/// A millionth of a second.
pub const MICROSECOND: Duration = Duration::from_micros(1);
/// A thousandth of a second.
pub const MILLISECOND: Duration = Duration::from_millis(1);
/// A second. Go's `5 * time.Second` is `5 * time::SECOND`.
pub const SECOND: Duration = Duration::from_secs(1);
/// A minute.
pub const MINUTE: Duration = Duration::from_secs(60);
/// An hour.
pub const HOUR: Duration = Duration::from_secs(3600);

/// Let the goroutine pause for `duration`; a pause of zero lets others go on.
///
/// # Examples
/// ```
/// use selvedge::time::{self, Instant};
/// let start = Instant::now();
/// time::sleep(2 * time::MILLISECOND);
/// assert!(start.elapsed() >= 2 * time::MILLISECOND);
/// ```
#[doc(alias = "Sleep")]
#[track_caller]
pub fn sleep(duration: Duration) {
    let site = Location::caller();
    let zero = duration.is_zero();
    match port::model() {
        Some(engine) if zero => _ = engine.op(Op::Yield, site),
        Some(engine) => _ = engine.op(Op::Sleep { until: from_now(duration) }, site),
        None if zero => wait::yield_now(),
        None => wait::sleep_until(from_now(duration), site),
    }
}

/// The time since `moment`.
#[doc(alias = "Since")]
#[must_use]
pub fn since(moment: Instant) -> Duration {
    moment.elapsed()
}

/// The time until `moment`; zero if it is past.
#[doc(alias = "Until")]
#[must_use]
pub fn until(moment: Instant) -> Duration {
    moment.duration_since(Instant::now())
}

/// The nanosecond of the world that is `duration` away; the last one if that is too far.
fn from_now(duration: Duration) -> Nanos {
    let now = port::model().map_or_else(wait::clock::now, |engine| engine.now());
    now.saturating_add(nanos(duration))
}

/// The nanoseconds of `duration`; the most there are if it is longer.
fn nanos(duration: Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX)
}
