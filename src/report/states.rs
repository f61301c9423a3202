//! What each object was like over time: who held it, how full it was, what it counted.
//!
//! Invariants: a state is what the events say, from its first to its last; where they say nothing, there
//! is none. Changes come in the order of the events, and no two neighbours are equal.

use std::collections::BTreeMap;

use selvedge_checkers::ids::{Gid, ObjId};
use selvedge_checkers::op::{ObjKind, OpKind};
use selvedge_checkers::trace::{Event, Outcome, Trace};

use super::links::{Transfer, acquires, releases, transfer};
use super::names::Names;

/// How a state looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tone {
    /// Free, empty, zero.
    Idle,
    /// Held by somebody, or holding something.
    Busy,
    /// Closed, or misused.
    Over,
}

/// From an event on, the object is like this.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Change {
    pub(super) at: usize,
    pub(super) text: String,
    pub(super) tone: Tone,
    /// How full a channel is, or what a counter counts; to draw it.
    pub(super) level: u64,
}

#[derive(Default)]
struct Now {
    holders: Vec<Gid>,
    depth: i64,
    closed: bool,
    changes: Vec<Change>,
}

/// The changes of each object, in the order of the trace's objects.
pub(super) fn states(trace: &Trace, names: &Names) -> Vec<Vec<Change>> {
    let kinds: BTreeMap<ObjId, ObjKind> = trace.objects.iter().rev().map(|o| (o.id, o.kind)).collect();
    let mut all: BTreeMap<ObjId, Now> = BTreeMap::new();
    for (at, e) in trace.events.iter().enumerate() {
        let Some((object, kind)) = e.object.and_then(|o| Some((o, *kinds.get(&o)?))) else { continue };
        all.entry(object).or_default().event(at, e, kind, names);
    }
    trace.objects.iter().map(|o| all.remove(&o.id).unwrap_or_default().changes).collect()
}

impl Now {
    fn event(&mut self, at: usize, e: &Event, kind: ObjKind, names: &Names) {
        let told = match kind {
            ObjKind::Mutex | ObjKind::RwLock | ObjKind::Semaphore | ObjKind::Once => self.lock(e, names),
            ObjKind::Chan => self.channel(e),
            ObjKind::WaitGroup => count(e),
            ObjKind::Atomic => value(e),
            ObjKind::Condvar | ObjKind::Timer | ObjKind::Barrier | ObjKind::Cell | ObjKind::Task => None,
        };
        let Some((text, tone, level)) = told else { return };
        if self.changes.last().is_none_or(|last| last.text != text || last.tone != tone) {
            self.changes.push(Change { at, text, tone, level });
        }
    }

    fn lock(&mut self, e: &Event, names: &Names) -> Option<(String, Tone, u64)> {
        if e.outcome == Outcome::Misuse {
            return Some(("misused".to_owned(), Tone::Over, 0));
        }
        if acquires(e) {
            // A lock has one holder: an earlier one gave it back in a wait on a condition variable.
            if !matches!(e.op, OpKind::ReadLock | OpKind::TryReadLock | OpKind::Acquire | OpKind::TryAcquire)
            {
                self.holders.clear();
            }
            self.holders.push(e.g);
        } else if releases(e) {
            match self.holders.iter().position(|g| *g == e.g) {
                Some(nth) => drop(self.holders.remove(nth)),
                None => drop(self.holders.pop()),
            }
        } else {
            return None;
        }
        let who: Vec<String> = self.holders.iter().map(|g| names.goroutine(*g)).collect();
        Some(match who.is_empty() {
            true => ("free".to_owned(), Tone::Idle, 0),
            false => (who.join(", "), Tone::Busy, who.len() as u64),
        })
    }

    fn channel(&mut self, e: &Event) -> Option<(String, Tone, u64)> {
        match (transfer(e), e.op) {
            (Some(Transfer::Sends), _) => self.depth += 1,
            (Some(Transfer::Receives), _) => self.depth -= 1,
            (None, OpKind::Close) if e.outcome == Outcome::Done => self.closed = true,
            _ => return None,
        }
        // A receive may be told before the send that it waited for.
        let depth = self.depth.max(0) as u64;
        let (what, tone) = match (self.closed, depth) {
            (true, 0) => ("closed".to_owned(), Tone::Over),
            (true, n) => (format!("closed, {n} left"), Tone::Over),
            (false, 0) => ("empty".to_owned(), Tone::Idle),
            (false, n) => (n.to_string(), Tone::Busy),
        };
        Some((what, tone, depth))
    }
}

fn count(e: &Event) -> Option<(String, Tone, u64)> {
    match (e.op, &e.outcome) {
        (OpKind::WaitGroupAdd, Outcome::Value(n)) => {
            Some((n.to_string(), if *n == 0 { Tone::Idle } else { Tone::Busy }, *n))
        }
        (_, Outcome::Misuse) => Some(("misused".to_owned(), Tone::Over, 0)),
        _ => None,
    }
}

fn value(e: &Event) -> Option<(String, Tone, u64)> {
    match (e.op, &e.outcome) {
        (OpKind::Store, Outcome::Value(v)) => Some((format!("= {v}"), Tone::Busy, 0)),
        (OpKind::Update, Outcome::Value(v)) => Some((format!("was {v}"), Tone::Busy, 0)),
        (OpKind::CompareExchange, Outcome::Value(v)) => Some((format!("was {v}"), Tone::Busy, 0)),
        _ => None,
    }
}
