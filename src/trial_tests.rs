//! Running a program under the model in a unit test: `explore(100, || …)` runs it a hundred times
//! and gives the first execution that found something.
//!
//! Invariant: every execution can be torn down: no goroutine is left in the middle of unwinding.

use crate::explore::strategies::Random;
use crate::model::{Limits, Report, Worker};
use selvedge_checkers::finding::{Evidence, Severity, Slug};
use std::collections::BTreeSet;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

/// Run `f` in up to `n` random executions; the first whose report is `wanted`, with its number.
#[track_caller]
pub(crate) fn explore_until(
    limits: Limits,
    n: u64,
    f: impl Fn() + Send + Sync + 'static,
    wanted: impl Fn(&Report) -> bool,
) -> Option<(u64, Report)> {
    let site = Location::caller();
    let body: Arc<dyn Fn() + Send + Sync> = Arc::new(f);
    let mut worker = Worker::new(Box::new(Random::new(1)), limits, Arc::default());
    (0..n).find_map(|i| {
        let report = worker.run(i, &body, site, false).expect("random exploration never ends");
        assert!(!worker.is_tainted(), "a goroutine could not be unwound: {report:?}");
        wanted(&report).then_some((i, report))
    })
}

/// Run `f` in up to `n` random executions; the first report with an error, if there is one.
#[track_caller]
pub(crate) fn explore(n: u64, f: impl Fn() + Send + Sync + 'static) -> Option<Report> {
    let fails = |r: &Report| r.findings.iter().any(|f| f.slug.severity() == Severity::Error);
    explore_until(Limits::default(), n, f, fails).map(|(_, report)| report)
}

/// What the first finding within `n` executions is called.
#[track_caller]
pub(crate) fn slug(n: u64, f: impl Fn() + Send + Sync + 'static) -> Option<Slug> {
    explore(n, f).map(|report| report.findings[0].slug)
}

/// Run `f` `n` times; nothing must be found.
#[track_caller]
pub(crate) fn clean(n: u64, f: impl Fn() + Send + Sync + 'static) {
    let found = explore(n, f);
    assert!(found.is_none(), "{found:?}");
}

/// The different results of `f` in `n` executions, in which nothing must be found.
#[track_caller]
pub(crate) fn outcomes<T>(n: u64, f: impl Fn() -> T + Send + Sync + 'static) -> BTreeSet<T>
where
    T: Ord + Send + 'static,
{
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let results = Arc::clone(&seen);
    clean(n, move || {
        let value = f();
        results.lock().unwrap_or_else(PoisonError::into_inner).insert(value);
    });
    std::mem::take(&mut seen.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The first execution of 300 that found anything, be it only a warning.
pub(crate) fn remarkable(f: impl Fn() + Send + Sync + 'static) -> Option<Report> {
    explore_until(Limits::default(), 300, f, |report| !report.findings.is_empty()).map(|(_, report)| report)
}

/// No execution of 300 finds anything, not even a warning.
#[track_caller]
pub(crate) fn silent(f: impl Fn() + Send + Sync + 'static) {
    let found = remarkable(f);
    assert!(found.is_none(), "{found:#?}");
}

/// What is found first in 300 executions, be it only a warning.
pub(crate) fn first(f: impl Fn() + Send + Sync + 'static) -> Option<Slug> {
    remarkable(f).map(|report| report.findings[0].slug)
}

/// Whether some execution of 300 makes the body panic, with this text.
pub(crate) fn panics_with(text: &str, f: impl Fn() + Send + Sync + 'static) -> bool {
    remarkable(f).is_some_and(|report| {
        report.findings.iter().any(|found| match &found.evidence {
            Evidence::Panic { message, .. } => message.contains(text),
            _ => false,
        })
    })
}
