//! The netpoller: goroutines that wait for sockets.
//!
//! A [`Source`] stands for one descriptor that is registered with the system's poller, edge-triggered:
//! for each direction a count of events, and who waits for the next. Who finds that it would have to wait
//! waits for an event later than those it had seen *before* it tried, so none is missed. Invariants:
//! - sources are never freed, only reused, so an event that comes late finds one: at worst its new owner
//!   tries once in vain;
//! - all of a direction's waiters are woken at an event, each by who took it out of the list under the
//!   lock, with its claim if it has a deadline;
//! - at most one thread sleeps in the poller (`idle` says which); who runs goroutines looks now and then
//!   without waiting, and the monitor looks when nobody has for a millisecond.
//!
//! Source: Go's `runtime/netpoll.go`; the short-read rule is tokio's.

use super::clock::{self, Nanos};
use super::g::G;
use super::lock::Lock;
use super::wait::{Waiter, Why};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};
use smallvec::SmallVec;
use std::cell::UnsafeCell;
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Events taken at once.
const BATCH: usize = 512;
/// The token of who only wants the sleeper back: no source has this address.
const INTERRUPT: Token = Token(0);
/// The monitor looks when nobody has for so long.
const STALE: Nanos = 1_000_000;

/// Descriptors that are registered.
static REGISTERED: AtomicUsize = AtomicUsize::new(0);
/// When somebody looked last.
static LOOKED: AtomicU64 = AtomicU64::new(0);
/// Whether a thread sleeps in the poller, is about to, or has not left it.
static SLEEPS: AtomicBool = AtomicBool::new(false);

struct Poller {
    registry: Registry,
    waker: mio::Waker,
    poll: Mutex<(Poll, Events)>,
}

/// What a direction of a socket is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// A registered descriptor.
pub(crate) struct Source {
    read: Side,
    write: Side,
}

/// One direction of a source.
struct Side {
    lock: Lock,
    /// How many events there were.
    ticks: AtomicU32,
    /// The count when an operation took all there was, plus one; 0 if none did.
    drained: AtomicU32,
    /// The direction was shut down, or failed: its last event may have been.
    hung_up: AtomicBool,
    waiting: UnsafeCell<SmallVec<[Waiting; 1]>>,
}

// SAFETY: `waiting` is touched under the lock only.
unsafe impl Sync for Side {}
// SAFETY: the pointers in it are to waiters, which any thread may wake.
unsafe impl Send for Side {}

struct Waiting {
    waiter: *const Waiter,
    timed: bool,
}

/// The goroutines an event let go on.
type Ready = Vec<&'static G>;

fn poller() -> io::Result<&'static Poller> {
    static POLLER: OnceLock<Poller> = OnceLock::new();
    static MAKING: Mutex<()> = Mutex::new(());
    if let Some(poller) = POLLER.get() {
        return Ok(poller);
    }
    let _held = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if POLLER.get().is_none() {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = mio::Waker::new(&registry, INTERRUPT)?;
        let made = Poller { registry, waker, poll: Mutex::new((poll, Events::with_capacity(BATCH))) };
        // Under the lock nobody else sets it.
        let _ = POLLER.set(made);
    }
    Ok(POLLER.get().expect("set under the lock"))
}

/// Whether any descriptor is registered: otherwise there is nothing to look at.
#[inline]
pub(super) fn is_used() -> bool {
    REGISTERED.load(Ordering::Relaxed) != 0
}

/// Sources that are free.
static FREE: Mutex<Vec<&'static Source>> = Mutex::new(Vec::new());

fn free() -> MutexGuard<'static, Vec<&'static Source>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Source {
    /// Register a descriptor, for both directions.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn register(fd: RawFd) -> io::Result<&'static Source> {
        let poller = poller()?;
        let recycled = free().pop();
        let source =
            recycled.unwrap_or_else(|| Box::leak(Box::new(Source { read: Side::new(), write: Side::new() })));
        source.read.reset();
        source.write.reset();
        let token = Token(std::ptr::from_ref(source).expose_provenance());
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = poller.registry.register(&mut SourceFd(&fd), token, both) {
            free().push(source);
            return Err(error);
        }
        REGISTERED.fetch_add(1, Ordering::SeqCst);
        Ok(source)
    }

    /// The descriptor is about to be closed, or given away. Nobody waits.
    pub(crate) fn deregister(&'static self, fd: RawFd) {
        if let Ok(poller) = poller() {
            // It can only fail if the descriptor is not what was registered; then there is nothing to undo.
            let _ = poller.registry.deregister(&mut SourceFd(&fd));
        }
        REGISTERED.fetch_sub(1, Ordering::SeqCst);
        free().push(self);
    }

    fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    /// How many events there were: to be asked before an attempt.
    #[inline]
    pub(crate) fn ticks(&self, direction: Direction) -> u32 {
        self.side(direction).ticks.load(Ordering::Acquire)
    }

    /// An attempt begun at `ticks` took less than it asked for: there was no more then.
    #[inline]
    pub(crate) fn drained(&self, direction: Direction, ticks: u32) {
        self.side(direction).drained.store(ticks.wrapping_add(1), Ordering::Relaxed);
    }

    /// Whether an attempt at `ticks` would be in vain.
    #[inline]
    pub(crate) fn is_drained(&self, direction: Direction, ticks: u32) -> bool {
        let side = self.side(direction);
        side.drained.load(Ordering::Relaxed) == ticks.wrapping_add(1) && !side.hung_up.load(Ordering::Relaxed)
    }

    /// Wait for an event later than `seen`, or until the deadline; gives whether that has passed.
    pub(crate) fn wait(&self, direction: Direction, seen: u32, deadline: Option<Nanos>, why: Why) -> bool {
        let side = self.side(direction);
        let waiter = Waiter::new();
        side.lock.lock();
        if side.ticks.load(Ordering::Relaxed) != seen {
            side.lock.unlock();
            return false;
        }
        // SAFETY: we have the lock, which the wait gives back.
        unsafe { &mut *side.waiting.get() }
            .push(Waiting { waiter: &raw const waiter, timed: deadline.is_some() });
        let release = || {
            side.lock.unlock();
            true
        };
        let Some(deadline) = deadline else {
            waiter.park(why, release);
            return false;
        };
        let timed_out = waiter.park_until(deadline, why, release);
        if timed_out {
            side.leave(&raw const waiter);
        }
        timed_out
    }

    /// Let everybody who waits try again.
    pub(crate) fn interrupt(&self) {
        let mut ready = Vec::new();
        self.read.tell(false, &mut ready);
        self.write.tell(false, &mut ready);
        ready.into_iter().for_each(super::wait::ready);
    }
}

impl Side {
    fn new() -> Side {
        Side {
            lock: Lock::new(),
            ticks: AtomicU32::new(0),
            drained: AtomicU32::new(0),
            hung_up: AtomicBool::new(false),
            waiting: UnsafeCell::new(SmallVec::new()),
        }
    }

    /// For a new descriptor. An event of the old one may still come, so the count goes on.
    fn reset(&self) {
        self.drained.store(0, Ordering::Relaxed);
        self.hung_up.store(false, Ordering::Relaxed);
    }

    /// There was an event.
    fn tell(&self, hung_up: bool, ready: &mut Ready) {
        self.lock.lock();
        if hung_up {
            self.hung_up.store(true, Ordering::Relaxed);
        }
        // Release: who sees the new count sees that it was hung up.
        self.ticks.fetch_add(1, Ordering::Release);
        // SAFETY: we have the lock.
        let mut waiting = std::mem::take(unsafe { &mut *self.waiting.get() });
        // Who has timed out is still here, since it needs the lock to leave.
        // SAFETY: what is in the list waits, or is about to leave it.
        waiting.retain(|one| !one.timed || unsafe { (*one.waiter).claim(1) });
        self.lock.unlock();
        for one in waiting {
            // SAFETY: it was in the list, which gives it once, and its claim was won if it has one; its
            // wait was released before we had the lock.
            ready.extend(unsafe { Waiter::take(one.waiter) });
        }
    }

    fn leave(&self, waiter: *const Waiter) {
        self.lock.lock();
        // SAFETY: we have the lock.
        unsafe { &mut *self.waiting.get() }.retain(|one| !std::ptr::eq(one.waiter, waiter));
        self.lock.unlock();
    }
}

/// Deliver what has come; gives who may go on.
fn deliver(events: &Events) -> Ready {
    let mut ready = Vec::with_capacity(events.iter().size_hint().0);
    for event in events {
        if event.token() == INTERRUPT {
            continue;
        }
        // SAFETY: tokens are the exposed addresses of sources, which are never freed.
        let source = unsafe { &*std::ptr::with_exposed_provenance::<Source>(event.token().0) };
        let (read_end, write_end) =
            (event.is_read_closed() || event.is_error(), event.is_write_closed() || event.is_error());
        if event.is_readable() || read_end {
            source.read.tell(read_end, &mut ready);
        }
        if event.is_writable() || write_end {
            source.write.tell(write_end, &mut ready);
        }
    }
    ready
}

fn turn(held: &mut (Poll, Events), timeout: Option<Duration>) -> Ready {
    let (poll, events) = held;
    LOOKED.store(clock::coarse(), Ordering::Relaxed);
    match poll.poll(events, timeout) {
        Ok(()) => deliver(events),
        // Interrupted by a signal; whatever else is wrong shows at the sockets.
        Err(_) => Vec::new(),
    }
}

/// Look without waiting; gives who may go on. Nothing if somebody else is at it.
pub(super) fn glance() -> Ready {
    if !is_used() || SLEEPS.load(Ordering::Relaxed) {
        return Vec::new();
    }
    let Ok(poller) = poller() else { return Vec::new() };
    let Ok(mut held) = poller.poll.try_lock() else { return Vec::new() };
    turn(&mut held, Some(Duration::ZERO))
}

/// Become the one that sleeps in the poller; false if there is one. Who gets true calls [`sleep`].
pub(super) fn claim() -> bool {
    !SLEEPS.swap(true, Ordering::AcqRel)
}

/// Sleep, having claimed that, until something happens, somebody calls [`interrupt`], or for at most `timeout`; not at all if
/// `unless` says so once nobody else can take the interruption.
pub(super) fn sleep(timeout: Option<Nanos>, unless: impl FnOnce() -> bool) -> Ready {
    let mut ready = Vec::new();
    if let Ok(poller) = poller() {
        // Whoever only looks has it for a moment.
        let mut held = poller.poll.lock().unwrap_or_else(PoisonError::into_inner);
        if !unless() {
            ready = match timeout {
                None => turn(&mut held, None),
                Some(left) => {
                    exactly(&held.0, left);
                    turn(&mut held, Some(Duration::ZERO))
                }
            };
        }
    }
    SLEEPS.store(false, Ordering::Release);
    ready
}

/// Wait for an event for at most `left`. The poller itself counts in milliseconds.
fn exactly(poll: &Poll, left: Nanos) {
    use std::os::fd::AsRawFd;
    let mut one = libc::pollfd { fd: poll.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let limit = libc::timespec {
            tv_sec: libc::time_t::try_from(left / 1_000_000_000).unwrap_or(libc::time_t::MAX),
            tv_nsec: (left % 1_000_000_000) as _,
        };
        // SAFETY: one descriptor and a limit, both of which outlive the call.
        unsafe { libc::ppoll(&raw mut one, 1, &raw const limit, std::ptr::null()) };
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let limit = i32::try_from(left.div_ceil(1_000_000)).unwrap_or(i32::MAX);
        // SAFETY: one descriptor, which outlives the call.
        unsafe { libc::poll(&raw mut one, 1, limit) };
    }
}

/// Get the thread that sleeps in the poller back.
pub(super) fn interrupt() {
    if let Ok(poller) = poller() {
        // It fails only if there is no memory for an event; the monitor mends that.
        let _ = poller.waker.wake();
    }
}

/// Whether nobody has looked for long, though there is something to look at.
pub(super) fn is_stale(now: Nanos) -> bool {
    is_used() && !SLEEPS.load(Ordering::Relaxed) && now.saturating_sub(LOOKED.load(Ordering::Relaxed)) > STALE
}
