//! `SELVEDGE_SCHEDTRACE=1000`: what the scheduler is doing, on stderr, every so many milliseconds; with
//! `SELVEDGE_SCHEDTRACE=1000,scheddetail=1` also what each processor, thread and goroutine does.
//!
//! Invariants: the lines are those of Go's `GODEBUG=schedtrace=1000,scheddetail=1`, so that its readers read them,
//! less the fields that mean nothing here. Go's word "threads" counts ours and not those of others. Nothing is
//! stopped for it: what is told of each was true at some moment.
//!
//! Source: Go's `runtime/proc.go`, `schedtrace`.

use super::clock::{self, Nanos};
use super::g::{self, Status};
use super::m::M;
use super::{global, idle, m, p};
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

const MILLI: Nanos = 1_000_000;

/// When to print, if at all.
pub(super) struct Trace {
    every: Nanos,
    next: Nanos,
    detail: bool,
}

impl Trace {
    /// As the environment says.
    ///
    /// # Panics
    /// If it says what is no number of milliseconds.
    pub(super) fn from_environment() -> Option<Trace> {
        let text = std::env::var("SELVEDGE_SCHEDTRACE").ok().filter(|text| !text.is_empty())?;
        let (every, detail) = parse(&text).unwrap_or_else(|error| panic!("{error}"))?;
        Some(Trace { every, next: clock::now() + every, detail })
    }

    /// How long until the next line.
    pub(super) fn left(&self, now: Nanos) -> Nanos {
        self.next.saturating_sub(now)
    }

    /// Print a line if it is time.
    pub(super) fn look(&mut self, now: Nanos) {
        if now >= self.next {
            self.next = now + self.every;
            let mut text = line(now);
            if self.detail {
                tell_details(&mut text);
            }
            eprintln!("{text}");
        }
    }
}

/// The interval, and whether details are wanted; none if nothing is.
fn parse(text: &str) -> Result<Option<(Nanos, bool)>, String> {
    let (millis, detail) = match text.split_once(',') {
        None | Some((_, "scheddetail=0")) => (text.split(',').next(), false),
        Some((millis, "scheddetail=1")) => (Some(millis), true),
        Some(_) => (None, false),
    };
    match millis.and_then(|millis| millis.parse::<u32>().ok()) {
        Some(0) => Ok(None),
        Some(millis) => Ok(Some((Nanos::from(millis) * MILLI, detail))),
        None => Err(format!(
            "selvedge: SELVEDGE_SCHEDTRACE = {text:?}: expected milliseconds, as 1000, or 1000,scheddetail=1"
        )),
    }
}

/// A line for each processor, thread and goroutine.
fn tell_details(text: &mut String) {
    let threads = m::all();
    let number = |m: *const M| threads.iter().position(|&known| std::ptr::eq(known, m));
    let show = |number: Option<usize>| number.map_or("nil".into(), |number| number.to_string());
    for p in p::all() {
        let m = number(p.m.load(Ordering::Relaxed));
        let (status, tick) = (u32::from(m.is_some()), p.tick.load(Ordering::Relaxed));
        let _ = write!(
            text,
            "\n  P{}: status={status} schedtick={tick} m={} runqsize={} timerslen={}",
            p.id,
            show(m),
            p.queued(),
            p.timers.len(),
        );
    }
    for (nth, m) in threads.iter().enumerate() {
        // SAFETY: records of goroutines are never freed.
        let current = unsafe { m.current.load(Ordering::Relaxed).as_ref() };
        let rests = idle::rests(m);
        let _ = write!(
            text,
            "\n  M{nth}: p={} curg={} blocked={rests} insyscall={} bound={} tid={}",
            show(m.p().map(|p| p.id)),
            current.map_or("nil".into(), |g| g.id().to_string()),
            m.blocks.load(Ordering::Relaxed),
            m.bound_len(),
            m.tid.load(Ordering::Relaxed),
        );
    }
    g::each(|g| {
        // Go's numbers.
        let status = if g.is(Status::Runnable) {
            1
        } else if g.is(Status::Running) {
            2
        } else if g.is(Status::Waiting) {
            4
        } else {
            return;
        };
        let reason = g.wait().map_or("", |wait| wait.reason.text());
        let m = number(g.m.load(Ordering::Relaxed)).filter(|_| status == 2);
        let locked = g.home().and_then(|home| number(home));
        let _ =
            write!(text, "\n  G{}: status={status}({reason}) m={} lockedm={}", g.id(), show(m), show(locked));
    });
}

fn line(now: Nanos) -> String {
    let gate = idle::gate();
    let resting = m::all().into_iter().filter(|m| idle::rests(m)).count();
    let mut text = format!(
        "SCHED {}ms: gomaxprocs={} idleprocs={} threads={} spinningthreads={} needspinning=0 idlethreads={} runqueue={} [",
        now / MILLI,
        p::count(),
        gate.idle(),
        // The monitor is one as well.
        m::count() + 1,
        gate.spinning(),
        resting,
        global::len(),
    );
    p::all().for_each(|p| _ = write!(text, " {}", p.queued()));
    text.push_str(" ] schedticks=[");
    p::all().for_each(|p| _ = write!(text, " {}", p.tick.load(Ordering::Relaxed)));
    let _ = write!(text, " ] goroutines={}", p::live());
    text
}

#[test]
fn an_interval_is_in_milliseconds() {
    assert_eq!(parse("0"), Ok(None));
    assert_eq!(parse("250"), Ok(Some((250 * MILLI, false))));
    assert_eq!(parse("250,scheddetail=1"), Ok(Some((250 * MILLI, true))));
    assert_eq!(parse("250,scheddetail=0"), Ok(Some((250 * MILLI, false))));
    assert!(parse("250,detail").is_err());
    assert!(parse("1s").unwrap_err().contains("SELVEDGE_SCHEDTRACE = \"1s\""));
}
