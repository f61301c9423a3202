//! Selectively uniform random walk: Zhao, Wolff, Mathur, Roychoudhury, ASPLOS 2025, as Fray has it.
//!
//! Each execution selects one or a few shared objects and samples the interleavings of the operations
//! on them uniformly, as far as the profile is right: a goroutine is *intended*, drawn in proportion
//! to the selected operations it still has ahead, and the others wait in front of theirs until it has
//! made one. All other operations run freely. The best of the random strategies where few operations
//! matter and many do not. Bad at bugs that take an exact order on many objects at once.
//!
//! Deviations: a wrong profile costs odds only (nobody's weight counts as 0 in front of a selected
//! operation, and goroutines that wait for long are released); without a profile it is the random
//! walk.

use super::Profile;
use crate::explore::rng::Rng;
use crate::model::{Scene, Strategy};
use crate::objects::Op;
use selvedge_checkers::ids::{Gid, ObjId};
use std::sync::Arc;

/// Steps others may make before those that wait are released: the intended goroutine may itself be
/// waiting for one of them, in a loop.
const PATIENCE: u32 = 1000;

/// See the module.
pub(crate) struct Surw {
    base: Rng,
    rng: Rng,
    profile: Option<Arc<Profile>>,
    /// The selected objects.
    selected: Vec<ObjId>,
    /// Whether a select may be an operation on one of them.
    selects: bool,
    /// Selected operations ahead of each goroutine and of those it has yet to spawn.
    weights: Vec<u32>,
    intended: Option<Gid>,
    parked: Vec<Gid>,
    is_parked: Vec<bool>,
    waited: u32,
    /// Who can go on and is not parked, while a decision is made.
    free: Vec<Gid>,
}

impl Surw {
    pub(crate) fn new(seed: u64, profile: Option<&Arc<Profile>>) -> Surw {
        Surw {
            base: Rng::new(seed),
            rng: Rng::new(seed),
            profile: profile.map(Arc::clone),
            selected: Vec::new(),
            selects: false,
            weights: Vec::new(),
            intended: None,
            parked: Vec::new(),
            is_parked: Vec::new(),
            waited: 0,
            free: Vec::new(),
        }
    }

    /// Select one shared object, and another one with a chance of a quarter, and so on.
    fn select(&mut self) {
        self.selected.clear();
        self.selects = false;
        self.weights.clear();
        let Some(profile) = self.profile.as_ref().filter(|p| !p.shared.is_empty()) else { return };
        loop {
            let object = profile.shared[self.rng.below(profile.shared.len() as u32) as usize];
            if !self.selected.contains(&object) {
                self.selected.push(object);
                self.selects |= profile.selected.contains(&object);
            }
            if self.rng.below(4) != 0 {
                break;
            }
        }
        profile.weights(&self.selected, &mut self.weights);
    }

    fn is_selected(&self, op: &Op) -> bool {
        match *op {
            Op::Select { .. } | Op::SelectWait { .. } => self.selects,
            Op::CondWait { cv, mutex, .. } => self.selected.contains(&cv) || self.selected.contains(&mutex),
            _ => op.object().is_some_and(|o| self.selected.contains(&o)),
        }
    }

    fn is_parked(&self, g: Gid) -> bool {
        self.is_parked.get(g.index()).is_some_and(|&p| p)
    }

    fn weight(&mut self, g: Gid) -> &mut u32 {
        if self.weights.len() <= g.index() {
            self.weights.resize(g.index() + 1, 0);
        }
        &mut self.weights[g.index()]
    }

    fn park(&mut self, g: Gid) {
        if self.is_parked.len() <= g.index() {
            self.is_parked.resize(g.index() + 1, false);
        }
        self.is_parked[g.index()] = true;
        self.parked.push(g);
    }

    fn release(&mut self) {
        for g in self.parked.drain(..) {
            self.is_parked[g.index()] = false;
        }
        self.intended = None;
        self.waited = 0;
    }

    /// Make `free` those that can go on and are not parked.
    fn gather_free(&mut self, enabled: &[Gid]) {
        let mut free = std::mem::take(&mut self.free);
        free.clear();
        free.extend(enabled.iter().filter(|&&g| !self.is_parked(g)));
        self.free = free;
    }

    /// The goroutine that is to make the next selected operation, in proportion to how many of them
    /// each of `free` has ahead.
    fn intend(&mut self) -> Option<Gid> {
        let weight = |g: &Gid| u64::from(self.weights.get(g.index()).copied().unwrap_or(0));
        let total: u64 = self.free.iter().map(weight).sum();
        let mut at = u64::from(self.rng.below(u32::try_from(total).unwrap_or(u32::MAX)));
        let is_it = |g: &&Gid| {
            let it = at < weight(g);
            at = at.saturating_sub(weight(g));
            it
        };
        self.free.iter().find(is_it).copied()
    }
}

impl Strategy for Surw {
    fn begin(&mut self, index: u64) -> bool {
        self.rng = self.base.split(index);
        self.parked.clear();
        self.is_parked.clear();
        self.intended = None;
        self.waited = 0;
        self.select();
        true
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        if !self.parked.is_empty() {
            self.waited += 1;
            if self.waited > PATIENCE {
                self.release();
            }
        }
        let mut drawn = None;
        if self.parked.is_empty() {
            // Mostly nothing more is needed, so the candidates are not copied yet.
            let at = self.rng.below(scene.enabled.len() as u32) as usize;
            let g = scene.enabled[at];
            if !self.is_selected(&scene.pending[g.index()].op) {
                return g;
            }
            drawn = Some(at);
        }
        self.gather_free(scene.enabled);
        loop {
            if self.free.is_empty() {
                self.release();
                self.gather_free(scene.enabled);
            }
            let at = match drawn.take() {
                Some(at) => at,
                None => self.rng.below(self.free.len() as u32) as usize,
            };
            let g = self.free[at];
            if !self.is_selected(&scene.pending[g.index()].op) {
                return g;
            }
            let weight = self.weight(g);
            *weight = (*weight).max(1);
            if self.intended.is_none() {
                self.intended = self.intend();
            }
            if self.intended == Some(g) {
                *self.weight(g) -= 1;
                self.release();
                return g;
            }
            self.park(g);
            self.free.swap_remove(at);
        }
    }

    fn alternative(&mut self, _step: u32, _g: Gid, n: u32) -> u32 {
        self.rng.below(n)
    }

    fn read(&mut self, _step: u32, _g: Gid, n: u32) -> u32 {
        super::read_any(&mut self.rng, n)
    }

    fn fire_early(&mut self, scene: &Scene<'_>) -> bool {
        self.rng.below(scene.enabled.len() as u32 + 1) == 0
    }

    fn follows(&self) -> bool {
        !self.selected.is_empty()
    }

    /// What the child has ahead is no longer its parent's, and an intention may have been for it.
    fn spawned(&mut self, parent: Gid, child: Gid) {
        let inherited = *self.weight(child);
        let before = *self.weight(parent);
        *self.weight(parent) = before.saturating_sub(inherited);
        if self.intended == Some(parent) && before > 0 && self.rng.below(before) < inherited {
            self.intended = Some(child);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategies::tests::gather;
    use crate::explore::strategies::tests::programs::{self, Run};
    use crate::model::Limits;
    use std::collections::BTreeMap;
    use std::panic::Location;

    #[test]
    fn interleavings_of_the_selected_come_up_equally_often() {
        // Goroutines with one and three stores: the single one is first, second, third or last
        // equally often. The random walk has it first half of the time.
        let uneven = programs::uneven_stores();
        let profile = gather(&uneven, Location::caller(), Limits::default(), 1);
        let mut run = Run::new(Box::new(Surw::new(7, Some(&profile))));
        let mut places: BTreeMap<usize, u32> = BTreeMap::new();
        for index in 0..2000 {
            let report = run.one(index, &uneven);
            let mut stores = report.decisions.iter().map(|d| d.goroutine.0).filter(|&g| g != 0);
            *places.entry(stores.position(|g| g == 1).unwrap()).or_default() += 1;
        }
        assert!((0..4).all(|p| (400..600).contains(&places[&p])), "{places:?}");
    }

    #[test]
    fn a_wrong_profile_does_no_harm() {
        let wrong = Arc::new(Profile {
            shared: vec![ObjId(0), ObjId(1), ObjId(99)],
            counts: vec![BTreeMap::from([(ObjId(1), 7)])],
            ..Profile::default()
        });
        for profile in [None, Some(&wrong)] {
            let mut run = Run::new(Box::new(Surw::new(7, profile)));
            for program in programs::all() {
                for index in 0..30 {
                    assert!(!run.one(index, &program.body).truncated, "{}", program.name);
                }
            }
        }
    }
}
