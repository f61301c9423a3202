//! Which events of an execution could have come the other way round.
//!
//! Two events race if they conflict, and nothing orders them but that conflict. An operation that may
//! have to wait also races with whatever touched its objects before it became possible, and one that
//! still waits at the end with all of it: a lock taken is reversed with a lock taken, although the
//! unlock lies between them. Of several locks in a row only the last races with the next one: where it
//! has been reversed with that, the one before it is the last. Source: Flanagan and Godefroid (POPL 2005)
//! for races as the places to backtrack to, Abdulla et al. (POPL 2014) for reversible races; the treatment
//! of operations with several outcomes is ours.
//!
//! Invariants: rows of clocks hold for each goroutine how many of its events come before or are this
//! one; the last column is the clock's. What is known of an event depends on those before it alone: an
//! execution that begins as the last one did keeps it.

use super::log::Log;
use super::touches::Touches;
use crate::objects::{Op, State};
use selvedge_checkers::ids::{Gid, ObjId};

/// Who would come first if the race went the other way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Second {
    Event(u32),
    /// The operation that a goroutine has pending at the end.
    Pending(Gid),
    /// The operation that a goroutine had pending when another event ended its wait: by number.
    Overtaken(u32),
}

impl Second {
    /// The events it comes after for another reason than a conflict.
    pub(super) fn causes(self, log: &Log) -> &[u32] {
        match self {
            Second::Event(event) => log.causes(event as usize),
            Second::Pending(g) => &log.goroutines[g.index()].causes,
            Second::Overtaken(n) => log.causes_of_overtaken(&log.overtaken[n as usize]),
        }
    }
}

/// A pair to be reversed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Race {
    pub(super) first: u32,
    pub(super) second: Second,
}

/// The order of the events of an execution, and its races.
#[derive(Default)]
pub(super) struct Races {
    width: usize,
    rows: Vec<u32>,
    touches: Touches,
    /// The events that conflict with the one that is looked at, and those it may race with.
    conflicting: Vec<u32>,
    candidates: Vec<u32>,
    base: Vec<u32>,
    /// What comes before the races of the one that is looked at.
    covered: Vec<u32>,
    /// The races of every event with those before it, and where those of each end.
    of_events: Vec<Race>,
    ends: Vec<u32>,
    /// The races, by the first of each.
    pub(super) found: Vec<Race>,
}

impl Races {
    /// Another execution begins, whose first `shared` events are those of the last one.
    pub(super) fn keep(&mut self, shared: usize) {
        let shared = shared.min(self.ends.len());
        self.ends.truncate(shared);
        self.of_events.truncate(self.ends.last().map_or(0, |&end| end as usize));
        self.rows.truncate(shared * self.width);
        // What nobody touches any more keeps its place in the index: not for ever.
        if shared == 0 || self.touches.is_stale() {
            self.forget();
        }
        self.touches.truncate(shared);
    }

    fn forget(&mut self) {
        self.ends.clear();
        self.of_events.clear();
        self.rows.clear();
        self.touches.clear();
    }

    /// Work out the order of a finished execution, and its races but for those among the first `known`
    /// events, which an earlier execution shared.
    pub(super) fn analyse(&mut self, log: &Log, known: usize) {
        if self.width != log.width() + 1 {
            self.forget();
            self.width = log.width() + 1;
        }
        for event in self.ends.len()..log.events.len() {
            self.add(log, event);
            self.ends.push(self.of_events.len() as u32);
        }
        let known = known.min(self.ends.len());
        let old = known.checked_sub(1).map_or(0, |last| self.ends[last] as usize);
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        found.extend_from_slice(&self.of_events[old..]);
        let waiting = |g: &Gid| log.goroutines[g.index()].pending.filter(goes_on_by_itself);
        for g in (0..log.width()).map(|g| Gid(g as u32)) {
            if let Some(op) = waiting(&g) {
                self.start_row(Second::Pending(g).causes(log));
                self.candidates.clear();
                self.gather_attempted(log, g, &op, log.announcements(g), true);
                self.report(log, g, &op, Second::Pending(g), &mut found);
            }
        }
        for (n, overtaken) in log.overtaken.iter().enumerate() {
            self.start_row(Second::Overtaken(n as u32).causes(log));
            self.candidates.clear();
            self.gather_attempted(log, overtaken.g, &overtaken.op, overtaken.announced, true);
            self.candidates.push(overtaken.by);
            self.candidates.retain(|&first| first <= overtaken.by);
            self.report(log, overtaken.g, &overtaken.op, Second::Overtaken(n as u32), &mut found);
        }
        found.sort_by_key(|race| race.first);
        found.dedup();
        self.found = found;
    }

    /// Whether event `a` comes before `b` in every linearization, or is `b`.
    pub(super) fn ordered(&self, log: &Log, a: usize, b: usize) -> bool {
        is_before(log, a, self.row(b))
    }

    /// Whether event `a` comes before `second` for another reason than the conflict between them.
    pub(super) fn comes_before(&self, log: &Log, a: usize, second: Second) -> bool {
        second.causes(log).iter().any(|&cause| self.ordered(log, a, cause as usize))
    }

    /// How many events of each goroutine come before an event or are it; last, those of the clock.
    pub(super) fn row(&self, event: usize) -> &[u32] {
        &self.rows[event * self.width..(event + 1) * self.width]
    }

    /// Set `base` to what comes before an event with these causes.
    fn start_row(&mut self, causes: &[u32]) {
        self.base.clear();
        self.base.resize(self.width, 0);
        for &cause in causes {
            join(&mut self.base, &self.rows[cause as usize * self.width..][..self.width]);
        }
    }

    fn add(&mut self, log: &Log, event: usize) {
        let e = &log.events[event];
        self.start_row(log.causes(event));
        let may_wait = may_fail_earlier(&e.op) && e.due.is_none();
        self.gather_conflicting(log, event);
        if may_wait {
            // Who only looked did not keep it from being possible.
            self.candidates.clone_from(&self.conflicting);
            self.gather_attempted(log, e.g, &e.op, e.announced, false);
            let mut found = std::mem::take(&mut self.of_events);
            self.report(log, e.g, &e.op, Second::Event(event as u32), &mut found);
            self.of_events = found;
        }
        for i in 0..self.conflicting.len() {
            let first = self.conflicting[i] as usize;
            if !is_before(log, first, &self.base) {
                if !may_wait && log.events[first].g != e.g {
                    self.of_events.push(Race { first: first as u32, second: Second::Event(event as u32) });
                }
                join(&mut self.base, &self.rows[first * self.width..][..self.width]);
            }
        }
        let own = self.base.len() - 1;
        let column = if e.g == Gid::CLOCK { own } else { e.g.index() };
        self.base[column] = e.nth + 1;
        self.rows.extend_from_slice(&self.base);
        self.touches.add(log, event);
    }

    /// The events that conflict with `event`, latest first; where an earlier one is ordered before a
    /// later one anyway, only the later.
    fn gather_conflicting(&mut self, log: &Log, event: usize) {
        self.conflicting.clear();
        for &(res, mode) in log.footprint(event) {
            self.touches.conflicting(res, mode, &mut self.conflicting);
        }
        self.conflicting.sort_unstable_by(|a, b| b.cmp(a));
        self.conflicting.dedup();
    }

    /// Those events on the objects that `op` of `g` is on which do not come before it anyway.
    fn gather_attempted(&mut self, log: &Log, g: Gid, op: &Op, announced: u32, readers: bool) {
        let Races { candidates, touches, base, .. } = self;
        let is_news = |event: u32| !is_before(log, event as usize, base);
        match op {
            Op::Park { .. } => touches.on_token(g, readers, is_news, candidates),
            _ => log.objects_of(g, op, announced, |object| {
                touches.on_object(object, readers, is_news, candidates);
            }),
        }
        candidates.sort_unstable_by(|a, b| b.cmp(a));
        candidates.dedup();
    }

    /// The candidates that are not ordered before `op` of `g`, which is the second, race with it. Not so
    /// who gives a mutex back, before which it cannot be locked, or only helps otherwise; nor who comes
    /// before another candidate that can always change places with the second.
    fn report(&mut self, log: &Log, g: Gid, op: &Op, second: Second, found: &mut Vec<Race>) {
        self.covered.clone_from(&self.base);
        let conflicts = |first: u32| {
            matches!(second, Second::Event(_)) && self.conflicting.binary_search_by(|c| first.cmp(c)).is_ok()
        };
        for &first in &self.candidates {
            let event = &log.events[first as usize];
            let gives_back = matches!((op, &event.op), (Op::Lock(_), Op::Unlock(_)));
            let only_helps = gives_back || only_helps(log, op, &event.op) && !conflicts(first);
            if event.g != g && !only_helps && !is_before(log, first as usize, &self.covered) {
                found.push(Race { first, second });
                if takes_turns(op, &event.op) {
                    join(&mut self.covered, &self.rows[first as usize * self.width..][..self.width]);
                }
            }
        }
    }
}

/// Whether a step that does not conflict with the second one cannot be what makes that impossible, or makes
/// it something else: who takes from a wait group less keeps it from going below zero, a message that was
/// not taken leaves no room, one that was not sent is not the one that was received, and readers do not
/// mind each other.
fn only_helps(log: &Log, second: &Op, first: &Op) -> bool {
    let has_room = |ch: ObjId| matches!(&log.objects[ch.index()], State::Chan(chan) if chan.cap > 0);
    match (second, first) {
        (Op::WaitGroupAdd { delta: ..0, .. }, Op::WaitGroupAdd { delta: ..0, .. }) => true,
        (Op::Send { ch, .. }, Op::Receive(other)) | (Op::Receive(ch), Op::Send { ch: other, .. }) => {
            ch == other && has_room(*ch)
        }
        (Op::ReadLock(lock), Op::ReadLock(other) | Op::ReadUnlock(other)) => lock == other,
        _ => false,
    }
}

/// Whether the operation can be impossible, or misuse, before steps that do not conflict with it.
pub(super) fn may_fail_earlier(op: &Op) -> bool {
    matches!(
        op,
        Op::Lock(_)
            | Op::ReadLock(_)
            | Op::WriteLock(_)
            | Op::WriteWait(_)
            | Op::Relock { .. }
            | Op::Send { .. }
            | Op::Receive(_)
            | Op::Select { .. }
            | Op::SelectWait { .. }
            | Op::WaitGroupWait(_)
            | Op::WaitGroupPeek { released: true, .. }
            | Op::WaitGroupAdd { delta: ..0, .. }
            | Op::OnceBegin(_)
            | Op::OnceWait { .. }
            | Op::Park { .. }
            | Op::TaskWait(_)
            | Op::Watch { .. }
    )
}

/// Whether the operation may one day be possible without another goroutine ending its wait.
fn goes_on_by_itself(op: &Op) -> bool {
    !matches!(
        op,
        Op::Await
            | Op::Sleep { .. }
            | Op::CondWoken { .. }
            | Op::SendWait { .. }
            | Op::ReceiveWait(_)
            | Op::AcquireWait { .. }
            | Op::BarrierPark(_)
    )
}

/// Whether the second operation can always be made where the first one was, on the same object, and
/// cannot be told from it by those that come before both.
fn takes_turns(second: &Op, first: &Op) -> bool {
    match (second, first) {
        (Op::Lock(a), Op::Lock(b)) | (Op::Receive(a), Op::Receive(b)) => a == b,
        (Op::Send { ch: a, .. }, Op::Send { ch: b, .. }) => a == b,
        _ => false,
    }
}

fn is_before(log: &Log, event: usize, row: &[u32]) -> bool {
    let e = &log.events[event];
    let column = if e.g == Gid::CLOCK { row.len() - 1 } else { e.g.index() };
    row[column] > e.nth
}

fn join(row: &mut [u32], other: &[u32]) {
    for (mine, theirs) in row.iter_mut().zip(other) {
        *mine = (*mine).max(*theirs);
    }
}
