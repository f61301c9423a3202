//! The lock of a channel: taken without an atomic exchange by the thread that has had it all along.
//!
//! Goroutines that hand each other messages mostly run on one thread, and an exchange, which orders all threads,
//! costs more than all else that a channel does. So a lock that one thread has taken many times in a row is
//! *reserved* for it:
//! ```text
//! the thread it is reserved for            anybody else, once
//!   one of its sections = this lock          exchange the word for HELD; it was the address of the thread:
//!   light fence                              heavy fence
//!   word is mine ?  the lock is, too         wait until none of the thread's sections is this lock:
//!   else take that back, as anybody else     now it is mine, and reserved for nobody
//! ```
//! Invariants:
//! - who has it is the only one who writes the word; by the fences the other cannot miss that the thread is in a
//!   section *and* the thread miss that the word has changed;
//! - the sections are the thread's, since one that looks in vain, for a reservation that it has lost, must not touch
//!   what the next one's thread says of itself;
//! - a goroutine does not change threads in a section. It may leave its stack, and somebody else on the same
//!   thread let go of the lock (`Waiter::park`);
//! - a revocation takes some microseconds, so each doubles the number of times in a row that earn the next
//!   reservation: what is lost by them is a small part of what the exchanges cost.
//!
//! After the store that lets go of it the lock may be gone, as with [`Lock`](super::lock::Lock).
//!
//! Source: Kawachiya, Koseki, Onodera, "Lock Reservation: Java Locks Can Mostly Do Without Atomic Operations"
//! (OOPSLA 2002); Dice, Moir, Scherer, "Quickly Reacquirable Locks" (2003). Theirs is given up for good; ours can be
//! earned again.

use super::atomics::{AtomicPtr, AtomicUsize, Ordering, UnsafeCell};
use super::barrier::{self, heavy, light_where_asymmetric};
use super::lock;
use super::m::{self, M};
use std::ptr::{null, null_mut};

/// Nobody has it, and it is reserved for nobody. All else that the word can be are addresses of threads.
const FREE: usize = 0;
/// Somebody has it who took it by an exchange.
const HELD: usize = 1;

/// Times in a row that earn the first reservation: the exchanges cost as much as one revocation, about.
const EARNS: u32 = 1 << 10;

/// Reserved locks that a thread may have at once: those of a select. More are taken by exchanges.
const SECTIONS: usize = 8;

/// A lock for short sections.
pub(crate) struct BiasedLock {
    word: AtomicPtr<M>,
    usage: UnsafeCell<Usage>,
}

/// What whoever has the lock knows of its use.
struct Usage {
    /// Where the thread says that it has the lock, if it entered by the reservation.
    section: *const Section,
    /// The thread that took it last by an exchange.
    last: *const M,
    /// How many times more in a row it is to take it so, and how many earn a reservation.
    left: u32,
    earns: u32,
}

// SAFETY: the usage is touched by who has the lock only; threads and their sections are never freed.
unsafe impl Send for BiasedLock {}
// SAFETY: as above.
unsafe impl Sync for BiasedLock {}

/// The address of a lock that a thread has by its reservation, or is about to look whether it has; 0 is none.
type Section = AtomicUsize;

/// The sections that a thread is in. It alone writes addresses; whoever lets go of a lock writes 0.
pub(super) struct Sections([Section; SECTIONS]);

impl Sections {
    pub(super) fn new() -> Sections {
        Sections(std::array::from_fn(|_| AtomicUsize::new(0)))
    }

    /// Whether the thread is in none; for itself.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|section| section.load(Ordering::Relaxed) == 0)
    }

    #[inline(always)]
    fn free(&self) -> Option<&Section> {
        let first = &self.0[0];
        if first.load(Ordering::Relaxed) == 0 { Some(first) } else { self.another() }
    }

    /// For who has several locks at once.
    #[inline(never)]
    fn another(&self) -> Option<&Section> {
        self.0.iter().find(|section| section.load(Ordering::Relaxed) == 0)
    }
}

impl BiasedLock {
    pub(crate) fn new() -> BiasedLock {
        BiasedLock::earned_by(EARNS)
    }

    /// Reserved for who takes it so many times in a row.
    pub(super) fn earned_by(earns: u32) -> BiasedLock {
        let usage = Usage { section: null(), last: null(), left: earns, earns };
        BiasedLock { word: AtomicPtr::new(word_of(FREE)), usage: UnsafeCell::new(usage) }
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    #[inline]
    pub(crate) fn lock(&self) {
        let me = m::here();
        let seen = self.word.load(Ordering::Relaxed);
        let reserved = me.is_some_and(|me| std::ptr::eq(seen, me) && self.enter_reserved(me));
        if !reserved {
            self.lock_by_exchange(me, seen);
        }
    }

    /// It seems to be reserved for `me`: take it if it is.
    #[inline(always)]
    fn enter_reserved(&self, me: &M) -> bool {
        let Some(section) = me.sections.free() else { return false };
        section.store(self.address(), Ordering::Relaxed);
        light_where_asymmetric();
        let mine = std::ptr::eq(self.word.load(Ordering::Relaxed), me);
        if mine {
            // SAFETY: we have the lock.
            self.usage.with_mut(|usage| unsafe { (*usage).section = section });
        } else {
            // Release, since whoever sees it may not have seen the end of the section before.
            section.store(0, Ordering::Release);
        }
        mine
    }

    #[inline(never)]
    fn lock_by_exchange(&self, me: Option<&'static M>, seen: *mut M) {
        if !self.exchange(seen) {
            self.contend();
            me.inspect(|me| me.contends());
        }
        self.note(me);
    }

    #[cold]
    #[inline(never)]
    fn contend(&self) {
        lock::insist(|| self.exchange(self.word.load(Ordering::Relaxed)));
    }

    /// As [`BiasedLock::lock`], if that is possible soon, for who must not wait for whoever has it.
    pub(crate) fn try_lock(&self) -> bool {
        let taken = lock::try_briefly(|| self.exchange_if_left());
        if taken {
            self.note(m::here());
        }
        taken
    }

    /// From `seen` to held, unless it is that or changes meanwhile.
    #[inline]
    fn hold(&self, seen: *mut M) -> bool {
        seen.addr() != HELD
            && self.word.compare_exchange(seen, word_of(HELD), Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Take it, if nobody has it who took it so.
    #[inline]
    fn exchange(&self, seen: *mut M) -> bool {
        let held = self.hold(seen);
        if held && seen.addr() != FREE {
            self.revoke(seen);
        }
        held
    }

    /// As [`BiasedLock::exchange`], but does not wait for the thread that it is reserved for.
    fn exchange_if_left(&self) -> bool {
        let seen = self.word.load(Ordering::Relaxed);
        let held = self.hold(seen);
        if !held || seen.addr() == FREE {
            return held;
        }
        heavy();
        let left = self.is_left_by(seen);
        if !left {
            // As it was: nobody else has written the word meanwhile.
            self.word.store(seen, Ordering::Release);
        }
        left
    }

    /// The word was `thread` until just now.
    #[cold]
    #[inline(never)]
    fn revoke(&self, thread: *const M) {
        heavy();
        lock::insist(|| self.is_left_by(thread));
        // SAFETY: we have the lock.
        self.usage.with_mut(|usage| unsafe { (*usage).earns = (*usage).earns.saturating_mul(2) });
    }

    /// Whether this thread, which was in the word before the heavy fence, does not have it.
    fn is_left_by(&self, thread: *const M) -> bool {
        // SAFETY: threads' records are never freed.
        let sections = unsafe { &(*thread).sections.0 };
        sections.iter().all(|section| section.load(Ordering::Acquire) != self.address())
    }

    /// It was taken by an exchange.
    #[inline]
    fn note(&self, me: Option<&'static M>) {
        // SAFETY: we have the lock.
        let earned = self.usage.with_mut(|usage| unsafe { (*usage).note(me) });
        if earned && let Some(me) = me {
            self.reserve(me);
        }
    }

    /// By who has it, and has earned it.
    #[cold]
    #[inline(never)]
    fn reserve(&self, me: &'static M) {
        let section = me.sections.free().filter(|_| barrier::is_asymmetric());
        let Some(section) = section else { return };
        section.store(self.address(), Ordering::Relaxed);
        // SAFETY: we have the lock.
        self.usage.with_mut(|usage| unsafe { (*usage).section = section });
        // Whoever finds the thread in the word finds it in the section.
        self.word.store(std::ptr::from_ref(me).cast_mut(), Ordering::Release);
    }

    /// To be called by who has locked it, or in whose name.
    #[inline]
    pub(crate) fn unlock(&self) {
        // SAFETY: the caller has the lock, and sections are never freed.
        match self.usage.with_mut(|usage| unsafe { (*usage).section.as_ref() }) {
            Some(section) => section.store(0, Ordering::Release),
            None => self.word.store(word_of(FREE), Ordering::Release),
        }
    }
}

fn word_of(state: usize) -> *mut M {
    null_mut::<M>().with_addr(state)
}

impl Usage {
    /// Taken by an exchange; whether that has earned `me` a reservation.
    #[inline]
    fn note(&mut self, me: Option<&'static M>) -> bool {
        self.section = null();
        let me = me.map_or(null(), std::ptr::from_ref);
        if !std::ptr::eq(self.last, me) {
            self.last = me;
            self.left = self.earns;
        }
        self.left -= 1;
        if self.left == 0 {
            self.left = self.earns;
            return true;
        }
        false
    }
}
