//! Go's concurrency for Rust, with the bugs taken out.
//!
//! Goroutines ([`go`]), channels ([`chan`](fn@chan)), [`select!`], wait groups, contexts and the
//! synchronisation of std, in one API with two engines. In production the program runs on threads;
//! under `#[selvedge::test]` (feature `check`) a controllable scheduler explores its interleavings
//! and names, shows and replays the bugs it finds.

pub mod cell;
pub mod chan;
pub mod context;
#[cfg(doctest)]
mod documentation;
mod go;
pub mod hint;
mod objects;
mod plain;
mod port;
pub mod rate;
pub mod runtime;
mod select;
pub mod signal;
pub mod sync;
pub mod thread;
pub mod time;

#[cfg(all(test, feature = "check"))]
mod determinism_tests;
#[cfg(all(test, feature = "check"))]
mod trial_tests;

#[cfg(feature = "check")]
pub mod explore;
#[cfg(feature = "check")]
pub mod harness;
#[cfg(feature = "check")]
mod model;
#[cfg(feature = "check")]
pub mod report;
#[cfg(all(test, feature = "check"))]
mod testing;

pub use chan::chan;
pub use go::{Goroutine, choose, go, go_named};
#[cfg(feature = "check")]
pub use harness::{Explorer, Outcome, check};
pub use select::{Select, Selected};
#[cfg(feature = "check")]
pub use selvedge_checkers::finding::{Evidence, Finding, Severity, Slug};
pub use selvedge_macros::main;
#[cfg(feature = "check")]
pub use selvedge_macros::test;
#[cfg(not(feature = "check"))]
pub use selvedge_macros::test_without_check as test;

/// What the macros expand to; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::select::private::{AsReceiver, AsSender, receiver, sender};
}
