//! How few preemptions a trace needs: the fewest among its linearizations.
//!
//! A preemption is a switch away from a goroutine that could have gone on. Of a trace that is not complete
//! only switches count after which the goroutine goes on within it: so no trace needs fewer preemptions than
//! any beginning of it does, and a schedule that needs too many leads to none that does not. Source for
//! bounding what partial orders need rather than schedules: Marmanis, Kokologiannakis, Vafeiadis (TACAS
//! 2023).
//!
//! Linearizations are walked as the cuts that they pass, those with fewer preemptions first; a cut that was
//! reached by the same goroutine before is not walked again. Invariant: whether a goroutine could go on at
//! a cut depends on the cut alone, because its linearizations all lead to one state.

use super::log::Log;
use super::races::Races;
use super::reverse::NEW;
use super::run::Run;
use super::schedule::{Lists, Planned, conflict};
use super::sim::Sim;
use crate::objects::Op;
use selvedge_checkers::ids::Gid;
use std::collections::BTreeSet;

/// How many cuts are walked at most: with more, a trace counts as one that needs no preemption too many.
const CUTS: usize = 1 << 16;

/// An event of the trace.
#[derive(Clone, Copy)]
struct Item {
    /// Whose: a column of the rows.
    column: usize,
    /// Its number in the log, or [`NEW`].
    event: u32,
    /// What it is as part of a schedule.
    planned: Planned,
    /// Where its row begins: how many events of each goroutine it comes after, itself included.
    row: usize,
}

/// The order of the events of a trace.
#[derive(Default)]
pub(super) struct Order {
    width: usize,
    items: Vec<Item>,
    rows: Vec<u32>,
    /// The items of each goroutine; last, those of the clock.
    own: Vec<Vec<usize>>,
    /// No event after the trace is looked at.
    is_partial: bool,
}

/// A place in a linearization: how many events of each goroutine there were, and who went last.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Cut {
    made: Vec<u32>,
    last: usize,
}

impl Order {
    fn begin(&mut self, log: &Log, is_partial: bool) {
        self.width = log.width() + 1;
        self.items.clear();
        self.rows.clear();
        self.own.iter_mut().for_each(Vec::clear);
        self.own.resize_with(self.width, Vec::new);
        self.is_partial = is_partial;
    }

    fn column(&self, g: Gid) -> usize {
        if g == Gid::CLOCK { self.width - 1 } else { g.index() }
    }

    fn row(&self, item: usize) -> &[u32] {
        &self.rows[self.items[item].row..][..self.width]
    }

    fn push(&mut self, g: Gid, event: u32, planned: Planned, row: &[u32]) {
        let column = self.column(g);
        self.own[column].push(self.items.len());
        self.items.push(Item { column, event, planned, row: self.rows.len() });
        self.rows.extend_from_slice(row);
    }

    /// An event that was there.
    fn push_old(&mut self, log: &Log, races: &Races, event: usize, planned: Planned) {
        self.push(log.events[event].g, event as u32, planned, races.row(event));
    }

    /// An event that was not there: it comes after its causes and all it conflicts with.
    fn push_new(&mut self, g: Gid, planned: Planned, lists: &Lists, same: &impl super::schedule::Same) {
        let mut row = vec![0; self.width];
        let column = self.column(g);
        for (at, item) in self.items.iter().enumerate() {
            let causes = item.event != NEW && lists.causes(&planned).contains(&item.event);
            let conflicts = || conflict(lists.footprint(&item.planned), lists.footprint(&planned), same);
            if item.column == column || causes || conflicts() {
                let before = self.row(at);
                row.iter_mut().zip(before).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
            }
        }
        row[column] = self.own[column].len() as u32 + 1;
        self.push(g, NEW, planned, &row);
    }

    /// The next event of a goroutine, and whether all it comes after is there.
    fn next(&self, made: &[u32], column: usize) -> Option<(usize, bool)> {
        let item = *self.own[column].get(made[column] as usize)?;
        let before = self.row(item).iter().zip(made).enumerate();
        let ready = before.filter(|&(at, _)| at != column).all(|(_, (wanted, made))| wanted <= made);
        Some((item, ready))
    }
}

/// What is needed to tell whether a goroutine could go on.
struct View<'a> {
    order: &'a Order,
    log: &'a Log,
    names: &'a super::names::Names,
    /// The clock conflicts with nothing but comes before and after everything.
    clock: usize,
    /// The state at the cut that was asked about last: the next one mostly goes on from there.
    state: Sim,
    /// That cut.
    at: Vec<u32>,
    /// The items between two cuts.
    between: Vec<usize>,
}

impl View<'_> {
    /// Whether the goroutine could go on at this cut, where its next event cannot come yet or is not part
    /// of the trace.
    fn goes_on(&mut self, cut: &Cut, next: Option<usize>) -> bool {
        if next.is_none() && self.order.is_partial {
            return false;
        }
        let (g, log) = (Gid(cut.last as u32), self.log);
        let Some(me) = log.goroutines.get(cut.last) else { return false };
        let op = match next {
            Some(item) if self.order.items[item].event != NEW => {
                Some(log.events[self.order.items[item].event as usize].op)
            }
            Some(_) => None,
            None => match me.pending {
                Some(op) => Some(op),
                None => return false,
            },
        };
        // Whoever waits for the end of another has announced nothing yet.
        let missing = |&cause: &u32| {
            let event = &log.events[cause as usize];
            cut.made[self.order.column(event.g)] <= event.nth
        };
        let joins = me.joins.iter().any(|&(events, _)| events == cut.made[cut.last]);
        let causes = match next.map(|item| &self.order.items[item]) {
            Some(item) if item.event != NEW => log.causes(item.event as usize),
            Some(_) => &[],
            None => &me.causes,
        };
        let waits = causes.iter().any(missing);
        if joins && waits {
            return false;
        }
        // Otherwise its next event is of another operation than the one it waits in.
        if !waits && op.is_some_and(|op| is_always_possible(&op)) {
            return true;
        }
        self.go_to(&cut.made) && {
            self.state.join(log, g);
            self.state.alternatives(g) > 0 && !self.state.may_wake_spuriously(g)
        }
    }

    /// Bring the state to a cut. False if that cannot be done, for a new event is not possible there.
    fn go_to(&mut self, made: &[u32]) -> bool {
        if self.at.iter().zip(made).any(|(at, made)| at > made) {
            self.state.begin(self.log);
            self.at.fill(0);
        }
        self.between.clear();
        for (column, own) in self.order.own.iter().enumerate() {
            self.between.extend_from_slice(&own[self.at[column] as usize..made[column] as usize]);
        }
        self.between.sort_unstable();
        self.at.copy_from_slice(made);
        for i in 0..self.between.len() {
            if !self.make(self.between[i]) {
                // Not a state of any cut: the next one has to begin anew.
                self.at.fill(u32::MAX);
                return false;
            }
        }
        true
    }

    /// Make an event of the trace.
    fn make(&mut self, item: usize) -> bool {
        let Item { column, event, planned, .. } = self.order.items[item];
        if event != NEW {
            return self.state.repeat(self.log, event as usize);
        }
        if column == self.clock {
            return false;
        }
        let g = Gid(column as u32);
        self.state.join(self.log, g);
        let alternatives = 0..self.state.alternatives(g);
        let wanted = |&n: &u32| self.names.label(self.state.label(g, n)) == planned.choice.label;
        let Some(alternative) = { alternatives }.find(wanted) else { return false };
        self.state.step(self.log, g, alternative);
        true
    }

    /// Whether some linearization has at most so many preemptions.
    fn fits(&mut self, most: u32) -> bool {
        let order = self.order;
        let start = Cut { made: vec![0; order.width], last: 0 };
        let mut level = vec![start];
        let mut walked = BTreeSet::new();
        for _ in 0..=most {
            let mut above = Vec::new();
            while let Some(cut) = level.pop() {
                if walked.len() > CUTS {
                    return true;
                }
                if !walked.insert(cut.clone()) {
                    continue;
                }
                if cut.made.iter().zip(&order.own).all(|(&made, own)| made as usize == own.len()) {
                    return true;
                }
                let next = order.next(&cut.made, cut.last);
                if let Some((item, true)) = next {
                    level.push(cut.after(cut.last, self.clock));
                    if self.is_quiet(item) {
                        continue;
                    }
                }
                let goes_on = match next {
                    Some((item, true)) => !order.items[item].planned.choice.is_spurious(),
                    other => self.goes_on(&cut, other.map(|(item, _)| item)),
                };
                for column in (0..order.width).filter(|&column| column != cut.last) {
                    if let Some((_, true)) = order.next(&cut.made, column) {
                        let then = cut.after(column, self.clock);
                        // Time passes when nobody can go on.
                        let list = if goes_on && column != self.clock { &mut above } else { &mut level };
                        list.push(then);
                    }
                }
            }
            level = above;
        }
        false
    }

    /// Whether the event makes nothing possible or impossible for others: then nobody saves a preemption by
    /// stopping just before it.
    fn is_quiet(&self, item: usize) -> bool {
        let event = self.order.items[item].event;
        let is_access = |op: &Op| op.is_atomic() || matches!(op, Op::Yield);
        event != NEW && !self.log.has_spins() && is_access(&self.log.events[event as usize].op)
    }
}

impl Cut {
    fn after(&self, column: usize, clock: usize) -> Cut {
        let mut made = self.made.clone();
        made[column] += 1;
        Cut { made, last: if column == clock { self.last } else { column } }
    }
}

/// Whether the operation can take effect in every state.
fn is_always_possible(op: &Op) -> bool {
    op.is_atomic()
        || matches!(
            op,
            Op::Yield
                | Op::Choose(_)
                | Op::TryLock(_)
                | Op::Unlock(_)
                | Op::TryReadLock(_)
                | Op::ReadUnlock(_)
                | Op::TryWriteLock(_)
                | Op::WriteIntent { .. }
                | Op::WriteUnlock(_)
                | Op::CondWait { .. }
                | Op::NotifyOne(_)
                | Op::NotifyAll(_)
                | Op::TrySend { .. }
                | Op::TryReceive(_)
                | Op::Close(_)
                | Op::Len(_)
                | Op::WaitGroupAdd { .. }
                | Op::WaitGroupPeek { .. }
                | Op::TryAcquire { .. }
        )
}

impl Run {
    /// Whether the draft, which replaces everything from `event` on, needs no more preemptions than the
    /// bound allows a schedule.
    pub(super) fn is_within_bound(&mut self, event: usize) -> bool {
        let Some(bound) = self.bound else { return true };
        self.order.begin(&self.log, true);
        for before in 0..event {
            self.order.push_old(&self.log, &self.races, before, self.plan[before]);
        }
        for i in 0..self.draft.len() {
            let planned = self.draft[i];
            match planned.event {
                NEW => {
                    let g = self.names.goroutine(planned.choice.g).expect("a goroutine of this execution");
                    self.order.push_new(g, planned, &self.lists, &self.names);
                }
                old => self.order.push_old(&self.log, &self.races, old as usize, planned),
            }
        }
        let most = bound.saturating_add(self.slack());
        self.fits(most)
    }

    /// How many more preemptions a schedule may need than a trace that it leads to. A goroutine that it
    /// stops half way for the sake of another may go on without a stop in the trace: one each, but for the
    /// last; and one may be started that is not known here. Measured, not proved: see decision 0023.
    fn slack(&self) -> u32 {
        let goroutines = self.log.goroutines.iter().take(self.log.width());
        let busy = goroutines.filter(|goroutine| goroutine.has_events()).count() as u32;
        busy.saturating_sub(1).max(1)
    }

    /// Whether the execution, which is complete, needs more preemptions than were asked for.
    pub(super) fn needs_too_many(&mut self) -> bool {
        let Some(most) = self.bound else { return false };
        self.order.begin(&self.log, false);
        for event in 0..self.log.events.len() {
            self.order.push_old(&self.log, &self.races, event, self.plan[event]);
        }
        !self.fits(most)
    }

    fn fits(&mut self, most: u32) -> bool {
        let (order, clock) = (std::mem::take(&mut self.order), self.log.width());
        let (log, names, state) = (&self.log, &self.names, self.bench.fresh(&self.log));
        let (at, between) = (vec![0; order.width], Vec::new());
        let mut view = View { order: &order, log, names, clock, state, at, between };
        let fits = view.fits(most);
        self.bench.put_back(view.state);
        self.order = order;
        fits
    }
}
