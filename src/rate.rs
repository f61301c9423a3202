//! Rate limiting by a token bucket: Go's `golang.org/x/time/rate`.
//!
//! A bucket holds at most `burst` tokens and is refilled at `limit` tokens a second; an event takes a
//! token. Tokens may be owed: a reservation takes them now and tells how long to wait. Invariants:
//! `tokens <= burst` after every refill; `last` is when they were counted last; a cancelled
//! reservation gives back only what no later one has built upon. In a model time is virtual, and the
//! arithmetic is the same in every run: plain `f64` operations in one order.
//!
//! Source: the package's documentation and behaviour, texts included.

use crate::context::{Context, ContextError};
use crate::select;
use crate::sync::{Mutex, MutexGuard};
use crate::time::{Duration, Instant, Timer};
use std::error::Error;
use std::fmt;
use std::sync::PoisonError;

/// Events per second.
pub type Limit = f64;

/// The limit that allows everything, whatever the burst.
#[doc(alias = "Inf")]
pub const INF: Limit = f64::MAX;

/// The limit that allows an event every so often; [`INF`] for an interval of zero.
#[doc(alias = "Every")]
#[must_use]
pub fn every(interval: Duration) -> Limit {
    if interval.is_zero() { INF } else { 1.0 / interval.as_secs_f64() }
}

/// How long it takes to make that many tokens.
fn time_for(limit: Limit, tokens: f64) -> Duration {
    if limit <= 0.0 {
        return Duration::MAX;
    }
    let nanos = tokens / limit * 1e9;
    // The longest time Go can express; beyond it the wait is infinite.
    if nanos > i64::MAX as f64 { Duration::MAX } else { Duration::from_nanos(nanos as u64) }
}

/// How many tokens are made in that time.
fn tokens_in(limit: Limit, time: Duration) -> f64 {
    if limit <= 0.0 { 0.0 } else { time.as_secs_f64() * limit }
}

/// Controls how often events may happen.
///
/// # Examples
/// ```
/// use selvedge::{context, rate::{self, Limiter}, time};
/// let limiter = Limiter::new(rate::every(time::MILLISECOND), 2);
/// assert!(limiter.allow() && limiter.allow());
/// for _ in 0..3 {
///     limiter.wait(&context::background()).unwrap();
/// }
/// let error = limiter.wait_n(&context::background(), 5).unwrap_err();
/// assert_eq!(error.to_string(), "rate: Wait(n=5) exceeds limiter's burst 2");
/// ```
#[derive(Debug)]
pub struct Limiter(Mutex<Bucket>);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    limit: Limit,
    burst: usize,
    tokens: f64,
    last: Instant,
    /// When the latest event, past or reserved, is due.
    last_event: Instant,
}

impl Bucket {
    /// The tokens there are at `now`.
    fn refilled(&self, now: Instant) -> f64 {
        let made = tokens_in(self.limit, now.saturating_duration_since(self.last));
        (self.tokens + made).min(self.burst as f64)
    }

    fn refill(&mut self, now: Instant) {
        self.tokens = self.refilled(now);
        self.last = now;
    }

    /// Take `n` tokens, if that is possible within `most`; gives when they are there.
    fn reserve(&mut self, now: Instant, n: usize, most: Duration) -> Option<Instant> {
        if self.limit == INF {
            return Some(now);
        }
        let tokens = self.refilled(now) - n as f64;
        let wait = if tokens < 0.0 { time_for(self.limit, -tokens) } else { Duration::ZERO };
        if n > self.burst || wait > most {
            return None;
        }
        let at = now.saturating_add(wait);
        (self.last, self.tokens, self.last_event) = (now, tokens, at);
        Some(at)
    }
}

impl Limiter {
    /// A limiter with a full bucket.
    #[doc(alias = "NewLimiter")]
    #[track_caller]
    #[must_use]
    pub fn new(limit: Limit, burst: usize) -> Limiter {
        let now = Instant::now();
        Limiter(Mutex::new(Bucket { limit, burst, tokens: burst as f64, last: now, last_event: now }))
    }

    #[track_caller]
    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an event may happen now; if so, it takes its token.
    #[doc(alias = "Allow")]
    #[track_caller]
    pub fn allow(&self) -> bool {
        self.allow_n(1)
    }

    /// Whether `n` events may happen now; if so, they take their tokens.
    #[doc(alias = "AllowN")]
    #[track_caller]
    pub fn allow_n(&self, n: usize) -> bool {
        self.bucket().reserve(Instant::now(), n, Duration::ZERO).is_some()
    }

    /// Take a token now, for an event that is to wait for as long as the reservation tells.
    #[doc(alias = "Reserve")]
    #[track_caller]
    pub fn reserve(&self) -> Reservation<'_> {
        self.reserve_n(1)
    }

    /// Take `n` tokens now, for events that are to wait for as long as the reservation tells.
    #[doc(alias = "ReserveN")]
    #[track_caller]
    pub fn reserve_n(&self, n: usize) -> Reservation<'_> {
        self.reserve_within(Instant::now(), n, Duration::MAX)
    }

    #[track_caller]
    fn reserve_within(&self, now: Instant, n: usize, most: Duration) -> Reservation<'_> {
        let mut bucket = self.bucket();
        let at = bucket.reserve(now, n, most);
        let limit = bucket.limit;
        Reservation { limiter: self, tokens: n, at, limit }
    }

    /// Wait until an event may happen.
    ///
    /// # Errors
    /// If the context is done, or will be before that; see [`wait_n`](Limiter::wait_n).
    #[doc(alias = "Wait")]
    #[track_caller]
    pub fn wait(&self, ctx: &Context) -> Result<(), WaitError> {
        self.wait_n(ctx, 1)
    }

    /// Wait until `n` events may happen.
    ///
    /// # Errors
    /// If `n` is more than the burst (and the limit is not [`INF`]); if the context is done, or its
    /// deadline would pass first, in which case this does not wait.
    #[doc(alias = "WaitN")]
    #[track_caller]
    pub fn wait_n(&self, ctx: &Context, n: usize) -> Result<(), WaitError> {
        let Bucket { burst, limit, .. } = *self.bucket();
        if n > burst && limit != INF {
            return Err(WaitError::ExceedsBurst { n, burst });
        }
        if let Some(error) = ctx.err() {
            return Err(WaitError::Context(error));
        }
        let now = Instant::now();
        let most = ctx.deadline().map_or(Duration::MAX, |deadline| deadline.duration_since(now));
        let reservation = self.reserve_within(now, n, most);
        let Some(at) = reservation.at else { return Err(WaitError::ExceedsDeadline { n }) };
        let delay = at.duration_since(now);
        if delay.is_zero() {
            return Ok(());
        }
        let timer = Timer::new(delay);
        select! {
            recv(timer.c()) -> _ => Ok(()),
            recv(ctx.done()) -> _ => {
                timer.stop();
                // Others may go in its place.
                reservation.cancel();
                Err(WaitError::Context(ctx.err().unwrap_or(ContextError::Canceled)))
            }
        }
    }

    /// The limit.
    #[track_caller]
    pub fn limit(&self) -> Limit {
        self.bucket().limit
    }

    /// The burst.
    #[track_caller]
    pub fn burst(&self) -> usize {
        self.bucket().burst
    }

    /// The tokens there are now; fewer than none if some are owed.
    #[doc(alias = "Tokens")]
    #[track_caller]
    pub fn tokens(&self) -> f64 {
        self.bucket().refilled(Instant::now())
    }

    /// Refill at another rate from now on. Reservations already made stay as they are.
    #[doc(alias = "SetLimit")]
    #[track_caller]
    pub fn set_limit(&self, limit: Limit) {
        let mut bucket = self.bucket();
        bucket.refill(Instant::now());
        bucket.limit = limit;
    }

    /// Hold that many tokens at most from now on.
    #[doc(alias = "SetBurst")]
    #[track_caller]
    pub fn set_burst(&self, burst: usize) {
        let mut bucket = self.bucket();
        bucket.refill(Instant::now());
        bucket.burst = burst;
    }
}

/// Tokens taken from a [`Limiter`] in advance.
///
/// # Examples
/// ```
/// use selvedge::rate::Limiter;
/// let limiter = Limiter::new(1.0, 1);
/// assert!(limiter.reserve().delay().is_zero());
/// let second = limiter.reserve();
/// assert!(!second.delay().is_zero());
/// second.cancel();
/// ```
#[derive(Clone, Debug)]
pub struct Reservation<'a> {
    limiter: &'a Limiter,
    tokens: usize,
    /// When its events may happen; `None` if it was refused.
    at: Option<Instant>,
    limit: Limit,
}

impl Reservation<'_> {
    /// Whether the limiter can provide the tokens at all.
    #[doc(alias = "OK")]
    pub fn is_ok(&self) -> bool {
        self.at.is_some()
    }

    /// How long to wait before the events; `Duration::MAX` if it was refused.
    #[doc(alias = "Delay")]
    pub fn delay(&self) -> Duration {
        self.at.map_or(Duration::MAX, |at| at.duration_since(Instant::now()))
    }

    /// The events will not happen: give the tokens back, as far as no later reservation has built
    /// upon them. Once the time of the reservation has come there is nothing to give back.
    #[doc(alias = "Cancel")]
    #[track_caller]
    pub fn cancel(&self) {
        let Some(at) = self.at else { return };
        let mut bucket = self.limiter.bucket();
        let now = Instant::now();
        if bucket.limit == INF || self.tokens == 0 || at < now {
            return;
        }
        let built_upon = tokens_in(self.limit, bucket.last_event.saturating_duration_since(at));
        let back = self.tokens as f64 - built_upon;
        if back <= 0.0 {
            return;
        }
        bucket.tokens = (bucket.refilled(now) + back).min(bucket.burst as f64);
        bucket.last = now;
        if at == bucket.last_event {
            let before = at.saturating_sub(time_for(self.limit, self.tokens as f64));
            if before >= now {
                bucket.last_event = before;
            }
        }
    }
}

/// Why waiting for a [`Limiter`] was no use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WaitError {
    /// More events at once than the limiter ever allows.
    ExceedsBurst {
        /// How many.
        n: usize,
        /// How many are allowed.
        burst: usize,
    },
    /// The context would end first.
    ExceedsDeadline {
        /// How many events.
        n: usize,
    },
    /// The context is done.
    Context(ContextError),
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitError::ExceedsBurst { n, burst } => {
                write!(f, "rate: Wait(n={n}) exceeds limiter's burst {burst}")
            }
            WaitError::ExceedsDeadline { n } => write!(f, "rate: Wait(n={n}) would exceed context deadline"),
            WaitError::Context(error) => error.fmt(f),
        }
    }
}

impl Error for WaitError {}

#[cfg(test)]
#[path = "rate_tests.rs"]
mod rate_tests;
