//! A small change of the program, made by the engine while the program runs: to try out what would help.
//!
//! Each repair is made where an operation comes by: at the creation of a channel, at a close, before an
//! operation, at the drop of a handle. What it adds are ordinary operations of the goroutine that came by, so
//! that every strategy sees a program that was written like that. Invariants: without a repair nothing
//! changes; what a repair does depends on places, and on no state whose reading the search does not see.
//!
//! Not changed: what the surface itself knows of a channel, such as [`Sender::cap`](crate::chan::Sender::cap).

mod order;

use super::engine::Engine_;
use crate::objects::chan::{self, ChanState};
use crate::objects::{Op, Ret, State};
use crate::port::Engine;
use order::{Order, Reversal};
use selvedge_checkers::ids::{Gid, ObjId, Site, SiteRef};
use selvedge_checkers::repair::Repair;

/// A place of the source, to compare others with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    line: u32,
    col: u32,
    /// Of the file's name (FNV-1a).
    hash: u64,
}

impl Place {
    fn new(file: &str, line: u32, col: u32) -> Place {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Place { line, col, hash: file.bytes().fold(0xcbf2_9ce4_8422_2325, mix) }
    }

    fn is(self, site: SiteRef) -> bool {
        // Most places differ in their lines.
        self.line == site.line() && self == Place::new(site.file(), site.line(), site.column())
    }
}

impl From<&Site> for Place {
    fn from(site: &Site) -> Place {
        Place::new(&site.file, site.line, site.col)
    }
}

/// A [`Repair`] as the engine makes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// Of channels made there.
    Capacity(Place, u32),
    /// Channels made there, by goroutines started there.
    CloseAtEnd(Place, Place),
    /// Channels made there, before that operation.
    CloseBefore(Place, Place),
    /// Channels made there.
    CloseByLast(Place),
    /// Channels made there.
    CloseOnce(Place),
    /// Contexts made there.
    Cancel(Place),
    /// See there.
    LockOrder(Reversal),
}

/// What a change keeps in mind in an execution.
#[derive(Debug, Default)]
pub(super) struct Repaired {
    /// The channels that main is to close, in the order in which it made them. They stay, whoever drops them:
    /// whether somebody did is nothing main could know.
    kept: Vec<ObjId>,
    pub(super) order: Order,
}

impl Repaired {
    pub(super) fn reset(&mut self) {
        self.kept.clear();
        self.order.reset();
    }

    pub(super) fn keeps(&self, object: ObjId) -> bool {
        self.kept.contains(&object)
    }
}

impl From<&Repair> for Change {
    fn from(repair: &Repair) -> Change {
        match repair {
            Repair::Capacity { channel, capacity } => Change::Capacity(channel.into(), *capacity),
            Repair::CloseAtEnd { channel, spawned } => Change::CloseAtEnd(channel.into(), spawned.into()),
            Repair::CloseBefore { channel, before } => Change::CloseBefore(channel.into(), before.into()),
            Repair::CloseByLast { channel } => Change::CloseByLast(channel.into()),
            Repair::CloseOnce { channel } => Change::CloseOnce(channel.into()),
            Repair::Cancel { context } => Change::Cancel(context.into()),
            Repair::LockOrder { g, sooner, later } => Change::LockOrder(Reversal::new(*g, sooner, later)),
        }
    }
}

impl Change {
    /// The object that is being made, if there is something in its place already.
    pub(super) fn claims(self, engine: &Engine_, state: &State, created: SiteRef) -> Option<ObjId> {
        match self {
            Change::LockOrder(reversal) => reversal.claims(engine, state, created),
            _ => None,
        }
    }

    /// An object is being made.
    pub(super) fn creates(self, state: &mut State, created: SiteRef) {
        let State::Chan(c) = state else { return };
        if !is_for_messages(c) {
            return;
        }
        match self {
            // A buffer that is full may be a semaphore, and more room only postpones what is wrong.
            Change::Capacity(channel, capacity) if c.cap == 0 && channel.is(created) => c.cap = capacity,
            Change::CloseAtEnd(channel, _)
            | Change::CloseBefore(channel, _)
            | Change::CloseByLast(channel)
            | Change::CloseOnce(channel)
                if channel.is(created) =>
            {
                c.forgiving = true;
            }
            _ => {}
        }
    }

    /// An object was made.
    pub(super) fn created(self, engine: &Engine_, object: ObjId) {
        if let Change::CloseBefore(channel, _) = self
            && engine.running() == Gid::MAIN
            && engine.is_made_at(object, channel)
        {
            engine.ex().repaired.kept.push(object);
        }
    }

    /// Operate, with what is to happen before and after, or instead.
    #[cold]
    pub(super) fn operate(self, engine: &Engine_, op: Op, site: SiteRef) -> Ret {
        match (self, op) {
            (Change::CloseByLast(channel), Op::Close(ch)) if engine.is_made_at(ch, channel) => Ret::Unit,
            (Change::LockOrder(reversal), op) => reversal.operate(engine, op, site),
            _ => {
                self.comes_to(engine, site);
                engine.op_as_is(op, site)
            }
        }
    }

    /// An operation is about to be announced at `site`.
    #[cold]
    pub(super) fn comes_to(self, engine: &Engine_, site: SiteRef) {
        if let Change::CloseBefore(_, before) = self
            && engine.running() == Gid::MAIN
            && before.is(site)
        {
            let kept = engine.ex().repaired.kept.clone();
            kept.into_iter().for_each(|ch| _ = engine.op_as_is(Op::Close(ch), site));
        }
    }

    /// A handle that can send is about to be dropped.
    #[cold]
    pub(super) fn drops_sender(self, engine: &Engine_, ch: ObjId, site: SiteRef) {
        let closes = match self {
            Change::CloseAtEnd(channel, spawned) => {
                engine.is_made_at(ch, channel) && spawned.is(engine.spawned_at())
            }
            Change::CloseByLast(channel) => engine.is_made_at(ch, channel) && engine.is_last_sender(ch),
            _ => false,
        };
        if closes {
            engine.op_as_is(Op::Close(ch), site);
        }
    }

    /// Whether it matters in which order the handles of a channel are dropped.
    pub(super) fn counts_handles(self, engine: &Engine_, ch: ObjId) -> bool {
        matches!(self, Change::CloseByLast(channel) if engine.is_made_at(ch, channel))
    }

    /// Whether the function that cancels a context made at `created` does so when it is dropped.
    pub(super) fn cancels(self, created: SiteRef) -> bool {
        matches!(self, Change::Cancel(context) if context.is(created))
    }
}

/// No timer's, and none that is only ever closed.
fn is_for_messages(c: &ChanState) -> bool {
    c.timer.is_none() && !c.signal
}

impl Engine_ {
    fn is_made_at(&self, ch: ObjId, place: Place) -> bool {
        if ch == ObjId::NIL {
            return false;
        }
        let slot = self.ex().world.slot(ch);
        // What hangs up by itself has no close.
        let can_be_closed = |c: &ChanState| is_for_messages(c) && !c.hang_up;
        place.is(slot.created) && matches!(&slot.state, State::Chan(c) if can_be_closed(c))
    }

    fn is_last_sender(&self, ch: ObjId) -> bool {
        chan::view(self.ex().state(ch)).send_handles == 1
    }

    fn spawned_at(&self) -> SiteRef {
        let ex = self.ex();
        ex.goroutines[ex.running.index()].spawned
    }
}
