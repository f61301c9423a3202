//! The columns of this library: the strategies that somebody might choose, with the defaults of a test.

use super::{Column, Effort, Figures, Hunt};
use selvedge::harness::config::StrategySpec;
use selvedge::{Explorer, Severity};
use selvedge_fixtures::{Expected, Fixture};

/// Name of the engine in the report.
const ENGINE: &str = "selvedge";

/// The default first.
const STRATEGIES: [(&str, StrategySpec); 8] = [
    ("mix", StrategySpec::Mix),
    ("random", StrategySpec::Random),
    ("pct3", StrategySpec::Pct(3)),
    ("pos", StrategySpec::Pos),
    ("surw", StrategySpec::Surw),
    ("frontier", StrategySpec::Frontier),
    ("optimal", StrategySpec::Optimal),
    ("flip", StrategySpec::Flip),
];

/// The columns, in the order of their figures.
pub(super) fn columns() -> impl Iterator<Item = Column> {
    STRATEGIES.iter().map(|&(strategy, _)| Column { engine: ENGINE, strategy })
}

/// What the strategies come to on a program; the names of findings it does not have are added to `strange`.
pub(super) fn figures(
    fixture: &Fixture,
    effort: Effort,
    strange: &mut Vec<&'static str>,
) -> Vec<Option<Figures>> {
    let mut of_strategy = |&(_, strategy): &(&str, StrategySpec)| {
        // The same for every seed.
        let seeds = if strategy == StrategySpec::Optimal { 1 } else { effort.seeds };
        let hunts = (1..=seeds).map(|seed| hunt(fixture.run, &fixture.expected, strategy, seed, effort));
        let (hunts, names): (Vec<Hunt>, Vec<_>) = hunts.unzip();
        strange.extend(names.into_iter().flatten());
        Some(Figures::of(&hunts))
    };
    STRATEGIES.iter().map(&mut of_strategy).collect()
}

/// One exploration up to the bug, and what else that execution shows that is not in the catalogue.
fn hunt(
    run: fn(),
    expected: &Expected,
    strategy: StrategySpec,
    seed: u64,
    effort: Effort,
) -> (Hunt, Vec<&'static str>) {
    let slugs = expected.slugs;
    let explorer = Explorer::new().strategy(strategy).seed(seed).time(effort.time).executions(effort.cap);
    let outcome = explorer.seek(run, move |finding| {
        finding.slug.severity() == Severity::Error || slugs.contains(&finding.slug.text())
    });
    let found: Vec<&str> = outcome.findings.iter().map(|finding| finding.slug.text()).collect();
    let is_known = |slug: &&str| slugs.contains(slug) || expected.also.contains(slug);
    let is_found = found.iter().any(|slug| slugs.contains(slug));
    let hunt = Hunt { executions: is_found.then_some(outcome.executions), seconds: outcome.seconds };
    (hunt, found.into_iter().filter(|slug| !is_known(slug)).collect())
}
