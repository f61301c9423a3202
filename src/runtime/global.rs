//! The queue that belongs to no processor: what plain threads start, and what did not fit elsewhere.
//!
//! It holds addresses, so to move goroutines between it and the rings touches none of their records, which may be
//! in no cache by then. Invariant: [`len`] is the length at some moment, and never 0 while something is waiting and
//! nobody has the lock.

use super::g::G;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

static QUEUE: Mutex<VecDeque<&'static G>> = Mutex::new(VecDeque::new());
static LEN: AtomicUsize = AtomicUsize::new(0);

fn lock() -> MutexGuard<'static, VecDeque<&'static G>> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many wait.
#[inline]
pub(super) fn len() -> usize {
    LEN.load(Ordering::Relaxed)
}

/// Add goroutines at the end. Somebody must be woken for them, see `gate`.
pub(super) fn push(all: impl IntoIterator<Item = &'static G>) {
    let mut queue = lock();
    queue.extend(all);
    LEN.store(queue.len(), Ordering::SeqCst);
}

/// Take the first, and move up to `most` more to `sink`, a fair share for one of `procs`.
pub(super) fn take(most: usize, procs: usize, mut sink: impl FnMut(&'static G)) -> Option<&'static G> {
    if len() == 0 {
        return None;
    }
    let mut queue = lock();
    let first = queue.pop_front()?;
    let more = most.min(queue.len() / procs);
    queue.drain(..more).for_each(&mut sink);
    LEN.store(queue.len(), Ordering::SeqCst);
    Some(first)
}
