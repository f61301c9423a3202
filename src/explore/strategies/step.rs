//! Asks a closure: for stepping through an execution by hand.
//!
//! Whatever the closures answer, the execution stays a legal one: a goroutine that cannot go on, or an
//! alternative that does not exist, is replaced by the default.

use crate::model::{Scene, Strategy};
use selvedge_checkers::ids::Gid;

/// See the module.
pub(crate) struct Step<P, A> {
    /// Which goroutine goes next; [`Gid::CLOCK`] fires a timer, where the second argument says that
    /// one may, or lets rest who could go on only without a cause.
    pick: P,
    /// Which of so many alternatives, of decision number so much.
    alternative: A,
    /// The answer to a question that was put once for the timer and the goroutine.
    answer: Option<(u32, Gid)>,
}

impl<P, A> Step<P, A>
where
    P: FnMut(&Scene<'_>, bool) -> Gid + Send + 'static,
    A: FnMut(u32, Gid, u32) -> u32 + Send + 'static,
{
    pub(crate) fn new(pick: P, alternative: A) -> Step<P, A> {
        Step { pick, alternative, answer: None }
    }
}

impl<P, A> Strategy for Step<P, A>
where
    P: FnMut(&Scene<'_>, bool) -> Gid + Send + 'static,
    A: FnMut(u32, Gid, u32) -> u32 + Send + 'static,
{
    fn begin(&mut self, _index: u64) -> bool {
        self.answer = None;
        true
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        let answer = match self.answer.take() {
            Some((step, g)) if step == scene.step => g,
            _ => (self.pick)(scene, false),
        };
        if scene.enabled.contains(&answer) { answer } else { scene.default_choice() }
    }

    fn alternative(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        let answer = (self.alternative)(step, g, n);
        if answer < n { answer } else { 0 }
    }

    fn wake_at_rest(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        let answer = (self.pick)(scene, true);
        scene.enabled.contains(&answer).then_some(answer)
    }

    fn fire_early(&mut self, scene: &Scene<'_>) -> bool {
        let answer = (self.pick)(scene, true);
        self.answer = Some((scene.step, answer));
        answer == Gid::CLOCK
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategies::tests::programs::{self, Run};

    #[test]
    fn does_as_it_is_told() {
        let highest = |scene: &Scene<'_>, _| *scene.enabled.iter().max().unwrap();
        let run = |pick: fn(&Scene<'_>, bool) -> Gid| {
            let report = Run::new(Box::new(Step::new(pick, |_, _, n| n))).one(0, &programs::increments(2, 1));
            report.decisions.iter().map(|d| d.goroutine.0).collect::<Vec<u32>>()
        };
        assert_eq!(run(highest), [2, 2, 1, 1, 0]);
        assert_eq!(run(|_, _| Gid(55)), [1, 1, 2, 2, 0]);
    }

    #[test]
    fn timers_fire_early_on_demand() {
        for program in programs::all() {
            let pick =
                |scene: &Scene<'_>, may_fire| if may_fire { Gid::CLOCK } else { scene.default_choice() };
            assert!(!Run::new(Box::new(Step::new(pick, |_, _, _| 0))).one(0, &program.body).truncated);
        }
    }
}
