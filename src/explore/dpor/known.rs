//! Schedules that need no simulation: the outcome of the reversed step follows from the log.
//!
//! - A lock taken before another one finds the mutex free, as that one did.
//! - Without old stores to read, an atomic load, store or update does what it did.
//! - With them, a store or an update reads the newest store, and so does a sequentially consistent load
//!   if that store is sequentially consistent. Which one is the newest is what the schedule says.
//! - What else a load could have read was there to see when it was made; and a store that it was made
//!   before, and does not happen before it, hides none and is hidden by none that happens before the load.
//!
//! Invariant: each of these gives what the simulation would, or leaves the case to it. Everything about
//! exchanges is left to it, for their outcome depends on values.

use super::log::Log;
use super::races::{Race, Second};
use super::reverse::NEW;
use super::run::Run;
use super::schedule::{Planned, Touch, conflict};
use crate::objects::label::Label;
use crate::objects::{Op, memory};
use core::sync::atomic::Ordering;
use selvedge_checkers::access::{Mode, Part};
use selvedge_checkers::ids::ObjId;

/// A store of the log.
#[derive(Clone, Copy)]
struct Made {
    label: Label,
    consistent: bool,
}

/// The store everybody knows of.
const INITIAL_STORE: Made = Made { label: Label::Write(memory::INITIAL, 0), consistent: true };

impl Run {
    /// Reverse a race whose second step is what it is whatever comes before; false if it takes more to
    /// know what it does.
    pub(super) fn reverse_as_it_was(&mut self, race: &Race, kept: &[usize]) -> bool {
        let Second::Event(second) = race.second else { return false };
        let (first, second) = (race.first as usize, second as usize);
        let log = &self.log;
        let takes_more = |event: usize| !log.settled_by(event).is_empty();
        if takes_more(first) || takes_more(second) || log.events[first].choices > 1 {
            return false;
        }
        let again = match (log.events[first].op, log.events[second].op) {
            (Op::Lock(_), Op::Lock(_)) => Some(self.again(second, None)),
            (Op::Load { .. } | Op::Store { .. } | Op::Update { .. } | Op::Add { .. }, op) => {
                self.access_after(first, kept, second, &op)
            }
            _ => None,
        };
        let Some(again) = again else { return false };
        let footprint = |planned: &Planned| self.lists.footprint(planned);
        if !conflict(footprint(&self.plan[first]), footprint(&again), &self.names) {
            return false;
        }
        self.draft_of(kept, again);
        self.put(first);
        true
    }

    /// What the access `op` of an event becomes after the events kept and without `first`.
    fn access_after(&mut self, first: usize, kept: &[usize], event: usize, op: &Op) -> Option<Planned> {
        let (atomic, order) = match *op {
            Op::Store { atomic, .. } | Op::Update { atomic, .. } | Op::Add { atomic, .. } => (atomic, None),
            Op::Load { atomic, order } => (atomic, Some(order)),
            _ => return None,
        };
        if !self.log.is_weak {
            return Some(self.again(event, None));
        }
        let newest = self.newest_store(first, kept, atomic)?;
        if order.is_some_and(|order| order != Ordering::SeqCst || !newest.consistent) {
            return None;
        }
        let mut again = self.again(event, Some(newest.label));
        if order.is_some() {
            again.choice.label = self.names.label(newest.label);
        }
        Some(again)
    }

    /// The newest store to an atomic after the events kept and those before `first`; `None` if it is not
    /// known.
    fn newest_store(&self, first: usize, kept: &[usize], atomic: ObjId) -> Option<Made> {
        let mut events = kept.iter().rev().copied().chain((0..first).rev());
        let newest = events.find_map(|event| store_of(&self.log, event, atomic).transpose());
        newest.unwrap_or(Ok(INITIAL_STORE)).ok()
    }

    /// The operation of an event once more, reading this store if it reads one.
    fn again(&mut self, event: usize, store: Option<Label>) -> Planned {
        let index = match store {
            Some(Label::Write(g, number)) => Some(self.names.store(memory::index(g, number))),
            _ => None,
        };
        let change = |touch: Touch| match index {
            Some(index) if touch.part == Part::Store && touch.mode == Mode::Read => Touch { index, ..touch },
            _ => touch,
        };
        let (planned, own) = (self.plan[event], self.log.events[event].own);
        let footprint = self.lists.add_footprint_like(planned.footprint, own, change);
        Planned { event: NEW, footprint, stops: false, ..planned }
    }

    /// Plan what else a load could have read, after the events kept; false if that is not known.
    pub(super) fn plan_other_reads(&mut self, event: usize, kept: &[usize]) -> bool {
        let e = &self.log.events[event];
        if !matches!(e.op, Op::Load { .. }) || !self.log.settled_by(event).is_empty() {
            return false;
        }
        for n in self.log.offered(event) {
            let label = self.log.labels[n];
            if label != self.log.events[event].label {
                self.plan_read(event, kept, label);
            }
        }
        true
    }

    /// Plan that the load `first` comes after the events kept and reads a store that is among them; false
    /// if it is not known which of them it could.
    pub(super) fn read_known_stores(&mut self, first: usize, kept: &[usize]) -> bool {
        let Op::Load { atomic, order } = self.log.events[first].op else { return false };
        if self.log.has_fence || !self.log.settled_by(first).is_empty() {
            return false;
        }
        let mut stores = Vec::new();
        for &event in kept.iter().rev() {
            match store_of(&self.log, event, atomic) {
                Err(Unknown) => return false,
                Ok(None) => {}
                Ok(Some(made)) => {
                    stores.push(made.label);
                    if made.consistent && order == Ordering::SeqCst {
                        break;
                    }
                }
            }
        }
        for label in stores {
            self.plan_read(first, kept, label);
        }
        true
    }

    /// Plan that the load `event` comes after the events kept and reads this store.
    fn plan_read(&mut self, event: usize, kept: &[usize], store: Label) {
        let mut again = self.again(event, Some(store));
        again.choice.label = self.names.label(store);
        self.draft_of(kept, again);
        self.put(event);
    }
}

/// The log does not tell.
struct Unknown;

/// The store that an event made to an atomic, if it made one.
fn store_of(log: &Log, event: usize, atomic: ObjId) -> Result<Option<Made>, Unknown> {
    let e = &log.events[event];
    let touches = |part| {
        let mut accesses = log.footprint(event).iter();
        accesses.any(|(res, mode)| res.owner == atomic.0 && res.part == part && *mode == Mode::Write)
    };
    if !touches(Part::Whole) {
        return Ok(None);
    }
    let order = match e.op {
        Op::Store { order, .. } | Op::Update { order, .. } | Op::Add { order, .. } => order,
        Op::CompareExchange { success, .. } => success,
        _ => return Err(Unknown),
    };
    if e.op.object() != Some(atomic) || !log.settled_by(event).is_empty() {
        return Err(Unknown);
    }
    Ok(Some(Made { label: Label::Write(e.g, e.stores), consistent: order == Ordering::SeqCst }))
}
