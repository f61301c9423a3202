//! One execution, every decision made by the caller.

use super::explorer::Explorer;
use super::outcome::Outcome;
use super::trial;
use crate::explore::minimise;
use crate::explore::plan::Body;
use crate::explore::strategies::Step;
use crate::model::Scene;
use selvedge_checkers::ids::{Gid, Site};
use std::sync::{Arc, Mutex, PoisonError};

/// Something that can happen next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// The goroutine that would go on; `None` for a timer.
    pub goroutine: Option<u64>,
    /// What it would do.
    pub operation: &'static str,
    /// Where in the source.
    pub site: Option<Site>,
    /// In which of several ways, if that is what there is to choose.
    pub alternative: Option<u32>,
}

impl Explorer {
    /// Run one execution in which `choose` makes every decision: it gets what can happen and gives
    /// the index of what does. An index out of range stands for the default, the first.
    ///
    /// # Examples
    /// ```
    /// use selvedge::{Explorer, go};
    /// use selvedge::runtime::gosched;
    /// let mut asked = 0;
    /// let outcome = Explorer::new().by_hand(
    ///     move |choices| {
    ///         asked += 1;
    ///         asked % choices.len()
    ///     },
    ///     || {
    ///         go(gosched);
    ///         gosched();
    ///     },
    /// );
    /// assert!(outcome.is_clean());
    /// ```
    pub fn by_hand(
        &self,
        choose: impl FnMut(&[Choice]) -> usize + Send + 'static,
        f: impl Fn() + Send + Sync + 'static,
    ) -> Outcome {
        let body: Body = Arc::new(f);
        let plan = self.config.plan();
        let minimal = minimise::under(&plan, &body, self.site, move || stepper(choose, Vec::new()));
        trial::finish_replay(&self.config, &plan, &body, &self.identity(), minimal, None)
    }
}

/// The schedule that the first choices follow, for as long as it is followed.
struct Guide {
    decisions: Vec<(u32, u32)>,
    is_followed: bool,
}

impl Guide {
    /// What the schedule says of a decision.
    fn at(&self, step: u32) -> Option<(u32, u32)> {
        self.decisions.get(step as usize).copied().filter(|_| self.is_followed)
    }
}

/// Asks `choose` for every decision; the first choice is what `decisions` say, and the default where they say
/// nothing, or were left.
pub(super) fn stepper(
    choose: impl FnMut(&[Choice]) -> usize + Send + 'static,
    decisions: Vec<(u32, u32)>,
) -> Step<
    impl FnMut(&Scene<'_>, bool) -> Gid + Send + 'static,
    impl FnMut(u32, Gid, u32) -> u32 + Send + 'static,
> {
    let shared = Arc::new(Mutex::new((choose, Guide { decisions, is_followed: true })));
    let also = Arc::clone(&shared);
    let pick = move |scene: &Scene<'_>, may_fire: bool| {
        let (choose, guide) = &mut *shared.lock().unwrap_or_else(PoisonError::into_inner);
        let said = guide.at(scene.step).map(|(g, _)| Gid(g));
        // Nobody is asked to wake somebody without a cause where nobody could go on otherwise.
        if scene.is_at_rest() && !said.is_some_and(|g| scene.enabled.contains(&g)) {
            return Gid::CLOCK;
        }
        let mut order: Vec<Gid> = scene.enabled.to_vec();
        order.extend(may_fire.then_some(Gid::CLOCK));
        // The clock fires by itself where nobody else can go on, or after the goroutine was asked for.
        let first = said.filter(|g| order.contains(g)).unwrap_or_else(|| scene.default_choice());
        order.sort_by_key(|&g| (g != first, g));
        let choices: Vec<Choice> = order.iter().map(|&g| choice(scene, g)).collect();
        let taken = order.get(choose(&choices)).copied().unwrap_or(first);
        guide.is_followed &= said == Some(taken);
        taken
    };
    let alternative = move |step: u32, g: Gid, n: u32| {
        let (choose, guide) = &mut *also.lock().unwrap_or_else(PoisonError::into_inner);
        let said = guide.at(step).map(|(_, alternative)| alternative).filter(|a| *a < n);
        let mut order: Vec<u32> = (0..n).collect();
        order.sort_by_key(|&a| (Some(a) != said, a));
        let way = |&alternative: &u32| Choice {
            goroutine: (g != Gid::CLOCK).then_some(g.0.into()),
            operation: "alternative",
            site: None,
            alternative: Some(alternative),
        };
        let choices: Vec<Choice> = order.iter().map(way).collect();
        let taken = order.get(choose(&choices)).copied().unwrap_or(order[0]);
        guide.is_followed &= said == Some(taken);
        taken
    };
    Step::new(pick, alternative)
}

fn choice(scene: &Scene<'_>, g: Gid) -> Choice {
    let pending = scene.pending.get(g.index());
    Choice {
        goroutine: pending.map(|_| g.0.into()),
        operation: pending.map_or("fire", |p| p.op.kind().verb()),
        site: pending.map(|p| p.site.into()),
        alternative: None,
    }
}
