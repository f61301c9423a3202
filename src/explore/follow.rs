//! Follows a schedule written down before, and writes down the one it takes.
//!
//! The default policy, against which schedules are described, is: keep running the goroutine that
//! went last; if it cannot go on, the enabled one with the lowest id; the first alternative; no
//! timer fires early. A [`Deviation`] is anchored on the goroutine that went last and the number of
//! decisions it has made, which is another anchor at every decision. Deviations whose anchor never
//! comes up are ignored, so that a list from which some were dropped is still a schedule.
//!
//! Invariant: following the deviations that were written down gives the same decisions again.

use super::token::{Deviation, DeviationKind};
use crate::model::{Scene, Strategy};
use selvedge_checkers::ids::Gid;
use std::sync::{Arc, Mutex, PoisonError};

/// What to follow.
pub(crate) enum Guide {
    /// Exact decisions, as (goroutine, alternative).
    Exact(Vec<(u32, u32)>),
    /// The default policy with exceptions.
    Deviations(Vec<Deviation>),
}

/// What was taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    /// The schedule as deviations from the default policy.
    pub(crate) deviations: Vec<Deviation>,
    /// The first place where the guide asked for something that was not possible.
    pub(crate) mismatch: Option<Mismatch>,
}

/// A request of the guide that could not be met.
#[derive(Clone, Debug)]
pub(crate) struct Mismatch {
    pub(crate) step: u32,
    pub(crate) expected: String,
    pub(crate) found: String,
}

/// See the module.
pub(crate) struct Follow {
    guide: Guide,
    /// The next entry of an exact guide.
    next: usize,
    /// Decisions made so far, by goroutine; the clock's ties count apart.
    made: Vec<u32>,
    ties: u32,
    taken: Taken,
    report: Arc<Mutex<Taken>>,
}

impl Follow {
    /// A strategy that follows `guide`; what it took is in the second value once it is over.
    pub(crate) fn new(guide: Guide) -> (Follow, Arc<Mutex<Taken>>) {
        let report = Arc::new(Mutex::new(Taken::default()));
        let taken = Taken::default();
        let follow = Follow { guide, next: 0, made: Vec::new(), ties: 0, taken, report: Arc::clone(&report) };
        (follow, report)
    }

    fn made(&self, g: Gid) -> u32 {
        self.made.get(g.index()).copied().unwrap_or(0)
    }

    fn anchor(&self, scene: &Scene<'_>) -> (u32, u32) {
        (scene.current.0, self.made(scene.current))
    }

    fn asked(&self, at: (u32, u32), wanted: impl Fn(DeviationKind) -> Option<u32>) -> Option<u32> {
        match &self.guide {
            Guide::Deviations(list) => list.iter().find_map(|d| wanted(d.kind).filter(|_| d.at == at)),
            Guide::Exact(_) => None,
        }
    }

    fn note(&mut self, at: (u32, u32), kind: DeviationKind) {
        self.taken.deviations.push(Deviation { at, kind });
    }

    fn mismatch(&mut self, step: u32, expected: String, found: String) {
        self.taken.mismatch.get_or_insert(Mismatch { step, expected, found });
    }

    fn wanted(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        let wanted = match &self.guide {
            Guide::Exact(list) => match list.get(self.next) {
                Some(&(g, _)) => Gid(g),
                None => {
                    let expected = format!("the end after {} steps", self.next);
                    self.mismatch(scene.step, expected, format!("{} can go on", scene.lowest()));
                    return None;
                }
            },
            Guide::Deviations(_) => Gid(self.asked(self.anchor(scene), |kind| match kind {
                DeviationKind::Run(g) if g != Gid::CLOCK.0 => Some(g),
                _ => None,
            })?),
        };
        if scene.enabled.contains(&wanted) {
            return Some(wanted);
        }
        let found = match scene.pending.get(wanted.index()) {
            Some(p) => format!("it is blocked in {} at {}", p.op.kind().verb(), p.site),
            None => "there is no such goroutine".to_owned(),
        };
        self.mismatch(scene.step, format!("{wanted} to go on"), found);
        None
    }
}

impl Strategy for Follow {
    fn begin(&mut self, _index: u64) -> bool {
        self.next = 0;
        self.made.clear();
        self.ties = 0;
        self.taken = Taken::default();
        true
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        let default = if scene.current_enabled { scene.current } else { scene.lowest() };
        let g = self.wanted(scene).unwrap_or(default);
        if g != default {
            self.note(self.anchor(scene), DeviationKind::Run(g.0));
        }
        if self.made.len() <= g.index() {
            self.made.resize(g.index() + 1, 0);
        }
        self.made[g.index()] += 1;
        self.next += 1;
        g
    }

    fn alternative(&mut self, g: Gid, n: u32) -> u32 {
        let at = if g == Gid::CLOCK {
            // A timer fires without a pick.
            self.next += 1;
            self.ties += 1;
            (Gid::CLOCK.0, self.ties - 1)
        } else {
            (g.0, self.made(g) - 1)
        };
        let wanted = match &self.guide {
            Guide::Exact(list) => list.get(self.next - 1).map_or(0, |d| d.1),
            Guide::Deviations(_) => {
                let alternative = |kind| match kind {
                    DeviationKind::Alternative(a) => Some(a),
                    DeviationKind::Run(_) => None,
                };
                self.asked(at, alternative).unwrap_or(0)
            }
        };
        let taken = if wanted < n { wanted } else { 0 };
        if taken != wanted {
            let step = self.next as u32;
            self.mismatch(step, format!("alternative {wanted} of {g}"), format!("there are {n}"));
        }
        if taken != 0 {
            self.note(at, DeviationKind::Alternative(taken));
        }
        taken
    }

    fn fire_early(&mut self, scene: &Scene<'_>) -> bool {
        let at = self.anchor(scene);
        let fires = match &self.guide {
            Guide::Exact(list) => list.get(self.next).is_some_and(|d| d.0 == Gid::CLOCK.0),
            Guide::Deviations(list) => {
                let clock = Deviation { at, kind: DeviationKind::Run(Gid::CLOCK.0) };
                // Once for each time it was asked for: a second one at the same place needs its own.
                list.contains(&clock) && !self.taken.deviations.contains(&clock)
            }
        };
        if fires {
            self.note(at, DeviationKind::Run(Gid::CLOCK.0));
        }
        fires
    }

    fn fired(&mut self, ties: u32) {
        // With ties `alternative` has counted the step already.
        self.next += usize::from(ties <= 1);
    }

    fn end(&mut self) {
        if let Guide::Exact(list) = &self.guide
            && self.next < list.len()
        {
            let expected = format!("{} steps", list.len());
            self.mismatch(self.next as u32, expected, format!("the end after {}", self.next));
        }
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = std::mem::take(&mut self.taken);
    }
}
