//! Where goroutines wait, and for how long: what the block and the mutex profile are made of.
//!
//! Invariants: while neither is switched on a wait costs one relaxed load; a wait is counted when it is over,
//! by the one who waited, with the stack it waited with. A sample stands for as much time as was waited
//! since the one before, on average, so totals are right and no short wait is over-told.
//!
//! Does not count: plain threads and async tasks, and waits that are not over.
//!
//! Source: Go's `runtime/mprof.go`, `SetBlockProfileRate` and `SetMutexProfileFraction`.

use super::clock::{self, Nanos};
use super::trace::{self, Trace};
use selvedge_checkers::op::WaitReason;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Samples of one kind, by stack: how many waits, and nanoseconds, both as estimated.
pub(crate) type Samples = BTreeMap<Trace, (u64, u64)>;

/// One profile.
pub(crate) struct Profile {
    /// What a sample is taken of: one in so many (of nanoseconds, of waits); 0 is off.
    rate: AtomicU64,
    samples: Mutex<Samples>,
}

/// All waits.
pub(crate) static BLOCK: Profile = Profile::new();
/// Waits for locks.
pub(crate) static MUTEX: Profile = Profile::new();

impl Profile {
    const fn new() -> Profile {
        Profile { rate: AtomicU64::new(0), samples: Mutex::new(BTreeMap::new()) }
    }

    /// Take one sample in `rate` from now on; 0 stops. Gives what it was.
    pub(crate) fn set_rate(&self, rate: u64) -> u64 {
        self.rate.swap(rate, Ordering::Relaxed)
    }

    /// What has been sampled.
    pub(crate) fn samples(&self) -> Samples {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[inline]
    fn rate(&self) -> u64 {
        self.rate.load(Ordering::Relaxed)
    }

    fn add(&self, stack: Trace, count: u64, nanos: u64) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = samples.entry(stack).or_default();
        *sum = (sum.0 + count, sum.1 + nanos);
    }
}

/// A wait begins: the time if it is to be counted, else 0.
#[inline]
pub(super) fn begin() -> Nanos {
    if BLOCK.rate() | MUTEX.rate() == 0 { 0 } else { clock::now().max(1) }
}

/// The wait that began then is over.
#[inline]
pub(super) fn end(began: Nanos, reason: WaitReason) {
    if began != 0 {
        count(clock::now() - began, reason);
    }
}

#[cold]
#[inline(never)]
fn count(nanos: Nanos, reason: WaitReason) {
    let block = BLOCK.rate();
    // As in Go, what only sleeps is not blocked.
    if block != 0 && reason != WaitReason::Sleep {
        if nanos >= block {
            BLOCK.add(trace::here(), 1, nanos);
        } else if draw(block) < nanos {
            // One of `block / nanos` such waits is taken, and stands for them all.
            BLOCK.add(trace::here(), (block / nanos.max(1)).max(1), block);
        }
    }
    let mutex = MUTEX.rate();
    let lock = matches!(reason, WaitReason::Lock | WaitReason::ReadLock | WaitReason::WriteLock);
    if mutex != 0 && lock && draw(mutex) == 0 {
        MUTEX.add(trace::here(), mutex, nanos * mutex);
    }
}

/// A random number below `n`: the finaliser of SplitMix64 (Steele, Lea, Flood 2014) over a counter.
fn draw(n: u64) -> u64 {
    static STATE: AtomicU64 = AtomicU64::new(0);
    let x = STATE.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) % n
}
