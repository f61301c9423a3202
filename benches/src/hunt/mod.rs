//! How many executions, and how long, each strategy takes to find the bugs of the corpus: the medians over
//! so many seeds, and how many bugs each strategy finds.
//!
//! Invariant: an execution counts as having found the bug when it shows it under one of the names in the
//! catalogue. A search ends with the first finding of whatever name; a name the catalogue does not have for
//! that program makes the run fail, and so does a bug that the default strategy misses with half of its
//! seeds.

mod beside;
mod compare;
mod ours;
pub(crate) mod peers;
mod table;

use crate::measure::median;
use selvedge_fixtures::{Fixture, Twin};
use std::time::Duration;
pub(crate) use table::{json, text};

/// How much to measure.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// Explorations of each strategy, from another seed each.
    seeds: u64,
    /// An exploration is given up after so many executions.
    cap: u64,
    /// Or after so long.
    time: Duration,
}

impl Effort {
    /// Enough to publish.
    pub(crate) const FULL: Effort = Effort { seeds: 20, cap: 1_000, time: Duration::from_secs(5) };
    /// Enough to see that every program runs.
    pub(crate) const QUICK: Effort = Effort { seeds: 1, cap: 50, time: Duration::from_secs(1) };
}

/// A strategy of an engine.
#[derive(Clone, Copy)]
struct Column {
    engine: &'static str,
    strategy: &'static str,
}

/// One exploration.
struct Hunt {
    /// How many executions it took to find the bug, that one included, if it was found.
    executions: Option<u64>,
    /// Until it was found or given up.
    seconds: f64,
}

/// What a strategy came to on a program.
struct Figures {
    /// The explorations that found the bug.
    found: usize,
    seeds: usize,
    /// The median over all of them, where one that found nothing takes for ever; `None` if that is for ever.
    executions: Option<f64>,
    /// The median of the seconds, of all of them.
    seconds: f64,
}

impl Figures {
    fn of(hunts: &[Hunt]) -> Figures {
        let executions = hunts.iter().map(|hunt| hunt.executions.map_or(f64::INFINITY, |n| n as f64));
        Figures {
            found: hunts.iter().filter(|hunt| hunt.executions.is_some()).count(),
            seeds: hunts.len(),
            executions: Some(median(executions.collect())).filter(|n| n.is_finite()),
            seconds: median(hunts.iter().map(|hunt| hunt.seconds).collect()),
        }
    }
}

/// A line of the table.
pub(crate) struct Row {
    fixture: &'static Fixture,
    /// In the order of the columns; `None` where a strategy is not tried.
    figures: Vec<Option<Figures>>,
    /// Names of findings that the catalogue does not have for the program.
    strange: Vec<&'static str>,
}

impl Row {
    /// What is wrong with the row, if something is.
    pub(crate) fn objection(&self) -> Option<String> {
        let name = self.fixture.name;
        if !self.strange.is_empty() {
            return Some(format!("{name}: {}", self.strange.join(", ")));
        }
        let missed = self.figures[0].as_ref().filter(|figures| figures.executions.is_none())?;
        Some(format!("{name}: the default finds it from {} of {} seeds", missed.found, missed.seeds))
    }
}

/// The columns, in the order of a row's figures: ours first, the default before all.
fn columns() -> impl Iterator<Item = Column> {
    ours::columns().chain(peers::columns())
}

/// The programs with a bug.
pub(crate) fn all() -> impl Iterator<Item = &'static Fixture> {
    selvedge_fixtures::all().filter(|fixture| fixture.twin == Twin::Buggy && fixture.number.is_some())
}

/// The row of a program.
pub(crate) fn row(fixture: &'static Fixture, effort: Effort) -> Row {
    row_beside(fixture, effort, peers::figures(fixture, effort))
}

fn row_beside(fixture: &'static Fixture, effort: Effort, theirs: Vec<Option<Figures>>) -> Row {
    let mut strange = Vec::new();
    let mut figures = ours::figures(fixture, effort, &mut strange);
    figures.extend(theirs);
    strange.sort_unstable();
    strange.dedup();
    Row { fixture, figures, strange }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(executions: &[Option<u64>]) -> Figures {
        let hunt = |&executions| Hunt { executions, seconds: 1.0 };
        Figures::of(&executions.iter().map(hunt).collect::<Vec<_>>())
    }

    #[test]
    fn a_bug_that_half_of_the_seeds_miss_has_no_median() {
        let most = figures(&[Some(3), None, Some(9), Some(5)]);
        assert_eq!((most.found, most.executions), (3, Some(7.0)));
        assert_eq!(figures(&[Some(3), None, None, Some(5)]).executions, None);
        assert_eq!(figures(&[None]).executions, None);
    }

    #[test]
    fn a_hunt_ends_with_the_bug() {
        let fixture = all().find(|fixture| fixture.name == "lo_abba").expect("it is in the corpus");
        let row = row_beside(fixture, Effort::QUICK, peers::columns().map(|_| None).collect());
        assert!(row.objection().is_none() && row.figures.len() == columns().count());
        assert!(row.figures[0].as_ref().and_then(|f| f.executions).is_some_and(|n| n < 50.0));
        let [text, json] = [text(&[row]), json(&[])];
        // The summary of each strategy, and that of the best of the peers.
        assert!(text.contains("lo_abba") && json.lines().count() == columns().count() + 1, "{text}");
    }
}
