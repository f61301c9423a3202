//! Signals of the operating system, as messages: Go's `os/signal`.
//!
//! Outside of models signals are real: the first [`notify`] for one takes over what the system does with it, and
//! once nobody listens any more that happens again. [`raise`] delivers within the process, inside a model and outside,
//! so that a shutdown can be tested without a process to kill; in a model it is the only source of signals.
//! Invariants: a delivery never waits (a channel without room loses the signal, as in Go); each
//! execution of a model has channels of its own; they get a signal in the order they asked for it.

#[cfg(unix)]
mod system;

use crate::chan::{Receiver, Sender, chan};
use crate::context::{self, CancelFunc, Context};
use crate::port::{self, Epoch};
use crate::sync::atomic::{AtomicU32, Ordering};
use std::cell::RefCell;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// A signal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Signal {
    /// SIGHUP: the terminal is gone.
    Hangup,
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGQUIT.
    Quit,
    /// SIGTERM: please end.
    Terminate,
    /// SIGUSR1.
    User1,
    /// SIGUSR2.
    User2,
    /// Any other one, by number.
    Other(i32),
}

impl Signal {
    /// Its number in the operating system.
    #[cfg(unix)]
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Signal::Hangup => libc::SIGHUP,
            Signal::Interrupt => libc::SIGINT,
            Signal::Quit => libc::SIGQUIT,
            Signal::Terminate => libc::SIGTERM,
            Signal::User1 => libc::SIGUSR1,
            Signal::User2 => libc::SIGUSR2,
            Signal::Other(number) => number,
        }
    }

    /// The signal with this number.
    #[cfg(unix)]
    #[must_use]
    pub fn from_number(number: i32) -> Signal {
        use Signal::{Hangup, Interrupt, Other, Quit, Terminate, User1, User2};
        let named = [Hangup, Interrupt, Quit, Terminate, User1, User2];
        named.into_iter().find(|signal| signal.number() == number).unwrap_or(Other(number))
    }
}

impl fmt::Display for Signal {
    /// Go's names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::Hangup => "hangup",
            Signal::Interrupt => "interrupt",
            Signal::Quit => "quit",
            Signal::Terminate => "terminated",
            Signal::User1 => "user defined signal 1",
            Signal::User2 => "user defined signal 2",
            Signal::Other(number) => return write!(f, "signal {number}"),
        })
    }
}

/// A channel that asked for signals.
struct Listener {
    /// None means all.
    signals: Vec<Signal>,
    channel: Sender<Signal>,
}

impl Listener {
    fn wants(&self, signal: Signal) -> bool {
        self.signals.is_empty() || self.signals.contains(&signal)
    }
}

/// The channels of one world. `turn` makes each use of the list a step of its own.
struct Registry {
    turn: AtomicU32,
    listeners: Mutex<Vec<Listener>>,
}

static PLAIN: OnceLock<Arc<Registry>> = OnceLock::new();

thread_local! {
    /// The registry of the execution that runs on this thread.
    static MODEL: RefCell<Option<(Epoch, Arc<Registry>)>> = const { RefCell::new(None) };
}

impl Registry {
    fn new() -> Arc<Registry> {
        Arc::new(Registry { turn: AtomicU32::new(0), listeners: Mutex::default() })
    }

    fn here() -> Arc<Registry> {
        let Some(engine) = port::model() else {
            return Arc::clone(PLAIN.get_or_init(Registry::new));
        };
        let epoch = engine.epoch();
        let known = MODEL.with_borrow(|known| known.clone().filter(|(of, _)| *of == epoch));
        if let Some((_, registry)) = known {
            return registry;
        }
        let registry = Registry::new();
        let before = MODEL.replace(Some((epoch, Arc::clone(&registry))));
        drop(before);
        registry
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A channel that gets these signals, or all if none is named. It has room for one: who reads it
/// slowly loses signals.
///
/// Outside of models it gets those that the operating system sends to the process, from now on. While anybody
/// listens the system's default, to end the program, say, does not happen. All means all that can be caught. As
/// in Go, a program that has listened is never told that all goroutines are asleep: a signal may wake them.
///
/// # Panics
/// If one of the signals cannot be caught (SIGKILL, SIGSTOP, SIGSEGV, SIGILL, SIGFPE), or there is none with its number.
///
/// # Examples
/// ```
/// use selvedge::signal::{self, Signal};
/// let signals = signal::notify(&[Signal::Interrupt, Signal::Terminate]);
/// signal::raise(Signal::Terminate);
/// assert_eq!(signals.recv().unwrap().to_string(), "terminated");
/// signal::stop(&signals);
/// ```
#[doc(alias = "Notify")]
#[track_caller]
pub fn notify(signals: &[Signal]) -> Receiver<Signal> {
    let (channel, receiver) = chan(1);
    let registry = Registry::here();
    registry.turn.fetch_add(1, Ordering::AcqRel);
    registry.listeners().push(Listener { signals: signals.to_vec(), channel });
    #[cfg(unix)]
    if port::model().is_none() {
        system::listen(signals);
    }
    receiver
}

/// Send no more signals to a channel. What nobody listens for any more has its default effect again.
#[doc(alias = "Stop")]
#[track_caller]
pub fn stop(channel: &Receiver<Signal>) {
    let registry = Registry::here();
    registry.turn.fetch_add(1, Ordering::AcqRel);
    let gone: Vec<Listener> =
        registry.listeners().extract_if(.., |listener| listener.channel.is_of(channel)).collect();
    drop(gone);
}

/// Deliver a signal to all channels that asked for it, without waiting. True if one got it.
#[track_caller]
pub fn raise(signal: Signal) -> bool {
    deliver(signal).is_some_and(|received| received)
}

/// Send it to who listens: none if nobody does, else whether one had room.
#[track_caller]
fn deliver(signal: Signal) -> Option<bool> {
    let registry = Registry::here();
    registry.turn.fetch_add(1, Ordering::AcqRel);
    let listening: Vec<Sender<Signal>> = registry
        .listeners()
        .iter()
        .filter(|listener| listener.wants(signal))
        .map(|listener| listener.channel.clone())
        .collect();
    let anybody = !listening.is_empty();
    let mut received = false;
    for channel in listening {
        received |= channel.try_send(signal).is_ok();
    }
    anybody.then_some(received)
}

/// A context that ends with the first of these signals: Go's `signal.NotifyContext`. Its cause tells
/// which one came.
///
/// # Examples
/// ```
/// use selvedge::signal::{self, Signal};
/// use selvedge::context;
/// let (ctx, stop) = signal::notify_context(&context::background(), &[Signal::Interrupt]);
/// signal::raise(Signal::Interrupt);
/// ctx.done().recv();
/// assert_eq!(context::cause(&ctx).unwrap().to_string(), "interrupt signal received");
/// stop.cancel();
/// ```
#[doc(alias = "NotifyContext")]
#[track_caller]
pub fn notify_context(parent: &Context, signals: &[Signal]) -> (Context, CancelFunc) {
    let site = Location::caller();
    let (outer, stop) = context::with_cancel(parent);
    let (ctx, cancel) = context::with_cancel_cause(&outer);
    let channel = notify(signals);
    let watched = ctx.clone();
    let watcher = move || {
        crate::select! {
            recv(channel) -> signal => {
                if let Some(signal) = signal {
                    cancel.cancel(format!("{signal} signal received"));
                }
            }
            recv(watched.done()) -> _ => cancel.cancel_without_cause(),
        }
        crate::signal::stop(&channel);
    };
    drop(crate::go::start(watcher, None, site));
    (ctx, stop)
}

#[cfg(test)]
mod tests {
    use super::{Signal, notify, notify_context, raise, stop};
    use crate::chan::TryRecvError;
    use crate::context::{background, cause};
    use crate::go;
    use crate::trial_tests::{panics_with, silent};

    #[test]
    fn each_channel_gets_what_it_asked_for() {
        let program = || {
            let all = notify(&[]);
            let some = notify(&[Signal::User1, Signal::User2]);
            raise(Signal::Other(99));
            assert_eq!(all.recv(), Some(Signal::Other(99)));
            assert_eq!(some.try_recv(), Err(TryRecvError::Empty));
            assert!(raise(Signal::User1));
            assert!(!raise(Signal::User2), "no room");
            assert_eq!((all.recv(), some.recv()), (Some(Signal::User1), Some(Signal::User1)));
            stop(&all);
            stop(&some);
            assert!(!raise(Signal::User1));
        };
        program();
        silent(program);
    }

    #[test]
    fn a_context_ends_with_a_signal() {
        silent(|| {
            let (ctx, cancel) = notify_context(&background(), &[Signal::Interrupt]);
            let h = go(|| raise(Signal::Interrupt));
            ctx.done().recv();
            assert!(h.join().unwrap());
            assert_eq!(cause(&ctx).unwrap().to_string(), "interrupt signal received");
            cancel.cancel();
        });
        silent(|| {
            let (ctx, cancel) = notify_context(&background(), &[Signal::Interrupt]);
            cancel.cancel();
            assert!(ctx.err().is_some());
        });
    }

    #[test]
    fn a_signal_may_come_before_anybody_listens() {
        assert!(panics_with("lost", || {
            let h = go(|| raise(Signal::Terminate));
            let signals = notify(&[Signal::Terminate]);
            h.join().unwrap();
            assert!(signals.try_recv().is_ok(), "lost");
        }));
    }
}
