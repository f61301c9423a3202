//! The abstract state of one object, whatever its kind.

use super::atomic::AtomicState;
use super::barrier::BarrierState;
use super::chan::ChanState;
use super::condvar::CvState;
use super::once::OnceState;
use super::op::Op;
use super::rwlock::RwState;
use super::semaphore::SemState;
use super::wait_group::WgState;
use selvedge_checkers::ids::{Gid, ObjId};
use selvedge_checkers::op::ObjKind;

/// The state of an object.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum State {
    Mutex {
        holder: Option<Gid>,
    },
    RwLock(RwState),
    Condvar(CvState),
    Chan(ChanState),
    WaitGroup(WgState),
    Semaphore(SemState),
    Once(OnceState),
    Barrier(BarrierState),
    Atomic(AtomicState),
    /// A plain variable: no state of its own, only accesses to check.
    Cell,
    /// Whether the waker of an async task was called.
    Task {
        woken: bool,
    },
    /// The id is free.
    Gone,
}

impl Clone for State {
    fn clone(&self) -> State {
        match self {
            State::Mutex { holder } => State::Mutex { holder: *holder },
            State::RwLock(rw) => State::RwLock(rw.clone()),
            State::Condvar(cv) => State::Condvar(cv.clone()),
            State::Chan(c) => State::Chan(c.clone()),
            State::WaitGroup(wg) => State::WaitGroup(wg.clone()),
            State::Semaphore(s) => State::Semaphore(s.clone()),
            State::Once(once) => State::Once(*once),
            State::Barrier(b) => State::Barrier(b.clone()),
            State::Atomic(a) => State::Atomic(*a),
            State::Cell => State::Cell,
            State::Task { woken } => State::Task { woken: *woken },
            State::Gone => State::Gone,
        }
    }

    /// Channels keep their memory.
    fn clone_from(&mut self, other: &State) {
        match (self, other) {
            (State::Chan(mine), State::Chan(theirs)) => mine.clone_from(theirs),
            (mine, theirs) => *mine = theirs.clone(),
        }
    }
}

impl State {
    /// What reports call the object.
    pub(crate) fn kind(&self) -> ObjKind {
        match self {
            State::Mutex { .. } => ObjKind::Mutex,
            State::RwLock(_) => ObjKind::RwLock,
            State::Condvar(_) => ObjKind::Condvar,
            State::Chan(c) if c.timer.is_some() => ObjKind::Timer,
            State::Chan(_) => ObjKind::Chan,
            State::WaitGroup(_) => ObjKind::WaitGroup,
            State::Semaphore(_) => ObjKind::Semaphore,
            State::Once(_) => ObjKind::Once,
            State::Barrier(_) => ObjKind::Barrier,
            State::Atomic(_) => ObjKind::Atomic,
            State::Task { .. } => ObjKind::Task,
            State::Cell | State::Gone => ObjKind::Cell,
        }
    }

    /// The goroutines that hold the object, if it is one that is held.
    pub(crate) fn holders(&self) -> impl Iterator<Item = Gid> {
        let (one, more): (Option<&Gid>, &[Gid]) = match self {
            State::Mutex { holder } => (holder.as_ref(), &[]),
            State::RwLock(rw) => (rw.writer.as_ref(), &rw.readers),
            State::Once(OnceState::Running(g)) => (Some(g), &[]),
            _ => (None, &[]),
        };
        one.into_iter().chain(more).copied()
    }

    /// How `g` gives this object back, if it holds it, as it unwinds.
    pub(crate) fn given_back_by(&self, g: Gid, object: ObjId) -> Option<Op> {
        match self {
            State::Mutex { holder } => (*holder == Some(g)).then_some(Op::Unlock(object)),
            State::RwLock(rw) if rw.writer == Some(g) => Some(Op::WriteUnlock(object)),
            State::RwLock(rw) => rw.readers.contains(&g).then_some(Op::ReadUnlock(object)),
            State::Once(OnceState::Running(by)) => {
                (*by == g).then_some(Op::OnceEnd { once: object, done: false })
            }
            _ => None,
        }
    }

    /// The state in a few words, for reports.
    pub(crate) fn describe(&self) -> String {
        match self {
            State::Chan(c) => c.describe(),
            State::WaitGroup(wg) => format!("counter is {}", wg.count),
            State::Semaphore(s) => format!("{} of {} free", s.available, s.size),
            State::Condvar(cv) => format!("{} waiting", cv.waiters.len()),
            State::Barrier(b) => format!("{} of {} arrived", b.waiting.len(), b.size),
            State::Atomic(a) => format!("value {}", a.value),
            _ => String::new(),
        }
    }
}
