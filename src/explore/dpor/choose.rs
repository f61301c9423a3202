//! What an execution does where nothing is prescribed.
//!
//! Invariant: nothing that sleeps is chosen, unless there is nothing else.

use super::run::{Chosen, Run};
use crate::model::Scene;
use crate::objects::label::label;
use selvedge_checkers::ids::Gid;

impl Run {
    /// Choose where nothing is prescribed: the current goroutine if it has something new to do, and does
    /// not yield all the time.
    pub(super) fn choose(&mut self, scene: &Scene<'_>) -> (Gid, Chosen) {
        if let Some(chosen) = self.choose_in_step(scene) {
            return chosen;
        }
        if scene.goes_on()
            && !self.pace.gives_way(scene)
            && let Some(chosen) = self.choose_for(scene, scene.current)
        {
            return (scene.current, chosen);
        }
        let mut others: Vec<Gid> = scene.enabled.to_vec();
        others.retain(|&g| !scene.pending[g.index()].optional);
        others.sort_unstable_by_key(|&g| (self.pace.turns(g), g == scene.current, g));
        let found = others.into_iter().find_map(|g| Some((g, self.choose_for(scene, g)?)));
        found.unwrap_or_else(|| {
            self.is_blocked = true;
            let g = scene.default_choice();
            let op = &scene.pending[g.index()].op;
            let choices = scene.world.alternatives(g, op);
            (g, Chosen { alternative: 0, choices, label: label(scene.world, g, op, 0) })
        })
    }

    /// What those who go round in step with each other do next.
    fn choose_in_step(&mut self, scene: &Scene<'_>) -> Option<(Gid, Chosen)> {
        let g = self.pace.in_step(&self.log, scene)?;
        Some((g, self.choose_for(scene, g)?))
    }

    /// The first outcome that `g` could have and that does not sleep.
    fn choose_for(&mut self, scene: &Scene<'_>, g: Gid) -> Option<Chosen> {
        let op = &scene.pending[g.index()].op;
        let choices = scene.world.alternatives(g, op);
        (0..choices).find_map(|alternative| {
            let label = label(scene.world, g, op, alternative);
            let choice = self.choice(g, label);
            (!self.is_asleep(choice)).then_some(Chosen { alternative, choices, label })
        })
    }
}
