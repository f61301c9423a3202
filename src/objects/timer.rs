//! Timers and the deadlines of operations: everything that virtual time sets off.
//!
//! A timer is a channel that time sends to (Go 1.23: a tick not yet received vanishes with `Stop`
//! and `Reset`, and a slow receiver loses ticks). An operation with a deadline is a one-shot entry
//! of its goroutine. Entries are kept in a heap and dropped lazily: an entry counts only while the
//! serial number of its owner is still the one it was made with.

use super::op::{Nanos, Ret};
use super::{World, chan};
use selvedge_checkers::access::{Mode, Part, Sync};
use selvedge_checkers::ids::{Gid, ObjId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The timer side of a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Timer {
    /// When it fires next; `None` while stopped.
    pub(crate) at: Option<Nanos>,
    /// The distance between ticks; 0 for a one-shot.
    pub(crate) period: Nanos,
    /// It runs a function in a goroutine of its own instead of sending.
    pub(crate) runs: bool,
    /// Who started it last: that one's budget pays if it fires early.
    pub(crate) owner: Option<Gid>,
    /// When the last two ticks were sent: the ticket of a tick is its place here.
    pub(crate) sent_at: [Nanos; 2],
}

impl Timer {
    pub(super) fn describe(&self) -> String {
        match self.at {
            Some(_) => "running",
            None => "stopped",
        }
        .to_owned()
    }
}

/// When the tick with this ticket was sent.
pub(crate) fn tick_time(world: &mut World, o: ObjId, ticket: u32) -> Nanos {
    timer(world, o).sent_at[ticket as usize & 1]
}

/// Whose time has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Due {
    /// The pending operation of a goroutine.
    Operation(Gid),
    /// A timer.
    Timer(ObjId),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Entry {
    at: Nanos,
    serial: u64,
    due: Due,
}

/// Virtual time and what it will set off.
#[derive(Clone, Default)]
pub(crate) struct Timers {
    pub(crate) now: Nanos,
    heap: BinaryHeap<Reverse<Entry>>,
    serial: u64,
    /// The serial number of each goroutine's and each timer's live entry; 0 for none.
    operations: Vec<u64>,
    timers: Vec<u64>,
    live: usize,
}

impl Timers {
    pub(crate) fn reset(&mut self) {
        self.now = 0;
        self.serial = 0;
        self.live = 0;
        self.heap.clear();
        self.operations.clear();
        self.timers.clear();
    }

    fn owner(&mut self, due: Due) -> &mut u64 {
        let (table, index) = match due {
            Due::Operation(g) => (&mut self.operations, g.index()),
            Due::Timer(o) => (&mut self.timers, o.index()),
        };
        if table.len() <= index {
            table.resize(index + 1, 0);
        }
        &mut table[index]
    }

    /// Set, or set anew, the time at which `due` is due.
    pub(crate) fn arm(&mut self, due: Due, at: Nanos) {
        self.disarm(due);
        self.serial += 1;
        let serial = self.serial;
        *self.owner(due) = serial;
        self.heap.push(Reverse(Entry { at, serial, due }));
        self.live += 1;
    }

    /// Nothing is due for `due` any more.
    pub(crate) fn disarm(&mut self, due: Due) {
        if std::mem::take(self.owner(due)) != 0 {
            self.live -= 1;
        }
    }

    pub(crate) fn forget(&mut self, obj: ObjId) {
        if self.timers.get(obj.index()).is_some_and(|&s| s != 0) {
            self.disarm(Due::Timer(obj));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.live == 0
    }

    fn is_live(&self, e: &Entry) -> bool {
        let live = match e.due {
            Due::Operation(g) => self.operations.get(g.index()),
            Due::Timer(o) => self.timers.get(o.index()),
        };
        live == Some(&e.serial)
    }

    fn live(&self) -> impl Iterator<Item = Due> {
        self.heap.iter().filter(|Reverse(e)| self.is_live(e)).map(|Reverse(e)| e.due)
    }

    /// When the next entry is due.
    pub(crate) fn next(&mut self) -> Option<Nanos> {
        while let Some(Reverse(e)) = self.heap.peek() {
            if self.is_live(e) {
                return Some(e.at);
            }
            self.heap.pop();
        }
        None
    }

    /// How many entries are due first, together.
    pub(crate) fn ties(&mut self) -> u32 {
        let Some(at) = self.next() else { return 0 };
        self.heap.iter().filter(|Reverse(e)| e.at == at && self.is_live(e)).count() as u32
    }

    /// The entries due first, together, in order of their making.
    pub(crate) fn tied(&mut self) -> Vec<Due> {
        let Some(at) = self.next() else { return Vec::new() };
        let mut tied: Vec<Entry> = self.heap.iter().map(|Reverse(e)| *e).collect();
        tied.retain(|e| e.at == at && self.is_live(e));
        tied.sort_unstable();
        tied.iter().map(|e| e.due).collect()
    }

    /// Advance to when `due` is due, and take it.
    pub(crate) fn pass_to(&mut self, due: Due) {
        let at = self.heap.iter().find(|Reverse(e)| e.due == due && self.is_live(e)).map(|Reverse(e)| e.at);
        self.now = self.now.max(at.unwrap_or(self.now));
        self.disarm(due);
    }

    /// Advance to the next due time and take one of the entries due then, in order of their
    /// making.
    pub(crate) fn fire(&mut self, alternative: u32) -> Option<Due> {
        let at = self.next()?;
        let mut tied: Vec<Entry> = Vec::new();
        while let Some(&Reverse(e)) = self.heap.peek() {
            if e.at != at {
                break;
            }
            self.heap.pop();
            if self.is_live(&e) {
                tied.push(e);
            }
        }
        let fired = tied.remove(alternative as usize);
        self.heap.extend(tied.into_iter().map(Reverse));
        self.disarm(fired.due);
        self.now = self.now.max(at);
        Some(fired.due)
    }
}

fn timer(world: &mut World, o: ObjId) -> &mut Timer {
    chan::chan(world, o).timer.as_mut().expect("only timers are started, stopped and fired")
}

/// Whose budget pays for what is due, if it comes early.
pub(crate) fn owner(world: &World, due: Due) -> Option<Gid> {
    match due {
        Due::Operation(g) => Some(g),
        Due::Timer(o) => chan::view(world.state(o)).timer.and_then(|timer| timer.owner),
    }
}

/// Start or restart; true if it was running or had a tick nobody took.
pub(super) fn start(world: &mut World, g: Gid, o: ObjId, at: Nanos, period: Nanos) -> Ret {
    let active = clear(world, o);
    let t = timer(world, o);
    t.at = Some(at);
    t.period = period;
    t.owner = Some(g);
    world.timers.arm(Due::Timer(o), at);
    world.access(o, Part::Whole, 0, Mode::Write, Sync::Publish);
    Ret::Flag(active)
}

/// Stop; true if it was running or had a tick nobody took.
pub(super) fn stop(world: &mut World, o: ObjId) -> Ret {
    let active = clear(world, o);
    world.timers.disarm(Due::Timer(o));
    world.access(o, Part::Whole, 0, Mode::Write, Sync::None);
    Ret::Flag(active)
}

fn clear(world: &mut World, o: ObjId) -> bool {
    let armed = timer(world, o).at.take().is_some();
    let c = chan::chan(world, o);
    let unread = !c.buffer.is_empty();
    if unread {
        // The tick never happened: message numbers go on as if it had been received.
        c.received += 1;
        c.buffer.clear();
        world.access(o, Part::Head, 0, Mode::Write, Sync::None);
    }
    armed || unread
}

/// Whether time brings nothing but ticks that are lost, because of each ticker one waits to be received
/// already: as long as everybody is blocked, nothing will ever change.
pub(crate) fn ticks_in_vain(world: &World) -> bool {
    world.timers.live().all(|due| match due {
        Due::Operation(_) => false,
        Due::Timer(o) => {
            let c = chan::view(world.state(o));
            c.timer.is_some_and(|t| t.period > 0 && !t.runs) && !c.buffer.is_empty()
        }
    })
}

/// A timer's time has come. True if it runs a function, which is then the engine's to start.
pub(crate) fn fired(world: &mut World, o: ObjId) -> bool {
    world.begin();
    let now = world.timers.now;
    let t = timer(world, o);
    let (period, runs) = (t.period, t.runs);
    t.at = (period > 0).then_some(now + period);
    if period > 0 {
        world.timers.arm(Due::Timer(o), now + period);
    }
    if !runs {
        let c = chan::chan(world, o);
        if c.buffer.is_empty() {
            // A tick in the buffer and the one before it, which somebody has just taken, are all
            // that can be asked for: two places are enough.
            let n = c.sent;
            let ticket = n & 1;
            c.buffer.push_back(ticket);
            c.sent += 1;
            timer(world, o).sent_at[ticket as usize] = now;
            world.access(o, Part::Tail, 0, Mode::Write, Sync::None);
            world.access(o, Part::Message, n, Mode::Write, Sync::None);
        }
    }
    runs
}
