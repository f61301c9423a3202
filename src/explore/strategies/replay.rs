//! Follows an exact list of decisions.
//!
//! The first difference between the list and the program is noted, and from there on the default
//! policy decides: the current goroutine goes on, else the lowest id, in the first alternative. So a
//! list of a changed program still runs to an end, and what came of it can be reported.

use crate::model::{Decision, Scene, Strategy};
use selvedge_checkers::ids::Gid;
use selvedge_checkers::op::OpKind;

/// Where the program and the list part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mismatch {
    /// The number of the decision.
    pub(crate) step: u32,
    /// What the list says; `None` if it ends here.
    pub(crate) expected: Option<Decision>,
    /// What happened instead; `None` if the program ends here.
    pub(crate) found: Option<Decision>,
}

/// See the module.
pub(crate) struct Replay {
    decisions: Vec<Decision>,
    knows_operations: bool,
    mismatch: Option<Mismatch>,
    /// The decisions before this one were made, and as the list says.
    made: u32,
    /// The last step whose goroutine was asked for, and the last whose alternative was.
    picked: Option<u32>,
    asked: Option<u32>,
}

impl Replay {
    pub(crate) fn new(decisions: Vec<Decision>) -> Replay {
        Replay { decisions, knows_operations: true, mismatch: None, made: 0, picked: None, asked: None }
    }

    /// Decisions of which the operations are not known: (goroutine, alternative).
    pub(crate) fn of_pairs(pairs: &[(u32, u32)]) -> Replay {
        let decision = |&(g, alternative): &(u32, u32)| Decision {
            goroutine: Gid(g),
            alternative: u16::try_from(alternative).unwrap_or(u16::MAX),
            op: OpKind::Yield,
        };
        Replay { knows_operations: false, ..Replay::new(pairs.iter().map(decision).collect()) }
    }

    /// The first difference, if there was one.
    pub(crate) fn mismatch(&self) -> Option<Mismatch> {
        self.mismatch
    }

    fn expected(&self, step: u32) -> Option<Decision> {
        self.decisions.get(step as usize).copied()
    }

    fn differ(&mut self, step: u32, found: Option<Decision>) {
        let expected = self.expected(step);
        self.mismatch.get_or_insert(Mismatch { step, expected, found });
    }

    /// Check what was decided without a question since the last time: timers that fired, and
    /// operations that had one alternative only.
    fn settle(&mut self, step: u32) {
        while self.made < step && self.mismatch.is_none() {
            let k = self.made;
            let fired = Decision { goroutine: Gid::CLOCK, alternative: 0, op: OpKind::Fire };
            match self.expected(k) {
                Some(d) if d.goroutine == Gid::CLOCK || self.picked == Some(k) => {
                    if d.alternative != 0 && self.asked != Some(k) {
                        self.differ(k, Some(Decision { alternative: 0, ..d }));
                    }
                }
                _ => self.differ(k, Some(fired)),
            }
            self.made += 1;
        }
    }
}

impl Strategy for Replay {
    fn begin(&mut self, _index: u64) -> bool {
        self.mismatch = None;
        self.made = 0;
        self.picked = None;
        self.asked = None;
        true
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        self.settle(scene.step);
        self.picked = Some(scene.step);
        let otherwise = scene.default_choice();
        if self.mismatch.is_some() {
            return otherwise;
        }
        let kind = |g: Gid| scene.pending[g.index()].op.kind();
        match self.expected(scene.step) {
            Some(d)
                if scene.enabled.contains(&d.goroutine)
                    && (kind(d.goroutine) == d.op || !self.knows_operations) =>
            {
                d.goroutine
            }
            expected => {
                // A goroutine that can go on, but with something else, says more than the default.
                let there = expected.map(|d| d.goroutine).filter(|g| scene.enabled.contains(g));
                let g = there.unwrap_or(otherwise);
                self.differ(scene.step, Some(Decision { goroutine: g, alternative: 0, op: kind(g) }));
                otherwise
            }
        }
    }

    fn alternative(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        self.settle(step);
        self.asked = Some(step);
        if self.mismatch.is_some() {
            return 0;
        }
        match self.expected(step) {
            Some(d) if d.goroutine == g && u32::from(d.alternative) < n => d.alternative.into(),
            expected => {
                let op = expected.filter(|d| d.goroutine == g).map_or(OpKind::Fire, |d| d.op);
                self.differ(step, Some(Decision { goroutine: g, alternative: 0, op }));
                0
            }
        }
    }

    fn wake_at_rest(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        self.settle(scene.step);
        let wakes = |d: &Decision| scene.enabled.contains(&d.goroutine);
        let wanted = self.expected(scene.step).filter(wakes).filter(|_| self.mismatch.is_none())?;
        let kind = scene.pending[wanted.goroutine.index()].op.kind();
        let is_same = kind == wanted.op || !self.knows_operations;
        is_same.then(|| {
            self.picked = Some(scene.step);
            wanted.goroutine
        })
    }

    fn repeats(&self) -> bool {
        true
    }

    fn is_over(&self, step: u32) -> bool {
        self.mismatch.is_none() && self.expected(step).is_none()
    }

    fn goes_round(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        self.settle(scene.step);
        let wanted = self.expected(scene.step).filter(|_| self.mismatch.is_none())?.goroutine;
        scene.is_set_aside(wanted).then_some(wanted)
    }

    fn fire_early(&mut self, scene: &Scene<'_>) -> bool {
        self.settle(scene.step);
        self.mismatch.is_none() && self.expected(scene.step).is_some_and(|d| d.goroutine == Gid::CLOCK)
    }

    fn end(&mut self, steps: u32) {
        self.settle(steps);
        if self.mismatch.is_none() && self.decisions.len() > steps as usize {
            self.differ(steps, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategies::Random;
    use crate::explore::strategies::tests::programs::{self, Run};
    use std::any::Any;

    /// The decisions and the mismatch of replaying `decisions`.
    fn replay(decisions: &[Decision], program: &programs::Program) -> (Vec<Decision>, Option<Mismatch>) {
        let mut run = Run::new(Box::new(Replay::new(decisions.to_vec())));
        let report = run.one(0, &program.body);
        let replay: Box<dyn Any> = run.strategy();
        (report.decisions, replay.downcast::<Replay>().unwrap().mismatch())
    }

    #[test]
    fn repeats_any_execution() {
        for program in programs::all() {
            let mut run = Run::new(Box::new(Random::new(1)));
            for index in 0..40 {
                let wanted = run.one(index, &program.body).decisions;
                assert_eq!(replay(&wanted, &program), (wanted, None), "{} {index}", program.name);
            }
        }
    }

    #[test]
    fn says_where_the_program_differs() {
        let all = programs::all();
        let program = all.iter().find(|p| p.name == "lost update").unwrap();
        let wanted = Run::new(Box::new(Random::new(1))).one(0, &program.body).decisions;
        let last = wanted.len() as u32 - 1;

        let mut other = wanted.clone();
        other[2].goroutine = Gid(77);
        let found = replay(&other, program).1.unwrap();
        assert_eq!((found.step, found.expected), (2, Some(other[2])));

        let mut other = wanted.clone();
        other[1].op = OpKind::Close;
        let found = replay(&other, program).1.unwrap();
        assert_eq!((found.step, found.found), (1, Some(wanted[1])));

        let mut other = wanted.clone();
        other[last as usize].alternative = 1;
        let found = replay(&other, program).1.unwrap();
        assert_eq!((found.step, found.found), (last, Some(wanted[last as usize])));

        let found = replay(&wanted[..3], program).1.unwrap();
        assert_eq!((found.step, found.expected), (3, None));

        let mut other = wanted.clone();
        other.push(wanted[0]);
        let found = replay(&other, program).1.unwrap();
        assert_eq!(found, Mismatch { step: last + 1, expected: Some(wanted[0]), found: None });
    }
}
