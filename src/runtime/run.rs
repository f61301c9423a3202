//! Running one goroutine: the switch to it and what follows when it comes back.
//!
//! What a goroutine yields is a command: [`GIVE_WAY`], [`SURRENDER`], or the address of an [`Order`]
//! on its stack. Invariants: nobody else sees the goroutine between its switch away and the end of
//! the order, so it cannot be resumed before it has left its stack; the processor is looked up anew
//! after every switch, since the monitor may have taken it.

use super::arena::Slot;
use super::clock::{self, NEVER};
use super::done::{Finish, Joined};
use super::g::{G, Status};
use super::m::M;
use super::p::Owned;
use super::wait::Waiter;
use super::{audit, fatal, global, idle, mode, names, sched, trace, world};
use corosensei::{Coroutine, CoroutineResult};
use std::mem::ManuallyDrop;
use std::sync::atomic::Ordering;

/// Back to the end of the queue.
const GIVE_WAY: usize = 0;
/// The goroutine has lost its processor: to the global queue, and the thread looks for another.
const SURRENDER: usize = 1;

/// What a parked goroutine wants done once it has left its stack; false if it is to go on at once.
#[repr(C)]
struct Order<F> {
    carry_out: unsafe fn(*const ()) -> bool,
    release: ManuallyDrop<F>,
}

#[inline(always)]
fn suspend(g: &'static G, command: usize) {
    audit::look(g);
    // SAFETY: the goroutine runs (it is the caller), and its yielder lives at the bottom of its stack.
    let yielder = unsafe { &*g.yielder.get() };
    let mut request = yielder.suspend(command);
    // Resumed only to tell where it is: the command still stands.
    while request != 0 {
        // SAFETY: what it is resumed with besides 0 is the address of a request that waits for us.
        unsafe { trace::obey(request) };
        request = yielder.suspend(command);
    }
}

/// Park the running goroutine `g` until somebody makes it ready; `release` lets them.
#[inline]
pub(super) fn park<F: FnOnce() -> bool>(g: &'static G, release: F) {
    /// # Safety
    /// `order` points to an `Order<F>` whose `release` nobody has taken.
    unsafe fn carry_out<F: FnOnce() -> bool>(order: *const ()) -> bool {
        // SAFETY: by the contract. Once `release` runs the order may be gone, so it is moved out.
        let release = unsafe { std::ptr::read(&raw const (*order.cast::<Order<F>>()).release) };
        ManuallyDrop::into_inner(release)()
    }
    let order = Order { carry_out: carry_out::<F>, release: ManuallyDrop::new(release) };
    suspend(g, (&raw const order).expose_provenance());
}

/// Let others run first, if there are any.
#[inline]
pub(super) fn give_way(g: &'static G) {
    if !is_alone(g) {
        suspend(g, GIVE_WAY);
    }
}

/// Whether nobody could run in place of the running goroutine: then it need not leave its stack to find
/// that out. When the scheduler would look at the clock, at the global queue or for I/O, it does all the same.
#[inline]
fn is_alone(g: &'static G) -> bool {
    let inside = g.enter();
    let Some(p) = inside.processor() else { return false };
    let tick = p.tick.load(Ordering::Relaxed);
    let alone = !p.has_work()
        && (p.timers.next() == NEVER || !tick.is_multiple_of(sched::CLOCK_EVERY))
        && !tick.is_multiple_of(sched::GLOBAL_EVERY)
        && inside.m.bound_len() == 0
        && global::len() == 0
        && p.timers.next() > clock::coarse()
        && !inside.m.exclusive.load(Ordering::Relaxed)
        && !idle::somebody_wants()
        && !world::is_stopping();
    if alone {
        // As if it had run anew, which is counted there otherwise.
        p.tick.store(tick.wrapping_add(1), Ordering::Relaxed);
    }
    alone
}

/// The running goroutine found out that its processor was taken: wait for another.
#[cold]
pub(super) fn surrender(g: &'static G) {
    if !std::thread::panicking() {
        suspend(g, SURRENDER);
    }
}

/// Run a goroutine until it waits, gives way or ends.
pub(super) fn run(m: &'static M, p: Owned, g: &'static G) {
    if !g.started.get() {
        start(m, &p, g);
    }
    p.tick.store(p.tick.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    g.m.store(std::ptr::from_ref(m).cast_mut(), Ordering::Relaxed);
    g.set(Status::Running);
    m.current.store(std::ptr::from_ref(g).cast_mut(), Ordering::Relaxed);
    m.handshake.leave();
    // SAFETY: this thread holds the goroutine, took it from a queue, and nobody else resumes it.
    let result = unsafe { g.code().resume(0) };
    m.handshake.enter();
    m.current.store(std::ptr::null_mut(), Ordering::Relaxed);
    match result {
        CoroutineResult::Yield(GIVE_WAY) => {
            g.set(Status::Runnable);
            requeue(m, g);
        }
        CoroutineResult::Yield(SURRENDER) => {
            g.set(Status::Runnable);
            match m.owned() {
                // It was given back meanwhile.
                Some(p) => p.append(m, g),
                None => M::post(g),
            }
        }
        CoroutineResult::Yield(order) => {
            check_canary(g);
            // Before the order: after it the goroutine may be running elsewhere.
            g.set(Status::Waiting);
            let order = std::ptr::with_exposed_provenance::<()>(order);
            // SAFETY: `park` made the order, `carry_out` is its first field, and the goroutine is
            // still parked in `park`.
            let parked = unsafe {
                let carry_out = *order.cast::<unsafe fn(*const ()) -> bool>();
                carry_out(order)
            };
            if !parked {
                g.set(Status::Runnable);
                requeue(m, g);
            }
        }
        CoroutineResult::Return(()) => retire(m, g),
    }
}

fn requeue(m: &'static M, g: &'static G) {
    match m.owned() {
        // Nobody need be woken: as many wait as before, and this thread goes on looking.
        Some(p) => p.append(m, g),
        None => M::post(g),
    }
}

/// Give a new goroutine a stack.
fn start(m: &'static M, p: &Owned, g: &'static G) {
    if !mode::migrates() {
        g.home.store(std::ptr::from_ref(m).cast_mut(), Ordering::Relaxed);
    }
    let slot: Slot = p.stack();
    slot.assign(g);
    g.slot.set(Some(slot));
    g.start(Coroutine::with_stack(slot, move |yielder, _| {
        g.yielder.set(yielder);
        g.run_body();
    }));
}

/// The goroutine has ended: its stack goes back, and its record, unless who has its handle still needs that.
fn retire(m: &'static M, g: &'static G) {
    check_canary(g);
    names::clear(g);
    if g.locks.load(Ordering::Relaxed) != 0 && mode::migrates() {
        m.exclusive.store(false, Ordering::Relaxed);
    }
    // SAFETY: the code has come to its end, and this thread holds the goroutine.
    let slot = unsafe { g.finish() };
    match m.owned() {
        Some(p) => p.give_stack(slot),
        None => Slot::give([slot].into_iter()),
    }
    let has_result = g.has_body();
    match g.done.finish() {
        Finish::Nobody => {}
        Finish::Waiter(waiter) => {
            // SAFETY: who waits at a goroutine's end released the waiter with its address, and `finish` gave it to us alone.
            let waiting = unsafe { Waiter::take(std::ptr::with_exposed_provenance(waiter)) };
            waiting.into_iter().for_each(|g| make_ready(m, g));
        }
        Finish::Left if has_result => {
            // The handle was dropped just now. What dropping a result does is user code, which runs on a goroutine.
            g.done.restart(Joined::Never);
            g.set(Status::Runnable);
            requeue(m, g);
        }
        Finish::Left => match m.owned() {
            Some(p) => p.recycle(g),
            None => super::g::give([g].into_iter()),
        },
    }
}

/// A goroutine that waited for one that has ended may go on.
fn make_ready(m: &'static M, g: &'static G) {
    g.set(Status::Runnable);
    match m.owned() {
        Some(p) => p.ready(m, g),
        None => M::post(g),
    }
}

#[inline]
fn check_canary(g: &'static G) {
    if g.slot.get().is_some_and(Slot::is_overrun) {
        fatal::overflow(g);
    }
}
