//! `SELVEDGE_SCHEDTRACE=1000`: what the scheduler is doing, on stderr, every so many milliseconds.
//!
//! Invariant: the line is that of Go's `GODEBUG=schedtrace=1000`, so that its readers read it. Go's word
//! "threads" counts ours and not those of others.
//!
//! Source: Go's `runtime/proc.go`, `schedtrace`.

use super::clock::{self, Nanos};
use super::{global, idle, m, p};
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

const MILLI: Nanos = 1_000_000;

/// When to print, if at all.
pub(super) struct Trace {
    every: Nanos,
    next: Nanos,
}

impl Trace {
    /// As the environment says.
    ///
    /// # Panics
    /// If it says what is no number of milliseconds.
    pub(super) fn from_environment() -> Option<Trace> {
        let text = std::env::var("SELVEDGE_SCHEDTRACE").ok().filter(|text| !text.is_empty())?;
        let every = parse(&text).unwrap_or_else(|error| panic!("{error}"))?;
        Some(Trace { every, next: clock::now() + every })
    }

    /// How long until the next line.
    pub(super) fn left(&self, now: Nanos) -> Nanos {
        self.next.saturating_sub(now)
    }

    /// Print a line if it is time.
    pub(super) fn look(&mut self, now: Nanos) {
        if now >= self.next {
            self.next = now + self.every;
            eprintln!("{}", line(now));
        }
    }
}

fn parse(text: &str) -> Result<Option<Nanos>, String> {
    match text.parse::<u32>() {
        Ok(0) => Ok(None),
        Ok(millis) => Ok(Some(Nanos::from(millis) * MILLI)),
        Err(_) => Err(format!("selvedge: SELVEDGE_SCHEDTRACE = {text:?}: expected milliseconds, as 1000")),
    }
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
    assert_eq!(parse("250"), Ok(Some(250 * MILLI)));
    assert!(parse("1s").unwrap_err().contains("SELVEDGE_SCHEDTRACE = \"1s\""));
}
