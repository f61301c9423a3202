//! What tests inside a model have in common: run a body many times, look at what was found.

use crate::model::{Limits, Report};
use crate::testing::explore_until;
use selvedge_checkers::finding::Slug;

/// The first execution of `n` that found something.
pub(crate) fn explore_within(
    limits: Limits,
    n: u64,
    f: impl Fn() + Send + Sync + 'static,
) -> Option<(u64, Report)> {
    explore_until(limits, n, f, |report| !report.findings.is_empty())
}

/// No execution of 300 finds anything.
#[track_caller]
pub(crate) fn clean(f: impl Fn() + Send + Sync + 'static) {
    let found = explore_within(Limits::default(), 300, f);
    assert!(found.is_none(), "{found:#?}");
}

/// What is found first in 300 executions.
pub(crate) fn slug(f: impl Fn() + Send + Sync + 'static) -> Option<Slug> {
    explore_within(Limits::default(), 300, f).map(|(_, report)| report.findings[0].slug)
}

/// Whether some execution of 300 makes the body panic, with this text.
pub(crate) fn panics_with(text: &str, f: impl Fn() + Send + Sync + 'static) -> bool {
    use selvedge_checkers::finding::Evidence;
    explore_within(Limits::default(), 300, f).is_some_and(|(_, report)| {
        report.findings.iter().any(|found| match &found.evidence {
            Evidence::Panic { message, .. } => message.contains(text),
            _ => false,
        })
    })
}
