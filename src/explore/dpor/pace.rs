//! In which order those go on who yield, where nothing is prescribed.
//!
//! The goroutine that goes last goes on, so that an execution has few switches. One that yields all the time
//! would keep the others waiting for ever; so after some yields it lets them go first. And those who went round in
//! step with each other go on as they did: if they come to the same again and again, the execution comes to its
//! limit and is a livelock, where any other order would let one of them out.
//!
//! Invariant: this chooses among decisions that are all as good for the search, never which there are.

use super::log::{Event, Log};
use crate::model::Scene;
use crate::objects::Op;
use selvedge_checkers::ids::Gid;

/// How often a goroutine may yield in vain before the others go first.
const PATIENCE: u32 = 3;
/// How many steps a round of goroutines in step may have.
const ROUND: usize = 64;

/// See the module.
#[derive(Default)]
pub(super) struct Pace {
    /// How often each goroutine has yielded, in the events that were looked at; empty if nobody has.
    yields: Vec<u32>,
    events: usize,
    /// The length of the round that is gone once more.
    round: Option<usize>,
}

impl Pace {
    /// Another execution begins.
    pub(super) fn clear(&mut self) {
        self.yields.clear();
        self.events = 0;
        self.round = None;
    }

    /// Only so many events are left of those there were.
    pub(super) fn forget(&mut self, events: usize) {
        self.events = self.events.min(events);
        self.round = None;
    }

    /// Look at the events that came since.
    fn follow(&mut self, log: &Log) {
        for event in &log.events[self.events..] {
            if matches!(event.op, Op::Yield) {
                if self.yields.len() <= event.g.index() {
                    self.yields.resize(event.g.index() + 1, 0);
                }
                self.yields[event.g.index()] += 1;
            }
        }
        self.events = log.events.len();
    }

    /// How often a goroutine has yielded although it went first.
    pub(super) fn turns(&self, g: Gid) -> u32 {
        self.yields.get(g.index()).map_or(0, |yields| yields.saturating_sub(PATIENCE - 1))
    }

    /// Whether the current goroutine is about to yield and others are to go first, by the events that
    /// [`Pace::in_step`] has looked at.
    pub(super) fn gives_way(&self, scene: &Scene<'_>) -> bool {
        matches!(scene.pending[scene.current.index()].op, Op::Yield) && self.turns(scene.current) > 0
    }

    /// Who goes on, if all who can go round in step.
    pub(super) fn in_step(&mut self, log: &Log, scene: &Scene<'_>) -> Option<Gid> {
        self.follow(log);
        let (made, last) = (log.events.len(), log.events.last()?);
        if self.yields.is_empty() {
            return None;
        }
        if self.round.is_none_or(|length| !is_same(last, &log.events[made - 1 - length])) {
            self.round = round_of(log, scene);
        }
        let g = log.events[made - self.round?].g;
        (scene.enabled.contains(&g) && !scene.pending[g.index()].optional).then_some(g)
    }
}

fn is_same(a: &Event, b: &Event) -> bool {
    (a.g, a.op, a.alternative) == (b.g, b.op, b.alternative)
}

/// The length of a round at whose end the last event happened before as well, and in which all who can go
/// on, and are several, have yielded.
fn round_of(log: &Log, scene: &Scene<'_>) -> Option<usize> {
    let can_go_on = || scene.enabled.iter().filter(|g| !scene.pending[g.index()].optional);
    if can_go_on().count() < 2 {
        return None;
    }
    let (last, before) = log.events.split_last()?;
    let length = 1 + before.iter().rev().take(ROUND).position(|event| is_same(event, last))?;
    let round = &before[before.len() - length..];
    let yields = |g: Gid| round.iter().any(|event| event.g == g && matches!(event.op, Op::Yield));
    can_go_on().all(|&g| yields(g)).then_some(length)
}
