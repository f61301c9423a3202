//! Finds the deviations of an execution: replays its exact decisions and notes wherever they differ
//! from the default policy of [`Deviate`](super::Deviate).
//!
//! Invariant: if the replay matched to its end, `Deviate` makes exactly the same decisions from what
//! was noted, early timers and wake-ups without a cause included, because both see the same scenes.

use super::replay::{Mismatch, Replay};
use super::tally::Tally;
use crate::explore::token::{Deviation, DeviationKind};
use crate::model::{Decision, Scene, Strategy};
use selvedge_checkers::ids::Gid;

/// See the module.
pub(crate) struct Recorder {
    replay: Replay,
    tally: Tally,
    deviations: Vec<Deviation>,
    /// Who was set aside, and goes on all the same.
    goes_round: Option<Gid>,
}

impl Recorder {
    pub(crate) fn new(decisions: Vec<Decision>) -> Recorder {
        Recorder {
            replay: Replay::new(decisions),
            tally: Tally::default(),
            deviations: Vec::new(),
            goes_round: None,
        }
    }

    /// The deviations of the last execution, in the order they happened in.
    pub(crate) fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// Where the program did not do what the decisions say.
    pub(crate) fn mismatch(&self) -> Option<Mismatch> {
        self.replay.mismatch()
    }
}

impl Strategy for Recorder {
    fn begin(&mut self, index: u64) -> bool {
        self.tally.clear();
        self.deviations.clear();
        self.goes_round = None;
        self.replay.begin(index)
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        self.tally.catch_up(scene.step);
        let g = self.replay.pick(scene);
        if self.goes_round.take() == Some(g) || g != scene.default_choice() {
            self.deviations.push(Deviation { at: self.tally.anchor(), kind: DeviationKind::Run(g.0) });
        }
        self.tally.took(g);
        g
    }

    fn alternative(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        if g == Gid::CLOCK {
            self.tally.catch_up(step);
        }
        let a = self.replay.alternative(step, g, n);
        if a != 0 {
            let at = self.tally.operation(g);
            self.deviations.push(Deviation { at, kind: DeviationKind::Alternative(a) });
        }
        a
    }

    fn wake_at_rest(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        self.tally.catch_up(scene.step);
        let g = self.replay.wake_at_rest(scene)?;
        self.deviations.push(Deviation { at: self.tally.anchor(), kind: DeviationKind::Run(g.0) });
        self.tally.took(g);
        Some(g)
    }

    fn repeats(&self) -> bool {
        true
    }

    fn is_over(&self, step: u32) -> bool {
        self.replay.is_over(step)
    }

    fn goes_round(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        self.goes_round = self.replay.goes_round(scene);
        self.goes_round
    }

    fn fire_early(&mut self, scene: &Scene<'_>) -> bool {
        self.tally.catch_up(scene.step);
        let fires = self.replay.fire_early(scene);
        if fires {
            let kind = DeviationKind::Run(Gid::CLOCK.0);
            self.deviations.push(Deviation { at: self.tally.anchor(), kind });
        }
        fires
    }

    fn end(&mut self, steps: u32) {
        self.replay.end(steps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::bounds::Bounds;
    use crate::explore::plan::Body;
    use crate::explore::strategies::tests::deviations_of;
    use crate::explore::strategies::tests::programs::{self, Run};
    use crate::explore::strategies::{Deviate, Random, make_named};
    use crate::explore::token::{Token, TokenBody};
    use crate::sync::Arc;
    use crate::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use crate::{go, hint, thread};
    use std::any::Any;
    use std::panic::Location;

    /// What `Deviate` decides from the deviations found for `decisions`, by way of a token's text.
    /// The deviations are added to `all`.
    fn round_trip(decisions: Vec<Decision>, body: &Body, all: &mut Vec<Deviation>) -> Vec<Decision> {
        let found = deviations_of(decisions, body, Location::caller(), programs::limits()).unwrap();
        all.extend(&found);
        let text = Token::deviations(0, found).encode();
        let Ok(Token { choices: TokenBody::Deviations(list), .. }) = Token::decode(&text) else {
            panic!("{text} is no list of deviations")
        };
        let mut run = Run::new(Box::new(Deviate::new(list)));
        let decisions = run.one(0, body).decisions;
        let deviate: Box<dyn Any> = run.strategy();
        assert_eq!(deviate.downcast::<Deviate>().unwrap().unmatched(), []);
        decisions
    }

    #[test]
    fn deviations_reproduce_any_execution() {
        let mut all = Vec::new();
        for program in programs::all() {
            for seed in 0..3 {
                let mut run = Run::new(Box::new(Random::new(seed)));
                for index in 0..20 {
                    let wanted = run.one(index, &program.body).decisions;
                    let found = round_trip(wanted.clone(), &program.body, &mut all);
                    assert_eq!(found, wanted, "{} under {seed} {index}", program.name);
                }
            }
        }
        // The programs have all there is: early timers, what follows one, alternatives, timers due
        // together.
        let clock = Gid::CLOCK.0;
        assert!(all.iter().any(|d| d.kind == DeviationKind::Run(clock) && d.at.0 != clock));
        assert!(all.iter().any(|d| d.at.0 == clock && matches!(d.kind, DeviationKind::Run(_))));
        assert!(all.iter().any(|d| d.at.0 != clock && matches!(d.kind, DeviationKind::Alternative(_))));
        assert!(all.iter().any(|d| d.at.0 == clock && matches!(d.kind, DeviationKind::Alternative(_))));
    }

    #[test]
    fn deviations_reproduce_the_executions_of_every_strategy() {
        use crate::explore::spec::StrategySpec::{Dfs, Mix, Pct, Pos, RoundRobin, Surw};
        for program in programs::all() {
            for spec in [Dfs, Mix, Pct(3), Pos, RoundRobin, Surw] {
                let mut run = Run::new(make_named(spec, 5, None, Bounds::default()));
                for index in 0..8 {
                    let Some(report) = run.next(index, &program.body) else { break };
                    let found = round_trip(report.decisions.clone(), &program.body, &mut Vec::new());
                    assert_eq!(found, report.decisions, "{} under {spec} {index}", program.name);
                }
            }
        }
    }

    /// Who spins is let look again where nobody else goes on: somebody who wakes without a cause then wakes a
    /// moment later than one who does so where nobody goes on, after the same decisions.
    #[test]
    fn a_wake_up_beside_who_spins_is_no_wake_up_at_rest() {
        let body: Body = std::sync::Arc::new(|| {
            let flag = Arc::new(AtomicUsize::new(0));
            let theirs = flag.clone();
            let parked = go(move || {
                thread::park();
                theirs.store(1, SeqCst);
            });
            while flag.load(SeqCst) == 0 {
                hint::spin_loop();
            }
            parked.join().unwrap();
        });
        let mut run = Run::new(Box::new(Random::new(1)));
        let mut wakes = 0;
        for index in 0..400 {
            let wanted = run.one(index, &body).decisions;
            let mut all = Vec::new();
            assert_eq!(round_trip(wanted.clone(), &body, &mut all), wanted, "{index}: {all:?}");
            wakes += usize::from(all.iter().any(|d| d.kind == DeviationKind::Run(1)));
        }
        assert!(wakes > 10, "only {wakes}");
    }

    #[test]
    fn the_default_policy_deviates_nowhere() {
        for program in programs::all() {
            let wanted = Run::new(Box::new(Deviate::new(Vec::new()))).one(0, &program.body).decisions;
            let found = deviations_of(wanted, &program.body, Location::caller(), programs::limits());
            assert_eq!(found, Ok(Vec::new()), "{}", program.name);
        }
    }
}
