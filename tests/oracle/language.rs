//! A tiny language of concurrent programs, and what can come of one.
//!
//! A program is a few threads, thread 0 being main, over a fixed set of shared objects: two
//! variables, two locks, a raw lock, a reader-writer lock, a condition variable (of lock 0), two
//! channels and a nil one, a wait group, a semaphore, a once and a barrier. Invariant: every
//! program ends in every interleaving, by finishing or by getting stuck, since nothing loops.

use std::collections::{BTreeMap, BTreeSet};

/// One instruction. What it observes is noted in its thread's list of [`Seen`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Instr {
    Load(u8),
    Store(u8, u8),
    /// Add one; observes the old value.
    Add(u8),
    /// (variable, expected, new); observes whether it took place.
    Cas(u8, u8, u8),
    Lock(u8),
    TryLock(u8),
    /// Nothing if the thread does not hold it.
    Unlock(u8),
    RawLock,
    RawTryLock,
    /// Fatal if nobody holds it.
    RawUnlock,
    Read,
    TryRead,
    /// Nothing if the thread does not hold it.
    ReadUnlock,
    Write,
    TryWrite,
    /// Nothing if the thread does not hold it.
    WriteUnlock,
    /// Nothing if the thread does not hold lock 0.
    CvWait,
    NotifyOne,
    NotifyAll,
    Send(u8, u8),
    TrySend(u8, u8),
    Recv(u8),
    TryRecv(u8),
    Close(u8),
    Len(u8),
    Select(Vec<Arm>, bool),
    WgAdd,
    WgDone,
    WgWait,
    Acquire(u8),
    TryAcquire(u8),
    Release(u8),
    /// Run an instruction once; observes whether this thread runs it.
    Once(Box<Instr>),
    OnceDone,
    /// Observes whether the thread was the last to come.
    Barrier,
    Park,
    Unpark(u8),
    /// Start a child, at most one a thread.
    Spawn(Vec<Instr>),
    /// Join the child, if there is one and it was not joined yet.
    Join,
    /// Whether the child has ended.
    Finished,
    Choose(u8),
    Yield,
}

/// One arm of a select.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Arm {
    Recv(u8),
    Send(u8, u8),
}

/// The index of the channel that is nil.
pub(super) const NIL: u8 = 2;

/// A program and the sizes of its objects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Program {
    pub threads: Vec<Vec<Instr>>,
    /// Whether main joins the others at its end; otherwise they are detached from the start.
    pub joins: bool,
    /// The capacities of channels 0 and 1.
    pub caps: [u8; 2],
    /// What the wait group starts at.
    pub wg: u8,
    /// The size of the semaphore.
    pub permits: u8,
    /// The size of the barrier.
    pub barrier: u8,
}

impl Program {
    /// Main joins the others, channels are unbuffered, and all else has room for two.
    pub(super) fn new(threads: &[&[Instr]]) -> Program {
        let threads = threads.iter().map(|t| t.to_vec()).collect();
        Program { threads, joins: true, caps: [0, 0], wg: 0, permits: 2, barrier: 2 }
    }
}

impl Program {
    /// Whether it asks if a thread has ended. In the engine a thread ends in one step with its last
    /// operation, so the moments between the two are not there to be seen.
    pub(super) fn asks_for_ends(&self) -> bool {
        fn asks(instr: &Instr) -> bool {
            matches!(instr, Instr::Finished) || matches!(instr, Instr::Spawn(body) if body.iter().any(asks))
        }
        self.threads.iter().flatten().any(asks)
    }
}

/// Thread `i` is called `i`, its child `CHILD + i`.
pub(super) type Name = u8;
pub(super) const CHILD: Name = 8;

/// What one instruction observed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Seen {
    Number(u8),
    Flag(bool),
    Closed,
    WouldBlock,
    Arm(u8),
    /// A thread it joined had panicked.
    Joined(&'static str),
}

/// How an execution ended.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Verdict {
    /// Nobody can go on: who has not finished, and the panics nobody joined.
    Quiet { stuck: BTreeSet<Name>, unclaimed: BTreeSet<&'static str> },
    /// A panic that nobody can join, or an error nobody can recover from, ended the program.
    Fatal(&'static str),
}

/// Everything observable of one execution.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Outcome {
    pub seen: BTreeMap<Name, Vec<Seen>>,
    pub verdict: Verdict,
}

impl Outcome {
    /// What is the same for all that cannot be told apart: what the others had come to say when the
    /// program died depends on how soon they say it.
    pub(super) fn normal(mut self) -> Outcome {
        if matches!(self.verdict, Verdict::Fatal(_)) {
            self.seen.clear();
        }
        self.seen.retain(|_, seen| !seen.is_empty());
        self
    }
}
