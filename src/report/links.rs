//! Which step made which other one possible: a message, a lock given back, a value read.
//!
//! Invariants: a link goes from the cause to the effect, between two goroutines; it is read off the
//! events alone and judges nothing. A message is matched to its receive by the order of the channel.
//! Not seen: through which of several permits, readers or arrivals at a barrier a wait ended, and which
//! lock a wait on a condition variable gave back.

use std::collections::{BTreeMap, VecDeque};

use selvedge_checkers::ids::{Gid, ObjId};
use selvedge_checkers::op::OpKind;
use selvedge_checkers::trace::{Event, Outcome, Trace};

/// Why the second step could happen, or read what it read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Why {
    /// The goroutine was spawned.
    Spawned,
    /// The goroutine that is joined ended.
    Ended,
    /// The message was sent.
    Message,
    /// The channel was closed.
    Closed,
    /// The lock, or the permit, was given back.
    Released,
    /// The value was written.
    Value,
    /// The goroutine was notified, or unparked.
    Woken,
    /// The counter came to zero.
    Zero,
}

impl Why {
    /// What a reader sees beside the arrow.
    pub(super) fn text(self) -> &'static str {
        match self {
            Why::Spawned => "go → start",
            Why::Ended => "end → join",
            Why::Message => "send → receive",
            Why::Closed => "close → receive",
            Why::Released => "unlock → lock",
            Why::Value => "reads from",
            Why::Woken => "notify → wake",
            Why::Zero => "done → wait",
        }
    }
}

/// An arrow from one event to another, by their places in the list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) why: Why,
}

/// All arrows of an execution, by the effect.
pub(super) fn links(trace: &Trace) -> Vec<Link> {
    let mut walk = Walk::default();
    for (at, event) in trace.events.iter().enumerate() {
        walk.event(at, event, &trace.events);
    }
    let mut links = walk.links;
    links.retain(|l| trace.events[l.from].g != trace.events[l.to].g);
    links.sort_by_key(|l| (l.to, l.from));
    links
}

/// How a step uses a channel, whether by itself or as an arm of a select.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Transfer {
    Sends,
    Receives,
}

/// Whether the event moved a message.
pub(super) fn transfer(e: &Event) -> Option<Transfer> {
    use OpKind::*;
    match (e.op, &e.outcome) {
        (Send | TrySend, Outcome::Done | Outcome::Value(_)) => Some(Transfer::Sends),
        (Receive | TryReceive, Outcome::Done | Outcome::Value(_)) => Some(Transfer::Receives),
        (_, Outcome::Arm { sends: true, .. }) => Some(Transfer::Sends),
        (_, Outcome::Arm { sends: false, .. }) => Some(Transfer::Receives),
        _ => None,
    }
}

/// Whether the event took what its object guards.
pub(super) fn acquires(e: &Event) -> bool {
    use OpKind::*;
    let takes = matches!(
        e.op,
        Lock | TryLock | ReadLock | TryReadLock | WriteLock | TryWriteLock | Acquire | TryAcquire | OnceBegin
    );
    takes && matches!(e.outcome, Outcome::Done | Outcome::Value(_))
}

/// Whether the event gave back what its object guards.
pub(super) fn releases(e: &Event) -> bool {
    use OpKind::*;
    matches!(e.op, Unlock | ReadUnlock | WriteUnlock | Release | OnceComplete) && e.outcome != Outcome::Misuse
}

/// Whether the event changed the value of an atomic or a variable.
pub(super) fn writes(e: &Event) -> bool {
    use OpKind::*;
    matches!(e.op, Store | Update | Write)
        || e.op == CompareExchange && !matches!(e.outcome, Outcome::Failed | Outcome::Old(_))
}

#[derive(Default)]
struct Walk {
    links: Vec<Link>,
    /// Who spawned whom, until the first step of the new one.
    spawned: BTreeMap<Gid, usize>,
    ended: BTreeMap<Gid, usize>,
    woken: BTreeMap<Gid, usize>,
    /// Messages whose receive is still to come, and receives that come before their send in the list.
    sent: BTreeMap<ObjId, VecDeque<usize>>,
    received: BTreeMap<ObjId, VecDeque<usize>>,
    closed: BTreeMap<ObjId, usize>,
    released: BTreeMap<ObjId, usize>,
    written: BTreeMap<ObjId, usize>,
    added: BTreeMap<ObjId, usize>,
}

impl Walk {
    fn link(&mut self, from: Option<usize>, to: usize, why: Why) {
        self.links.extend(from.map(|from| Link { from, to, why }));
    }

    fn event(&mut self, at: usize, e: &Event, events: &[Event]) {
        use OpKind::*;
        let spawned = self.spawned.remove(&e.g);
        self.link(spawned, at, Why::Spawned);
        if e.outcome != Outcome::Blocks {
            let woken = self.woken.remove(&e.g);
            self.link(woken, at, Why::Woken);
        }
        match (e.op, e.peer) {
            (Spawn, Some(child)) => drop(self.spawned.insert(child, at)),
            (Unpark | NotifyOne | NotifyAll, Some(other)) => drop(self.woken.insert(other, at)),
            (Join, Some(other)) if e.outcome != Outcome::Blocks => {
                let ended = self.ended.get(&other).copied();
                self.link(ended, at, Why::Ended);
            }
            (Exit, _) => drop(self.ended.insert(e.g, at)),
            _ => {}
        }
        if let Some(object) = e.object {
            self.on_object(at, e, object, events);
        }
    }

    fn on_object(&mut self, at: usize, e: &Event, object: ObjId, events: &[Event]) {
        match transfer(e) {
            Some(Transfer::Sends) => match self.received.entry(object).or_default().pop_front() {
                Some(receive) => self.link(Some(at), receive, Why::Message),
                None => self.sent.entry(object).or_default().push_back(at),
            },
            Some(Transfer::Receives) => match self.sent.entry(object).or_default().pop_front() {
                Some(send) => self.link(Some(send), at, Why::Message),
                None => self.received.entry(object).or_default().push_back(at),
            },
            None => {}
        }
        if e.outcome == Outcome::Closed || matches!(e.op, OpKind::Send) && e.outcome == Outcome::Misuse {
            let closed = self.closed.get(&object).copied();
            self.link(closed, at, Why::Closed);
        }
        if acquires(e) {
            let released = self.released.get(&object).copied();
            self.link(released, at, Why::Released);
        }
        let reads = matches!(e.op, OpKind::Load | OpKind::Update | OpKind::CompareExchange | OpKind::Read);
        if reads {
            let written = match e.outcome {
                Outcome::Old(value) => older(events, at, object, value),
                _ => self.written.get(&object).copied(),
            };
            self.link(written, at, Why::Value);
        }
        if e.op == OpKind::WaitGroupWait && matches!(e.outcome, Outcome::Done | Outcome::Value(_)) {
            let added = self.added.get(&object).copied();
            self.link(added, at, Why::Zero);
        }
        match e.op {
            OpKind::Close => drop(self.closed.insert(object, at)),
            OpKind::WaitGroupAdd => drop(self.added.insert(object, at)),
            _ if releases(e) => drop(self.released.insert(object, at)),
            _ if writes(e) => drop(self.written.insert(object, at)),
            _ => {}
        }
    }
}

/// The last store of `value` before `at`: what a load read that did not read the newest.
fn older(events: &[Event], at: usize, object: ObjId, value: u64) -> Option<usize> {
    let stored =
        |e: &Event| e.object == Some(object) && e.op == OpKind::Store && e.outcome == Outcome::Value(value);
    events[..at].iter().rposition(stored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use selvedge_checkers::ids::Site;

    fn trace(steps: &[(u32, OpKind, Option<u32>, Outcome)]) -> Trace {
        let event = |(nth, (g, op, object, outcome)): (usize, &(u32, OpKind, Option<u32>, Outcome))| {
            let peer = matches!(op, OpKind::Spawn | OpKind::Join).then(|| Gid(object.unwrap_or(0)));
            let object = object.filter(|_| peer.is_none()).map(ObjId);
            let site = Site::default();
            Event { step: nth as u32 + 1, g: Gid(*g), op: *op, object, peer, site, outcome: outcome.clone() }
        };
        Trace { events: steps.iter().enumerate().map(event).collect(), ..Trace::default() }
    }

    fn found(steps: &[(u32, OpKind, Option<u32>, Outcome)]) -> Vec<(usize, usize, Why)> {
        links(&trace(steps)).into_iter().map(|l| (l.from, l.to, l.why)).collect()
    }

    #[test]
    fn messages_keep_the_order_of_their_channel() {
        use OpKind::*;
        let steps = [
            (1, Send, Some(0), Outcome::Done),
            (1, Send, Some(0), Outcome::Done),
            (2, Receive, Some(0), Outcome::Done),
            (2, Select, Some(0), Outcome::Arm { arm: 0, of: 1, sends: false }),
            // The receiver was there first; its send is told after it.
            (2, Receive, Some(0), Outcome::Done),
            (1, Send, Some(0), Outcome::Done),
            (1, Close, Some(0), Outcome::Done),
            (2, Receive, Some(0), Outcome::Closed),
        ];
        let expected =
            [(0, 2, Why::Message), (1, 3, Why::Message), (5, 4, Why::Message), (6, 7, Why::Closed)];
        assert_eq!(found(&steps), expected);
    }

    #[test]
    fn locks_values_and_lives_are_followed_between_goroutines_only() {
        use OpKind::*;
        let steps = [
            (0, Spawn, Some(1), Outcome::Done),
            (0, Lock, Some(0), Outcome::Done),
            (0, Store, Some(1), Outcome::Value(7)),
            (0, Store, Some(1), Outcome::Value(8)),
            (0, Unlock, Some(0), Outcome::Done),
            (0, Lock, Some(0), Outcome::Done),
            (0, Unlock, Some(0), Outcome::Done),
            (1, Lock, Some(0), Outcome::Done),
            (1, Load, Some(1), Outcome::Old(7)),
            (1, Load, Some(1), Outcome::Value(8)),
            (1, Exit, None, Outcome::Done),
            (0, Join, Some(1), Outcome::Done),
        ];
        let expected = [
            (0, 7, Why::Spawned),
            (6, 7, Why::Released),
            (2, 8, Why::Value),
            (3, 9, Why::Value),
            (10, 11, Why::Ended),
        ];
        let mut found = found(&steps);
        found.sort_by_key(|l| (l.1, l.0));
        assert_eq!(found, expected);
    }
}
