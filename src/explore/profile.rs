//! What one execution tells about a program, so that strategies need not guess.
//!
//! Invariants: a profile is a function of the program and the seed it was made with; it is an
//! estimate, since another schedule may make other goroutines do other things, and no strategy may
//! rely on it for more than its odds.

use super::plan::Body;
use super::strategies::Random;
use crate::model::execution::Pending;
use crate::model::{Scene, Strategy, Worker};
use crate::objects::Op;
use selvedge_checkers::access::Access;
use selvedge_checkers::ids::{Gid, ObjId, SiteRef};
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Profile {
    /// Decisions.
    pub(crate) steps: u32,
    /// Decisions on operations that touch an object.
    pub(crate) operations: u32,
    /// How often each goroutine touched each object, by goroutine.
    pub(crate) counts: Vec<BTreeMap<ObjId, u32>>,
    /// The objects that two or more goroutines touched, ascending.
    pub(crate) shared: Vec<ObjId>,
    /// Those of them that a select touched.
    pub(crate) selected: BTreeSet<ObjId>,
    /// Who spawned each goroutine; main and the functions of timers have nobody.
    pub(crate) parents: Vec<Option<Gid>>,
}

impl Profile {
    /// How many operations on `objects` each goroutine makes, those of the goroutines it spawns
    /// included.
    pub(crate) fn weights(&self, objects: &[ObjId], weights: &mut Vec<u32>) {
        let own = |counts: &BTreeMap<ObjId, u32>| objects.iter().filter_map(|o| counts.get(o)).sum::<u32>();
        weights.clear();
        weights.extend(self.counts.iter().map(own));
        // Children have higher ids than their parents.
        for child in (0..weights.len()).rev() {
            if let Some(Some(parent)) = self.parents.get(child) {
                weights[parent.index()] += weights[child];
            }
        }
    }
}

/// Whether the effect of `op` can depend on when it happens: all operations but those that concern
/// nobody else. A pure yield is none.
pub(crate) fn touches(op: &Op) -> bool {
    !matches!(op, Op::Yield | Op::Choose(_) | Op::Join(_) | Op::Sleep { .. })
}

/// The random walk, with a notebook.
pub(crate) struct Profiler {
    random: Random,
    profile: Profile,
    selects: bool,
}

impl Profiler {
    /// Decides exactly as [`Random`] does under this seed.
    pub(crate) fn new(seed: u64) -> Profiler {
        Profiler { random: Random::new(seed), profile: Profile::default(), selects: false }
    }

    /// The profile of the last execution.
    pub(crate) fn take(&mut self) -> Profile {
        std::mem::take(&mut self.profile)
    }

    fn know(&mut self, g: Gid) {
        if self.profile.counts.len() <= g.index() {
            self.profile.counts.resize_with(g.index() + 1, BTreeMap::new);
            self.profile.parents.resize(g.index() + 1, None);
        }
    }
}

impl Strategy for Profiler {
    fn begin(&mut self, index: u64) -> bool {
        self.profile = Profile::default();
        self.random.begin(index)
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        let g = self.random.pick(scene);
        let op = &scene.pending[g.index()].op;
        self.profile.operations += u32::from(touches(op));
        self.selects = matches!(op, Op::Select { .. } | Op::SelectWait { .. });
        g
    }

    fn alternative(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        self.random.alternative(step, g, n)
    }

    fn read(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        self.random.read(step, g, n)
    }

    fn fire_early(&mut self, scene: &Scene<'_>) -> bool {
        self.random.fire_early(scene)
    }

    fn follows(&self) -> bool {
        true
    }

    fn spawned(&mut self, parent: Gid, child: Gid) {
        self.know(child);
        self.profile.parents[child.index()] = Some(parent);
    }

    fn stepped(&mut self, g: Gid, _pending: &[Pending], footprint: &[Access]) {
        self.know(g);
        let of_objects =
            footprint.iter().filter(|a| !a.res.part.is_of_goroutine()).map(|a| ObjId(a.res.owner));
        let touched: BTreeSet<ObjId> = of_objects.collect();
        for object in touched {
            *self.profile.counts[g.index()].entry(object).or_default() += 1;
            if self.selects {
                self.profile.selected.insert(object);
            }
        }
    }

    fn end(&mut self, steps: u32) {
        let profile = &mut self.profile;
        profile.steps = steps;
        let mut users: BTreeMap<ObjId, u32> = BTreeMap::new();
        for counts in &profile.counts {
            for &object in counts.keys() {
                *users.entry(object).or_default() += 1;
            }
        }
        profile.shared = users.iter().filter(|&(_, &n)| n > 1).map(|(&object, _)| object).collect();
    }
}

/// Run execution 0 of the random walk on a worker and tell what it was like.
pub(crate) fn gather(worker: &mut Worker, body: &Body, site: SiteRef, seed: u64) -> Profile {
    let previous = worker.set_strategy(Box::new(Profiler::new(seed)));
    let _ = worker.run(0, body, site, false);
    let profiler: Box<dyn Any> = worker.set_strategy(previous);
    profiler.downcast::<Profiler>().map(|mut p| p.take()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategies::tests::programs;
    use crate::model::Limits;
    use std::panic::Location;
    use std::sync::Arc;

    #[test]
    fn counts_what_goroutines_do() {
        let body = programs::increments(3, 2);
        let run = || {
            let mut worker = Worker::new(Box::new(Random::new(1)), Limits::default(), Arc::default());
            gather(&mut worker, &body, Location::caller(), 1)
        };
        let profile = run();
        assert_eq!(profile.counts.len(), 4);
        assert_eq!(profile.parents, [None, Some(Gid::MAIN), Some(Gid::MAIN), Some(Gid::MAIN)]);
        assert_eq!(profile.shared.len(), 1);
        // Each goroutine loads and stores twice; main loads once, in the end.
        let counter = profile.shared[0];
        assert!(profile.counts[1..].iter().all(|c| c[&counter] == 4), "{profile:?}");
        let mut weights = Vec::new();
        profile.weights(&profile.shared, &mut weights);
        assert_eq!(weights, [13, 4, 4, 4]);
        assert_eq!(profile.operations, 13);
        assert_eq!(profile, run());
    }
}
