//! What an execution could have done otherwise: schedules for the frontier.
//!
//! To reverse a race between `i` and `j`, everything after `i` that does not depend on it is kept, then
//! `j`'s operation comes, in each of the ways in which the two still conflict. Not only what `j` needs is
//! kept: leaving out the rest loses traces. If `j` is impossible then, or conflicts no more, several
//! steps that commute with one another may be what forbids it together (two readers and a writer); all
//! of them are left out, and the combinations come from reversing races of that execution. If `i` had
//! several outcomes, it is done again in each that it has after `j`, because a sibling of `i` that sleeps
//! would seem to cover the schedule.
//!
//! Invariant: every schedule is worked out on the objects, with the footprints it will have.

use super::leaf::Candidate;
use super::log::Log;
use super::races::{Race, Second};
use super::run::{Run, label_of};
use super::schedule::{Choice, Planned, conflict, initial_in};
use super::sim::Sim;
use crate::objects::Op;
use crate::objects::label::Label;
use selvedge_checkers::access::{Mode, Part, Res};
use selvedge_checkers::ids::{Gid, ObjId};

/// Stands for an event that is not in the log.
pub(super) const NEW: u32 = u32::MAX;
/// How many events all schedules of one execution may have together.
const ROOM: usize = 1 << 25;
/// How many events are looked at of an execution that is not made to its end.
const CUT: usize = 1 << 10;
/// The schedule follows from the execution as a whole.
const ALWAYS: u32 = u32::MAX;

/// States of the world to work schedules out on, kept for their memory.
#[derive(Default)]
pub(super) struct Bench {
    /// Before the event that is looked at, once it is needed.
    now: Sim,
    /// How many events `now` has seen; `None` if it was not set up.
    at: Option<usize>,
    spare: Vec<Sim>,
}

impl Bench {
    /// The state before an event; false if the log cannot be repeated so far.
    fn advance(&mut self, log: &Log, event: usize) -> bool {
        if self.at.is_none() {
            self.now.begin(log);
        }
        let from = self.at.unwrap_or(0);
        self.at = Some(event);
        (from..event).all(|event| self.now.repeat(log, event))
    }

    /// A copy of the state before the event that is looked at.
    fn copy(&mut self) -> Sim {
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.copy_from(&self.now);
        copy
    }

    fn copy_of(&mut self, state: &Sim) -> Sim {
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.copy_from(state);
        copy
    }

    /// The state at the beginning of the execution.
    pub(super) fn fresh(&mut self, log: &Log) -> Sim {
        let mut state = self.spare.pop().unwrap_or_default();
        state.begin(log);
        state
    }

    pub(super) fn put_back(&mut self, state: Sim) {
        self.spare.push(state);
    }
}

impl Run {
    /// The execution is complete: plan what it could have done otherwise.
    pub(super) fn conclude(&mut self) {
        self.close_event();
        // Where a step has several outcomes or ends the wait of another, the rest of the execution
        // matters for how an old race goes the other way: they are all looked at again.
        let known = if self.log.is_plain() { self.fresh() } else { 0 };
        self.races.analyse(&self.log, known);
        self.is_analysed = true;
        // Each race costs as much as the execution to reverse.
        let cost = self.races.found.len() * self.log.events.len();
        if self.limit.is_some_and(|limit| cost > limit * limit) {
            self.lost += 1;
            return;
        }
        self.bench.at = None;
        let found = std::mem::take(&mut self.races.found);
        let mut next = found.iter().peekable();
        let events = self.horizon();
        for event in 0..events {
            if self.log.events[event].due.is_some() {
                self.plan_wake_ups(event);
            }
            if self.log.events[event].choices > 1 {
                self.plan_otherwise(event);
            }
            self.since = ALWAYS;
            if self.log.is_weak && reads_only(&self.log, event) {
                self.read_later_stores(event);
            }
            while let Some(race) = next.next_if(|race| race.first as usize == event) {
                self.since = match race.second {
                    Second::Event(second) if self.log.is_plain() => second,
                    _ => ALWAYS,
                };
                self.reverse(race);
            }
            self.since = ALWAYS;
            if self.has_died && event + 1 == events {
                self.plan_what_died_with_it(event);
            }
        }
        if !self.is_cut && !self.is_vain && !self.has_died {
            self.plan_wake_ups_at_the_end();
        }
        self.races.found = found;
        self.is_beyond = self.needs_too_many();
    }

    /// How many events are looked at. An execution that is cut at the limit of steps proves nothing, and mostly
    /// goes round in circles, as a livelock does: what its beginning could have been instead is enough.
    fn horizon(&self) -> usize {
        let all = self.log.events.len();
        if self.is_cut { all.min(CUT) } else { all }
    }

    /// A copy of the state before `event`; `None` if there is none, which would be a mistake here.
    fn state_before(&mut self, event: usize) -> Option<Sim> {
        if !self.bench.advance(&self.log, event) {
            self.lost += 1;
            return None;
        }
        Some(self.bench.copy())
    }

    /// Nobody could go on when time passed: plan that somebody wakes up without a cause before it does.
    fn plan_wake_ups(&mut self, event: usize) {
        if !self.log.has_waits || self.log.budget.spurious == 0 {
            return;
        }
        let Some(state) = self.state_before(event) else { return };
        self.since = event.min(self.log.events.len().saturating_sub(1)) as u32;
        for g in (0..self.log.width()).map(|g| Gid(g as u32)) {
            if state.may_wake_spuriously(g) {
                let mut then = self.bench.copy_of(&state);
                let planned = self.planned(&mut then, g, 0, (0, 0));
                self.bench.put_back(then);
                self.draft.clear();
                self.draft.push(planned);
                self.put(event);
            }
        }
        self.bench.put_back(state);
    }

    /// The same where the execution was over.
    fn plan_wake_ups_at_the_end(&mut self) {
        let (sleeps, slept) = (self.sleeps.len(), self.slept.len());
        self.note_choice();
        self.plan_wake_ups(self.log.events.len());
        self.sleeps.truncate(sleeps);
        self.slept.truncate(slept);
    }

    /// The program died of `event`: whoever could have gone on could also have done so before it.
    fn plan_what_died_with_it(&mut self, event: usize) {
        let Some(state) = self.state_before(event) else { return };
        for g in (0..self.log.width()).map(|g| Gid(g as u32)) {
            let waits = self.log.goroutines[g.index()].pending.is_some();
            if !waits || g == self.log.events[event].g {
                continue;
            }
            for alternative in 0..state.alternatives(g) {
                let mut then = self.bench.copy_of(&state);
                let planned = self.planned(&mut then, g, alternative, (0, 0));
                self.bench.put_back(then);
                self.draft.clear();
                self.draft.push(planned);
                self.put(event);
            }
        }
        self.bench.put_back(state);
    }

    /// Plan the other outcomes that an event could have had. If a later step that does not depend on it
    /// had a choice too, that one comes first, with its outcome: what sleeps, or stands to the left, with
    /// another outcome of that step would seem to cover the schedule.
    fn plan_otherwise(&mut self, event: usize) {
        let mut kept = std::mem::take(&mut self.kept);
        kept.clear();
        let later = event + 1..self.horizon();
        kept.extend(later.filter(|&other| !self.races.ordered(&self.log, event, other)));
        let chose = |&other: &usize| self.log.events[other].choices > 1;
        if !kept.iter().any(chose) {
            kept.clear();
        }
        let newest = kept.iter().copied().filter(chose).max().unwrap_or(event);
        if newest >= self.fresh() {
            self.since = newest as u32;
            if !self.plan_other_reads(event, &kept) {
                self.plan_other_outcomes(event, &kept);
            }
        }
        self.kept = kept;
    }

    /// The same, where it takes a simulation.
    fn plan_other_outcomes(&mut self, event: usize, kept: &[usize]) {
        let (g, is_of_time) = (self.log.events[event].g, self.log.events[event].due.is_some());
        let (taken, choices) = (self.log.events[event].alternative, self.log.events[event].choices);
        let Some(mut state) = self.state_before(event) else { return };
        if is_of_time {
            for alternative in (0..choices).filter(|&n| n != taken) {
                let due = self.log.ties(event)[alternative as usize];
                let label = self.names.label(label_of(due));
                let planned = self.plan[event];
                self.draft.clear();
                self.draft.push(Planned {
                    event: NEW,
                    choice: Choice { label, ..planned.choice },
                    stops: false,
                    ..planned
                });
                self.put(event);
            }
        } else {
            state.join(&self.log, g);
            let taken = self.log.events[event].label;
            let labels: Vec<Label> = (0..state.alternatives(g)).map(|n| state.label(g, n)).collect();
            if self.repeat_all(&mut state, kept) {
                for label in labels.into_iter().filter(|&label| label != taken) {
                    let Some(alternative) = state.alternative_of(g, label) else { continue };
                    let mut then = self.bench.copy_of(&state);
                    let planned = self.planned(&mut then, g, alternative, self.plan[event].causes);
                    self.bench.put_back(then);
                    self.draft_of(kept, planned);
                    self.put(event);
                }
            }
        }
        self.bench.put_back(state);
    }

    /// A load, or an exchange that failed, could have read a store that came later and does not depend
    /// on it.
    fn read_later_stores(&mut self, first: usize) {
        let (g, object) = (self.log.events[first].g, self.log.events[first].op.object());
        let stores = |event: usize| {
            let writes = |(res, mode): &(Res, Mode)| {
                res.part == Part::Whole && *mode != Mode::Read && Some(ObjId(res.owner)) == object
            };
            self.log.events[event].g != g && self.log.footprint(event).iter().any(writes)
        };
        let mut kept = std::mem::take(&mut self.kept);
        kept.clear();
        let later = first + 1..self.horizon();
        kept.extend(later.filter(|&event| !self.races.ordered(&self.log, first, event)));
        if kept.iter().any(|&event| stores(event)) && !self.read_known_stores(first, &kept) {
            self.read_after(first, g, &kept);
        }
        self.kept = kept;
    }

    /// Plan that the read `first` of `g` comes after the events kept, where it then could read what it
    /// could not before.
    fn read_after(&mut self, first: usize, g: Gid, kept: &[usize]) {
        let Some(mut state) = self.state_before(first) else { return };
        state.join(&self.log, g);
        let known: Vec<Label> = (0..state.alternatives(g)).map(|n| state.label(g, n)).collect();
        if self.repeat_all(&mut state, kept) {
            for alternative in 0..state.alternatives(g) {
                if !known.contains(&state.label(g, alternative)) {
                    let mut then = self.bench.copy_of(&state);
                    let again = self.planned(&mut then, g, alternative, self.plan[first].causes);
                    self.bench.put_back(then);
                    self.draft_of(kept, again);
                    self.put(first);
                }
            }
        }
        self.bench.put_back(state);
    }

    /// Plan that the second of the race comes before the first.
    fn reverse(&mut self, race: &Race) {
        let first = race.first as usize;
        let (g, end) = match race.second {
            Second::Event(event) => (self.log.events[event as usize].g, event as usize),
            Second::Pending(g) => (g, self.log.events.len()),
            Second::Overtaken(n) => {
                let overtaken = &self.log.overtaken[n as usize];
                (overtaken.g, overtaken.by as usize)
            }
        };
        if end > self.horizon() {
            return;
        }
        let mut kept = std::mem::take(&mut self.kept);
        kept.clear();
        let free = |event: &usize| !self.races.ordered(&self.log, first, *event);
        kept.extend((first + 1..end).filter(free));
        let after = (end + 1..self.horizon()).filter(free);
        kept.extend(after.filter(|&event| !self.races.ordered(&self.log, end, event)));
        if !self.reverse_as_it_was(race, &kept) && !self.reverse_keeping(race, g, &kept) {
            let all = kept.len();
            if let Some(mut state) = self.state_before(first) {
                if self.repeat_all(&mut state, &kept) {
                    self.leave_out_what_forbids(&state, race, g, &mut kept);
                }
                self.bench.put_back(state);
            }
            if kept.len() < all {
                self.reverse_keeping(race, g, &kept);
            }
        }
        self.kept = kept;
    }

    /// Plan that the second of the race comes before the first and after the events kept; false if it
    /// cannot, or if it would make no difference.
    fn reverse_keeping(&mut self, race: &Race, g: Gid, kept: &[usize]) -> bool {
        let first = race.first as usize;
        let Some(mut state) = self.state_before(first) else { return false };
        if !self.repeat_all(&mut state, kept) {
            self.bench.put_back(state);
            return false;
        }
        let causes = self.lists.add_causes(race.second.causes(&self.log));
        state.join(&self.log, g);
        let Some(last) = state.alternatives(g).checked_sub(1) else {
            self.bench.put_back(state);
            return false;
        };
        let mut reversed = false;
        for alternative in 0..last {
            let then = self.bench.copy_of(&state);
            reversed |= self.reverse_with(race, g, kept, then, alternative, causes);
        }
        reversed | self.reverse_with(race, g, kept, state, last, causes)
    }

    /// Plan that the second of the race comes in this alternative after the events kept, which led to
    /// `then`; false if it would make no difference.
    fn reverse_with(
        &mut self,
        race: &Race,
        g: Gid,
        kept: &[usize],
        mut then: Sim,
        alternative: u32,
        causes: (u32, u32),
    ) -> bool {
        let first = race.first as usize;
        let mut second = self.planned(&mut then, g, alternative, causes);
        if let Second::Event(event) = race.second {
            self.add_what_it_set_off(event as usize, &mut second);
        }
        let reversed = self.is_dependent(first, &then, &second);
        if reversed {
            self.draft_of(kept, second);
            self.put_with_first_again(first, &mut then);
        }
        self.bench.put_back(then);
        reversed
    }

    /// What took effect in the wake of an event without a decision, while its goroutine unwound, will
    /// again, unless the operation comes out otherwise.
    fn add_what_it_set_off(&mut self, event: usize, planned: &mut Planned) {
        if self.log.settled_by(event).is_empty() {
            return;
        }
        let was = &self.plan[event];
        let own = &self.lists.footprint(was)[..self.log.events[event].own as usize];
        let now = self.lists.footprint(planned);
        let is_alike =
            own.len() <= now.len() && own.iter().zip(now).all(|(a, b)| (a.part, a.mode) == (b.part, b.mode));
        if is_alike && was.choice.label == planned.choice.label {
            let mut touches = now.to_vec();
            touches.extend_from_slice(self.lists.footprint(&self.plan[event]));
            planned.footprint = self.lists.add_footprint(touches.into_iter());
        }
    }

    /// Whether the first of a race and the second, which has just come before it, conflict: as the
    /// first was, or as it would be now.
    fn is_dependent(&mut self, first: usize, then: &Sim, second: &Planned) -> bool {
        let footprint = |planned: &Planned| self.lists.footprint(planned);
        if conflict(footprint(&self.plan[first]), footprint(second), &self.names) {
            return true;
        }
        let g = self.log.events[first].g;
        (0..then.alternatives(g)).any(|alternative| {
            let mut state = self.bench.copy_of(then);
            let again = self.planned(&mut state, g, alternative, (0, 0));
            self.bench.put_back(state);
            conflict(self.lists.footprint(&again), self.lists.footprint(second), &self.names)
        })
    }

    /// Put the draft, which reverses a race; if its first had a choice, then once for each it has after.
    fn put_with_first_again(&mut self, first: usize, state: &mut Sim) {
        let (g, choices) = (self.log.events[first].g, self.log.events[first].choices);
        state.join(&self.log, g);
        let again = if choices > 1 { state.alternatives(g) } else { 0 };
        if again == 0 {
            return self.put(first);
        }
        let draft = self.draft.clone();
        for alternative in 0..again {
            let mut then = self.bench.copy_of(state);
            let planned = self.planned(&mut then, g, alternative, self.plan[first].causes);
            self.bench.put_back(then);
            self.draft.clone_from(&draft);
            self.draft.push(planned);
            self.put(first);
        }
    }

    /// `g` goes on in this state.
    fn planned(&mut self, state: &mut Sim, g: Gid, alternative: u32, causes: (u32, u32)) -> Planned {
        let choice = self.choice(g, state.label(g, alternative));
        let names = &mut self.names;
        let accesses = state.step(&self.log, g, alternative).iter();
        let footprint = self.lists.add_footprint(accesses.map(|a| names.touch(g, a.res, a.mode)));
        Planned { choice, footprint, event: NEW, causes, stops: false }
    }

    /// Make the draft of what is kept and comes last.
    pub(super) fn draft_of(&mut self, kept: &[usize], last: Planned) {
        self.draft.clear();
        self.draft.extend(kept.iter().map(|&event| self.plan[event]));
        self.draft.push(last);
    }

    fn repeat_all(&mut self, state: &mut Sim, events: &[usize]) -> bool {
        let done = events.iter().all(|&event| state.repeat(&self.log, event));
        self.lost += u64::from(!done);
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

    /// Put the draft, which replaces everything from `event` on, unless it is covered.
    pub(super) fn put(&mut self, event: usize) {
        let range = self.sleeps[event].clone();
        let covered = self.slept[range.start as usize..range.end as usize].iter().any(|&q| {
            let q = &self.sleepers[q as usize];
            let footprint = &self.sleeping_touches[q.footprint.0 as usize..q.footprint.1 as usize];
            initial_in(q.choice, footprint, &self.draft, &self.lists, &self.names).is_some()
        });
        self.is_outgrown |= self.schedules.len() > ROOM;
        if !covered && !self.is_outgrown && self.is_within_bound(event) {
            for planned in &self.draft {
                let new = self.plan.len() + self.new.len();
                self.schedules.push(if planned.event == NEW { new as u32 } else { planned.event });
                self.new.extend((planned.event == NEW).then_some(*planned));
            }
            let (depth, end) = (event as u32, self.schedules.len() as u32);
            self.candidates.push(Candidate { depth, since: self.since, end });
        }
    }
}

/// Whether the event read an atomic and wrote none. What its goroutine gave back as it unwound does not count.
fn reads_only(log: &Log, event: usize) -> bool {
    let reads = matches!(log.events[event].op, Op::Load { .. } | Op::CompareExchange { .. });
    let own = &log.footprint(event)[..log.events[event].own as usize];
    reads && own.iter().all(|(res, mode)| res.part != Part::Whole || *mode == Mode::Read)
}
