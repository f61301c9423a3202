//! Whether goroutines that work on the same channels are better left together on one processor.
//!
//! Two processors win time by working side by side, and lose it wherever one finds a channel's lock in the hands of the other:
//! some hundred nanoseconds each time, of lines of the caches that go back and forth. Measured with pools of workers whose
//! jobs take more and more, two processors are worth it from 300 nanoseconds a job on; there a thread finds a
//! lock held every 5 microseconds, and every 1 to 3 below. So a thread that has stolen counts how often that happens while it is busy
//! with what comes of it. If that is more often than every [`WORTH`], the theft is *regretted*: for a while rings are
//! left to their owners unless they hold very much or their owners do not come along (see `lookout::Mood`). Each
//! regret lasts twice as long as the one before, until a theft is worth it.
//!
//! Invariants: an account is its thread's own; regret is a hint, and the monitor sees to what is left lying for it, as
//! always.

use super::clock::Nanos;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// What two processors win in so long is lost where one finds a lock held.
const WORTH: Nanos = 4_000;
/// Time that a judgement asks for.
const ENOUGH: Nanos = 50_000;
/// How long the first regret lasts, and the longest.
const SHORTEST: Nanos = 1_000_000;
const LONGEST: Nanos = 64_000_000;

/// The regret of all threads.
pub(super) struct Regret {
    until: AtomicU64,
    next: AtomicU64,
}

static REGRET: Regret = Regret::new();

/// Whether stealing is regretted.
#[inline]
pub(super) fn lasts(now: Nanos) -> bool {
    REGRET.lasts(now)
}

/// A thread has run out of work: what was the last theft worth?
pub(super) fn settle(account: &Account, contended: u32, now: Nanos) {
    if let Some(worth) = account.settle(contended, now) {
        REGRET.judge(worth, now);
    }
}

impl Regret {
    const fn new() -> Regret {
        Regret { until: AtomicU64::new(0), next: AtomicU64::new(SHORTEST) }
    }

    fn lasts(&self, now: Nanos) -> bool {
        now < self.until.load(Ordering::Relaxed)
    }

    /// What was stolen was worth it, or not. Two judgements at once may count as one.
    fn judge(&self, worth: bool, now: Nanos) {
        if worth {
            return self.next.store(SHORTEST, Ordering::Relaxed);
        }
        let next = self.next.load(Ordering::Relaxed);
        self.until.store(now + next, Ordering::Relaxed);
        self.next.store((2 * next).min(LONGEST), Ordering::Relaxed);
    }
}

/// What one thread has made of what it stole.
pub(super) struct Account {
    /// Since when it works on that, and how often it had found locks held before.
    since: Cell<Option<(Nanos, u32)>>,
    /// Time and locks found held that have not been judged.
    busy: Cell<Nanos>,
    contended: Cell<u32>,
}

impl Account {
    pub(super) const fn new() -> Account {
        Account { since: Cell::new(None), busy: Cell::new(0), contended: Cell::new(0) }
    }

    /// It has stolen something. So far it has found locks held so often.
    pub(super) fn begin(&self, contended: u32, now: Nanos) {
        self.since.set(Some((now, contended)));
    }

    /// It has nothing left; gives whether what it stole was worth it, if enough is known.
    fn settle(&self, contended: u32, now: Nanos) -> Option<bool> {
        let (since, before) = self.since.take()?;
        self.busy.set(self.busy.get() + now.saturating_sub(since));
        self.contended.set(self.contended.get().saturating_add(contended.wrapping_sub(before)));
        if self.busy.get() < ENOUGH {
            return None;
        }
        Some(Nanos::from(self.contended.take()) * WORTH <= self.busy.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theft_is_judged_by_locks_found_held_in_its_time() {
        let account = Account::new();
        assert_eq!(account.settle(100, 1_000_000), None, "nothing was stolen");
        account.begin(100, 0);
        assert_eq!(account.settle(103, 10_000), None, "too short");
        account.begin(1000, 1_000_000);
        assert_eq!(account.settle(1010, 1_040_000), Some(false), "13 in 50 microseconds");
        account.begin(1010, 2_000_000);
        assert_eq!(account.settle(1022, 2_050_000), Some(true), "12 in as many");
        account.begin(u32::MAX, 0);
        assert_eq!(account.settle(1, 50_000), Some(true), "the count wraps");
    }

    #[test]
    fn regret_lasts_longer_each_time_until_a_theft_is_worth_it() {
        let regret = Regret::new();
        assert!(!regret.lasts(0));
        regret.judge(false, 0);
        assert!(regret.lasts(SHORTEST - 1) && !regret.lasts(SHORTEST));
        regret.judge(false, SHORTEST);
        assert!(regret.lasts(3 * SHORTEST - 1) && !regret.lasts(3 * SHORTEST));
        (0..20).for_each(|_| regret.judge(false, 0));
        assert!(regret.lasts(LONGEST - 1) && !regret.lasts(LONGEST));
        regret.judge(true, LONGEST);
        regret.judge(false, LONGEST);
        assert!(regret.lasts(LONGEST + SHORTEST - 1) && !regret.lasts(LONGEST + SHORTEST));
    }
}
