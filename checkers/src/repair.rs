//! Small changes of a program that a search has tried: data, never sentences.
//!
//! Invariant: a repair is named by places of the source, and goroutines by their numbers, so that it means the
//! same in every execution and in another process.

use crate::ids::{Gid, ObjId, Site};
use crate::op::OpKind;

/// A small change of a program.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "format", serde(tag = "type", rename_all = "kebab-case"))]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Repair {
    /// The unbuffered channels made here have room for so many messages.
    Capacity {
        /// Where the channels are made.
        channel: Site,
        /// In messages.
        capacity: u32,
    },
    /// A goroutine closes the channels it sends on before it gives its handle away.
    CloseAtEnd {
        /// Where the channels are made.
        channel: Site,
        /// Where the goroutines are started.
        spawned: Site,
    },
    /// Main closes the channels before it comes to an operation for the first time.
    CloseBefore {
        /// Where the channels are made.
        channel: Site,
        /// The operation.
        before: Site,
    },
    /// Nobody closes the channels but whoever drops the last handle that could send.
    CloseByLast {
        /// Where the channels are made.
        channel: Site,
    },
    /// A close of what is closed does nothing.
    CloseOnce {
        /// Where the channels are made.
        channel: Site,
    },
    /// A function that cancels a context does so when it is dropped.
    Cancel {
        /// Where the context is made.
        context: Site,
    },
    /// A goroutine takes two locks in the other order.
    LockOrder {
        /// Which goroutine.
        g: Gid,
        /// The lock it took second, and is to take first.
        sooner: NamedLock,
        /// The lock it took first.
        later: NamedLock,
    },
}

/// A lock, which may be one of many that were made at the same place.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedLock {
    /// Its number in the failing execution.
    pub object: ObjId,
    /// Where it is made.
    pub created: Site,
    /// Where the goroutine asks for it.
    pub at: Site,
    /// By which operation.
    pub op: OpKind,
    /// The first time that each goroutine asked for it in the failing execution: who, and as which of all its
    /// acquisitions, from 1.
    pub uses: Vec<(Gid, u32)>,
}

/// A repair, and what was explored of the program with it, none of which failed.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// The change.
    pub repair: Repair,
    /// Executions explored.
    pub executions: u64,
    /// Whether no others exist.
    pub exhausted: bool,
}
