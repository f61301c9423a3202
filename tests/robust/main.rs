//! Whatever the program under test does, the process survives, the report names the place, and the
//! next exploration starts from a clean world.
//!
//! ```ignore
//! let outcome = explorer().run(|| panic!("lost"));
//! assert_eq!(slug(&outcome), Some(Slug::Panic));
//! still_works(); // the same thread explores again
//! ```

mod drops;
mod outside;
mod overflow;
mod panics;
mod scale;
mod stuck;
mod teardown;

use selvedge::explore::spec::StrategySpec;
use selvedge::{Explorer, Finding, Outcome, Slug, chan, go};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A few executions with a fixed seed: as many as that, although most of the programs have fewer traces.
#[track_caller]
fn explorer() -> Explorer {
    Explorer::new().executions(20).seed(7).strategy(StrategySpec::Random)
}

/// An explorer that soon gives up on a goroutine that makes no step.
#[track_caller]
fn impatient() -> Explorer {
    explorer().watchdog(Duration::from_millis(300))
}

fn slug(outcome: &Outcome) -> Option<Slug> {
    outcome.failure().map(|f| f.slug)
}

/// The message of a finding that has one.
fn message(outcome: &Outcome) -> &str {
    match outcome.failure().map(|f| &f.evidence) {
        Some(selvedge::Evidence::Panic { message, .. }) => message,
        other => panic!("expected a panic: {other:?}"),
    }
}

/// The line a finding is anchored to, in the file of the caller.
#[track_caller]
fn line(finding: &Finding) -> u32 {
    let here = std::panic::Location::caller();
    let site = finding.site().unwrap_or_else(|| panic!("no place: {finding:?}"));
    assert!(site.file.ends_with(here.file()), "{site:?} is not in {}", here.file());
    site.line
}

/// A program with goroutines, a channel and a panic that is caught: everything that could have been
/// left in disorder is used.
#[track_caller]
fn still_works() {
    for jobs in [1, 2] {
        let outcome = explorer().jobs(jobs).run(|| {
            let (tx, rx) = chan(0);
            let sender = go(move || tx.send(1));
            assert_eq!(rx.recv(), Some(1));
            sender.join().unwrap();
            assert!(go(|| panic!("caught")).join().is_err());
            assert!(!std::thread::panicking());
        });
        assert!(outcome.is_clean(), "with {jobs} jobs: {outcome}");
        assert_eq!(outcome.executions, 20);
    }
}

/// Counts the values that are made and dropped.
#[derive(Default)]
struct Census {
    made: AtomicUsize,
    dropped: AtomicUsize,
}

/// A value of a [`Census`].
struct Counted(&'static Census);

impl Census {
    const fn new() -> Census {
        Census { made: AtomicUsize::new(0), dropped: AtomicUsize::new(0) }
    }

    fn value(&'static self) -> Counted {
        self.made.fetch_add(1, Ordering::Relaxed);
        Counted(self)
    }

    /// Every value was dropped, and none twice.
    #[track_caller]
    fn settle(&self) {
        let (made, dropped) = (self.made.load(Ordering::Relaxed), self.dropped.load(Ordering::Relaxed));
        assert!(made > 0, "nothing was counted");
        assert_eq!(made, dropped, "values made and dropped");
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}
