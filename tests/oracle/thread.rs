//! A thread of the abstract machine: what it has to do, and how far it is.

use super::language::{Instr, Name};

/// Where a thread is inside its current instruction.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Phase {
    /// About to begin the next one.
    Next,
    /// Somebody else must complete it.
    Queued,
    /// A write lock is announced.
    Announced,
    /// Woken from the condition variable, about to lock again.
    Relock,
    /// Released from the wait group, about to look at the counter again.
    Released,
    /// All instructions are done; the thread has not ended yet.
    Leaving,
    Ended,
    Panicked(&'static str),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Thread {
    pub(super) name: Name,
    /// What is still to do, the next instruction last.
    pub(super) code: Vec<Frame>,
    pub(super) phase: Phase,
    pub(super) locks: [bool; 2],
    pub(super) raw: bool,
    pub(super) reads: u8,
    pub(super) writes: bool,
    pub(super) detached: bool,
    pub(super) has_child: bool,
    /// The child that was not joined yet.
    pub(super) child: Option<usize>,
    pub(super) token: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Frame {
    Do(Instr),
    OnceEnd,
    /// Join a thread; part of main's end.
    JoinThread(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum OnceState {
    Idle,
    Running,
    Done,
}
