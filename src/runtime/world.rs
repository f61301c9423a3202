//! Stopping the world: a moment in which no goroutine comes or goes, so that all can be looked at.
//!
//! A thread stands still in one of three ways: its goroutine computes, or is blocked, outside of the
//! runtime, and is kept there (`Handshake::hold`); it rests; or it is between two goroutines and waits
//! in [`halt`]. Invariants, while the world is stopped: every goroutine but those that are some
//! thread's `current` has left its stack and is resumed by nobody; goroutines may become ready, since
//! plain threads and timers may wake them, but do not run. Threads are not interrupted: code of a
//! goroutine that does not enter the runtime goes on.
//!
//! A thread may be on its way to a lock that a held one has. It would never come to stand still, so the
//! stop gives up after [`PATIENCE`], and says so.
//!
//! Who stops the world must not wait, print or run code of the program before it goes on: whatever
//! locks those take may be with somebody who is kept out.

use super::barrier::heavy;
use super::clock::{self, Nanos};
use super::m::{self, M, current};
use super::{futex, idle};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The number of the stop that is going on; 0 for none.
static STOP: AtomicU32 = AtomicU32::new(0);
/// One stop at a time; the number of the last.
static LAST: Mutex<u32> = Mutex::new(0);

/// How long threads get to stand still.
const PATIENCE: Nanos = 1_000_000_000;
/// [`M::halted`] of a thread that will run no goroutine any more.
const FOR_EVER: u32 = u32::MAX;

/// Whether the world is to stop.
#[inline(always)]
pub(super) fn is_stopping() -> bool {
    STOP.load(Ordering::Relaxed) != 0
}

/// Stand still, between two goroutines, for as long as the world is stopped.
#[cold]
pub(super) fn halt(m: &'static M) {
    loop {
        let stop = STOP.load(Ordering::SeqCst);
        if stop == 0 {
            return;
        }
        // For this stop only: the next one waits until it is told anew.
        m.halted.store(stop, Ordering::SeqCst);
        futex::wait(&STOP, stop, None);
        // One is woken when the world goes on; each wakes the next.
        futex::wake(&raw const STOP);
    }
}

/// The thread will run no goroutine any more.
pub(super) fn leave(m: &'static M) {
    m.halted.store(FOR_EVER, Ordering::SeqCst);
}

/// Run `look` while the world is stopped; none if it did not come to stand still. Not to be called on
/// the scheduler's stack.
pub(super) fn stop<R>(look: impl FnOnce() -> R) -> Option<R> {
    stop_within(PATIENCE, look)
}

/// As [`stop`], for who wants to give up earlier.
pub(super) fn stop_within<R>(patience: Nanos, look: impl FnOnce() -> R) -> Option<R> {
    /// The world goes on, also if `look` panics.
    struct GoOn;
    impl Drop for GoOn {
        fn drop(&mut self) {
            STOP.store(0, Ordering::SeqCst);
            futex::wake(&raw const STOP);
        }
    }
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    *last = if *last >= FOR_EVER - 1 { 1 } else { *last + 1 };
    let stop = *last;
    let _go_on = GoOn;
    STOP.store(stop, Ordering::SeqCst);
    // From now on whoever was not past its look at `STOP` sees it.
    heavy();
    let myself = current().map(|g| std::ptr::from_ref(g.thread()));
    // Threads that begin from now on see the stop before they run anything.
    let mut others = m::all();
    others.retain(|&m| myself != Some(std::ptr::from_ref(m)));
    let mut held = Vec::with_capacity(others.len());
    let end = clock::now() + patience;
    loop {
        others.retain(|m| {
            let halted = m.halted.load(Ordering::SeqCst);
            if halted == stop || halted == FOR_EVER || idle::rests(m) {
                return false;
            }
            let kept_out = m.handshake.hold();
            let inside = kept_out.is_none();
            held.extend(kept_out);
            inside
        });
        if others.is_empty() {
            return Some(look());
        }
        if clock::now() > end {
            return None;
        }
        std::thread::sleep(Duration::from_micros(20));
    }
}
