//! The default policy with a few deviations: what a shrunk failure is replayed by.
//!
//! By default the current goroutine goes on; if it cannot, the one with the lowest id; each operation
//! in its first alternative; timers fire when nobody can go on. A deviation is anchored on the
//! goroutine that went last (the clock, if a timer fired) and the number of decisions it has made by
//! then, which no other decision of the execution shares; one of an alternative is anchored on the
//! operation itself. So deviations are a set: their order does not matter, and dropping one leaves
//! the others meaningful. [`Recorder`](super::Recorder) finds those of an execution.
//!
//! Lenient: deviations whose place is never reached, or that cannot be followed there, are ignored
//! and counted.

use super::tally::Tally;
use crate::explore::token::{Deviation, DeviationKind};
use crate::model::{Scene, Strategy};
use selvedge_checkers::ids::Gid;

/// See the module.
pub(crate) struct Deviate {
    /// Sorted.
    deviations: Vec<Deviation>,
    used: Vec<bool>,
    unmatched: Vec<Deviation>,
    tally: Tally,
}

impl Deviate {
    /// Deviations in any order. An empty list runs each goroutine for as long as it can go on.
    pub(crate) fn new(mut deviations: Vec<Deviation>) -> Deviate {
        deviations.sort_unstable();
        deviations.dedup();
        Deviate { deviations, used: Vec::new(), unmatched: Vec::new(), tally: Tally::default() }
    }

    /// The deviations that the last execution did not follow, sorted.
    pub(crate) fn unmatched(&self) -> &[Deviation] {
        &self.unmatched
    }

    /// Who is to run here instead of whoever would by default.
    fn runs(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        self.tally.catch_up(scene.step);
        let possible = |kind| matches!(kind, DeviationKind::Run(g) if scene.enabled.contains(&Gid(g)));
        self.follow(self.tally.anchor(), possible).map(Gid)
    }

    /// What is to happen at `at`, if it is possible; noted as followed.
    fn follow(&mut self, at: (u32, u32), possible: impl Fn(DeviationKind) -> bool) -> Option<u32> {
        let from = self.deviations.partition_point(|d| d.at < at);
        let here = self.deviations[from..].iter().take_while(|d| d.at == at);
        let (offset, d) = here.enumerate().find(|(_, d)| possible(d.kind))?;
        self.used[from + offset] = true;
        match d.kind {
            DeviationKind::Run(value) | DeviationKind::Alternative(value) => Some(value),
        }
    }
}

impl Strategy for Deviate {
    fn begin(&mut self, _index: u64) -> bool {
        self.used.clear();
        self.used.resize(self.deviations.len(), false);
        self.unmatched.clear();
        self.tally.clear();
        true
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        let g = self.runs(scene).unwrap_or_else(|| scene.default_choice());
        self.tally.took(g);
        g
    }

    fn alternative(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        if g == Gid::CLOCK {
            self.tally.catch_up(step);
        }
        let possible = |kind| matches!(kind, DeviationKind::Alternative(a) if a < n);
        self.follow(self.tally.operation(g), possible).unwrap_or(0)
    }

    fn wake_at_rest(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        let g = self.runs(scene)?;
        self.tally.took(g);
        Some(g)
    }

    fn repeats(&self) -> bool {
        true
    }

    fn goes_round(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        self.tally.catch_up(scene.step);
        let at = self.tally.anchor();
        let from = self.deviations.partition_point(|d| d.at < at);
        let mut here = self.deviations[from..].iter().take_while(|d| d.at == at);
        here.find_map(|d| match d.kind {
            DeviationKind::Run(g) if scene.is_set_aside(Gid(g)) => Some(Gid(g)),
            _ => None,
        })
    }

    fn fire_early(&mut self, scene: &Scene<'_>) -> bool {
        self.tally.catch_up(scene.step);
        self.follow(self.tally.anchor(), |kind| kind == DeviationKind::Run(Gid::CLOCK.0)).is_some()
    }

    fn end(&mut self, _steps: u32) {
        let unused = self.deviations.iter().zip(&self.used).filter(|(_, used)| !**used);
        self.unmatched.extend(unused.map(|(d, _)| *d));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategies::tests::programs::{self, Run};
    use std::any::Any;

    #[test]
    fn without_deviations_goroutines_run_to_completion() {
        let report = Run::new(Box::new(Deviate::new(Vec::new()))).one(0, &programs::increments(2, 2));
        let order: Vec<u32> = report.decisions.iter().map(|d| d.goroutine.0).collect();
        assert_eq!(order, [1, 1, 1, 1, 2, 2, 2, 2, 0]);
    }

    #[test]
    fn deviations_are_independent_and_lenient() {
        let paused = Deviation { at: (1, 1), kind: DeviationKind::Run(2) };
        let nowhere = Deviation { at: (1, 77), kind: DeviationKind::Run(2) };
        let nobody = Deviation { at: (2, 1), kind: DeviationKind::Run(9) };
        let mut run = Run::new(Box::new(Deviate::new(vec![nobody, nowhere, paused])));
        let report = run.one(0, &programs::increments(2, 2));
        let order: Vec<u32> = report.decisions.iter().map(|d| d.goroutine.0).collect();
        assert_eq!(order, [1, 2, 2, 2, 2, 1, 1, 1, 0]);
        let deviate: Box<dyn Any> = run.strategy();
        assert_eq!(deviate.downcast::<Deviate>().unwrap().unmatched(), [nowhere, nobody]);
    }
}
