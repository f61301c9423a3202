//! Follows a list of decisions but for those of a goroutine that is held and cannot take them.
//!
//! Where the program does not do what is left of the list, and after its end, the default policy
//! decides; whoever runs it compares what was decided.

use crate::model::{Decision, Scene, Strategy};
use selvedge_checkers::ids::Gid;

/// See the module.
pub(crate) struct Without {
    decisions: Vec<Decision>,
    held: Gid,
    /// The places in the list that were passed over.
    skipped: Vec<usize>,
}

impl Without {
    pub(crate) fn new(decisions: Vec<Decision>, held: Gid) -> Without {
        Without { decisions, held, skipped: Vec::new() }
    }

    /// The decisions that were to be made.
    pub(crate) fn kept(self) -> Vec<Decision> {
        let skipped = self.skipped;
        let kept = self.decisions.into_iter().enumerate().filter(|(i, _)| !skipped.contains(i));
        kept.map(|(_, d)| d).collect()
    }

    fn expected(&self, step: u32) -> Option<Decision> {
        self.decisions.get(step as usize + self.skipped.len()).copied()
    }
}

impl Strategy for Without {
    fn begin(&mut self, _index: u64) -> bool {
        self.skipped.clear();
        true
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        while let Some(d) = self.expected(scene.step) {
            if scene.enabled.contains(&d.goroutine) {
                return d.goroutine;
            }
            if d.goroutine != self.held {
                break;
            }
            self.skipped.push(scene.step as usize + self.skipped.len());
        }
        scene.default_choice()
    }

    fn alternative(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        let wanted = self.expected(step).filter(|d| d.goroutine == g).map_or(0, |d| d.alternative.into());
        if wanted < n { wanted } else { 0 }
    }

    fn wake_at_rest(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        let wanted = self.expected(scene.step).map(|d| d.goroutine);
        wanted.filter(|g| scene.enabled.contains(g))
    }

    fn fire_early(&mut self, scene: &Scene<'_>) -> bool {
        self.expected(scene.step).is_some_and(|d| d.goroutine == Gid::CLOCK)
    }
}
