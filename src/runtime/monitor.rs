//! The monitor: one thread that holds no processor and sees to it that nobody starves.
//!
//! At each round, every 20 microseconds to a millisecond while anything runs:
//! - a goroutine that has run for longer than [`LONG`] while others wait (or for [`VERY_LONG`], or is
//!   blocked in the kernel) loses its processor, which goes to another thread (see `handshake`);
//! - a goroutine that was made ready but not begun (`next`) because its maker runs on is moved where
//!   others can take it, if a processor is idle;
//! - an idle processor is put to work if work lies about or a timer is late, which mends the named
//!   scenarios "stale spinner" and "late keeper";
//! - I/O that nobody has looked for is looked for;
//! - stacks that were free for some seconds give their memory back.
//!
//! When nothing runs it sleeps until a processor is taken. Invariants: it takes no processor from a
//! thread that is inside the runtime; a round in which it overslept (the machine was suspended, the
//! container throttled) takes none.

use super::arena::Trimmed;
use super::clock::{self, NEVER, Nanos};
use super::handshake::Handshake;
use super::lookout::Mood;
use super::m::M;
use super::p::{self, P};
use super::parker::Parker;
use super::{
    arena, asleep, audit, fatal, global, idle, poller, quit, schedtrace, slice, stranded, timers, unwinding,
    wait,
};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const MICRO: Nanos = 1_000;
const MILLI: Nanos = 1_000 * MICRO;
/// Rounds at the shortest interval before it grows.
const EAGER: u32 = 50;
const SHORTEST: Nanos = 20 * MICRO;
const LONGEST: Nanos = MILLI;
/// A goroutine may run so long while others wait for its processor.
const LONG: Nanos = MILLI;
/// And so long if nobody does.
const VERY_LONG: Nanos = 10 * MILLI;
/// Work nobody begins waits so long before an idle processor is put to it.
const UNBEGUN: Nanos = 50 * MICRO;
/// Goroutines that run for so long each, on the average, are worth a processor more.
const SLOW: Nanos = 5 * MICRO;
/// A round that comes so late means that all of us stood still.
const OVERSLEPT: Nanos = 100 * MILLI;
/// How often free stacks are looked at.
const TRIM: Nanos = 5_000 * MILLI;
/// Rounds of nothing running before it sleeps for good.
const QUIET: u32 = 20;

static PARKER: LazyLock<Parker> = LazyLock::new(Parker::new);
static SLEEPS: AtomicBool = AtomicBool::new(false);

/// What was last seen of a processor.
#[derive(Clone, Copy)]
struct Seen {
    tick: u32,
    since: Nanos,
    m: usize,
}

/// Start the monitor's thread.
///
/// # Panics
/// If the system gives no thread, or the environment asks for what cannot be.
pub(super) fn start() {
    LazyLock::force(&PARKER);
    let trace = schedtrace::Trace::from_environment();
    let started = std::thread::Builder::new().name("selvedge-monitor".into()).spawn(move || watch(trace));
    if let Err(error) = started {
        panic!("selvedge: the system gives no thread for the monitor: {error}");
    }
}

/// A processor was taken: the monitor must run.
#[inline]
pub(super) fn wake() {
    if SLEEPS.load(Ordering::SeqCst) && SLEEPS.swap(false, Ordering::SeqCst) {
        PARKER.tell();
    }
}

/// The monitor must look, even if nothing runs. May be called in a signal handler.
pub(super) fn interrupt() {
    PARKER.tell();
}

fn watch(mut trace: Option<schedtrace::Trace>) {
    exact_sleeps();
    slice::shorten();
    let mut seen = vec![Seen { tick: 0, since: 0, m: 0 }; p::MOST];
    let mut pause = SHORTEST;
    let (mut rounds, mut quiet) = (0_u32, 0_u32);
    let mut trimmed = clock::now();
    let (mut dirty, mut trimming) = (true, false);
    loop {
        let before = clock::now();
        let next = timers::earliest();
        let left = if next == NEVER { pause } else { pause.min(next.saturating_sub(before)).max(SHORTEST) };
        std::thread::sleep(Duration::from_nanos(left));
        if quit::is_asked() {
            fatal::quit();
        }
        let now = clock::refresh();
        trace.iter_mut().for_each(|trace| trace.look(now));
        stranded::look(now);
        unwinding::look(now);
        audit::tell();
        if now - trimmed > TRIM {
            let left = arena::trim();
            dirty = left != Trimmed::Wholly;
            trimming = left == Trimmed::Partly;
            if trimming {
                pause = SHORTEST;
            } else {
                trimmed = now;
            }
        }
        if idle::gate().idle() == p::count() {
            quiet += 1;
            pause = (pause * 2).min(10 * LONGEST);
            if quiet >= QUIET && !trimming && next == NEVER && idle::is_all_quiet() {
                asleep::check();
                let line = trace.as_ref().map(|trace| trace.left(now));
                let told = stranded::left(now).into_iter().chain(unwinding::left());
                rest(dirty.then_some(TRIM).into_iter().chain(line).chain(told).min());
                (pause, rounds, quiet) = (SHORTEST, 0, 0);
                seen.iter_mut().for_each(|seen| seen.since = clock::now());
            } else {
                put_to_work(&seen, now, now - before);
            }
            continue;
        }
        if quiet > 0 {
            (pause, rounds, quiet) = (SHORTEST, 0, 0);
        }
        rounds += 1;
        if rounds > EAGER {
            pause = (pause * 2).min(LONGEST);
        }
        if now - before > left + OVERSLEPT {
            seen.iter_mut().for_each(|seen| seen.since = now);
            continue;
        }
        put_to_work(&seen, now, now - before);
        let mut acted = false;
        for p in p::all() {
            acted |= look(p, &mut seen[p.id], now);
        }
        if acted {
            (pause, rounds) = (SHORTEST, 0);
        }
    }
}

/// Nothing runs: sleep until something does.
fn rest(limit: Option<Nanos>) {
    SLEEPS.store(true, Ordering::SeqCst);
    // Whoever takes a processor from now on tells.
    if idle::gate().idle() == p::count() {
        PARKER.wait(limit);
    }
    SLEEPS.store(false, Ordering::SeqCst);
}

/// If a processor is idle while work lies about, or a timer is late: wake a thread. If nobody looks for I/O:
/// look. The last round was `past` ago.
fn put_to_work(seen: &[Seen], now: Nanos, past: Nanos) {
    if poller::is_stale(now) {
        poller::glance().into_iter().for_each(wait::ready);
    }
    let lies = || global::len() != 0 || p::all().any(|p| is_slow(p, &seen[p.id], past, Mood::at(now)));
    if idle::gate().idle() != 0 && (timers::earliest() <= now || lies()) {
        idle::work_was_added();
    }
}

/// Whether what lies in a ring is worth another processor. Where goroutines hand each other messages something
/// lies there at any moment, for less than a microsecond.
fn is_slow(p: &P, seen: &Seen, past: Nanos, mood: Mood) -> bool {
    let ran = p.tick.load(Ordering::Relaxed).wrapping_sub(seen.tick);
    !p.ring.is_empty() && (p.ring.len() >= mood.much() || Nanos::from(ran) <= past / SLOW)
}

/// Look at one processor; gives whether something was done about it.
fn look(p: &'static P, seen: &mut Seen, now: Nanos) -> bool {
    // SAFETY: threads' records are never freed.
    let Some(m) = (unsafe { p.m.load(Ordering::Acquire).as_ref() }) else { return false };
    let tick = p.tick.load(Ordering::Relaxed);
    let identity = std::ptr::from_ref(m).addr();
    if seen.tick != tick || seen.m != identity {
        *seen = Seen { tick, since: now, m: identity };
        return false;
    }
    let ran = now - seen.since;
    if m.current.load(Ordering::Relaxed).is_null() {
        return false;
    }
    if idle::gate().idle() != 0 && p.has_work() && (UNBEGUN..LONG).contains(&ran) {
        // What is moved goes to the global queue, which somebody is woken for.
        return move_next(p, m);
    }
    let waited_for = p.has_work() || global::len() != 0 || p.timers.next() <= now || idle::somebody_wants();
    let limit = match (waited_for, m.blocks.load(Ordering::Relaxed)) {
        (_, true) => 0,
        (true, false) => LONG,
        (false, false) => VERY_LONG,
    };
    ran >= limit && retake(p, m)
}

/// Move the goroutine that was to run next to where others can take it.
fn move_next(p: &'static P, m: &'static M) -> bool {
    let mut moved = false;
    while_outside(p, m, || {
        // SAFETY: the holder is outside of the runtime, and stays there meanwhile.
        if let Some(g) = unsafe { p.take_next() } {
            M::post(g);
            moved = true;
        }
    });
    moved
}

/// Take the processor from its thread and give it to another.
fn retake(p: &'static P, m: &'static M) -> bool {
    let taken = while_outside(p, m, || {
        // SAFETY: as in `move_next`.
        let next = unsafe { p.take_next() };
        m.release();
        next.into_iter().for_each(M::post);
    });
    if taken {
        p.tick.store(p.tick.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        idle::place(p);
    }
    taken
}

/// Run `f` if the thread holds the processor and is outside of the runtime.
fn while_outside(p: &'static P, m: &'static M, f: impl FnOnce()) -> bool {
    let mut done = false;
    let handshake: &Handshake = &m.handshake;
    handshake.while_outside(|| {
        if m.p().is_some_and(|held| std::ptr::eq(held, p)) {
            f();
            done = true;
        }
    });
    done
}

/// Sleeps of microseconds: the kernel adds 50 of its own otherwise.
fn exact_sleeps() {
    #[cfg(target_os = "linux")]
    // SAFETY: takes numbers only.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64, 0_u64, 0_u64, 0_u64);
    }
}
