//! The atomics of the lock-free parts.
//!
//! Invariant: `queue`, `handshake`, `gate`, `parker` and `done` name no atomic of std's
//! themselves, so that the loom tests can compile the very same files against loom's.

pub(super) use std::hint::spin_loop;
pub(super) use std::sync::Mutex;
pub(super) use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};
