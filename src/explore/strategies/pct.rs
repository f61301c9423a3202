//! Probabilistic concurrency testing: Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010.
//!
//! Goroutines get random distinct priorities, and whoever has the highest and can go on does; at
//! `d − 1` random change points the running one drops below all others. A bug that takes `d` ordering
//! constraints is found with probability at least `1 / (n · k^(d−1))` for `n` goroutines and `k`
//! operations. Good at few long goroutines and at bugs of small depth, whatever the length; finds
//! nothing deeper than `d`.
//!
//! A load reads the newest store, except for those of a goroutine after its change point: the first may read
//! any, and each further one with half the chance of the one before (PCTWM: Gao, Chakraborty, Kulahcioglu
//! Ozkan, ASPLOS 2023, where it is the first only: a reader whose second look is old, too, is then out of
//! reach).
//!
//! Deviations: only operations that touch an object count as places for a change point, since
//! nothing comes of a change anywhere else; the length is that of the profile and one operation more for
//! each goroutine, since what a bug takes is often the operation that the profiled execution did not come to;
//! whoever yields, or goes on for long, drops below the
//! others, as a spinning goroutine would otherwise keep those it waits for from running; and now and
//! then a waiting goroutine is woken without a cause.

use super::ranking::Ranking;
use super::{Profile, touches};
use crate::explore::rng::Rng;
use crate::model::{Scene, Strategy};
use crate::objects::Op;
use selvedge_checkers::ids::Gid;
use std::sync::Arc;

/// Steps in a row after which a goroutine counts as spinning.
const PATIENCE: u32 = 1000;
/// The number of operations assumed where no profile tells.
const GUESSED_LENGTH: u32 = 64;

/// See the module.
pub(crate) struct Pct {
    base: Rng,
    rng: Rng,
    depth: u32,
    length: u32,
    /// The change points not yet passed, the next one last.
    changes: Vec<u32>,
    ranking: Ranking,
    /// Who was overtaken at the last change point and may still read old stores.
    overtaken: Option<Gid>,
    /// Operations on objects so far.
    operations: u32,
    last: Gid,
    in_a_row: u32,
}

impl Pct {
    /// Priorities with `depth − 1` change points, placed by what the profile says of the length.
    pub(crate) fn new(seed: u64, depth: u32, profile: Option<&Arc<Profile>>) -> Pct {
        Pct {
            base: Rng::new(seed),
            rng: Rng::new(seed),
            depth: depth.max(1),
            length: profile.map_or(GUESSED_LENGTH, |p| p.operations + p.counts.len() as u32),
            changes: Vec::new(),
            ranking: Ranking::default(),
            overtaken: None,
            operations: 0,
            last: Gid::MAIN,
            in_a_row: 0,
        }
    }

    fn sink(&mut self, g: Gid) -> Option<Gid> {
        self.ranking.sink(g);
        self.ranking.top()
    }
}

impl Strategy for Pct {
    fn begin(&mut self, index: u64) -> bool {
        self.rng = self.base.split(index);
        self.ranking.clear();
        self.overtaken = None;
        self.changes.clear();
        for _ in 1..self.depth {
            let mut at = 1 + self.rng.below(self.length);
            if self.changes.contains(&at) {
                at = 1 + self.rng.below(self.length);
            }
            self.changes.push(at);
        }
        self.changes.sort_unstable_by(|a, b| b.cmp(a));
        self.operations = 0;
        self.last = Gid::MAIN;
        self.in_a_row = 0;
        true
    }

    #[inline]
    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        if let Some(g) = super::wake_without_cause(&mut self.rng, scene) {
            return g;
        }
        let Some(mut g) = self.ranking.top() else { return scene.default_choice() };
        if g != self.last {
            self.last = g;
            self.in_a_row = 0;
        }
        self.in_a_row += 1;
        if self.in_a_row > PATIENCE {
            self.in_a_row = 0;
            g = self.sink(g).unwrap_or(g);
        }
        if touches(&scene.pending[g.index()].op) {
            self.operations += 1;
            while self.changes.last() == Some(&self.operations) {
                self.changes.pop();
                self.overtaken = Some(g);
                g = self.sink(g).unwrap_or(g);
            }
        }
        if matches!(scene.pending[g.index()].op, Op::Yield) {
            self.ranking.sink(g);
        }
        g
    }

    fn alternative(&mut self, _step: u32, _g: Gid, n: u32) -> u32 {
        self.rng.below(n)
    }

    fn read(&mut self, _step: u32, g: Gid, n: u32) -> u32 {
        if self.overtaken != Some(g) {
            return 0;
        }
        if self.rng.below(2) == 0 {
            self.overtaken = None;
        }
        super::read_any(&mut self.rng, n)
    }

    fn fire_early(&mut self, scene: &Scene<'_>) -> bool {
        self.rng.below(scene.enabled.len() as u32 + 1) == 0
    }

    fn follows(&self) -> bool {
        true
    }

    #[inline]
    fn enabled(&mut self, g: Gid) {
        while self.ranking.len() <= g.index() {
            self.ranking.admit(self.rng.next());
        }
        self.ranking.enable(g);
    }

    #[inline]
    fn disabled(&mut self, g: Gid) {
        self.ranking.disable(g);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategies::tests::programs::{self, Run};

    #[test]
    fn without_change_points_goroutines_run_one_after_the_other() {
        let increments = programs::increments(3, 4);
        let mut run = Run::new(Box::new(Pct::new(3, 1, None)));
        for index in 0..20 {
            let report = run.one(index, &increments);
            let mut order: Vec<u32> = report.decisions.iter().map(|d| d.goroutine.0).collect();
            order.dedup();
            // Each of the three, and main before, between or after them.
            assert!(order.len() <= 5, "{order:?}");
        }
    }

    #[test]
    fn a_yielding_goroutine_lets_the_others_run() {
        let report = Run::new(Box::new(Pct::new(3, 3, None))).one(1, &programs::yields(3, 5));
        let order: Vec<u32> = report.decisions.iter().map(|d| d.goroutine.0).filter(|&g| g != 0).collect();
        assert_eq!(order[3..6], order[6..9]);
        assert_eq!(order.len(), 15);
    }

    #[test]
    fn a_goroutine_that_never_stops_is_overtaken() {
        let report = Run::new(Box::new(Pct::new(3, 1, None))).one(0, &programs::writes_until_told());
        assert!(!report.truncated && report.findings.is_empty(), "{:?}", report.findings);
    }
}
