//! The default strategy against a peer's, over the patterns that both find.
//!
//! Invariant: a pattern counts on both sides or on none. *Hard* are those for which the peer needs more than
//! [`EASY`] executions: what anybody finds at once says nothing about a strategy.

use super::table::executions;
use super::{Row, ours, peers};
use crate::measure::median;

/// Executions, in the median, up to which a bug counts as found at once.
pub(super) const EASY: f64 = 4.0;

/// The medians of a pattern.
#[derive(Clone, Copy)]
struct Pair {
    theirs: f64,
    ours: f64,
}

/// Both sides over some patterns.
pub(super) struct Both {
    pub(super) patterns: usize,
    /// The median of the medians, and their sum, and the most; first theirs.
    pub(super) median: Option<[f64; 2]>,
    pub(super) sum: [f64; 2],
    pub(super) most: [f64; 2],
}

impl Both {
    fn of(pairs: &[Pair]) -> Both {
        let sides: [Vec<f64>; 2] =
            [pairs.iter().map(|p| p.theirs).collect(), pairs.iter().map(|p| p.ours).collect()];
        let most = |side: &[f64]| side.iter().copied().fold(0.0, f64::max);
        Both {
            patterns: pairs.len(),
            sum: [sides[0].iter().sum(), sides[1].iter().sum()],
            most: [most(&sides[0]), most(&sides[1])],
            median: (!pairs.is_empty()).then(|| sides.map(median)),
        }
    }

    /// Ours by theirs, of the medians and of the sums: below one if ours takes fewer executions.
    pub(super) fn ratios(&self) -> [Option<f64>; 2] {
        let by = |[theirs, ours]: [f64; 2]| ours / theirs;
        [self.median.map(by), (self.patterns > 0).then(|| by(self.sum))]
    }
}

/// A peer's strategy, or the best of all peers for each pattern, and our default.
pub(super) struct Comparison {
    pub(super) engine: &'static str,
    pub(super) strategy: &'static str,
    /// The patterns it can express.
    pub(super) patterns: usize,
    /// Those of them whose bug it finds from half of the seeds, and those whose bug we find.
    pub(super) found: [usize; 2],
    pub(super) all: Both,
    pub(super) hard: Both,
}

impl Comparison {
    /// `theirs` gives what they need for a pattern: nothing if they cannot express it, or do not find it.
    fn new(
        (engine, strategy): (&'static str, &'static str),
        rows: &[Row],
        theirs: impl Fn(&Row) -> Option<Option<f64>>,
    ) -> Comparison {
        let tried: Vec<(Option<f64>, Option<f64>)> =
            rows.iter().filter_map(|row| Some((theirs(row)?, executions(&row.figures[0])))).collect();
        let pair = |&(theirs, ours): &(Option<f64>, Option<f64>)| Some(Pair { theirs: theirs?, ours: ours? });
        let pairs: Vec<Pair> = tried.iter().filter_map(pair).collect();
        let hard: Vec<Pair> = pairs.iter().copied().filter(|pair| pair.theirs > EASY).collect();
        let theirs = tried.iter().filter(|(theirs, _)| theirs.is_some()).count();
        let ours = tried.iter().filter(|(_, ours)| ours.is_some()).count();
        let (all, hard) = (Both::of(&pairs), Both::of(&hard));
        Comparison { engine, strategy, patterns: tried.len(), found: [theirs, ours], all, hard }
    }
}

/// Each of the peers' strategies, and then the best of them for each pattern.
pub(super) fn comparisons(rows: &[Row]) -> Vec<Comparison> {
    let first = ours::columns().count();
    let mut all: Vec<Comparison> = peers::columns()
        .enumerate()
        .map(|(nth, column)| {
            let theirs = |row: &Row| row.figures[first + nth].as_ref().map(|figures| figures.executions);
            Comparison::new((column.engine, column.strategy), rows, theirs)
        })
        .collect();
    all.push(Comparison::new(("best", "peer"), rows, |row| {
        let tried = row.figures[first..].iter().flatten();
        let best = tried.clone().filter_map(|figures| figures.executions).min_by(f64::total_cmp);
        tried.clone().next().map(|_| best)
    }));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_ours_by_theirs() {
        let pairs = [(2.0, 1.0), (4.0, 4.0), (10.0, 5.0)].map(|(theirs, ours)| Pair { theirs, ours });
        let both = Both::of(&pairs);
        assert_eq!((both.median, both.sum, both.most), (Some([4.0, 4.0]), [16.0, 10.0], [10.0, 5.0]));
        assert_eq!(both.ratios(), [Some(1.0), Some(0.625)]);
        assert_eq!(Both::of(&[]).ratios(), [None, None]);
    }
}
