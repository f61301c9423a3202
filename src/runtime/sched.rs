//! The loop of every thread: find a goroutine, run it, again.
//!
//! Where the next goroutine comes from, in this order: every [`GLOBAL_EVERY`]th time the global queue,
//! so that it cannot starve, after a look for I/O; timers that are due; every other time a goroutine bound to this thread;
//! the processor's `next`; its ring; bound ones; the global queue; other processors' rings. A thread
//! that finds nothing spins for some tens of microseconds, if not too many do, and then rests.
//! Invariants: this code runs on the thread's own stack, which is inside the runtime; a thread runs a
//! goroutine only while it holds a processor.

use super::clock::{self, NEVER, Nanos};
use super::g::G;
use super::m::M;
use super::p::{self, Owned, P};
use super::{global, host, idle, m, mode, overflow, pin, run, slice, world};
use std::hint::spin_loop;
use std::sync::atomic::Ordering;

/// As Go: a prime, so that it does not fall in step with what programs do.
pub(super) const GLOBAL_EVERY: u32 = 61;
/// How often a processor with timers reads the exact clock.
pub(super) const CLOCK_EVERY: u32 = 16;
/// How long a spinner looks before it rests, and the first and longest interval between two looks. Each takes
/// lines of the caches away from those who work.
const SPIN: Nanos = 30_000;
const SHORTEST: Nanos = 200;
const LONGEST: Nanos = 3_200;
/// How many to take from the global queue at once.
const BATCH: usize = 64;

/// The life of a thread.
pub(super) fn work(m: &'static M) -> ! {
    set_up(m);
    m.receive();
    loop {
        step(m);
    }
}

/// The host's part: run goroutines until main has returned.
pub(super) fn host(m: &'static M) {
    set_up(m);
    while !host::is_over() {
        step(m);
    }
    world::leave(m);
}

fn set_up(m: &'static M) {
    overflow::protect_thread();
    slice::shorten();
    if mode::pins() {
        pin::pin(m::all().iter().position(|&other| std::ptr::eq(other, m)).unwrap_or(0));
    }
    #[cfg(target_os = "linux")]
    // SAFETY: takes nothing, and cannot fail.
    m.tid.store(unsafe { libc::gettid() } as u32, Ordering::Relaxed);
}

/// Run one goroutine, or rest.
fn step(m: &'static M) {
    if world::is_stopping() {
        world::halt(m);
    }
    let Some(p) = m.owned() else { return idle::regain(m) };
    let Some(g) = find(m, &p) else { return idle::rest(m) };
    if m.spinning.get() {
        idle::spinner_found_work(m);
    }
    run::run(m, p, g);
    // Only after a goroutine has run here: a processor that went from thread to thread before
    // would never come to run one.
    let Some(p) = m.owned() else { return };
    if m.exclusive.load(Ordering::Relaxed) && p.has_work() {
        // This thread is not for what waits there.
        m.release().into_iter().for_each(idle::place);
    } else if idle::somebody_wants() && p.tick.load(Ordering::Relaxed).is_multiple_of(GLOBAL_EVERY) {
        idle::pass_on(m);
    }
}

fn find(m: &'static M, p: &Owned) -> Option<&'static G> {
    if m.exclusive.load(Ordering::Relaxed) {
        return m.pop_bound();
    }
    let tick = p.tick.load(Ordering::Relaxed);
    if tick.is_multiple_of(GLOBAL_EVERY) {
        idle::look_for_io(m);
        if let Some(g) = from_global(m, p, 0) {
            return Some(g);
        }
    }
    look_at_timers(m, p, tick);
    // Turns of its own, which fall in step with nothing that goroutines do.
    if m.bound_first.replace(!m.bound_first.get())
        && let Some(g) = m.pop_bound()
    {
        return Some(g);
    }
    p.pop().or_else(|| m.pop_bound()).or_else(|| hunt(m, p))
}

/// One goroutine of the global queue, and up to `more` into the ring, which has room for them: what
/// spills would go back to the queue that is locked meanwhile.
fn from_global(m: &'static M, p: &Owned, more: usize) -> Option<&'static G> {
    global::take(more, p::count(), |g| p.append(m, g))
}

fn look_at_timers(m: &'static M, p: &Owned, tick: u32) {
    let next = p.timers.next();
    if next == NEVER {
        return;
    }
    let now = if tick.is_multiple_of(CLOCK_EVERY) { clock::refresh() } else { clock::coarse() };
    if next <= now {
        let mut added = false;
        p.timers.run(now, |g| {
            g.set(super::g::Status::Runnable);
            p.append(m, g);
            added = true;
        });
        if added {
            idle::work_was_added();
        }
    }
}

/// Nothing here: look everywhere else.
fn hunt(m: &'static M, p: &Owned) -> Option<&'static G> {
    let count = p::count();
    let gate = idle::gate();
    if count > 1 && !m.spinning.get() && 2 * gate.spinning() < count - gate.idle() {
        m.spinning.set(true);
        gate.spin();
    }
    let begun = clock::now();
    m.lookout.begin(count, m.look_around(begun));
    let (mut now, mut interval) = (begun, SHORTEST);
    loop {
        let is_last = !m.spinning.get() || now - begun >= SPIN;
        let worth = |victim: &'static P| m.lookout.is_worth_robbing(victim, now, is_last);
        let steal = || p.steal(gate, worth).inspect(|_| m.stole(now));
        let found = from_global(m, p, BATCH).or_else(steal).or_else(|| m.pop_bound());
        if found.is_some() {
            return found;
        }
        for other in p::all().filter(|other| other.timers.next() <= now) {
            other.timers.run(now, |g| {
                g.set(super::g::Status::Runnable);
                p.append(m, g);
            });
        }
        idle::look_for_io(m);
        let found = p.pop().or_else(|| m.pop_bound());
        if found.is_some() || is_last || idle::somebody_wants() || m.is_host && host::is_over() {
            return found;
        }
        let next = now + interval;
        while now < next {
            spin_loop();
            now = clock::now();
        }
        interval = (interval * 2).min(LONGEST);
    }
}
