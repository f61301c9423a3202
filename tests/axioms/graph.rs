//! RC11 by its axioms: every way to choose what each read reads from and the modification order of each
//! variable, and of these the ones that are consistent.
//!
//! Source: Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing sequential consistency in C/C++11", PLDI 2017;
//! release sequences as in C++20 (a later store of the same thread does not continue one).
//!
//! Of the consistent executions only those are kept in which program order, reads-from, modification order
//! and the order of sequentially consistent operations fit one order of execution: a store is the newest
//! when it is made. This is what the library promises to find.

use super::language::{Op, Outcome, Program};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Release, SeqCst};

/// A relation between events: row `a` has bit `b` if it holds between `a` and `b`.
#[derive(Clone, PartialEq, Eq)]
struct Relation(Vec<u32>);

impl Relation {
    fn new(n: usize, holds: impl Fn(usize, usize) -> bool) -> Relation {
        let row = |a| (0..n).filter(|&b| holds(a, b)).fold(0, |row, b| row | 1 << b);
        Relation((0..n).map(row).collect())
    }

    fn has(&self, a: usize, b: usize) -> bool {
        self.0[a] >> b & 1 == 1
    }

    fn or(&self, other: &Relation) -> Relation {
        Relation(self.0.iter().zip(&other.0).map(|(a, b)| a | b).collect())
    }

    /// This one, then the other.
    fn then(&self, other: &Relation) -> Relation {
        let reach = |row: &u32| {
            let through = (0..other.0.len()).filter(|b| row >> b & 1 == 1);
            through.fold(0, |all, b| all | other.0[b])
        };
        Relation(self.0.iter().map(reach).collect())
    }

    /// This one any number of times, not none.
    fn closure(&self) -> Relation {
        let mut all = self.clone();
        for via in 0..all.0.len() {
            for a in 0..all.0.len() {
                if all.has(a, via) {
                    all.0[a] |= all.0[via];
                }
            }
        }
        all
    }

    fn maybe(&self) -> Relation {
        Relation(self.0.iter().enumerate().map(|(a, row)| row | 1 << a).collect())
    }

    fn inverse(&self) -> Relation {
        Relation::new(self.0.len(), |a, b| self.has(b, a))
    }

    fn is_irreflexive(&self) -> bool {
        (0..self.0.len()).all(|a| !self.has(a, a))
    }

    fn is_acyclic(&self) -> bool {
        self.closure().is_irreflexive()
    }
}

/// An operation in an execution; the initial stores come first.
#[derive(Clone, Copy)]
struct Event {
    /// `None` for an initial store.
    at: Option<(usize, usize)>,
    op: Op,
    /// The event it reads from.
    reads: Option<usize>,
    /// What it read, and what it wrote.
    read: u64,
    written: Option<u64>,
}

impl Event {
    fn variable(&self) -> Option<usize> {
        match self.op {
            Op::Load { x, .. }
            | Op::Store { x, .. }
            | Op::Swap { x, .. }
            | Op::Add { x, .. }
            | Op::Exchange { x, .. } => Some(x),
            Op::Fence(_) => None,
        }
    }

    fn may_read(&self) -> bool {
        !matches!(self.op, Op::Store { .. } | Op::Fence(_))
    }

    fn may_write(&self) -> bool {
        !matches!(self.op, Op::Load { .. } | Op::Fence(_))
    }

    fn is_fence(&self) -> bool {
        matches!(self.op, Op::Fence(_))
    }

    fn order(&self) -> Ordering {
        match self.op {
            Op::Load { order, .. }
            | Op::Store { order, .. }
            | Op::Swap { order, .. }
            | Op::Add { order, .. }
            | Op::Fence(order) => order,
            Op::Exchange { success, .. } if self.written.is_some() => success,
            Op::Exchange { failure, .. } => failure,
        }
    }

    fn acquires(&self) -> bool {
        matches!(self.order(), Acquire | AcqRel | SeqCst) && (self.is_fence() || self.reads.is_some())
    }

    fn releases(&self) -> bool {
        matches!(self.order(), Release | AcqRel | SeqCst) && (self.is_fence() || self.written.is_some())
    }

    fn is_consistent(&self) -> bool {
        self.at.is_some() && self.order() == SeqCst
    }

    fn is_update(&self) -> bool {
        self.reads.is_some() && self.written.is_some()
    }
}

/// The outcomes of all consistent executions.
pub(crate) fn outcomes(program: &Program) -> BTreeSet<Outcome> {
    let initial = |x| Event {
        at: None,
        op: Op::Store { x, value: 0, order: Ordering::Relaxed },
        reads: None,
        read: 0,
        written: Some(0),
    };
    let mut events: Vec<Event> = (0..program.variables).map(initial).collect();
    for (t, thread) in program.threads.iter().enumerate() {
        for (i, &op) in thread.iter().enumerate() {
            events.push(Event { at: Some((t, i)), op, reads: None, read: 0, written: None });
        }
    }
    let mut found = BTreeSet::new();
    choose_reads(&mut events, 0, &mut |events| {
        if let Some(events) = evaluate(events) {
            choose_order(&events, &mut |modification| {
                if is_consistent(&events, modification) {
                    found.insert(outcome(program, &events, modification));
                }
            });
        }
    });
    found
}

/// Every way in which the events from `next` on can read.
fn choose_reads(events: &mut Vec<Event>, next: usize, found: &mut dyn FnMut(&[Event])) {
    if next == events.len() {
        return found(events);
    }
    if !events[next].may_read() {
        return choose_reads(events, next + 1, found);
    }
    for source in 0..events.len() {
        let same = events[source].variable() == events[next].variable();
        if source != next && same && events[source].may_write() {
            events[next].reads = Some(source);
            choose_reads(events, next + 1, found);
        }
    }
    events[next].reads = None;
}

fn follows(events: &[Event], a: usize, b: usize) -> bool {
    match (events[a].at, events[b].at) {
        (None, Some(_)) => true,
        (Some((s, i)), Some((t, j))) => s == t && i < j,
        _ => false,
    }
}

/// The values, if nobody reads from what follows it, or from an exchange that fails.
fn evaluate(events: &[Event]) -> Option<Vec<Event>> {
    let n = events.len();
    let order = Relation::new(n, |a, b| follows(events, a, b) || events[b].reads == Some(a)).closure();
    if !order.is_irreflexive() {
        return None;
    }
    let mut events = events.to_vec();
    let mut sorted: Vec<usize> = (0..n).collect();
    sorted.sort_by_key(|&b| (0..n).filter(|&a| order.has(a, b)).count());
    for at in sorted {
        let read = match events[at].reads {
            Some(source) => events[source].written?,
            None => 0,
        };
        events[at].read = read;
        events[at].written = match events[at].op {
            Op::Store { value, .. } | Op::Swap { value, .. } => Some(value),
            Op::Add { value, .. } => Some(read + value),
            Op::Exchange { expected, value, .. } => (read == expected).then_some(value),
            Op::Load { .. } | Op::Fence(_) => None,
        };
    }
    Some(events)
}

/// Every order of the stores to each variable, the initial one first.
fn choose_order(events: &[Event], found: &mut dyn FnMut(&[Vec<usize>])) {
    let variables = events.iter().filter(|e| e.at.is_none()).count();
    let stores = |x: usize| {
        let of_x = |i: &usize| events[*i].variable() == Some(x) && events[*i].written.is_some();
        (0..events.len()).filter(of_x).collect::<Vec<usize>>()
    };
    let mut all: Vec<Vec<usize>> = (0..variables).map(stores).collect();
    permute(&mut all, 0, 1, found);
}

fn permute(all: &mut Vec<Vec<usize>>, x: usize, from: usize, found: &mut dyn FnMut(&[Vec<usize>])) {
    if x == all.len() {
        return found(all);
    }
    if from >= all[x].len() {
        return permute(all, x + 1, 1, found);
    }
    for i in from..all[x].len() {
        all[x].swap(from, i);
        permute(all, x, from + 1, found);
        all[x].swap(from, i);
    }
}

fn is_consistent(events: &[Event], modification: &[Vec<usize>]) -> bool {
    let n = events.len();
    let none = Relation::new(n, |_, _| false);
    let po = Relation::new(n, |a, b| follows(events, a, b));
    let rf = Relation::new(n, |a, b| events[b].reads == Some(a));
    let position = |a: usize| {
        let x = events[a].variable().filter(|_| events[a].written.is_some())?;
        modification[x].iter().position(|&e| e == a).map(|at| (x, at))
    };
    let positions: Vec<_> = (0..n).map(position).collect();
    let mo = Relation::new(n, |a, b| match (positions[a], positions[b]) {
        (Some((x, i)), Some((y, j))) => x == y && i < j,
        _ => false,
    });
    // Atomicity: an update follows the store it reads at once.
    let adjacent = |b: usize| match (events[b].reads, positions[b]) {
        (Some(a), Some((_, at))) => positions[a].is_some_and(|(_, before)| before + 1 == at),
        _ => true,
    };
    if !(0..n).all(adjacent) {
        return false;
    }
    let different = |a: usize, b: usize| a != b;
    let mut fr = rf.inverse().then(&mo);
    fr = Relation::new(n, |a, b| fr.has(a, b) && different(a, b));
    let eco = rf.or(&mo).or(&fr).closure();
    let hb = happens_before(events, &po, &rf);
    if !hb.is_irreflexive() || !hb.then(&eco).is_irreflexive() {
        return false;
    }
    // The order of sequentially consistent operations.
    let place = |a: usize| events[a].variable();
    let po_elsewhere = Relation::new(n, |a, b| po.has(a, b) && (place(a).is_none() || place(a) != place(b)));
    let hb_here = Relation::new(n, |a, b| hb.has(a, b) && place(a).is_some() && place(a) == place(b));
    let scb = po.or(&po_elsewhere.then(&hb).then(&po_elsewhere)).or(&hb_here).or(&mo).or(&fr);
    let fence = |a: usize| events[a].is_fence() && events[a].is_consistent();
    let (events_sc, fences) = (
        Relation::new(n, |a, b| a == b && events[a].is_consistent()),
        Relation::new(n, |a, b| a == b && fence(a)),
    );
    let from = events_sc.or(&fences.then(&hb.maybe()));
    let to = events_sc.or(&hb.maybe().then(&fences));
    let base = from.then(&scb).then(&to);
    let between_fences = fences.then(&hb.or(&hb.then(&eco).then(&hb))).then(&fences);
    let psc = none.or(&base).or(&between_fences);
    psc.is_acyclic() && po.or(&rf).or(&mo).or(&psc).is_acyclic()
}

fn happens_before(events: &[Event], po: &Relation, rf: &Relation) -> Relation {
    let n = events.len();
    let is = |which: &dyn Fn(&Event) -> bool| Relation::new(n, |a, b| a == b && which(&events[a]));
    let read_by_update = Relation::new(n, |a, b| rf.has(a, b) && events[b].is_update());
    let sequence = is(&|e| e.written.is_some()).then(&read_by_update.closure().maybe());
    let fence = is(&Event::is_fence);
    let before = is(&Event::releases).then(&fence.then(po).or(&is(&|_| true)));
    let after = is(&|e| e.reads.is_some()).then(&po.then(&fence).or(&is(&|_| true)));
    let sw = before.then(&sequence).then(rf).then(&after).then(&is(&Event::acquires));
    po.or(&sw).closure()
}

fn outcome(program: &Program, events: &[Event], modification: &[Vec<usize>]) -> Outcome {
    let mut reads = vec![Vec::new(); program.threads.len()];
    for e in events.iter().filter(|e| e.reads.is_some()) {
        reads[e.at.map_or(0, |(thread, _)| thread)].push(e.read);
    }
    let last = |order: &Vec<usize>| events[order[order.len() - 1]].written.unwrap_or_default();
    (reads, modification.iter().map(last).collect())
}
