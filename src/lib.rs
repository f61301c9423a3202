//! Go's concurrency for Rust, and a model checker that finds its bugs in tests.
//!
//! Goroutines ([`go()`]), channels ([`chan()`]), [`select!`], wait groups, contexts, timers and the
//! synchronisation of std, in one API with two engines. In a program goroutines run on a
//! work-stealing scheduler, in real time. Under `#[selvedge::test]` (feature `check`, from `[dev-dependencies]`) a
//! controllable scheduler runs the same code under many schedules and names, shows and replays the
//! bugs it finds.
//!
//! # A tour
//!
//! A goroutine is a function that runs beside its caller. Its handle may be dropped, or joined for the
//! result.
//!
//! ```
//! use selvedge::go;
//! let sum = go(|| 1 + 1);
//! assert_eq!(sum.join().unwrap(), 2);
//! ```
//!
//! Goroutines talk over channels. One without room is a rendezvous. A channel is closed by whoever
//! sends, and a receiver drains it.
//!
//! ```
//! use selvedge::{chan, go};
//! let (tx, rx) = chan(0);
//! go(move || {
//!     for i in 1..=3 {
//!         tx.send(i);
//!     }
//!     tx.close();
//! });
//! assert_eq!(rx.iter().sum::<i32>(), 6);
//! assert_eq!(rx.recv(), None);
//! ```
//!
//! [`select!`] waits for one of several.
//!
//! ```
//! use selvedge::{chan, go, select, time};
//! let (tx, rx) = chan(0);
//! go(move || tx.send("answer"));
//! let got = select! {
//!     recv(rx) -> v => v.unwrap(),
//!     recv(time::after(time::MINUTE)) -> _ => "timeout",
//! };
//! assert_eq!(got, "answer");
//! ```
//!
//! [`sync`] has std's locks, once cells, barriers, atomics and `mpsc` under std's names, and what Go
//! has beside them: [`WaitGroup`](sync::WaitGroup), [`Semaphore`](sync::Semaphore),
//! [`ErrGroup`](sync::ErrGroup) and more. [`context`] hands deadlines and cancellation down a tree.
//!
//! ```
//! use selvedge::sync::{Arc, Mutex, WaitGroup};
//! use selvedge::{context, go, select};
//!
//! let total = Arc::new(Mutex::new(0));
//! let wg = WaitGroup::new();
//! for n in 1..=2 {
//!     let total = Arc::clone(&total);
//!     wg.go(move || *total.lock().unwrap() += n);
//! }
//! wg.wait();
//! assert_eq!(*total.lock().unwrap(), 3);
//!
//! let (ctx, cancel) = context::with_cancel(&context::background());
//! let worker = go(move || select! { recv(ctx.done()) -> _ => "told to stop" });
//! cancel.cancel();
//! assert_eq!(worker.join().unwrap(), "told to stop");
//! ```
//!
//! [`future`] has async tasks on the same scheduler, [`net`] sockets in std's shape whose waits park, and
//! [`signal`] the operating system's signals as messages.
//!
//! # Finding bugs
//!
//! Put `#[selvedge::test]` where `#[test]` would be. The test runs a thousand times, each time under
//! another schedule; the first failure is shrunk and reported with the schedule that leads to it and a
//! token that replays it. Without the attribute, `selvedge::check` does the same, and
//! `selvedge::Explorer` gives back what it found:
//!
#![cfg_attr(feature = "check", doc = "```")]
#![cfg_attr(not(feature = "check"), doc = "```ignore")]
//! use selvedge::sync::{Arc, Mutex};
//! use selvedge::{Explorer, Slug, go};
//!
//! let outcome = Explorer::new().run(|| {
//!     let (a, b) = (Arc::new(Mutex::new(1)), Arc::new(Mutex::new(2)));
//!     let (a2, b2) = (Arc::clone(&a), Arc::clone(&b));
//!     let other = go(move || *a2.lock().unwrap() + *b2.lock().unwrap());
//!     let sum = *b.lock().unwrap() + *a.lock().unwrap(); // the other order
//!     assert_eq!(other.join().unwrap(), sum);
//! });
//! assert_eq!(outcome.failure().unwrap().slug, Slug::Deadlock);
//! println!("{outcome}"); // the report
//! ```
//!
//! In a model time is virtual, [`choose`] tries every value, and statics of this library's types start
//! afresh in every execution. What a test must not do is depend on anything else that differs from run
//! to run: real time, random numbers, the order of a `HashMap`.
//!
//! # Goroutines and threads
//!
//! A goroutine that has begun stays on its OS thread unless the program says otherwise. That is the safe default: safe
//! Rust lets anybody keep, across a wait, what belongs to a thread, such as a reference into a `std::thread_local!`
//! or a guard that must be dropped where it was made. Its price is that a goroutine that computes for long, or blocks
//! its thread, holds back those that were begun on the same thread.
//!
//! `#[selvedge::main(unsafe(migrate))]` lets goroutines that wait go on on whichever thread is free: waking them is
//! faster, and nobody is held back. It is `unsafe` because the program vouches, once, for all of its code and that of
//! the libraries it calls in goroutines: nothing of a thread is kept across anything that may wait. The compiler itself may
//! keep the address of a thread-local across a wait, in optimised code, so functions that use one on both sides of a wait are
//! wrong as well. What helps:
//!
//! - [`goroutine_local!`] has a value for each goroutine, whichever thread that is on;
//! - [`runtime::lock_os_thread`] keeps a goroutine on its thread, alone, for code that needs it;
//! - in debug builds an auditor looks, where a goroutine waits, for addresses of thread-locals in the frames of the
//!   program's own functions, and tells of them on stderr.
//!
//! `Rc`, `RefCell` and raw pointers on a goroutine's stack are no matter: they move with it. A goroutine that waits while
//! it unwinds from a panic keeps its thread in both modes, since std counts panics by thread; do not wait in destructors that
//! a panic may run. In either mode scoped values that other crates keep in std's thread-locals (as `scoped-tls` does) are
//! mixed up by goroutines that take turns on one thread.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `check` | the model checker, and atomics and cells it can see. Outside of a model it changes no behaviour |
//!
//! # Limits
//!
//! Atomics follow C11, without load buffering and with stores in the order they are made.
//! The book in the repository's folder `docs` says more, and has a page for each finding.

pub mod cell;
pub mod chan;
pub mod context;
pub mod debug;
#[cfg(doctest)]
mod documentation;
pub mod future;
mod go;
pub mod hint;
pub mod leak;
#[cfg(unix)]
pub mod net;
#[cfg_attr(not(feature = "check"), allow(dead_code, unused_imports, reason = "the model uses the rest"))]
mod objects;
#[cfg_attr(not(feature = "check"), allow(dead_code, unused_imports, reason = "the model uses the rest"))]
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

pub use chan::chan;
pub use go::{Goroutine, choose, go, go_named};
#[cfg(feature = "check")]
pub use harness::{Explorer, Outcome, check};
pub use select::{Select, Selected};
#[cfg(feature = "check")]
pub use selvedge_checkers::finding::{Evidence, Finding, Severity, Slug};
#[cfg(feature = "check")]
pub use selvedge_checkers::repair::{NamedLock, Repair, Verified};
pub use selvedge_macros::main;
#[cfg(feature = "check")]
pub use selvedge_macros::test;
#[cfg(not(feature = "check"))]
pub use selvedge_macros::test_without_check as test;

/// What the macros expand to; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::select::Waiting;
    pub use crate::select::private::{Arm, AsReceiver, AsSender, Slot, receiver, sender};
}
