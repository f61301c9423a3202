//! The diamond: two steps whose footprints do not conflict may change places.
//!
//! In every prefix of executions of random programs, for every two goroutines that can move one after the
//! other: if the footprints do not conflict, the second could have moved first, with the same label, the same
//! result and the same footprint, the first still can move after it, and both ways lead to the same state.

use super::super::log::Log;
use super::super::tests::fuzz::{Family, program};
use super::super::{Dpor, Order};
use super::Sim;
use crate::explore::strategies::tests::programs::Run;
use crate::objects::label::Label;
use crate::objects::{Op, Ret, State, Step};
use selvedge_checkers::access::{Access, Mode, Res};
use selvedge_checkers::ids::{Gid, ObjId};

/// What a step did that others can depend on.
#[derive(PartialEq, Debug)]
struct Done {
    step: Step,
    footprint: Vec<(Res, Mode)>,
}

/// All that later steps can tell.
#[derive(PartialEq, Debug)]
struct Visible {
    /// With their versions.
    objects: Vec<(ObjId, State, u32)>,
    /// The token, how many events there were, and what can happen next.
    goroutines: Vec<(bool, u32, Vec<Label>)>,
}

impl Sim {
    /// Whether the log says what `g` does next, and it has not to wait for another one to end.
    fn knows(&self, log: &Log, g: Gid) -> bool {
        let place = &self.goroutines[g.index()];
        let ended = |target: Gid| {
            let made = log.events.iter().filter(|e| e.g == target).count();
            log.goroutines[target.index()].pending.is_none()
                && self.goroutines[target.index()].events as usize == made
        };
        let mut joins = log.goroutines[g.index()].joins.iter().filter(|(events, _)| *events <= place.events);
        place.announced > 0 && joins.all(|&(_, target)| ended(target))
    }

    fn copy(&self) -> Sim {
        let mut copy = Sim::default();
        copy.copy_from(self);
        copy
    }

    fn labels(&self, g: Gid) -> Vec<Label> {
        (0..self.alternatives(g)).map(|n| self.label(g, n)).collect()
    }

    /// The state after `g` went on with this label, if it can.
    fn after(&self, log: &Log, g: Gid, label: Label) -> Option<(Done, Sim)> {
        let mut state = self.copy();
        state.join(log, g);
        let alternative = state.alternative_of(g, label)?;
        let mut aside = state.copy();
        let op = state.goroutines[g.index()].op;
        let step = match aside.world.step(g, &op, alternative) {
            // Nobody is told the counter.
            Step::Done(Ret::Value(_)) if matches!(op, Op::WaitGroupAdd { .. }) => Step::Done(Ret::Unit),
            step => step,
        };
        let footprint = state.step(log, g, alternative).iter().map(|a: &Access| (a.res, a.mode)).collect();
        Some((Done { step, footprint }, state))
    }

    /// What can happen next.
    fn movers(&self, log: &Log) -> Vec<(Gid, Label)> {
        let all = (0..log.width() as u32).map(Gid).filter(|&g| self.knows(log, g));
        all.flat_map(|g| {
            let mut state = self.copy();
            state.join(log, g);
            state.labels(g).into_iter().map(move |label| (g, label))
        })
        .collect()
    }

    fn visible(&self) -> Visible {
        let objects = self.world.objects().map(|(id, slot)| {
            let mut state = slot.state.clone();
            if let State::RwLock(rw) = &mut state {
                rw.readers.sort_unstable();
            }
            (id, state, slot.version)
        });
        let goroutines = (0..self.goroutines.len()).map(|g| {
            let place = &self.goroutines[g];
            let labels = if place.announced > 0 { self.labels(Gid(g as u32)) } else { Vec::new() };
            (self.world.goroutines[g].token, place.events, labels)
        });
        Visible { objects: objects.collect(), goroutines: goroutines.collect() }
    }
}

fn conflict(a: &Done, b: &Done) -> bool {
    a.footprint.iter().any(|(x, m)| b.footprint.iter().any(|(y, n)| x == y && m.conflicts(*n)))
}

/// Check every pair in every prefix; gives how many pairs were independent.
fn check(log: &Log, text: &str) -> u64 {
    let mut independent = 0;
    let mut now = Sim::default();
    now.begin(log);
    for event in 0..=log.events.len() {
        for (g, first) in now.movers(log) {
            let (did_g, after_g) = now.after(log, g, first).expect("it can move");
            for (h, second) in after_g.movers(log).into_iter().filter(|m| m.0 != g) {
                let (did_h, after_both) = after_g.after(log, h, second).expect("it can move");
                // Whom the first step told something comes after it, whatever they touch.
                let place = |state: &Sim| (state.goroutines[h.index()].announced, state.pending(h));
                let is_told = place(&now) != place(&after_g);
                if is_told || conflict(&did_g, &did_h) || !now.knows(log, h) {
                    continue;
                }
                independent += 1;
                let what = || format!("{g:?} {first:?} and {h:?} {second:?} before event {event}: {text}");
                let (alone, after_h) =
                    now.after(log, h, second).unwrap_or_else(|| panic!("not possible alone: {}", what()));
                assert_eq!(alone, did_h, "different alone: {}", what());
                let (later, swapped) =
                    after_h.after(log, g, first).unwrap_or_else(|| panic!("not possible later: {}", what()));
                assert_eq!(later, did_g, "different later: {}", what());
                assert_eq!(after_both.visible(), swapped.visible(), "two states: {}", what());
            }
        }
        if event < log.events.len() && !now.repeat(log, event) {
            panic!("event {event} cannot be repeated: {text}");
        }
    }
    independent
}

fn diamonds(family: Family) {
    let mut independent = 0;
    for seed in 0..150 {
        for (goroutines, length) in [(2, 3), (3, 2), (4, 2)] {
            let (text, body) = program(seed, family, goroutines, length);
            let dpor = Dpor::new(Order::Random(crate::explore::rng::Rng::new(seed)), None);
            let mut run = Run::with(Box::new(dpor), family.limits());
            for index in 0..3 {
                if run.next(index, &body).is_none() {
                    break;
                }
                run.ask(|strategy| {
                    let dpor = strategy.downcast_ref::<Dpor>().expect("the strategy that was given");
                    independent += check(&dpor.branch.0.log, &text);
                });
            }
        }
    }
    assert!(independent > 1000, "only {independent} pairs");
}

#[test]
fn atomics() {
    diamonds(Family::Atomics);
}

#[test]
fn atomics_with_all_orderings() {
    diamonds(Family::Weak);
}

#[test]
fn counters() {
    diamonds(Family::Counts);
}

#[test]
fn channels() {
    diamonds(Family::Channels);
}

#[test]
fn locks() {
    diamonds(Family::Locks);
}

#[test]
fn waits() {
    diamonds(Family::Waits);
}
