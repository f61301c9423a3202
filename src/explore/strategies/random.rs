//! A uniform choice among the enabled goroutines: the random walk.
//!
//! Cheap and unbiased per step, not per interleaving: a goroutine with many steps next to one with
//! few is rarely overtaken.

use crate::explore::rng::Rng;
use crate::model::{Scene, Strategy};
use selvedge_checkers::ids::Gid;

/// See the module.
pub(crate) struct Random {
    base: Rng,
    rng: Rng,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random { base: Rng::new(seed), rng: Rng::new(seed) }
    }
}

impl Strategy for Random {
    fn begin(&mut self, index: u64) -> bool {
        self.rng = self.base.split(index);
        true
    }

    #[inline]
    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        scene.enabled[self.rng.below(scene.enabled.len() as u32) as usize]
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
}
