//! A goroutine takes two locks in the other order.
//!
//! Where it asks for the one, it is given the other one first; where it comes to ask for that, it has it. If it lets go
//! of the one without having asked, as on a path that does not need both, the other is let go of as well, as
//! a guard would be at the end of its scope.
//!
//! Locks have no identity before somebody uses them, and those made at one place are told apart by nothing else. So
//! a lock is named by who is known to ask for it first, as which of its acquisitions. The lock that is to be taken sooner
//! may be one that nobody has used: a lock is made in its place, and whoever then comes with one of its names
//! gets that. Invariant: where it turns out that another lock was meant, the execution fails, so that nothing
//! is said of a program that nobody could write.

use super::Place;
use crate::model::engine::Engine_;
use crate::model::execution::Execution;
use crate::objects::rwlock::RwState;
use crate::objects::{Op, Ret, State};
use crate::port::Engine;
use selvedge_checkers::finding::{Evidence, Finding, Slug};
use selvedge_checkers::ids::{Gid, ObjId, SiteRef};
use selvedge_checkers::op::OpKind;
use selvedge_checkers::repair::NamedLock;

/// Goroutines by whose use a lock is known.
const USES: usize = 6;

/// An acquisition: whose, and which of all of its, from 1.
type Use = (Gid, u32);

/// A lock before it has an identity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Lock {
    created: Place,
    /// Where it is asked for.
    at: Place,
    op: OpKind,
    uses: [Option<Use>; USES],
}

impl From<&NamedLock> for Lock {
    fn from(lock: &NamedLock) -> Lock {
        let mut uses = [None; USES];
        uses.iter_mut().zip(&lock.uses).for_each(|(to, from)| *to = Some(*from));
        Lock { created: (&lock.created).into(), at: (&lock.at).into(), op: lock.op, uses }
    }
}

/// Which goroutine, and which locks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reversal {
    g: Gid,
    sooner: Lock,
    later: Lock,
}

/// How far it came in this execution.
#[derive(Debug, Default)]
pub(in crate::model) struct Order {
    /// Acquisitions so far, by goroutine.
    taken: Vec<u32>,
    sooner: Option<ObjId>,
    later: Option<ObjId>,
    /// `sooner` was made in place of a lock nobody has used yet.
    promised: bool,
    /// The goroutine has `sooner` and has not asked for it yet.
    is_early: bool,
}

impl Order {
    pub(super) fn reset(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        *self = Order { taken, ..Order::default() };
        self.taken.clear();
    }

    fn taken(&mut self, g: Gid) -> &mut u32 {
        if self.taken.len() <= g.index() {
            self.taken.resize(g.index() + 1, 0);
        }
        &mut self.taken[g.index()]
    }
}

/// The lock that an operation waits for.
fn asked_for(op: Op) -> Option<ObjId> {
    match op {
        Op::Lock(o) | Op::ReadLock(o) | Op::WriteLock(o) => Some(o),
        _ => None,
    }
}

fn let_go(op: Op) -> Option<ObjId> {
    match op {
        Op::Unlock(o) | Op::ReadUnlock(o) | Op::WriteUnlock(o) => Some(o),
        _ => None,
    }
}

impl Lock {
    fn is_used(&self, g: Gid, nth: u32) -> bool {
        self.uses.contains(&Some((g, nth)))
    }

    /// A free one.
    fn state(&self) -> State {
        match self.op {
            OpKind::Lock => State::Mutex { holder: None },
            _ => State::RwLock(RwState::default()),
        }
    }

    fn take(&self, o: ObjId) -> Op {
        match self.op {
            OpKind::ReadLock => Op::ReadLock(o),
            OpKind::WriteLock => Op::WriteLock(o),
            _ => Op::Lock(o),
        }
    }

    fn release(&self, o: ObjId) -> Op {
        match self.op {
            OpKind::ReadLock => Op::ReadUnlock(o),
            OpKind::WriteLock => Op::WriteUnlock(o),
            _ => Op::Unlock(o),
        }
    }
}

impl Reversal {
    pub(super) fn new(g: Gid, sooner: &NamedLock, later: &NamedLock) -> Reversal {
        Reversal { g, sooner: sooner.into(), later: later.into() }
    }

    /// Operate, with what that needs before and after.
    pub(super) fn operate(&self, engine: &Engine_, op: Op, site: SiteRef) -> Ret {
        let g = engine.running();
        if let Some(lock) = asked_for(op) {
            let order = &mut engine.ex().repaired.order;
            let nth = order.taken(g);
            *nth += 1;
            let nth = *nth;
            self.recognise(order, lock, (g, nth));
            if g == self.g && self.asks(engine, lock, site) {
                return Ret::Unit;
            }
            return engine.op_as_is(op, site);
        }
        let ret = engine.op_as_is(op, site);
        let order = &mut engine.ex().repaired.order;
        if g == self.g
            && order.is_early
            && let_go(op).is_some_and(|lock| order.later == Some(lock))
            && let Some(sooner) = order.sooner
        {
            order.is_early = false;
            engine.op_as_is(self.sooner.release(sooner), site);
        }
        ret
    }

    fn recognise(&self, order: &mut Order, lock: ObjId, (g, nth): Use) {
        for (named, known) in [(&self.sooner, &mut order.sooner), (&self.later, &mut order.later)] {
            if named.is_used(g, nth) {
                known.get_or_insert(lock);
            }
        }
    }

    /// The goroutine asks for a lock: whether it has it.
    fn asks(&self, engine: &Engine_, lock: ObjId, site: SiteRef) -> bool {
        let order = &mut engine.ex().repaired.order;
        if order.is_early && order.sooner == Some(lock) {
            order.is_early = false;
            return true;
        }
        if order.is_early && self.sooner.at.is(site) {
            engine.ex().is_another_program();
        }
        if !order.is_early && self.later.at.is(site) && order.later == Some(lock) {
            order.is_early = true;
            let sooner = order.sooner.unwrap_or_else(|| {
                let made = engine.create(self.sooner.state(), site);
                let order = &mut engine.ex().repaired.order;
                (order.sooner, order.promised) = (Some(made), true);
                made
            });
            engine.op_as_is(self.sooner.take(sooner), site);
        }
        false
    }

    /// The lock that was made in place of one that is used for the first time now.
    pub(super) fn claims(&self, engine: &Engine_, state: &State, created: SiteRef) -> Option<ObjId> {
        let g = engine.running();
        let ex = engine.ex();
        let order = &mut ex.repaired.order;
        let nth = *order.taken(g) + 1;
        if !order.promised || !self.sooner.created.is(created) || !self.sooner.is_used(g, nth) {
            return None;
        }
        let promised = order.sooner?;
        let slot = ex.world.slot_mut(promised);
        if std::mem::discriminant(&slot.state) != std::mem::discriminant(state) {
            return None;
        }
        slot.created = created;
        order.promised = false;
        Some(promised)
    }
}

impl Execution {
    /// The program is not the one that was to be tried out.
    fn is_another_program(&mut self) {
        let (expected, found) = ("the lock that was taken sooner".to_owned(), "another one".to_owned());
        let evidence = Evidence::Divergence { step: self.steps, expected, found };
        self.find(Finding { slug: Slug::NotDeterministic, evidence });
    }

    /// At the end: nobody came for the lock that was made in place of another.
    pub(in crate::model) fn conclude_repair(&mut self) {
        if self.repaired.order.promised {
            self.is_another_program();
        }
    }
}
