//! Every checker with a program it must flag, and a near miss it must not.
//!
//! A flagged program says the name of its finding; a near miss, and each of the [`controls`], is
//! silent altogether: no error, no warning, no advice, in every execution that was explored.

mod advice;
mod borrows;
mod controls;
mod livelock;
mod locks;
mod misuse;
mod notifications;
mod races;
mod stuck;

use selvedge::harness::config::StrategySpec;
use selvedge::{Explorer, Outcome, Slug};

/// The default exploration finds `slug`, as an error or a warning.
#[track_caller]
fn flagged(slug: Slug, program: fn()) -> Outcome {
    flagged_by(Explorer::new(), slug, program)
}

#[track_caller]
fn flagged_by(explorer: Explorer, slug: Slug, program: fn()) -> Outcome {
    let outcome = explorer.run(program);
    let found = outcome.findings.iter().chain(&outcome.warnings).any(|f| f.slug == slug);
    assert!(found, "{slug:?} is not among {:?} {:?}", outcome.findings, outcome.warnings);
    outcome
}

/// Nothing is found: in any execution if there are few enough, otherwise in those with at most two
/// preemptions, and in two thousand random ones.
#[track_caller]
fn silent(program: fn()) {
    let outcome = Explorer::new().exhaustive().executions(4_000).run(program);
    assert_silent(&outcome);
    if !outcome.exhausted {
        assert_silent(&Explorer::new().exhaustive().preemptions(2).executions(4_000).run(program));
        assert_silent(&Explorer::new().strategy(StrategySpec::Random).executions(2_000).run(program));
    }
}

#[track_caller]
fn assert_silent(outcome: &Outcome) {
    assert!(outcome.is_clean() && outcome.truncated == 0, "{outcome}");
    assert!(outcome.warnings.is_empty(), "{:?}", outcome.warnings);
}
