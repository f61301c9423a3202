//! Goroutines that wait while they unwind from a panic.
//!
//! std counts panics by thread, so such a goroutine does not leave its stack: it blocks its thread, and the processor goes
//! to another. Where goroutines are bound to their threads those bound to this one cannot run meanwhile; if one of them
//! is to end the wait, nobody ever does. There is no way out of that: run beside it on its thread, they would see a
//! panic that is not theirs, and poison what they let go of. So it is said. Invariants: a wait without a deadline
//! is counted, here and by `told`, so "all goroutines are asleep" is seen in spite of the blocked thread;
//! while anything else goes on, a wait that keeps others from running for [`LONG`] is told of once.
//!
//! See decision 29.

use super::clock::{self, Nanos};
use super::g::G;
use super::m::{self, M, current};
use super::wait::Why;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So long a thread may be kept from goroutines that are bound to it before it is told.
const LONG: Nanos = 1_000_000_000;

/// How many goroutines wait so without a deadline.
static KEPT: AtomicUsize = AtomicUsize::new(0);

/// A wait of a goroutine that unwinds; until dropped.
pub(super) struct Kept {
    m: &'static M,
    for_ever: bool,
}

impl Kept {
    /// The caller is about to block its thread. None if it is no goroutine.
    pub(super) fn begin(why: Why, for_ever: bool) -> Option<Kept> {
        let g = current()?;
        let m = g.thread();
        g.waits_for(why.reason, why.site, why.object, None, clock::coarse());
        m.keeps.store(clock::now().max(1), Ordering::Release);
        KEPT.fetch_add(usize::from(for_ever), Ordering::SeqCst);
        Some(Kept { m, for_ever })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.m.keeps.store(0, Ordering::Release);
        KEPT.fetch_sub(usize::from(self.for_ever), Ordering::SeqCst);
    }
}

/// How many wait so without a deadline, or have not come to run since they were told.
fn kept() -> usize {
    KEPT.load(Ordering::SeqCst)
}

/// Whether `g`, which a thread runs, waits so.
pub(super) fn waits(g: &G) -> bool {
    // SAFETY: threads' records are never freed.
    let m = unsafe { g.m.load(Ordering::Relaxed).as_ref() };
    m.is_some_and(|m| {
        m.keeps.load(Ordering::Acquire) != 0 && std::ptr::eq(m.current.load(Ordering::Relaxed), g)
    })
}

/// How long the monitor may sleep, if there is one to look after.
pub(super) fn left() -> Option<Nanos> {
    (kept() != 0).then_some(LONG)
}

/// Tell of those that have kept others from running for long. By the monitor.
#[inline]
pub(super) fn look(now: Nanos) {
    if kept() != 0 {
        tell_late(now);
    }
}

#[cold]
fn tell_late(now: Nanos) {
    for m in m::all() {
        let since = m.keeps.load(Ordering::Acquire);
        let late = since != 0 && now.saturating_sub(since) > LONG && m.bound_len() != 0;
        if late && m.told_of.swap(since, Ordering::Relaxed) != since {
            let mut text = String::new();
            describe(m, &mut text);
            eprintln!("selvedge: {text}");
        }
    }
}

/// Every thread that is kept from goroutines bound to it.
pub(super) fn text() -> String {
    let mut text = String::new();
    for m in m::all() {
        if m.keeps.load(Ordering::Acquire) != 0 && m.bound_len() != 0 {
            text.push('\n');
            describe(m, &mut text);
        }
    }
    text
}

fn describe(m: &'static M, text: &mut String) {
    // SAFETY: records of goroutines are never freed.
    let Some(g) = (unsafe { m.current.load(Ordering::Relaxed).as_ref() }) else { return };
    let (who, left) = match m.bound_len() {
        1 => ("a goroutine", "it"),
        _ => ("goroutines", "one of them"),
    };
    let place = g.wait_site().map_or(String::new(), |site| format!(" at {}:{}", site.file(), site.line()));
    let _ = writeln!(
        text,
        "goroutine {} waits{place} while it unwinds from a panic, so it keeps its thread, and {who} bound to that cannot \
         run ({}). If {left} is to wake it, nobody ever does.\nhelp: do not wait in destructors that a panic may run, or let \
         goroutines change threads with #[selvedge::main(unsafe(migrate))]",
        g.id(),
        m.bound_len(),
    );
}
