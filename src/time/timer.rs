//! Timers: one tick, or one run of a function, when the time has come.
//!
//! Invariant: the handles of a timer are its [`Timer`]s and the receivers made from them; they are
//! equal, and with the last one the timer is gone.

use super::function::{self, Function};
use super::{Duration, Instant, from_now};
use crate::chan::{Core, Receiver};
use selvedge_checkers::ids::SiteRef;
use std::fmt;
use std::panic::Location;

/// A single event: Go's `time.Timer`. Clones are the same timer.
///
/// # Examples
/// ```
/// use selvedge::time::{self, Timer};
/// let timer = Timer::new(time::MILLISECOND);
/// assert!(timer.c().recv().is_some());
/// assert!(!timer.stop());
///
/// let timer = Timer::new(time::HOUR);
/// assert!(timer.stop());
/// assert!(timer.c().try_recv().is_err());
/// ```
#[doc(alias = "NewTimer")]
#[derive(Clone)]
pub struct Timer(Kind);

#[derive(Clone)]
enum Kind {
    Channel(Receiver<Instant>),
    Function(Function),
}

/// What the timer of a function has for a channel.
static NO_CHANNEL: Receiver<Instant> = Receiver::nil();

/// A channel that time sends to, not started.
pub(super) fn channel(site: SiteRef) -> Receiver<Instant> {
    Receiver::from_core(Core::timer(Instant::at, site))
}

impl Timer {
    /// A timer that sends the time on its channel once, `duration` from now.
    #[track_caller]
    pub fn new(duration: Duration) -> Timer {
        Timer(Kind::Channel(after(duration)))
    }

    /// The channel it sends on: Go's `t.C`. That of [`after_func`] is the nil channel.
    #[doc(alias = "C")]
    pub fn c(&self) -> &Receiver<Instant> {
        match &self.0 {
            Kind::Channel(c) => c,
            Kind::Function(_) => &NO_CHANNEL,
        }
    }

    /// Keep it from firing. True if it was running, or had fired and nobody has received its tick,
    /// which nobody will then; false if it was over: its tick received, its function started, or
    /// stopped before. Does not wait for the function to end.
    #[doc(alias = "Stop")]
    #[track_caller]
    pub fn stop(&self) -> bool {
        match &self.0 {
            Kind::Channel(c) => c.stop_timer(Location::caller()),
            Kind::Function(f) => f.stop(Location::caller()),
        }
    }

    /// Let it fire `duration` from now, whatever it did before. True if [`stop`](Timer::stop)
    /// would have been.
    #[doc(alias = "Reset")]
    #[track_caller]
    pub fn reset(&self, duration: Duration) -> bool {
        match &self.0 {
            Kind::Channel(c) => c.start_timer(from_now(duration), 0, Location::caller()),
            Kind::Function(f) => f.start(duration, Location::caller()),
        }
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").finish_non_exhaustive()
    }
}

/// A channel on which the time is sent, once, `duration` from now. Dropped, it never fires.
///
/// # Examples
/// ```
/// use selvedge::{chan, select, time};
/// let (_tx, rx) = chan::<i32>(0);
/// let timed_out = select! {
///     recv(rx) -> _ => false,
///     recv(time::after(time::MILLISECOND)) -> _ => true,
/// };
/// assert!(timed_out);
/// ```
#[doc(alias = "After")]
#[track_caller]
pub fn after(duration: Duration) -> Receiver<Instant> {
    let site = Location::caller();
    let channel = channel(site);
    channel.start_timer(from_now(duration), 0, site);
    channel
}

/// Run `f` in a goroutine of its own, `duration` from now; the timer can call it off or have it
/// run again, which is why `f` is an `Fn`. Dropping the timer does not call it off, as in Go.
///
/// # Examples
/// ```
/// use selvedge::{chan, time};
/// let (tx, rx) = chan(1);
/// let timer = time::after_func(time::MILLISECOND, move || tx.send("later"));
/// assert_eq!(rx.recv(), Some("later"));
/// assert!(!timer.stop());
/// ```
#[doc(alias = "AfterFunc")]
#[track_caller]
pub fn after_func<F: Fn() + Send + Sync + 'static>(duration: Duration, f: F) -> Timer {
    let site = Location::caller();
    let function = function::new(Box::new(f), site);
    function.start(duration, site);
    Timer(Kind::Function(function))
}
