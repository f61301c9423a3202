//! Every execution, depth first.
//!
//! The tree of decisions is walked in a canonical order: the current goroutine first, then the others
//! by id; the first alternative first; timers on time before timers early. Only one path is kept, as
//! the choice made at each step with more than one. With [`Bounds`], only executions within them are walked, each
//! exactly once; a bound on delays has the order of its scheduler: the current goroutine first, then round by id.
//! Good at small programs, where it ends with a proof. Bad at all others: the first executions differ in their last
//! steps only.
//!
//! Alternatives, timers and wake-ups without a cause have limits of their own and cost no delay: passed over is who
//! could have gone on with a cause.
//!
//! Invariant: the order in which goroutines became enabled never matters. What is not enumerated: how long things
//! could take; an execution cut by the step limit counts as one.

use crate::explore::bounds::Bounds;
use crate::model::{Nondeterminism, Scene, Strategy, Survey};
use selvedge_checkers::ids::Gid;

/// What was chosen among.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Goroutine,
    /// Who wakes up without a cause where nobody can go on with one, if anybody.
    Rest,
    Alternative,
    /// Whether a timer fires early.
    Early,
}

/// A step with more than one choice, on the current path.
#[derive(Clone, Copy, Debug)]
struct Node {
    step: u32,
    kind: Kind,
    width: u32,
    at: u32,
}

/// Who could go next, and what that costs.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    g: Gid,
    preemptions: u32,
    delays: u32,
}

/// See the module.
#[derive(Clone, Default)]
pub(crate) struct Dfs {
    bounds: Bounds,
    path: Vec<Node>,
    /// How many nodes of the path the running execution has passed.
    depth: usize,
    /// Of the running execution so far.
    preemptions: u32,
    delays: u32,
    started: bool,
    candidates: Vec<Candidate>,
    nondeterminism: Option<Nondeterminism>,
}

impl Dfs {
    /// All executions within bounds.
    pub(crate) fn new(bounds: Bounds) -> Dfs {
        Dfs { bounds, ..Dfs::default() }
    }

    /// Who may go next, in the order of the walk.
    fn find_candidates(&mut self, scene: &Scene<'_>) {
        let (goes_on, current) = (scene.goes_on(), scene.current);
        let free = |&g: &Gid| Candidate { g, preemptions: u32::from(goes_on && g != current), delays: 0 };
        self.candidates.clear();
        self.candidates.extend(scene.enabled.iter().map(free));
        // False sorts before true: who comes first is the current goroutine, if it goes on.
        match self.bounds.delays {
            None => self.candidates.sort_unstable_by_key(|c| (c.preemptions > 0, c.g)),
            Some(_) => {
                let is_optional = |c: &Candidate| scene.pending[c.g.index()].optional;
                self.candidates.sort_unstable_by_key(|c| (c.g < current, c.g));
                let mut passed = 0;
                for candidate in &mut self.candidates {
                    candidate.delays = passed;
                    passed += u32::from(!is_optional(candidate));
                }
                // The scheduler wakes nobody without a cause.
                self.candidates.sort_by_key(|c| (c.delays, is_optional(c)));
            }
        }
        let left = |bound: Option<u32>, used| bound.map_or(u32::MAX, |bound: u32| bound - used);
        let preemptions = left(self.bounds.preemptions, self.preemptions);
        let delays = left(self.bounds.delays, self.delays);
        self.candidates.retain(|c| c.preemptions <= preemptions && c.delays <= delays);
    }

    /// Whether the last execution was the last there is.
    fn exhausted(&self) -> bool {
        self.started && self.path.iter().all(|node| node.at + 1 == node.width)
    }

    /// How much of the tree has been walked, if all subtrees of a node were of the same size.
    fn progress(&self) -> f64 {
        if !self.started {
            return 0.0;
        }
        let mut share = 1.0;
        let mut done = 0.0;
        for node in &self.path {
            share /= f64::from(node.width);
            done += share * f64::from(node.at);
        }
        done + share
    }

    /// Go on to the next path; false if there is none.
    fn advance(&mut self) -> bool {
        while let Some(node) = self.path.last_mut() {
            if node.at + 1 < node.width {
                node.at += 1;
                return true;
            }
            self.path.pop();
        }
        false
    }

    /// The choice to make among `width` at this step.
    fn choose(&mut self, step: u32, kind: Kind, width: u32) -> u32 {
        if let Some(&node) = self.path.get(self.depth) {
            if node.step == step && node.kind == kind && node.width == width {
                self.depth += 1;
                return node.at;
            }
            let reached = node.step < step || (node.step == step && node.kind == kind);
            if reached || width > 1 {
                self.lose_way(Nondeterminism { step, expected: node.width, found: width });
            }
        }
        if width > 1 {
            self.path.push(Node { step, kind, width, at: 0 });
            self.depth += 1;
        }
        0
    }

    /// Go on as if the rest of the path had never been.
    fn lose_way(&mut self, found: Nondeterminism) {
        self.nondeterminism.get_or_insert(found);
        self.path.truncate(self.depth);
    }
}

impl Strategy for Dfs {
    fn survey(&self) -> Survey {
        Survey {
            exhausted: self.exhausted(),
            progress: Some(self.progress()),
            nondeterminism: self.nondeterminism,
            redundant: 0,
            vain: 0,
            beyond: 0,
            is_outgrown: false,
        }
    }

    fn begin(&mut self, _index: u64) -> bool {
        if self.started && !self.advance() {
            return false;
        }
        self.started = true;
        self.depth = 0;
        (self.preemptions, self.delays) = (0, 0);
        true
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        self.find_candidates(scene);
        let at = self.choose(scene.step, Kind::Goroutine, self.candidates.len() as u32);
        let candidate = self.candidates[at as usize];
        self.preemptions += candidate.preemptions;
        self.delays += candidate.delays;
        candidate.g
    }

    fn alternative(&mut self, step: u32, _g: Gid, n: u32) -> u32 {
        self.choose(step, Kind::Alternative, n)
    }

    fn wake_at_rest(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        let at = self.choose(scene.step, Kind::Rest, 1 + scene.enabled.len() as u32);
        let mut wakes = scene.enabled.to_vec();
        wakes.sort_unstable();
        at.checked_sub(1).map(|at| wakes[at as usize])
    }

    fn fire_early(&mut self, scene: &Scene<'_>) -> bool {
        self.choose(scene.step, Kind::Early, 2) == 1
    }

    fn end(&mut self, steps: u32) {
        if let Some(&node) = self.path.get(self.depth) {
            self.lose_way(Nondeterminism { step: steps, expected: node.width, found: 0 });
        }
    }
}

#[cfg(test)]
#[path = "tests/dfs.rs"]
mod tests;
