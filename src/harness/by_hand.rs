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
        let minimal = minimise::under(&plan, &body, self.site, move || stepper(choose));
        trial::finish_replay(&self.config, &plan, &body, &self.identity(), minimal, None)
    }
}

pub(super) fn stepper(
    choose: impl FnMut(&[Choice]) -> usize + Send + 'static,
) -> Step<impl FnMut(&Scene<'_>, bool) -> Gid + Send + 'static, impl FnMut(Gid, u32) -> u32 + Send + 'static>
{
    let choose = Arc::new(Mutex::new(choose));
    let also = Arc::clone(&choose);
    let pick = move |scene: &Scene<'_>, may_fire: bool| {
        let mut order: Vec<Gid> = scene.enabled.to_vec();
        let first = scene.default_choice();
        order.sort_by_key(|&g| (g != first, g));
        order.extend(may_fire.then_some(Gid::CLOCK));
        let choices: Vec<Choice> = order.iter().map(|&g| choice(scene, g)).collect();
        let index = (choose.lock().unwrap_or_else(PoisonError::into_inner))(&choices);
        order.get(index).copied().unwrap_or(first)
    };
    let alternative = move |g: Gid, n: u32| {
        let way = |alternative| Choice {
            goroutine: (g != Gid::CLOCK).then_some(g.0.into()),
            operation: "alternative",
            site: None,
            alternative: Some(alternative),
        };
        let choices: Vec<Choice> = (0..n).map(way).collect();
        (also.lock().unwrap_or_else(PoisonError::into_inner))(&choices) as u32
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
