//! Tickers: a tick every so often, dropped for those who are slow.

use super::timer::channel;
use super::{Duration, Instant, from_now, nanos};
use crate::chan::Receiver;
use std::fmt;
use std::panic::Location;

/// A clock that ticks: Go's `time.Ticker`. Clones are the same ticker; without a handle it stops.
///
/// # Examples
/// ```
/// use selvedge::time::{self, Ticker};
/// let ticker = Ticker::new(time::MILLISECOND);
/// for tick in ticker.c().iter().take(2) {
///     println!("{tick:?}");
/// }
/// ticker.stop();
/// ```
#[doc(alias = "NewTicker")]
#[derive(Clone)]
pub struct Ticker(Receiver<Instant>);

impl Ticker {
    /// A ticker that sends the time every `period`, for the first time a period from now.
    ///
    /// # Panics
    /// "non-positive interval for NewTicker" if `period` is zero.
    #[track_caller]
    pub fn new(period: Duration) -> Ticker {
        assert!(!period.is_zero(), "non-positive interval for NewTicker");
        let site = Location::caller();
        let channel = channel(site);
        channel.start_timer(from_now(period), nanos(period), site);
        Ticker(channel)
    }

    /// The channel it sends on: Go's `t.C`. It is never closed, not even by `stop`.
    #[doc(alias = "C")]
    pub fn c(&self) -> &Receiver<Instant> {
        &self.0
    }

    /// No more ticks, also not one that was sent and not received.
    #[doc(alias = "Stop")]
    #[track_caller]
    pub fn stop(&self) {
        self.0.stop_timer(Location::caller());
    }

    /// Tick every `period` from now on.
    ///
    /// # Panics
    /// "non-positive interval for Ticker.Reset" if `period` is zero.
    #[doc(alias = "Reset")]
    #[track_caller]
    pub fn reset(&self, period: Duration) {
        assert!(!period.is_zero(), "non-positive interval for Ticker.Reset");
        self.0.start_timer(from_now(period), nanos(period), Location::caller());
    }
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker").finish_non_exhaustive()
    }
}

/// The channel of a ticker; the nil channel if `period` is zero. Dropped, it ticks no more.
///
/// # Examples
/// ```
/// use selvedge::time;
/// let limiter = time::tick(time::MILLISECOND);
/// for request in 0..3 {
///     limiter.recv();
///     println!("{request}");
/// }
/// ```
#[doc(alias = "Tick")]
#[track_caller]
pub fn tick(period: Duration) -> Receiver<Instant> {
    if period.is_zero() {
        return Receiver::nil();
    }
    let site = Location::caller();
    let channel = channel(site);
    channel.start_timer(from_now(period), nanos(period), site);
    channel
}
