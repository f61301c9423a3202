//! Waiting: what every primitive that blocks is made of.
//!
//! A [`Waiter`] stands for one wait of one goroutine, of one thread that is none, or of one async task,
//! and lives on the stack of the former two or in the future of the latter. Invariants:
//! - whoever gets hold of a waiter through a primitive's queue wakes it exactly once, and only after
//!   the wait was released to the world (see [`Waiter::park`]);
//! - a waiter that several may wake (several objects, or a deadline) is woken by who wins
//!   [`Waiter::claim`] and by nobody else;
//! - once it is woken it may be gone: nobody touches it after [`Waiter::wake`].
//!
//! The runtime's README has the rules for writers of primitives, with an example.

use super::clock::{self, Nanos};
use super::g::{G, Mine};
use super::m::{M, current};
use super::task::{self, Uncaught};
use super::timers::{Fired, Node};
use super::told::{Kind, Sleepers, Told};
use super::unwinding::Kept;
use super::waker_slot::WakerSlot;
use super::{blocked, idle, p, run, start, timers};
use crate::port::Watch;
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::WaitReason;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null;
use std::sync::atomic::{AtomicIsize, AtomicU32, Ordering};
use std::task::Waker;

/// Threads that wait for ever, unless somebody wakes them.
static SLEEPERS: Sleepers = Sleepers::new(AtomicIsize::new(0), AtomicIsize::new(0));

/// What a wait is for, for dumps.
#[derive(Clone, Copy)]
pub(crate) struct Why {
    pub(crate) reason: WaitReason,
    pub(crate) site: SiteRef,
    /// The object's address, or 0.
    pub(crate) object: usize,
}

/// The outcome of a wait with a deadline that ran out: what [`Waiter::claimed`] gives then.
pub(crate) const TIMED_OUT: u32 = u32::MAX;

/// The lowest bit of [`Waiter::who`]: the rest is the address of a [`WakerSlot`].
const TASK: usize = 1;

/// One wait.
pub(crate) struct Waiter {
    /// Who waits: null is a thread; with [`TASK`] an async task, by the slot of its waker; everything else
    /// is a goroutine.
    who: Cell<*const ()>,
    /// 0 until somebody wins the right to wake; then what the winner said.
    claim: AtomicU32,
    /// What a waiting thread sleeps at.
    told: Told,
    /// What a dump may ask about the wait.
    watch: Cell<Option<*const dyn Watch>>,
}

impl Waiter {
    /// A wait of whoever runs here.
    ///
    /// A goroutine that unwinds waits as a thread: moving a panic from thread to thread would mix up
    /// std's count of panics. The monitor takes its processor meanwhile.
    #[inline]
    pub(crate) fn new() -> Waiter {
        let g = current().filter(|_| !std::thread::panicking());
        let who = Cell::new(g.map_or(null(), |g| std::ptr::from_ref(g).cast()));
        Waiter { who, claim: AtomicU32::new(0), told: Told::new(AtomicU32::new(0)), watch: Cell::new(None) }
    }

    /// A wait of a thread, or, once it has been restarted, of an async task.
    #[allow(dead_code, reason = "as for `async_wait`")]
    pub(super) const fn of_thread() -> Waiter {
        Waiter {
            who: Cell::new(null()),
            claim: AtomicU32::new(0),
            told: Told::new(AtomicU32::new(0)),
            watch: Cell::new(None),
        }
    }

    /// From now on the wait of the task that has left its waker there. While nobody can reach it.
    #[allow(dead_code, reason = "as for `async_wait`")]
    pub(super) fn restart_for_task(&self, slot: *const WakerSlot<Waker>) {
        self.who.set(slot.cast::<()>().map_addr(|address| address | TASK));
        self.claim.store(0, Ordering::Relaxed);
    }

    /// Let dumps ask `watch` about the wait, which outlives it, while the waiting goroutine is parked.
    #[inline]
    pub(crate) fn watch(&self, watch: &dyn Watch) {
        // SAFETY: only the lifetime is erased: `watch` lives until the wait is over, by the contract of
        // all who wait, and it is asked only of goroutines that are parked, in a stopped world.
        let watch = unsafe { std::mem::transmute::<*const dyn Watch, *const (dyn Watch + 'static)>(watch) };
        self.watch.set(Some(watch));
    }

    /// The goroutine that waits, if it is one.
    #[inline]
    fn goroutine(&self) -> Option<&'static G> {
        debug_assert!(self.who.get().addr() & TASK == 0, "a task waits by returning from its poll");
        // SAFETY: it is null or a goroutine's record, and records are never freed.
        unsafe { self.who.get().cast::<G>().as_ref() }
    }

    /// The goroutine that waits, if it is one and not a thread or an async task.
    pub(super) fn parks(&self) -> Option<&'static G> {
        let is_task = self.who.get().addr() & TASK != 0;
        if is_task { None } else { self.goroutine() }
    }

    /// Win the right to wake, and say `value` (neither 0 nor [`TIMED_OUT`]); false if somebody has.
    #[inline]
    pub(crate) fn claim(&self, value: u32) -> bool {
        debug_assert!(value != 0);
        self.claim.compare_exchange(0, value, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// What the one who won said; 0 if nobody has.
    #[inline]
    pub(crate) fn claimed(&self) -> u32 {
        self.claim.load(Ordering::Acquire)
    }

    /// Wait until woken. `release` makes the waiter reachable, or lets go of the lock under which it
    /// was made so: from then on it may be woken. If `release` gives false nobody will wake, and this
    /// returns at once. On a goroutine it runs after the goroutine has left its stack, on the same
    /// thread; it must not wait, wake, panic or use thread-locals of selvedge.
    #[inline]
    pub(crate) fn park(&self, why: Why, release: impl FnOnce() -> bool) {
        match self.goroutine() {
            Some(g) => {
                g.waits_for(why.reason, why.site, why.object, self.watch.get(), clock::coarse());
                let began = blocked::begin();
                run::park(g, release);
                g.forget_watch();
                blocked::end(began, why.reason);
            }
            None => self.block(why, release),
        }
    }

    /// Wait until woken, or until `deadline`: then it is claimed with [`TIMED_OUT`], which whoever
    /// wakes must respect by claiming first. Gives whether it timed out.
    pub(crate) fn park_until(&self, deadline: Nanos, why: Why, release: impl FnOnce() -> bool) -> bool {
        if deadline == clock::NEVER {
            self.park(why, release);
            return false;
        }
        match self.goroutine() {
            Some(g) => self.park_timed(g, deadline, why, release),
            None => self.block_until(deadline, why, release),
        }
        self.claimed() == TIMED_OUT
    }

    fn park_timed(&self, g: &'static G, deadline: Nanos, why: Why, release: impl FnOnce() -> bool) {
        let alarm = Alarm::new();
        alarm.aim(self);
        g.waits_for(why.reason, why.site, why.object, self.watch.get(), clock::coarse());
        let began = blocked::begin();
        run::park(g, || {
            let p = g.thread().p();
            let id = p.map_or(0, |p| p.id);
            // The timer cannot fire before the wait is released, or given up.
            // SAFETY: the alarm is on the stack of the goroutine, which stays in this function until
            // the node has fired or been removed below.
            let parked = unsafe { timers::add_with(id, alarm.node(), deadline, release) };
            if p.is_none() {
                idle::timer_was_added(deadline);
            }
            parked
        });
        alarm.disarm();
        g.forget_watch();
        blocked::end(began, why.reason);
    }

    /// Wake. Exactly once for each wait; the waiter may be gone when this returns. If it is that of an
    /// async task its waker runs here, which is user code: so no lock may be held that such code could
    /// want.
    ///
    /// # Safety
    /// `this` was released by its `park` and has not been woken; if others may wake it too, the
    /// caller has won its claim.
    #[inline]
    pub(crate) unsafe fn wake(this: *const Waiter) {
        // SAFETY: until it is woken the waiter stays.
        let who = unsafe { (*this).who.get() };
        if who.addr() & TASK != 0 {
            // SAFETY: it was made from a slot, which stays as long; the caller has the right to tell.
            return run_waker(unsafe { WakerSlot::tell(slot_of(who)) });
        }
        // SAFETY: it is null or a goroutine's record, and records are never freed.
        if let Some(g) = unsafe { who.cast::<G>().as_ref() } {
            return ready(g);
        }
        // SAFETY: as above; the caller has the right to wake, once.
        unsafe { Told::tell(&raw const (*this).told, &SLEEPERS) };
    }

    /// As [`Waiter::wake`], but a goroutine is given to the caller, who makes it runnable.
    ///
    /// # Safety
    /// As for [`Waiter::wake`].
    pub(super) unsafe fn take(this: *const Waiter) -> Option<&'static G> {
        // SAFETY: until it is woken the waiter stays.
        let who = unsafe { (*this).who.get() };
        if who.is_null() || who.addr() & TASK != 0 {
            // SAFETY: by the contract.
            unsafe { Waiter::wake(this) };
            return None;
        }
        // SAFETY: it is a goroutine's record, and records are never freed.
        unsafe { who.cast::<G>().as_ref() }
    }

    fn block(&self, why: Why, release: impl FnOnce() -> bool) {
        let kept = Kept::begin(why, true);
        if release() {
            let kind = if kept.is_some() { Kind::Kept } else { Kind::Foreign };
            self.told.sleep(kind, &SLEEPERS);
        }
    }

    fn block_until(&self, deadline: Nanos, why: Why, release: impl FnOnce() -> bool) {
        let _kept = Kept::begin(why, false);
        if !release() {
            return;
        }
        while !self.told.is_told() {
            let left = deadline.saturating_sub(clock::now());
            if left == 0 && self.claim(TIMED_OUT) {
                return;
            }
            // If there is no time left somebody has won, and is about to wake.
            self.told.doze((left != 0).then_some(left));
        }
    }
}

fn slot_of(who: *const ()) -> *const WakerSlot<Waker> {
    who.map_addr(|address| address & !TASK).cast()
}

/// What a waker does is user code; its panic, which the hook has reported, is not that of whoever wakes.
#[cold]
pub(super) fn run_waker(waker: Waker) {
    let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
}

/// A timer that ends a wait: with a claim of [`TIMED_OUT`].
#[repr(C)]
pub(super) struct Alarm {
    /// First, so that who fires it finds the rest.
    node: Node,
    waiter: Cell<*const Waiter>,
}

impl Alarm {
    pub(super) const fn new() -> Alarm {
        /// # Safety
        /// The node is the first field of an `Alarm` that is alive, and so is its waiter.
        unsafe fn fire(node: *const Node) -> Fired {
            // SAFETY: by the contract.
            let waiter = unsafe { &*(*node.cast::<Alarm>()).waiter.get() };
            if !waiter.claim(TIMED_OUT) {
                return Fired::Nothing;
            }
            let who = waiter.who.get();
            if who.addr() & TASK != 0 {
                // SAFETY: it was made from a slot that is alive; the claim is the right to tell.
                return Fired::Wake(unsafe { WakerSlot::tell(slot_of(who)) });
            }
            // SAFETY: it is a goroutine's record: threads use no alarms.
            Fired::Ready(unsafe { &*who.cast::<G>() })
        }
        Alarm { node: Node::new(fire), waiter: Cell::new(null()) }
    }

    /// Whose wait it ends; while the node is in no heap.
    pub(super) fn aim(&self, waiter: &Waiter) {
        self.waiter.set(waiter);
    }

    /// The node, to be put into a heap; who fires it looks at the whole alarm.
    pub(super) fn node(&self) -> *const Node {
        std::ptr::from_ref(self).cast()
    }

    /// Take the node out of the heap it may be in. When this returns it is not being fired.
    pub(super) fn disarm(&self) {
        timers::remove(&self.node);
    }
}

/// Run `f`; dumps may ask `watch` about the waits in it that have no other.
pub(crate) fn watching(watch: &dyn Watch, f: impl FnOnce()) {
    struct Forget(&'static G);
    impl Drop for Forget {
        fn drop(&mut self) {
            self.0.around.set(None);
        }
    }
    let Some(g) = current() else { return f() };
    // SAFETY: only the lifetime is erased: the watch is forgotten when this returns or unwinds.
    let watch = unsafe { std::mem::transmute::<*const dyn Watch, *const (dyn Watch + 'static)>(watch) };
    let _forget = Forget(g);
    g.around.set(Some(watch));
    f();
}

/// Threads outside of the runtime that wait with no deadline.
pub(super) fn blocked_threads() -> usize {
    SLEEPERS.count(Kind::Foreign)
}

/// Threads of the runtime that goroutines which unwind keep, and that wait with no deadline.
pub(super) fn kept_threads() -> usize {
    SLEEPERS.count(Kind::Kept)
}

/// A goroutine that waits may go on. By the one who has the right to, once. Never suspends the caller.
#[inline]
pub(super) fn ready(g: &'static G) {
    g.set(super::g::Status::Runnable);
    if let Some(me) = current() {
        let inside = me.enter();
        if let Some(p) = inside.processor() {
            p.ready(inside.m, g);
            return;
        }
    }
    M::post(g);
}

/// Sleep until `deadline`.
pub(crate) fn sleep_until(deadline: Nanos, site: SiteRef) {
    let waiter = Waiter::new();
    let why = Why { reason: WaitReason::Sleep, site, object: 0 };
    waiter.park_until(deadline, why, || true);
}

/// Let others go first.
pub(crate) fn yield_now() {
    match current() {
        Some(g) if !std::thread::panicking() => run::give_way(g),
        _ => std::thread::yield_now(),
    }
}

/// Put a timer into the heap of whoever runs here.
///
/// # Safety
/// As for [`timers::add`].
pub(crate) unsafe fn start_timer(node: *const Node, deadline: Nanos) {
    if let Some(me) = current() {
        let inside = me.enter();
        if let Some(p) = inside.processor() {
            // SAFETY: by the contract.
            unsafe { timers::add(p.id, node, deadline) };
            return;
        }
    }
    start::ensure();
    // SAFETY: by the contract.
    unsafe { timers::add(0, node, deadline) };
    idle::timer_was_added(deadline);
}

/// Whether a goroutine runs here.
#[inline]
pub(crate) fn is_goroutine() -> bool {
    current().is_some()
}

/// What the engine outside of models remembers of the running goroutine, if one runs here.
#[inline]
pub(crate) fn mine() -> Option<&'static Mine> {
    current().map(|g| &g.mine)
}

/// Whether who holds something may let go of it while we look: not with a single processor.
#[inline]
pub(crate) fn spinning_helps() -> bool {
    p::count() != 1
}

/// Goroutines that have not ended.
pub(crate) fn goroutines() -> usize {
    p::live()
}

/// Start a goroutine that nobody waits for, and whose panic nobody minds.
pub(crate) fn spawn(f: impl FnOnce() + Send + 'static, name: Option<String>, site: SiteRef) {
    drop(task::start(f, name, site, Uncaught::Ignore));
}
