//! Partial order sampling: Yuan, Yang, Gu, CAV 2018.
//!
//! Each pending operation gets a fresh random priority, the highest goes next, and after a step the
//! priorities of all pending operations that conflict with it are drawn anew. The random walk samples
//! interleavings, most of which differ only in the order of independent steps; this one comes close
//! to sampling partial orders. The robust default among the random strategies. Bad at bugs that take
//! a long run of one goroutine against many others.
//!
//! Deviation: a waiting goroutine that could only go on without a cause has no priority; now and
//! then one of them is woken.

use super::ranking::Ranking;
use crate::explore::rng::Rng;
use crate::model::execution::Pending;
use crate::model::{Scene, Strategy};
use selvedge_checkers::ids::Gid;

/// See the module.
pub(crate) struct Pos {
    base: Rng,
    rng: Rng,
    ranking: Ranking,
}

impl Pos {
    pub(crate) fn new(seed: u64) -> Pos {
        Pos { base: Rng::new(seed), rng: Rng::new(seed), ranking: Ranking::default() }
    }

    fn admit_up_to(&mut self, g: Gid) {
        while self.ranking.len() <= g.index() {
            self.ranking.admit(0);
        }
    }
}

impl Strategy for Pos {
    fn begin(&mut self, index: u64) -> bool {
        self.rng = self.base.split(index);
        self.ranking.clear();
        true
    }

    #[inline]
    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        super::wake_without_cause(&mut self.rng, scene)
            .or_else(|| self.ranking.top())
            .unwrap_or_else(|| scene.default_choice())
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
        true
    }

    #[inline]
    fn announced(&mut self, g: Gid, _pending: &Pending) {
        self.admit_up_to(g);
        self.ranking.set(g, self.rng.next());
    }

    #[inline]
    fn enabled(&mut self, g: Gid) {
        self.admit_up_to(g);
        self.ranking.enable(g);
    }

    #[inline]
    fn disabled(&mut self, g: Gid) {
        self.ranking.disable(g);
    }

    #[inline]
    fn conflicts(&mut self, g: Gid) {
        self.ranking.set(g, self.rng.next());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategies::tests::programs::{self, Run};
    use std::collections::BTreeMap;

    #[test]
    fn orders_of_conflicting_operations_come_up_equally_often() {
        // Three stores to one atomic: each of the six orders should make up a sixth.
        let stores = programs::stores(3);
        let mut run = Run::new(Box::new(Pos::new(5)));
        let mut orders: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
        for index in 0..3000 {
            let report = run.one(index, &stores);
            let order = report.decisions.iter().map(|d| d.goroutine.0).filter(|&g| g != 0).collect();
            *orders.entry(order).or_default() += 1;
        }
        assert_eq!(orders.len(), 6);
        assert!(orders.values().all(|&count| (350..650).contains(&count)), "{orders:?}");
    }
}
