//! Operations, their results, and misuse: the language the surface speaks to an engine.
//!
//! Invariant: an [`Op`] holds everything its effect depends on besides the [`World`](super::World),
//! so a step can be simulated without running user code.

use super::rwlock::Intent;
use super::watch::Want;
use core::sync::atomic::Ordering;
use selvedge_checkers::finding::Slug;
use selvedge_checkers::ids::{Gid, ObjId};
use selvedge_checkers::op::{OpKind, WaitReason};

/// Nanoseconds since the start of the world.
pub(crate) type Nanos = u64;

/// Which end of a channel a handle is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Send,
    Receive,
}

/// What an atomic read-modify-write does with the old value and its operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Update {
    Swap,
    Add,
    Sub,
    And,
    Nand,
    Or,
    Xor,
    Max,
    Min,
}

/// The integer type an atomic holds; values travel as zero-extended `u64`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Int {
    pub(crate) bits: u8,
    pub(crate) signed: bool,
}

/// A visible operation, announced before it takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    Yield,
    Choose(u32),
    Lock(ObjId),
    TryLock(ObjId),
    Unlock(ObjId),
    ReadLock(ObjId),
    TryReadLock(ObjId),
    ReadUnlock(ObjId),
    WriteLock(ObjId),
    /// Second phase of a write lock: announced, waiting for the readers to leave.
    WriteWait(ObjId),
    TryWriteLock(ObjId),
    /// A step of a write lock that does not wait.
    WriteIntent {
        lock: ObjId,
        intent: Intent,
    },
    WriteUnlock(ObjId),
    CondWait {
        cv: ObjId,
        mutex: ObjId,
        deadline: Option<Nanos>,
    },
    /// Second phase of a wait: queued, until notified.
    CondWoken {
        cv: ObjId,
        mutex: ObjId,
        deadline: Option<Nanos>,
    },
    /// Third phase of a wait: take the lock again.
    Relock {
        cv: ObjId,
        mutex: ObjId,
        timed_out: bool,
    },
    NotifyOne(ObjId),
    NotifyAll(ObjId),
    Send {
        ch: ObjId,
        ticket: u32,
    },
    /// Second phase of an unbuffered send: offered, until somebody takes it.
    SendWait {
        ch: ObjId,
        ticket: u32,
    },
    TrySend {
        ch: ObjId,
        ticket: u32,
    },
    Receive(ObjId),
    /// Second phase of an unbuffered receive: queued, until somebody sends.
    ReceiveWait(ObjId),
    TryReceive(ObjId),
    Close(ObjId),
    Len(ObjId),
    /// The arms are in the goroutine's record.
    Select {
        deadline: Option<Nanos>,
    },
    /// Second phase of a select with unbuffered arms: queued on all of them.
    SelectWait {
        deadline: Option<Nanos>,
    },
    /// The last handle of one end of a channel goes away.
    HandleDrop {
        ch: ObjId,
        end: End,
    },
    WaitGroupAdd {
        wg: ObjId,
        delta: i32,
    },
    WaitGroupWait(ObjId),
    /// Whether the counter is zero. For who was let go since it was, it must be.
    WaitGroupPeek {
        wg: ObjId,
        released: bool,
    },
    Acquire {
        sem: ObjId,
        n: u32,
    },
    /// Second phase of an acquire: queued in arrival order.
    AcquireWait {
        sem: ObjId,
        n: u32,
    },
    TryAcquire {
        sem: ObjId,
        n: u32,
    },
    Release {
        sem: ObjId,
        n: u32,
    },
    /// Takes a queued acquirer out of the queue again (its context ended).
    CancelAcquire {
        sem: ObjId,
        g: Gid,
    },
    OnceBegin(ObjId),
    /// Whether it is done.
    OncePeek(ObjId),
    /// Waits until it is done; unless forced, also until an attempt failed.
    OnceWait {
        once: ObjId,
        force: bool,
    },
    OnceEnd {
        once: ObjId,
        done: bool,
    },
    BarrierWait(ObjId),
    /// Second phase of a barrier wait: until the generation is complete.
    BarrierPark(ObjId),
    Park {
        deadline: Option<Nanos>,
    },
    Unpark(Gid),
    /// Until a waker of the task is called.
    TaskWait(ObjId),
    TaskWake(ObjId),
    /// In place of a future: until what it wants may be possible, or the token is woken.
    Watch {
        want: Want,
        cancel: ObjId,
    },
    Join(Gid),
    Load {
        atomic: ObjId,
        order: Ordering,
    },
    Store {
        atomic: ObjId,
        value: u64,
        order: Ordering,
    },
    Update {
        atomic: ObjId,
        update: Update,
        int: Int,
        operand: u64,
        order: Ordering,
    },
    /// An addition whose result nobody sees.
    Add {
        atomic: ObjId,
        int: Int,
        operand: u64,
        order: Ordering,
    },
    CompareExchange {
        atomic: ObjId,
        expected: u64,
        new: u64,
        weak: bool,
        success: Ordering,
        failure: Ordering,
    },
    Fence(Ordering),
    Sleep {
        until: Nanos,
    },
    TimerStart {
        timer: ObjId,
        at: Nanos,
        period: Nanos,
    },
    TimerStop(ObjId),
    /// The loop reads the same state again and again: blocked until one of the objects it read
    /// changes (they are in the goroutine's record).
    Await,
}

impl Op {
    /// What kind of operation reports call this.
    pub(crate) fn kind(&self) -> OpKind {
        match self {
            Op::Yield => OpKind::Yield,
            Op::Choose(_) => OpKind::Choose,
            Op::Lock(_) => OpKind::Lock,
            Op::TryLock(_) => OpKind::TryLock,
            Op::Unlock(_) => OpKind::Unlock,
            Op::ReadLock(_) => OpKind::ReadLock,
            Op::TryReadLock(_) => OpKind::TryReadLock,
            Op::ReadUnlock(_) => OpKind::ReadUnlock,
            Op::WriteLock(_) | Op::WriteWait(_) => OpKind::WriteLock,
            Op::TryWriteLock(_) | Op::WriteIntent { .. } => OpKind::TryWriteLock,
            Op::WriteUnlock(_) => OpKind::WriteUnlock,
            Op::CondWait { .. } => OpKind::CondWait,
            Op::CondWoken { .. } => OpKind::CondWoken,
            Op::Relock { .. } => OpKind::Lock,
            Op::NotifyOne(_) => OpKind::NotifyOne,
            Op::NotifyAll(_) => OpKind::NotifyAll,
            Op::Send { .. } | Op::SendWait { .. } => OpKind::Send,
            Op::TrySend { .. } => OpKind::TrySend,
            Op::Receive(_) | Op::ReceiveWait(_) => OpKind::Receive,
            Op::TryReceive(_) => OpKind::TryReceive,
            Op::Close(_) => OpKind::Close,
            Op::Len(_) => OpKind::Len,
            Op::Select { .. } | Op::SelectWait { .. } => OpKind::Select,
            Op::HandleDrop { .. } => OpKind::HandleDrop,
            Op::WaitGroupAdd { .. } => OpKind::WaitGroupAdd,
            Op::WaitGroupWait(_) | Op::WaitGroupPeek { .. } => OpKind::WaitGroupWait,
            Op::Acquire { .. } | Op::AcquireWait { .. } => OpKind::Acquire,
            Op::TryAcquire { .. } => OpKind::TryAcquire,
            Op::Release { .. } | Op::CancelAcquire { .. } => OpKind::Release,
            Op::OnceBegin(_) => OpKind::OnceBegin,
            Op::OncePeek(_) | Op::OnceWait { .. } => OpKind::Load,
            Op::OnceEnd { .. } => OpKind::OnceComplete,
            Op::BarrierWait(_) | Op::BarrierPark(_) => OpKind::BarrierWait,
            Op::Park { .. } => OpKind::Park,
            Op::Unpark(_) => OpKind::Unpark,
            Op::TaskWait(_) => OpKind::TaskWait,
            Op::TaskWake(_) => OpKind::TaskWake,
            Op::Watch { want, .. } => want.stands_for().kind(),
            Op::Join(_) => OpKind::Join,
            Op::Load { .. } => OpKind::Load,
            Op::Store { .. } => OpKind::Store,
            Op::Update { .. } | Op::Add { .. } => OpKind::Update,
            Op::CompareExchange { .. } => OpKind::CompareExchange,
            Op::Fence(_) => OpKind::Fence,
            Op::Sleep { .. } => OpKind::Sleep,
            Op::TimerStart { .. } => OpKind::TimerStart,
            Op::TimerStop(_) => OpKind::TimerStop,
            Op::Await => OpKind::Await,
        }
    }

    /// The object the operation is on, if it is on exactly one (a wait: its condition variable).
    pub(crate) fn object(&self) -> Option<ObjId> {
        match *self {
            Op::Lock(o)
            | Op::TryLock(o)
            | Op::Unlock(o)
            | Op::ReadLock(o)
            | Op::TryReadLock(o)
            | Op::ReadUnlock(o)
            | Op::WriteLock(o)
            | Op::WriteWait(o)
            | Op::TryWriteLock(o)
            | Op::WriteUnlock(o)
            | Op::NotifyOne(o)
            | Op::NotifyAll(o)
            | Op::Receive(o)
            | Op::ReceiveWait(o)
            | Op::TryReceive(o)
            | Op::Close(o)
            | Op::Len(o)
            | Op::WaitGroupWait(o)
            | Op::OnceBegin(o)
            | Op::OncePeek(o)
            | Op::BarrierWait(o)
            | Op::BarrierPark(o)
            | Op::TaskWait(o)
            | Op::TaskWake(o)
            | Op::TimerStop(o) => Some(o),
            Op::CondWait { cv, .. } | Op::CondWoken { cv, .. } => Some(cv),
            Op::Relock { mutex, .. } => Some(mutex),
            Op::Send { ch, .. }
            | Op::SendWait { ch, .. }
            | Op::TrySend { ch, .. }
            | Op::HandleDrop { ch, .. } => Some(ch),
            Op::WaitGroupAdd { wg, .. } | Op::WaitGroupPeek { wg, .. } => Some(wg),
            Op::WriteIntent { lock, .. } => Some(lock),
            Op::Watch { want, .. } => Some(want.object()),
            Op::Acquire { sem, .. }
            | Op::AcquireWait { sem, .. }
            | Op::TryAcquire { sem, .. }
            | Op::Release { sem, .. }
            | Op::CancelAcquire { sem, .. } => Some(sem),
            Op::OnceEnd { once, .. } | Op::OnceWait { once, .. } => Some(once),
            Op::TimerStart { timer, .. } => Some(timer),
            Op::Load { atomic, .. }
            | Op::Store { atomic, .. }
            | Op::Update { atomic, .. }
            | Op::Add { atomic, .. }
            | Op::CompareExchange { atomic, .. } => Some(atomic),
            Op::Yield
            | Op::Choose(_)
            | Op::Select { .. }
            | Op::SelectWait { .. }
            | Op::Park { .. }
            | Op::Unpark(_)
            | Op::Join(_)
            | Op::Fence(_)
            | Op::Sleep { .. }
            | Op::Await => None,
        }
    }

    /// When the operation gives up by itself.
    pub(crate) fn deadline(&self) -> Option<Nanos> {
        match *self {
            Op::CondWoken { deadline, .. }
            | Op::Select { deadline }
            | Op::SelectWait { deadline }
            | Op::Park { deadline } => deadline,
            Op::Sleep { until } => Some(until),
            _ => None,
        }
    }

    /// What a goroutine blocked in this operation waits for, in Go's words.
    pub(crate) fn wait_reason(&self) -> WaitReason {
        match *self {
            Op::Send { ch: ObjId::NIL, .. } => WaitReason::ChanSendNil,
            Op::Receive(ObjId::NIL) => WaitReason::ChanReceiveNil,
            Op::Send { .. } | Op::SendWait { .. } => WaitReason::ChanSend,
            Op::Receive(_) | Op::ReceiveWait(_) => WaitReason::ChanReceive,
            Op::Select { .. } | Op::SelectWait { .. } => WaitReason::Select,
            Op::ReadLock(_) => WaitReason::ReadLock,
            Op::WriteLock(_) | Op::WriteWait(_) => WaitReason::WriteLock,
            Op::CondWait { .. } | Op::CondWoken { .. } => WaitReason::Cond,
            Op::WaitGroupWait(_) => WaitReason::WaitGroup,
            Op::Acquire { .. } | Op::AcquireWait { .. } => WaitReason::Semaphore,
            Op::OnceBegin(_) | Op::OnceWait { .. } => WaitReason::Once,
            Op::BarrierWait(_) | Op::BarrierPark(_) => WaitReason::Barrier,
            Op::Park { .. } => WaitReason::Park,
            Op::TaskWait(_) => WaitReason::Task,
            Op::Watch { want, .. } => want.stands_for().wait_reason(),
            Op::Join(_) => WaitReason::Join,
            Op::Sleep { .. } => WaitReason::Sleep,
            Op::Await => WaitReason::Spin,
            _ => WaitReason::Lock,
        }
    }

    /// Whether the operation can change no object at all, so that it commutes with its like.
    pub(crate) fn only_reads(&self) -> bool {
        matches!(self, Op::Load { .. } | Op::Len(_))
    }

    /// Whether it is an operation on an atomic: always possible.
    pub(crate) fn is_atomic(&self) -> bool {
        matches!(
            self,
            Op::Load { .. }
                | Op::Store { .. }
                | Op::Update { .. }
                | Op::Add { .. }
                | Op::CompareExchange { .. }
        )
    }

    /// Whether it is no access to an atomic that asks for less than sequential consistency.
    pub(crate) fn is_consistent(&self) -> bool {
        match *self {
            Op::Load { order, .. }
            | Op::Store { order, .. }
            | Op::Update { order, .. }
            | Op::Add { order, .. } => order == Ordering::SeqCst,
            Op::CompareExchange { success, failure, .. } => {
                success == Ordering::SeqCst && failure == Ordering::SeqCst
            }
            _ => true,
        }
    }

    /// Whether the operation may only look: it can change nothing when it does not succeed, or when
    /// what it writes is there already.
    pub(crate) fn may_only_look(&self) -> bool {
        matches!(
            self,
            Op::Yield
                | Op::Load { .. }
                | Op::Update { .. }
                | Op::CompareExchange { .. }
                | Op::TryLock(_)
                | Op::TryReadLock(_)
                | Op::TryWriteLock(_)
                | Op::TrySend { .. }
                | Op::TryReceive(_)
                | Op::TryAcquire { .. }
                | Op::Receive(_)
                | Op::Select { .. }
                | Op::Len(_)
                | Op::OncePeek(_)
                | Op::Fence(Ordering::Acquire)
        )
    }
}

/// What an operation gives back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ret {
    Unit,
    Flag(bool),
    Value(u64),
    /// The value an atomic had, and whether the exchange happened.
    Exchange {
        old: u64,
        done: bool,
    },
    /// A message was received; its payload is stored under this ticket.
    Message(u32),
    Closed,
    WouldBlock,
    TimedOut,
    /// A select took this arm; a receive arm got this ticket, or found the channel closed.
    Arm {
        arm: u32,
        ticket: Option<u32>,
    },
    Misuse(Misuse),
}

/// What Go panics or dies of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Misuse {
    SendOnClosed,
    CloseOfClosed,
    CloseOfNil,
    UnlockOfUnlocked,
    ReadUnlockOfUnlocked,
    WriteUnlockOfUnlocked,
    NegativeWaitGroup,
    WaitGroupReused,
    ReleasedMoreThanHeld,
    CondvarTwoMutexes,
}

impl Misuse {
    /// Go's text.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Misuse::SendOnClosed => "send on closed channel",
            Misuse::CloseOfClosed => "close of closed channel",
            Misuse::CloseOfNil => "close of nil channel",
            Misuse::UnlockOfUnlocked => "sync: unlock of unlocked mutex",
            Misuse::ReadUnlockOfUnlocked => "sync: RUnlock of unlocked RWMutex",
            Misuse::WriteUnlockOfUnlocked => "sync: Unlock of unlocked RWMutex",
            Misuse::NegativeWaitGroup => "sync: negative WaitGroup counter",
            Misuse::WaitGroupReused => "sync: WaitGroup is reused before previous Wait has returned",
            Misuse::ReleasedMoreThanHeld => "semaphore: released more than held",
            Misuse::CondvarTwoMutexes => "attempted to use a condition variable with two mutexes",
        }
    }

    /// Under which name it is reported if nobody recovers.
    pub(crate) fn slug(self) -> Slug {
        match self {
            Misuse::SendOnClosed => Slug::SendOnClosed,
            Misuse::CloseOfClosed => Slug::CloseOfClosed,
            Misuse::CloseOfNil => Slug::CloseOfNil,
            Misuse::UnlockOfUnlocked | Misuse::ReadUnlockOfUnlocked | Misuse::WriteUnlockOfUnlocked => {
                Slug::UnlockOfUnlocked
            }
            Misuse::NegativeWaitGroup => Slug::NegativeWaitGroup,
            Misuse::WaitGroupReused => Slug::WaitGroupMisuse,
            Misuse::ReleasedMoreThanHeld | Misuse::CondvarTwoMutexes => Slug::Panic,
        }
    }

    /// Whether Go dies of it at once: no recover runs.
    pub(crate) fn fatal(self) -> bool {
        self.slug() == Slug::UnlockOfUnlocked
    }
}
