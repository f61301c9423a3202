//! Turns round one pair of an earlier execution: a search led by what executions were like.
//!
//! Executions that showed a set of [`Pairs`] none before did are kept. Most new executions repeat one
//! of them up to a pair, let its second operation go before its first, and go on as partial order
//! sampling does; every fourth is partial order sampling from the start. Executions with rare pairs, and
//! pairs that were seldom seen the other way round, are taken more often. Good at bugs that need several
//! unlikely orders, one after the other, in programs too large for `optimal`. Bad where every pair is
//! soon seen both ways.
//!
//! Source: the abstract schedules and the power schedule of RFF (Wolff, Duck, Roychoudhury, ASPLOS
//! 2024). Deviation: a constraint is a pair of decisions of one execution rather than of places, so it
//! can be followed exactly.
//!
//! Invariant: an execution depends on the seed and on the executions before it, and on nothing else.

use super::pairs::{self, Pairs, Turn};
use super::{Pos, Reorder, Stage, Stop, Until};
use crate::explore::rng::Rng;
use crate::model::execution::Pending;
use crate::model::{Decision, Scene, Strategy};
use selvedge_checkers::access::Access;
use selvedge_checkers::ids::Gid;
use selvedge_checkers::op::OpKind;
use std::collections::{BTreeMap, BTreeSet};

/// Executions that are kept.
const MAX_KEPT: usize = 256;
/// Decisions of all executions that are kept.
const MAX_DECISIONS: usize = 1 << 21;
/// One in so many executions begins from nothing.
const FRESH: u32 = 4;
/// An attempt that did not turn its pair round counts as so many.
const IMPOSSIBLE: u32 = 8;

/// An execution that was kept.
struct Kept {
    decisions: Vec<Decision>,
    turns: Vec<(Turn, u32)>,
    /// The pair that was the rarest when it came.
    rarest: u64,
}

/// See the module.
pub(crate) struct Flip {
    rng: Rng,
    pos: Pos,
    kept: Vec<Kept>,
    decisions_kept: usize,
    /// The sets of pairs there were, and how many executions showed each pair.
    known: BTreeSet<u64>,
    shown: BTreeMap<u64, u32>,
    /// What is followed up to the pair, and which one that is.
    lead: Option<(Reorder, usize, usize)>,
    decisions: Vec<Decision>,
    pairs: Pairs,
    /// The operation that is being made.
    place: u64,
}

impl Flip {
    pub(crate) fn new(seed: u64) -> Flip {
        Flip {
            rng: Rng::new(seed),
            pos: Pos::new(seed),
            kept: Vec::new(),
            decisions_kept: 0,
            known: BTreeSet::new(),
            shown: BTreeMap::new(),
            lead: None,
            decisions: Vec::new(),
            pairs: Pairs::default(),
            place: 0,
        }
    }

    fn times(&self, pair: u64) -> u32 {
        self.shown.get(&pair).copied().unwrap_or(0)
    }

    /// One of `weights`, in proportion.
    fn draw(rng: &mut Rng, weights: impl Iterator<Item = u64> + Clone) -> Option<usize> {
        let total: u64 = weights.clone().sum();
        let mut at = rng.next().checked_rem(total)?;
        let mut numbered = weights.enumerate();
        let found = numbered.find(|&(_, weight)| {
            let it = at < weight;
            at = at.saturating_sub(weight);
            it
        });
        found.map(|(nth, _)| nth)
    }

    /// Choose an execution and a pair of it to turn round.
    fn choose(&mut self) -> Option<(Reorder, usize, usize)> {
        let mut rng = self.rng.clone();
        let rare = |kept: &Kept| (1 << 24) / u64::from(self.times(kept.rarest).max(1));
        let entry = Flip::draw(&mut rng, self.kept.iter().map(rare))?;
        let kept = &self.kept[entry];
        let weigh = |&(turn, tried): &(Turn, u32)| {
            let (shown, tried) = (1 + u64::from(self.times(turn.turned)), 1 + u64::from(tried));
            1 + (1 << 30) / (shown * tried * tried)
        };
        let nth = Flip::draw(&mut rng, kept.turns.iter().map(weigh))?;
        let stages = vec![stage(&kept.decisions, kept.turns[nth].0)];
        self.rng = rng;
        Some((Reorder::new(kept.decisions.clone(), stages), entry, nth))
    }

    /// Timers that fired without a question.
    fn settle(&mut self, step: u32) {
        let fired = Decision { goroutine: Gid::CLOCK, alternative: 0, op: OpKind::Fire };
        while self.decisions.len() < step as usize {
            self.decisions.push(fired);
        }
    }

    /// What follows the kept execution, as long as it does.
    fn lead(&mut self) -> Option<&mut Reorder> {
        self.lead.as_mut().map(|(reorder, ..)| reorder).filter(|reorder| !reorder.is_over())
    }
}

/// The first decision of the pair waits for the second.
fn stage(decisions: &[Decision], turn: Turn) -> Stage {
    let own = |g: Gid, end: u32| decisions[..end as usize].iter().filter(|d| d.goroutine == g).count() as u32;
    let (first, second) =
        (decisions[turn.first as usize].goroutine, decisions[turn.second as usize].goroutine);
    Stage {
        stops: vec![Stop { g: first, after: own(first, turn.first) }],
        until: Until::Made(second, own(second, turn.second + 1)),
    }
}

fn gives_up(op: OpKind) -> bool {
    matches!(op, OpKind::Unlock | OpKind::ReadUnlock | OpKind::WriteUnlock)
}

impl Strategy for Flip {
    fn begin(&mut self, index: u64) -> bool {
        self.decisions.clear();
        self.pairs.clear();
        self.lead = None;
        if self.rng.below(FRESH) != 0 {
            self.lead = self.choose();
        }
        if let Some((reorder, ..)) = &mut self.lead {
            reorder.begin(index);
        }
        self.pos.begin(index)
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        self.settle(scene.step);
        let g = match self.lead() {
            Some(reorder) => reorder.pick(scene),
            None => self.pos.pick(scene),
        };
        let pending = &scene.pending[g.index()];
        let op = pending.op.kind();
        self.place = pairs::place(op, pending.site);
        self.decisions.push(Decision { goroutine: g, alternative: 0, op });
        g
    }

    fn alternative(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        let chosen = match self.lead() {
            Some(reorder) => reorder.alternative(step, g, n),
            None => self.pos.alternative(step, g, n),
        };
        self.settle(step + 1);
        self.decisions[step as usize].alternative = chosen as u16;
        chosen
    }

    fn read(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        let chosen = match self.lead() {
            Some(reorder) => reorder.read(step, g, n),
            None => self.pos.read(step, g, n),
        };
        self.decisions[step as usize].alternative = chosen as u16;
        chosen
    }

    fn fire_early(&mut self, scene: &Scene<'_>) -> bool {
        match self.lead() {
            Some(reorder) => reorder.fire_early(scene),
            None => self.pos.fire_early(scene),
        }
    }

    fn follows(&self) -> bool {
        true
    }

    fn announced(&mut self, g: Gid, pending: &Pending) {
        self.pos.announced(g, pending);
    }

    fn enabled(&mut self, g: Gid) {
        self.pos.enabled(g);
    }

    fn disabled(&mut self, g: Gid) {
        self.pos.disabled(g);
    }

    fn stepped(&mut self, g: Gid, _pending: &[Pending], footprint: &[Access]) {
        if let Some(last) = self.decisions.last().filter(|last| last.goroutine == g) {
            let number = self.decisions.len() as u32 - 1;
            self.pairs.touched(number, g, self.place, gives_up(last.op), footprint);
        }
    }

    fn conflicts(&mut self, g: Gid) {
        self.pos.conflicts(g);
    }

    fn end(&mut self, steps: u32) {
        self.settle(steps);
        if let Some((_, entry, nth)) = self.lead.take() {
            let (turn, tried) = &mut self.kept[entry].turns[nth];
            *tried += if self.pairs.seen.contains(&turn.turned) { 1 } else { IMPOSSIBLE };
        }
        for &pair in &self.pairs.seen {
            *self.shown.entry(pair).or_default() += 1;
        }
        let is_new = self.known.insert(self.pairs.key());
        let room = self.kept.len() < MAX_KEPT && self.decisions_kept + self.decisions.len() <= MAX_DECISIONS;
        if let Some(&rarest) = self.pairs.seen.iter().min_by_key(|&&pair| self.times(pair))
            && is_new
            && room
        {
            self.decisions_kept += self.decisions.len();
            let turns = self.pairs.turns.iter().map(|&turn| (turn, 0)).collect();
            self.kept.push(Kept { decisions: self.decisions.clone(), turns, rarest });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategies::tests::programs::{self, Run};

    #[test]
    fn the_same_seed_gives_the_same_executions() {
        for program in programs::all() {
            let mut runs = [Run::new(Box::new(Flip::new(3))), Run::new(Box::new(Flip::new(3)))];
            for index in 0..60 {
                let [a, b] = &mut runs;
                let (a, b) = (a.one(index, &program.body), b.one(index, &program.body));
                assert_eq!(a.decisions, b.decisions, "{} {index}", program.name);
            }
        }
    }

    #[test]
    fn it_knows_the_decisions_it_made() {
        for program in programs::all() {
            let mut run = Run::new(Box::new(Flip::new(5)));
            for index in 0..40 {
                let report = run.one(index, &program.body);
                run.ask(|strategy| {
                    let flip: &mut Flip = strategy.downcast_mut().unwrap();
                    assert_eq!(flip.decisions, report.decisions, "{} {index}", program.name);
                });
            }
        }
    }
}
