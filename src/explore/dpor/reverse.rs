//! What an execution could have done otherwise: schedules for the frontier.
//!
//! To reverse a race between `i` and `j`, everything after `i` that does not depend on it is kept, then
//! `j`'s operation comes, in each of the ways in which it still conflicts with `i`. Not only what `j`
//! needs is kept: leaving out the rest loses traces. If `j` is still impossible then, several steps that
//! commute with one another forbid it together (two readers and a writer); all of them are left out, and
//! the combinations come from reversing races of that execution. If `i` had several outcomes, it is done
//! again in each that it has after `j`, because a sibling of `i` that sleeps would seem to cover the
//! schedule.
//!
//! Invariant: every schedule is worked out on the objects, with the footprints it will have.

use super::log::Log;
use super::races::{Race, Second};
use super::sim::Sim;
use super::tree::{Planned, Touch, conflict, initial_in};
use super::{Dpor, label_of};
use crate::objects::Op;
use crate::objects::label::Label;
use selvedge_checkers::access::{Access, Mode, Part, Res};
use selvedge_checkers::ids::{Gid, ObjId};

/// Stands for an event that is not in the log.
const NEW: u32 = u32::MAX;

impl Dpor {
    /// The execution is complete: plan what it could have done otherwise.
    pub(super) fn conclude(&mut self) {
        self.close_event();
        // Where a step has several outcomes or ends the wait of another, the rest of the execution
        // matters for how an old race goes the other way: they are all looked at again.
        let known = if self.log.is_plain { self.fresh } else { 0 };
        self.races.analyse(&self.log, known);
        let found = std::mem::take(&mut self.races.found);
        let last_choice = (self.fresh..self.log.events.len()).rfind(|&e| self.log.events[e].choices > 1);
        let last = found.last().map(|race| race.first as usize).max(last_choice);
        let reads = |e: &usize| self.log.is_weak && reads_only(&self.log, *e);
        let last = last.max((0..self.log.events.len()).rfind(reads));
        let last = if self.has_died { self.log.events.len().checked_sub(1) } else { last };
        let mut next = found.iter().peekable();
        let mut sim = std::mem::take(&mut self.sim);
        if last.is_some() {
            sim.begin(&self.log);
        }
        for event in 0..last.map_or(0, |last| last + 1) {
            if event >= self.fresh && self.log.events[event].choices > 1 {
                self.plan_other_outcomes(&sim, event);
            }
            if self.log.is_weak {
                self.read_later_stores(&sim, event);
            }
            while let Some(race) = next.next_if(|race| race.first as usize == event) {
                self.reverse(&sim, race);
            }
            if self.has_died && event + 1 == self.log.events.len() {
                self.plan_what_died_with_it(&sim, event);
                break;
            }
            if !sim.repeat(&self.log, event) {
                self.counts.lost += 1;
                break;
            }
        }
        self.sim = sim;
        self.races.found = found;
    }

    /// The program died of `event`: whoever could have gone on could also have done so before it.
    fn plan_what_died_with_it(&mut self, sim: &Sim, event: usize) {
        self.tree.get_mut(self.path[event]).footprint.push(Touch::END);
        self.plan[event].footprint.push(Touch::END);
        for g in (0..self.log.width()).map(|g| Gid(g as u32)) {
            let waits = self.log.goroutines[g.index()].pending.is_some();
            if !waits || g == self.log.events[event].g {
                continue;
            }
            for alternative in 0..sim.alternatives(g) {
                let (_, planned) = self.planned(sim, g, alternative, Vec::new());
                self.put(event, vec![planned]);
            }
        }
    }

    /// The other outcomes that an event could have had.
    fn plan_other_outcomes(&mut self, sim: &Sim, event: usize) {
        let e = self.log.events[event].clone();
        for alternative in (0..e.choices).filter(|&n| n != e.alternative) {
            let mut planned = Planned { event: NEW, ..self.plan[event].clone() };
            if e.due.is_some() {
                let due = self.log.ties(event)[alternative as usize];
                planned.choice.label = self.label(label_of(due));
            } else {
                planned.choice.label = self.label(sim.label(e.g, alternative));
                let mut other = sim.clone();
                planned.footprint = self.touches(other.step(&self.log, e.g, alternative));
            }
            self.put(event, vec![planned]);
        }
    }

    /// A load, or an exchange that failed, could have read a store that came later and does not depend
    /// on it. `sim` is before it.
    fn read_later_stores(&mut self, sim: &Sim, first: usize) {
        if !reads_only(&self.log, first) {
            return;
        }
        let e = self.log.events[first].clone();
        let object = e.op.object();
        let later = first + 1..self.log.events.len();
        let free: Vec<usize> = later.filter(|&event| !self.races.ordered(&self.log, first, event)).collect();
        let stores = |event: &usize| {
            let writes = |(res, mode): &(Res, Mode)| {
                res.part == Part::Whole && *mode != Mode::Read && Some(ObjId(res.owner)) == object
            };
            self.log.events[*event].g != e.g && self.log.footprint(*event).iter().any(writes)
        };
        if !free.iter().any(stores) {
            return;
        }
        let mut before = sim.clone();
        before.join(&self.log, e.g);
        let known: Vec<Label> = (0..before.alternatives(e.g)).map(|n| before.label(e.g, n)).collect();
        let mut state = sim.clone();
        if !self.repeat_all(&mut state, &free) {
            return;
        }
        state.join(&self.log, e.g);
        for alternative in 0..state.alternatives(e.g) {
            if !known.contains(&state.label(e.g, alternative)) {
                let causes = self.log.causes(first).to_vec();
                let (_, again) = self.planned(&state, e.g, alternative, causes);
                let mut plan: Vec<Planned> = free.iter().map(|&event| self.plan[event].clone()).collect();
                plan.push(again);
                self.put(first, plan);
            }
        }
    }

    /// Plan that the second of the race comes before the first. `sim` is before the first.
    fn reverse(&mut self, sim: &Sim, race: &Race) {
        let first = race.first as usize;
        let (g, end) = match race.second {
            Second::Event(event) => (self.log.events[event as usize].g, event as usize),
            Second::Pending(g) => (g, self.log.events.len()),
            Second::Overtaken(g) => (g, first),
        };
        let free = |event: &usize| !self.races.ordered(&self.log, first, *event);
        let before = (first + 1..end).filter(free);
        let after = (end + 1..self.log.events.len())
            .filter(free)
            .filter(|&event| !self.races.ordered(&self.log, end, event));
        let mut kept: Vec<usize> = before.chain(after).collect();
        if self.reverse_keeping(sim, race, g, &kept) {
            return;
        }
        let mut state = sim.clone();
        if self.repeat_all(&mut state, &kept) {
            let all = kept.len();
            self.leave_out_what_forbids(&state, race, g, &mut kept);
            if kept.len() < all {
                self.reverse_keeping(sim, race, g, &kept);
            }
        }
    }

    /// Plan that the second of the race comes before the first and after the events kept; false if it
    /// cannot, or if it would make no difference.
    fn reverse_keeping(&mut self, sim: &Sim, race: &Race, g: Gid, kept: &[usize]) -> bool {
        let first = race.first as usize;
        let mut state = sim.clone();
        if !self.repeat_all(&mut state, kept) {
            return false;
        }
        let causes = match race.second {
            Second::Event(event) => self.log.causes(event as usize).to_vec(),
            Second::Pending(g) => self.log.goroutines[g.index()].causes.clone(),
            Second::Overtaken(_) => Vec::new(),
        };
        let mut reversed = false;
        state.join(&self.log, g);
        for alternative in 0..state.alternatives(g) {
            let (mut then, second) = self.planned(&state, g, alternative, causes.clone());
            if self.is_dependent(first, &then, &second) {
                let mut plan: Vec<Planned> = kept.iter().map(|&event| self.plan[event].clone()).collect();
                plan.push(second);
                self.put_with_first_again(first, &mut then, plan);
                reversed = true;
            }
        }
        reversed
    }

    /// Whether the first of a race and the second, which has just come before it, conflict: as the
    /// first was, or as it would be now.
    fn is_dependent(&mut self, first: usize, then: &Sim, second: &Planned) -> bool {
        if conflict(&self.plan[first].footprint, &second.footprint, &self.names) {
            return true;
        }
        let g = self.log.events[first].g;
        let conflicts = |alternative| {
            let (_, again) = self.planned(then, g, alternative, Vec::new());
            conflict(&again.footprint, &second.footprint, &self.names)
        };
        (0..then.alternatives(g)).any(conflicts)
    }

    /// Put a schedule that reverses a race; if its first had a choice, then once for each it has after.
    fn put_with_first_again(&mut self, first: usize, state: &mut Sim, plan: Vec<Planned>) {
        let (g, choices) = (self.log.events[first].g, self.log.events[first].choices);
        state.join(&self.log, g);
        let again = if choices > 1 { state.alternatives(g) } else { 0 };
        if again == 0 {
            return self.put(first, plan);
        }
        for alternative in 0..again {
            let causes = self.log.causes(first).to_vec();
            let mut plan = plan.clone();
            plan.push(self.planned(state, g, alternative, causes).1);
            self.put(first, plan);
        }
    }

    /// `g` goes on in this state; gives the state after, and the step.
    fn planned(&mut self, state: &Sim, g: Gid, alternative: u32, causes: Vec<u32>) -> (Sim, Planned) {
        let mut then = state.clone();
        let choice = self.choice(g, state.label(g, alternative));
        let footprint = self.touches(then.step(&self.log, g, alternative));
        (then, Planned { choice, footprint, event: NEW, causes })
    }

    fn repeat_all(&mut self, state: &mut Sim, events: &[usize]) -> bool {
        let done = events.iter().all(|&event| state.repeat(&self.log, event));
        self.counts.lost += u64::from(!done);
        done
    }

    /// Leave out of `kept` what touches the objects that `g` waits for, with all that depends on it.
    fn leave_out_what_forbids(&self, state: &Sim, race: &Race, g: Gid, kept: &mut Vec<usize>) {
        let op = state.pending(g);
        let mut objects = Vec::new();
        self.log.objects_of(g, &op, state.announced(g), |object| objects.push(object.0));
        let forbids = |event: usize| {
            self.log.footprint(event).iter().any(|(res, mode)| {
                *mode != Mode::Read
                    && match res.part {
                        Part::Token => matches!(op, Op::Park { .. }) && res.owner == g.0,
                        part => !part.is_of_goroutine() && objects.contains(&res.owner),
                    }
            })
        };
        let mut left_out: Vec<usize> = Vec::new();
        kept.retain(|&event| {
            let follows = left_out.iter().any(|&gone| self.races.ordered(&self.log, gone, event));
            let own = self.log.events[event].g == g;
            let needed = own || self.races.comes_before(&self.log, event, race.second);
            let goes = follows || !needed && forbids(event);
            if goes {
                left_out.push(event);
            }
            !goes
        });
    }

    fn touches(&mut self, footprint: &[Access]) -> Vec<Touch> {
        let names = &mut self.names;
        footprint.iter().map(|a| Dpor::touch(names, a.res, a.mode)).collect()
    }

    /// Put a schedule that replaces everything from `event` on, unless it is covered.
    fn put(&mut self, event: usize, plan: Vec<Planned>) {
        let range = self.sleeps[event].clone();
        let covered = self.slept[range.start as usize..range.end as usize].iter().any(|&child| {
            let child = self.tree.get(child);
            initial_in(child.choice, &child.footprint, &plan, &self.names).is_some()
        });
        if !covered {
            let node = event.checked_sub(1).map_or(super::ROOT, |before| self.path[before]);
            self.tree.insert(node, plan, &self.names);
        }
    }
}

/// Whether the event read an atomic and wrote none.
fn reads_only(log: &Log, event: usize) -> bool {
    let reads = matches!(log.events[event].op, Op::Load { .. } | Op::CompareExchange { .. });
    reads && log.footprint(event).iter().all(|(res, mode)| res.part != Part::Whole || *mode == Mode::Read)
}
