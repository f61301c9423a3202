//! Go's package `runtime`: what a program may ask of, and tell, its scheduler.
//!
//! Invariants: [`goexit`] unwinds its goroutine like a panic that nobody reports, so that what the
//! goroutine owns is dropped; the processor counts are constants in a model.
//!
//! Source: the documentation of Go's `runtime`.

mod arena;
mod asleep;
mod atomics;
mod barrier;
mod builder;
pub(crate) mod clock;
mod done;
mod end;
mod fatal;
mod futex;
mod g;
mod gate;
mod global;
mod guard;
mod handshake;
mod host;
mod idle;
mod list;
pub(crate) mod locals;
pub(crate) mod lock;
mod m;
mod mode;
mod monitor;
mod names;
mod overflow;
mod p;
mod parker;
mod procs;
mod queue;
mod run;
mod sched;
mod spawn;
mod stack_pointer;
mod start;
pub(crate) mod task;
pub(crate) mod timers;
pub(crate) mod wait;

pub use builder::{Runtime, RuntimeBuilder, StartError};

use crate::objects::Op;
use crate::port::{self, GoExit, machine};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::time::Duration;

/// Let others go first: Go's `runtime.Gosched`.
#[doc(alias = "Gosched")]
#[track_caller]
pub fn gosched() {
    let site = Location::caller();
    port::with(|engine| engine.op(Op::Yield, site));
}

/// End this goroutine, and drop what it owns on the way: Go's `runtime.Goexit`.
///
/// It is no panic: nothing is printed, other goroutines do not notice, and a join gives an error
/// that says the goroutine was ended. Called by main it ends main, the others go on, and when they
/// have ended the program dies of "no goroutines (main called runtime.Goexit) - deadlock!". As it
/// unwinds, `catch_unwind` stops it, and a program built with `panic = "abort"` aborts.
#[doc(alias = "Goexit")]
pub fn goexit() -> ! {
    resume_unwind(Box::new(GoExit))
}

/// How many goroutines have not ended: Go's `runtime.NumGoroutine`.
#[doc(alias = "NumGoroutine")]
pub fn num_goroutine() -> usize {
    port::with(|engine| engine.num_goroutines())
}

/// How many processors this process may use: Go's `runtime.NumCPU`. In a model it is 4.
#[doc(alias = "NumCPU")]
pub fn num_cpu() -> usize {
    machine::cpus()
}

/// How many goroutines may run at once; gives what it was before. With 0 it only asks: Go's
/// `runtime.GOMAXPROCS`.
///
/// In a model it is 4 and does not change. The engine of plain threads remembers the number and
/// leaves the scheduling to the system.
#[doc(alias = "GOMAXPROCS")]
pub fn gomaxprocs(n: usize) -> usize {
    machine::max_procs(n)
}

/// Keep this goroutine on its OS thread: Go's `runtime.LockOSThread`.
///
/// It has nothing to do so far: a goroutine outside of a model has an OS thread of its own, and the
/// goroutines of a model all share one.
#[doc(alias = "LockOSThread")]
pub fn lock_os_thread() {}

/// Undo one [`lock_os_thread`]: Go's `runtime.UnlockOSThread`.
#[doc(alias = "UnlockOSThread")]
pub fn unlock_os_thread() {}

/// Run `f`, which may block the OS thread (a file, a foreign library), without starving others.
///
/// In a model it only runs `f`: nobody else goes on meanwhile.
pub fn unblock<T>(f: impl FnOnce() -> T) -> T {
    f()
}

/// Run `body` as the main goroutine: what `#[selvedge::main]` expands to.
///
/// When it returns the program may end, whatever other goroutines do. If it ends by [`goexit`] the
/// others go on; once they have ended the process dies with Go's message and exit code 2.
///
/// # Examples
/// ```
/// #[selvedge::main]
/// fn main() -> Result<(), std::num::ParseIntError> {
///     let n: i32 = selvedge::go(|| "7".parse()).join().unwrap()?;
///     assert_eq!(n, 7);
///     Ok(())
/// }
/// ```
pub fn main<R>(body: impl FnOnce() -> R) -> R {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => value,
        Err(payload) if payload.is::<GoExit>() && port::model().is_none() => wait_without_main(),
        Err(payload) => resume_unwind(payload),
    }
}

/// Main is gone; the program lives until the last of the others ends.
fn wait_without_main() -> ! {
    while num_goroutine() > 1 {
        std::thread::sleep(Duration::from_millis(10));
    }
    eprintln!("fatal error: no goroutines (main called runtime.Goexit) - deadlock!");
    std::process::exit(2)
}

#[cfg(test)]
mod engine_tests;
#[cfg(test)]
#[path = "surface_tests.rs"]
mod tests;
