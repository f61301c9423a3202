//! M: an OS thread that runs goroutines.
//!
//! Invariants: a thread that ran a goroutine never ends (the host, which is the program's main
//! thread, ends with the program), so what a goroutine still believes to be thread-local memory is
//! never freed. The fields are the thread's own, but for those that say otherwise. A goroutine bound
//! to a thread is in that thread's [`M::bound`] queue, in its processor's `next`, running or waiting,
//! and in no other queue.

use super::arena;
use super::biased::Sections;
use super::clock::Nanos;
use super::g::G;
use super::handshake::Handshake;
use super::lookout::{Lookout, Mood};
use super::p::{Owned, P};
use super::parker::Parker;
use super::regret::{self, Account};
use super::{audit, idle, mode, poller, sched};
use std::cell::Cell;
use std::collections::VecDeque;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Mutex, PoisonError};

/// Bytes of a thread's own stack: the scheduler runs on it, goroutines do not.
const STACK: usize = 256 << 10;

/// How many threads there may be, so that a mistake does not take the machine down.
const MOST: usize = 10_000;

static COUNT: AtomicUsize = AtomicUsize::new(0);
/// Every thread there is, for who looks at all of them (see `world`).
static ALL: Mutex<Vec<&'static M>> = Mutex::new(Vec::new());

/// A thread.
#[repr(C, align(128))]
pub(crate) struct M {
    pub(super) handshake: Handshake,
    /// What it holds. Written by the thread while it has none, and by the monitor in the handshake.
    p: AtomicPtr<P>,
    /// The goroutine it runs; read by the monitor.
    pub(super) current: AtomicPtr<G>,
    /// The locks that it has by their reservation.
    pub(super) sections: Sections,
    pub(super) spinning: Cell<bool>,
    /// Whether the goroutines bound to it come before those of its processor this time.
    pub(super) bound_first: Cell<bool>,
    /// What it has seen of the others' rings.
    pub(super) lookout: Lookout,
    /// What it has made of what it stole.
    spoils: Account,
    /// How often it has found a channel's lock held.
    contended: Cell<u32>,
    /// Where it sleeps; anybody tells, by [`M::tell`].
    parker: Parker,
    /// Whether it sleeps in the poller instead.
    polls: AtomicBool,
    /// A processor somebody gives it; written under the lock of the idle list, before the tell.
    pub(super) given: AtomicPtr<P>,
    /// Whether it came with a place among the spinners. As `given`.
    pub(super) given_spin: AtomicBool,
    /// Where it is in the idle list. Under the lock of that list.
    pub(super) rests: AtomicBool,
    /// Whether it waits for a processor, under the same lock.
    pub(super) wants: AtomicBool,
    /// Runnable goroutines that run here only; anybody adds.
    bound: Mutex<VecDeque<&'static G>>,
    bound_len: AtomicUsize,
    /// Whether it runs a goroutine that wants it for itself.
    pub(super) exclusive: AtomicBool,
    /// Whether its goroutine said that it is about to block.
    pub(super) blocks: AtomicBool,
    /// Since when its goroutine, which unwinds, keeps it from others; 0 if none does. See `unwinding`.
    pub(super) keeps: AtomicU64,
    /// The value of `keeps` that was told of last.
    pub(super) told_of: AtomicU64,
    /// See `audit`.
    #[allow(dead_code, reason = "for the auditor of debug builds")]
    pub(super) audit: audit::Blocks,
    /// The kernel's number of it.
    pub(super) tid: AtomicU32,
    /// The stop of the world (see there) for which it stands still.
    pub(super) halted: AtomicU32,
    /// Whether it is the program's main thread, which leaves the scheduler when main has returned.
    pub(super) is_host: bool,
}

// SAFETY: `spinning`, `bound_first`, `lookout`, `spoils` and `contended` are touched by the thread itself only; the rest is atomic or locked.
unsafe impl Sync for M {}

/// A visit of a goroutine to the runtime; ends when dropped.
pub(super) struct Inside {
    pub(super) m: &'static M,
}

impl Inside {
    /// The processor, if the monitor has not taken it.
    #[inline(always)]
    pub(super) fn processor(&self) -> Option<Owned> {
        // SAFETY: this thread is inside, so what it holds it keeps.
        self.m.p().map(|p| unsafe { Owned::new(p) })
    }
}

impl Drop for Inside {
    #[inline(always)]
    fn drop(&mut self) {
        self.m.handshake.leave();
    }
}

/// The running goroutine said that it is about to block its thread; until dropped.
pub(super) struct Blocks(&'static M);

impl Blocks {
    pub(super) fn mark() -> Option<Blocks> {
        let m = current()?.thread();
        m.blocks.store(true, Ordering::Relaxed);
        Some(Blocks(m))
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        self.0.blocks.store(false, Ordering::Relaxed);
    }
}

/// How many threads there are.
pub(super) fn count() -> usize {
    COUNT.load(Ordering::SeqCst)
}

/// Every thread there is.
pub(super) fn all() -> Vec<&'static M> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

impl M {
    pub(super) fn new(is_host: bool) -> &'static M {
        COUNT.fetch_add(1, Ordering::SeqCst);
        let m: &'static M = Box::leak(Box::new(M {
            handshake: Handshake::new(),
            p: AtomicPtr::new(null_mut()),
            current: AtomicPtr::new(null_mut()),
            sections: Sections::new(),
            spinning: Cell::new(false),
            bound_first: Cell::new(false),
            lookout: Lookout::new(),
            spoils: Account::new(),
            contended: Cell::new(0),
            parker: Parker::new(),
            polls: AtomicBool::new(false),
            given: AtomicPtr::new(null_mut()),
            given_spin: AtomicBool::new(false),
            rests: AtomicBool::new(false),
            wants: AtomicBool::new(false),
            bound: Mutex::new(VecDeque::new()),
            bound_len: AtomicUsize::new(0),
            exclusive: AtomicBool::new(false),
            blocks: AtomicBool::new(false),
            keeps: AtomicU64::new(0),
            told_of: AtomicU64::new(0),
            audit: audit::Blocks::default(),
            tid: AtomicU32::new(0),
            halted: AtomicU32::new(0),
            is_host,
        }));
        ALL.lock().unwrap_or_else(PoisonError::into_inner).push(m);
        m
    }

    /// Start a thread that begins by holding `p`.
    ///
    /// # Panics
    /// If the system gives no thread, or there are too many.
    pub(super) fn start(p: &'static P, spins: bool) {
        assert!(count() < MOST, "selvedge: {MOST} threads are blocked in goroutines");
        let m = M::new(false);
        m.give(p, spins);
        let started = std::thread::Builder::new()
            .name(mode::thread_name().into())
            .stack_size(STACK)
            .spawn(move || sched::work(m));
        if let Err(error) = started {
            panic!("selvedge: the system gives no thread for goroutines: {error}");
        }
    }

    /// What it holds.
    #[inline(always)]
    pub(super) fn p(&self) -> Option<&'static P> {
        // SAFETY: processors are never freed.
        unsafe { self.p.load(Ordering::Relaxed).as_ref() }
    }

    /// What this thread holds, which is on its own stack and so inside.
    #[inline(always)]
    pub(super) fn owned(&self) -> Option<Owned> {
        // SAFETY: the caller is the scheduler of this thread, which is inside.
        self.p().map(|p| unsafe { Owned::new(p) })
    }

    /// Hold a processor that nobody holds.
    pub(super) fn hold(&'static self, p: &'static P) {
        p.m.store(std::ptr::from_ref(self).cast_mut(), Ordering::Release);
        self.p.store(std::ptr::from_ref(p).cast_mut(), Ordering::Release);
    }

    /// Hold nothing any more. By the thread, or in the handshake.
    pub(super) fn release(&self) -> Option<&'static P> {
        let p = self.p()?;
        self.p.store(null_mut(), Ordering::Relaxed);
        p.m.store(null_mut(), Ordering::Release);
        Some(p)
    }

    /// Give it a processor; it must be told next. Under the lock of the idle list.
    pub(super) fn give(&self, p: &'static P, spins: bool) {
        self.given_spin.store(spins, Ordering::Relaxed);
        self.given.store(std::ptr::from_ref(p).cast_mut(), Ordering::Release);
    }

    /// Sleep until given a processor, which it then holds; false if woken for another reason.
    pub(super) fn sleep(&'static self, timeout: Option<Nanos>) -> bool {
        if self.given.load(Ordering::Acquire).is_null() {
            self.parker.wait(timeout);
        }
        self.receive()
    }

    /// As [`M::sleep`], in the poller; `ready` takes the goroutines that may go on.
    pub(super) fn poll(&'static self, timeout: Option<Nanos>, ready: &mut Vec<&'static G>) -> bool {
        // Either who tells sees that it polls, or it sees that it was told.
        self.polls.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        *ready = poller::sleep(timeout, || self.parker.is_told());
        self.polls.store(false, Ordering::Relaxed);
        self.parker.consume();
        self.receive()
    }

    /// Get the thread out of its sleep, or of its next one.
    pub(super) fn tell(&self) {
        self.parker.tell();
        fence(Ordering::SeqCst);
        if self.polls.load(Ordering::Relaxed) {
            poller::interrupt();
        }
    }

    /// Hold what it was given, if it was.
    pub(super) fn receive(&'static self) -> bool {
        let given = self.given.swap(null_mut(), Ordering::Acquire);
        // SAFETY: processors are never freed.
        let Some(p) = (unsafe { given.as_ref() }) else { return false };
        self.spinning.set(self.given_spin.load(Ordering::Relaxed));
        self.hold(p);
        true
    }

    /// The goroutine that it runs found a channel's lock held.
    pub(super) fn contends(&self) {
        self.contended.set(self.contended.get().wrapping_add(1));
    }

    /// It has nothing to do, and begins to look for that: how ready it is to steal.
    pub(super) fn look_around(&self, now: Nanos) -> Mood {
        regret::settle(&self.spoils, self.contended.get(), now);
        Mood::at(now)
    }

    /// It has stolen something.
    pub(super) fn stole(&self, now: Nanos) {
        self.spoils.begin(self.contended.get(), now);
    }

    /// Runnable goroutines that are bound to it.
    #[inline]
    pub(super) fn bound_len(&self) -> usize {
        self.bound_len.load(Ordering::Relaxed)
    }

    /// Add a runnable goroutine that is bound to it. The thread itself; others use [`M::post`].
    pub(super) fn keep(&self, g: &'static G) {
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        bound.push_back(g);
        self.bound_len.store(bound.len(), Ordering::SeqCst);
    }

    /// The first of those.
    pub(super) fn pop_bound(&self) -> Option<&'static G> {
        if self.bound_len() == 0 {
            return None;
        }
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        let g = bound.pop_front();
        self.bound_len.store(bound.len(), Ordering::SeqCst);
        g
    }

    /// A goroutine became runnable, and whoever did that has no processor to put it on, or may not.
    #[cold]
    pub(super) fn post(g: &'static G) {
        match g.home() {
            Some(home) => {
                home.keep(g);
                idle::bound_was_added(home);
            }
            None => {
                super::global::push([g]);
                idle::work_was_added();
            }
        }
    }
}

impl G {
    /// The thread it may only run on.
    #[inline]
    pub(super) fn home(&self) -> Option<&'static M> {
        // SAFETY: threads' records are never freed.
        unsafe { self.home.load(Ordering::Relaxed).as_ref() }
    }

    #[inline]
    pub(super) fn is_bound(&self) -> bool {
        !self.home.load(Ordering::Relaxed).is_null()
    }

    #[inline]
    pub(super) fn may_run_on(&self, m: &M) -> bool {
        let home = self.home.load(Ordering::Relaxed);
        home.is_null() || std::ptr::eq(home, m)
    }

    /// The thread it runs on. To be asked anew after every wait.
    #[inline(always)]
    pub(super) fn thread(&self) -> &'static M {
        // SAFETY: set before the goroutine runs; threads' records are never freed.
        unsafe { &*self.m.load(Ordering::Relaxed) }
    }

    /// Into the runtime, from this goroutine's code.
    #[inline(always)]
    pub(super) fn enter(&self) -> Inside {
        let m = self.thread();
        m.handshake.enter();
        Inside { m }
    }
}

/// The thread of the goroutine that runs here, if one does.
#[inline(always)]
pub(super) fn here() -> Option<&'static M> {
    current().map(G::thread)
}

/// The goroutine that runs here, if one does.
#[inline(always)]
pub(super) fn current() -> Option<&'static G> {
    arena::current()
}
