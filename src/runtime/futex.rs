//! Sleeping until a word changes.
//!
//! Invariants: [`wait`] may return at any time, so callers look at the word again; [`wake`] uses the
//! word's address only, so the word may be gone already. Elsewhere than on Linux a table of
//! condition variables, chosen by the address, does the same.

use super::clock::Nanos;
use std::sync::atomic::AtomicU32;

#[cfg(target_os = "linux")]
mod system {
    use super::{AtomicU32, Nanos};

    pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Nanos>) {
        let limit = timeout.map(|left| libc::timespec {
            tv_sec: libc::time_t::try_from(left / 1_000_000_000).unwrap_or(libc::time_t::MAX),
            tv_nsec: (left % 1_000_000_000) as _,
        });
        let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: the word is borrowed for the call, and `limit` is null or points to a `timespec`
        // that outlives it.
        unsafe {
            let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
            libc::syscall(libc::SYS_futex, word.as_ptr(), operation, expected, limit);
        }
    }

    pub(crate) fn wake(word: *const AtomicU32) {
        // SAFETY: a private wake does not access the memory at the address.
        unsafe {
            let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
            libc::syscall(libc::SYS_futex, word, operation, 1_i32);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{AtomicU32, Nanos};
    use std::sync::atomic::Ordering;
    use std::sync::{Condvar, Mutex, PoisonError};
    use std::time::Duration;

    const BUCKETS: usize = 64;
    static TABLE: [(Mutex<()>, Condvar); BUCKETS] = [const { (Mutex::new(()), Condvar::new()) }; BUCKETS];

    fn bucket(word: *const AtomicU32) -> &'static (Mutex<()>, Condvar) {
        &TABLE[(word.addr() >> 4) % BUCKETS]
    }

    pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Nanos>) {
        let (lock, condvar) = bucket(word);
        let held = lock.lock().unwrap_or_else(PoisonError::into_inner);
        // Who changes the word takes the lock before it notifies: nothing is missed from here on.
        if word.load(Ordering::SeqCst) != expected {
            return;
        }
        match timeout {
            None => drop(condvar.wait(held)),
            Some(left) => drop(condvar.wait_timeout(held, Duration::from_nanos(left))),
        }
    }

    pub(crate) fn wake(word: *const AtomicU32) {
        let (lock, condvar) = bucket(word);
        drop(lock.lock().unwrap_or_else(PoisonError::into_inner));
        // Words share condition variables.
        condvar.notify_all();
    }
}

/// Sleep while the word is `expected`, for at most `timeout`.
pub(super) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Nanos>) {
    system::wait(word, expected, timeout);
}

/// Wake one who sleeps at the word.
pub(super) fn wake(word: *const AtomicU32) {
    system::wake(word);
}
