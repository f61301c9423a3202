//! The detectors of selvedge, and the vocabulary they share with the engine and the reports.
//!
//! Invariants: nothing here reads a clock, a file, an address or a random number, starts a
//! thread, or needs `unsafe`; every detector is a pure function of the events it is fed, so it
//! works the same during exploration, on a recorded trace and on real threads. Detectors return
//! data ([`finding::Finding`]); the sentences are written elsewhere.

#![forbid(unsafe_code)]

pub mod access;
pub mod channel_use;
pub mod clock;
pub mod cycles;
pub mod exits;
pub mod finding;
pub mod hard_order;
pub mod ids;
pub mod lock_order;
pub mod notifications;
pub mod op;
pub mod race;
#[cfg(feature = "format")]
pub mod record;
pub mod repair;
pub mod statistics;
pub mod suite;
pub mod trace;
pub mod wait_group;
pub mod waits;

#[cfg(test)]
mod rig;
mod table;
