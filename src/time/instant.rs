//! Moments.
//!
//! Invariants: in a model time is virtual and stands still while any goroutine can go on; outside
//! it is the monotonic clock. Moments of one world compare with each other; a moment of another
//! execution means nothing. The origin is put 146 years into the past, so that subtracting from a
//! young world's first moments works as it does with std's.
//!
//! Source: `std::time::Instant`, whose names and panics these are.

use crate::objects::Nanos;
use crate::port::{self, wait};
use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

/// Where a world's first nanosecond is on the scale of [`Instant`].
const ORIGIN: u64 = 1 << 62;

/// A moment: `std::time::Instant`, virtual in a model.
///
/// # Examples
/// ```
/// use selvedge::time::{Duration, Instant};
/// let start = Instant::now();
/// assert!(start + Duration::from_secs(1) > start);
/// assert!(start.elapsed() < Duration::from_secs(3600));
/// ```
#[doc(alias = "Time")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// Now.
    #[must_use]
    pub fn now() -> Instant {
        Instant::at(port::model().map_or_else(wait::clock::now, |engine| engine.now()))
    }

    /// The moment that many nanoseconds after the world began.
    pub(crate) fn at(nanos: Nanos) -> Instant {
        Instant(ORIGIN.saturating_add(nanos))
    }

    /// How long ago this was.
    #[doc(alias = "Since")]
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Instant::now().duration_since(*self)
    }

    /// The time since `earlier`; zero if that is later.
    #[must_use]
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        self.saturating_duration_since(earlier)
    }

    /// The time since `earlier`; zero if that is later.
    #[must_use]
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The time since `earlier`; `None` if that is later.
    #[must_use]
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        self.0.checked_sub(earlier.0).map(Duration::from_nanos)
    }

    /// This moment and `duration`, if there is such a moment.
    #[must_use]
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        let nanos = u64::try_from(duration.as_nanos()).ok()?;
        self.0.checked_add(nanos).map(Instant)
    }

    /// This moment less `duration`, if there is such a moment.
    #[must_use]
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        let nanos = u64::try_from(duration.as_nanos()).ok()?;
        self.0.checked_sub(nanos).map(Instant)
    }

    /// This moment and `duration`, or the last moment there is.
    #[must_use]
    pub fn saturating_add(&self, duration: Duration) -> Instant {
        self.checked_add(duration).unwrap_or(Instant(u64::MAX))
    }

    /// This moment less `duration`, or the first moment there is.
    #[must_use]
    pub fn saturating_sub(&self, duration: Duration) -> Instant {
        self.checked_sub(duration).unwrap_or(Instant(0))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// # Panics
    /// If there is no such moment.
    fn add(self, duration: Duration) -> Instant {
        self.checked_add(duration).expect("overflow when adding duration to instant")
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    /// # Panics
    /// If there is no such moment.
    fn sub(self, duration: Duration) -> Instant {
        self.checked_sub(duration).expect("overflow when subtracting duration from instant")
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.checked_sub(ORIGIN) {
            Some(after) => write!(f, "Instant(+{:?})", Duration::from_nanos(after)),
            None => write!(f, "Instant(-{:?})", Duration::from_nanos(ORIGIN - self.0)),
        }
    }
}
