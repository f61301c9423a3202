//! The queue that belongs to no processor: what plain threads start, and what did not fit elsewhere.
//!
//! Invariant: [`len`] is the length at some moment, and never 0 while something is waiting and
//! nobody has the lock.

use super::g::G;
use super::list::List;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

static QUEUE: Mutex<List> = Mutex::new(List::new());
static LEN: AtomicUsize = AtomicUsize::new(0);

fn lock() -> MutexGuard<'static, List> {
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
    all.into_iter().for_each(|g| queue.push(g));
    LEN.store(queue.len(), Ordering::SeqCst);
}

/// Take the first, and move up to `most` more to `sink`, a fair share for one of `procs`.
pub(super) fn take(most: usize, procs: usize, mut sink: impl FnMut(&'static G)) -> Option<&'static G> {
    if len() == 0 {
        return None;
    }
    let mut queue = lock();
    let first = queue.pop()?;
    for _ in 0..most.min(queue.len() / procs) {
        queue.pop().into_iter().for_each(&mut sink);
    }
    LEN.store(queue.len(), Ordering::SeqCst);
    Some(first)
}
