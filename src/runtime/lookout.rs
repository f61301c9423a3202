//! What a thread that looks for work has seen of the others' rings, and how eagerly one is woken to look.
//!
//! Goroutines that hand each other messages lie in a ring for less than a microsecond each, and are faster on
//! one core than on two; and each look at a ring takes its line away from who works there. So:
//! - a ring is robbed if it holds much, or if its owner has not come to what lies there for [`STALE`];
//! - where stealing did harm (see `regret`) a ring is robbed only if it holds very much, or if its owner has begun no
//!   goroutine for [`AWAY`];
//! - looks follow each other at growing intervals;
//! - what a processor sets aside for later wakes a spinner less and less often while spinners look in vain.
//!
//! Invariant: nothing here is relied on for work to be seen: that is `gate`'s part, for work that its adder
//! does not come to, and the monitor's for the rest.

use super::clock::Nanos;
use super::p::P;
use super::regret;
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicU32, Ordering};

/// Work that its own processor does not come to for so long is stolen.
const STALE: Nanos = 6_000;
/// So much is stolen at once: its own processor will not come to all of it soon.
const MUCH: usize = 8;
/// The same where goroutines are better left together.
const AWAY: Nanos = 20_000;
const VERY_MUCH: usize = 64;
/// One in two to the power of so much wakes a spinner, at the least.
const MOST_VAIN: u32 = 12;

/// How ready threads are to steal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mood {
    Eager,
    /// It was regretted lately.
    Wary,
}

impl Mood {
    #[inline]
    pub(super) fn at(now: Nanos) -> Mood {
        if regret::lasts(now) { Mood::Wary } else { Mood::Eager }
    }

    /// So much in a ring is worth another processor.
    pub(super) fn much(self) -> usize {
        match self {
            Mood::Eager => MUCH,
            Mood::Wary => VERY_MUCH,
        }
    }

    fn stale(self) -> Nanos {
        match self {
            Mood::Eager => STALE,
            Mood::Wary => AWAY,
        }
    }

    /// How far the holder of a processor has come, modulo 2^32.
    fn progress(self, p: &P) -> u32 {
        match self {
            Mood::Eager => p.ring.taken(),
            Mood::Wary => p.tick.load(Ordering::Relaxed),
        }
    }
}

/// How many spinners in a row have looked in vain.
pub(super) struct Vain(AtomicU32);

impl Vain {
    pub(super) const fn new() -> Vain {
        Vain(AtomicU32::new(0))
    }

    /// A spinner found nothing. Two at once may count as one.
    pub(super) fn add(&self) {
        let vain = self.0.load(Ordering::Relaxed);
        self.0.store((vain + 1).min(MOST_VAIN), Ordering::Relaxed);
    }

    /// A spinner found work.
    pub(super) fn clear(&self) {
        if self.0.load(Ordering::Relaxed) != 0 {
            self.0.store(0, Ordering::Relaxed);
        }
    }

    /// Whether the `count`th goroutine set aside since the last that woke a spinner is to wake one.
    pub(super) fn lets_wake(&self, count: u32) -> bool {
        count >> self.0.load(Ordering::Relaxed) != 0
    }
}

/// What was last seen of a ring.
#[derive(Clone, Copy)]
struct Glance {
    /// How far its owner had come.
    progress: u32,
    since: Nanos,
}

/// What one thread has seen of all rings.
pub(super) struct Lookout {
    seen: UnsafeCell<Vec<Option<Glance>>>,
    mood: Cell<Mood>,
}

impl Lookout {
    pub(super) const fn new() -> Lookout {
        Lookout { seen: UnsafeCell::new(Vec::new()), mood: Cell::new(Mood::Eager) }
    }

    #[allow(clippy::mut_from_ref, reason = "never held across a call to anything else")]
    fn seen(&self) -> &mut Vec<Option<Glance>> {
        // SAFETY: the thread's own, as `M` says, and no method below keeps the reference.
        unsafe { &mut *self.seen.get() }
    }

    /// Forget all: what was seen long ago says nothing.
    pub(super) fn begin(&self, count: usize, mood: Mood) {
        self.mood.set(mood);
        self.seen().clear();
        self.seen().resize(count, None);
    }

    /// Look at the ring of a processor that is another's: whether it is to be robbed. A thread that looks for the `last` time
    /// takes what nobody may come to.
    pub(super) fn is_worth_robbing(&self, victim: &P, now: Nanos, last: bool) -> bool {
        let mood = self.mood.get();
        match self.look(victim.id, mood.progress(victim), now) {
            Owner::IsAway => true,
            Owner::Unknown if last && mood == Mood::Eager => true,
            Owner::Unknown | Owner::ComesAlong => victim.ring.len() >= mood.much(),
        }
    }

    /// The owner of the ring of processor `id` has come so far: what about that one?
    fn look(&self, id: usize, progress: u32, now: Nanos) -> Owner {
        let stale = self.mood.get().stale();
        let Some(seen) = self.seen().get_mut(id) else { return Owner::Unknown };
        match *seen {
            Some(glance) if glance.progress == progress && now - glance.since >= stale => Owner::IsAway,
            Some(glance) if glance.progress == progress => Owner::Unknown,
            before => {
                *seen = Some(Glance { progress, since: now });
                if before.is_some() { Owner::ComesAlong } else { Owner::Unknown }
            }
        }
    }

    /// Whether what is in the ring may be left to its owner, or to the monitor.
    pub(super) fn may_leave(&self, p: &P) -> bool {
        self.mood.get() == Mood::Wary || self.comes_along(p.id, p.ring.taken())
    }

    /// Whether the owner of the ring has taken something since the last look.
    fn comes_along(&self, id: usize, taken: u32) -> bool {
        self.seen().get(id).copied().flatten().is_some_and(|seen| seen.progress != taken)
    }
}

/// What the owner of a ring seems to do about what is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Owner {
    /// It has come on since the last look.
    ComesAlong,
    /// It has not for long.
    IsAway,
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::{AWAY, Lookout, MOST_VAIN, Mood, Owner, STALE, Vain};

    #[test]
    fn a_ring_that_moves_is_left_alone_and_one_that_does_not_is_not() {
        let lookout = Lookout::new();
        lookout.begin(2, Mood::Eager);
        assert_eq!(lookout.look(0, 7, 1000), Owner::Unknown);
        assert!(!lookout.comes_along(0, 7) && lookout.comes_along(0, 8) && !lookout.comes_along(1, 8));
        assert_eq!(lookout.look(0, 7, 999 + STALE), Owner::Unknown);
        assert_eq!(lookout.look(0, 7, 1000 + STALE), Owner::IsAway);
        assert_eq!(lookout.look(0, 8, 1001 + STALE), Owner::ComesAlong);
        assert_eq!(lookout.look(0, 8, 1000 + 2 * STALE), Owner::Unknown, "not for that long");
        assert_eq!(lookout.look(1, 8, 1000 + STALE), Owner::Unknown, "of another processor nothing is known");
        lookout.begin(2, Mood::Eager);
        assert_eq!(
            lookout.look(0, 8, 1000 + 9 * STALE),
            Owner::Unknown,
            "what was seen long ago is forgotten"
        );
        lookout.begin(2, Mood::Wary);
        assert_eq!(lookout.look(0, 8, 0), Owner::Unknown);
        assert_eq!(lookout.look(0, 8, AWAY - 1), Owner::Unknown, "more patient");
        assert_eq!(lookout.look(0, 8, AWAY), Owner::IsAway);
    }

    #[test]
    fn who_looks_in_vain_is_woken_less_often() {
        let vain = Vain::new();
        assert!(vain.lets_wake(1));
        vain.add();
        assert!(!vain.lets_wake(1) && vain.lets_wake(2));
        (0..100).for_each(|_| vain.add());
        assert!(!vain.lets_wake((1 << MOST_VAIN) - 1) && vain.lets_wake(1 << MOST_VAIN));
        vain.clear();
        assert!(vain.lets_wake(1));
    }
}
