//! Go's package `runtime`: what a program may ask of, and tell, its scheduler.
//!
//! Invariants: [`goexit`] unwinds its goroutine like a panic that nobody reports, so that what the
//! goroutine owns is dropped; the processor counts are constants in a model.
//!
//! Source: the documentation of Go's `runtime`.

mod arena;
mod asleep;
#[allow(dead_code, reason = "the futures of the primitives come next")]
pub(crate) mod async_wait;
mod atomics;
mod audit;
mod barrier;
pub(crate) mod biased;
pub(crate) mod blocked;
mod builder;
pub(crate) mod census;
pub(crate) mod clock;
pub(crate) mod cpu_samples;
mod done;
pub(crate) mod dump;
mod end;
pub(crate) mod executor;
mod fatal;
mod futex;
mod g;
mod gate;
mod global;
mod guard;
mod handshake;
mod host;
mod idle;
pub(crate) mod locals;
pub(crate) mod lock;
mod lock_thread;
mod lookout;
mod m;
mod mode;
mod monitor;
mod names;
mod overflow;
mod p;
mod parker;
mod pin;
pub(crate) mod poller;
mod procs;
mod queue;
mod quit;
mod regret;
mod run;
mod sched;
mod schedtrace;
pub(crate) mod scope;
mod slice;
mod spawn;
pub(crate) mod stack_pointer;
mod start;
pub(crate) mod stranded;
pub(crate) mod symbols;
pub(crate) mod task;
pub(crate) mod tasks;
#[allow(dead_code, reason = "channel timers move over to it next")]
pub(crate) mod timers;
mod told;
pub(crate) mod trace;
mod unwinding;
pub(crate) mod wait;
pub(crate) mod wait_list;
#[allow(dead_code, reason = "as for `async_wait`")]
mod waker_slot;
mod world;

pub use builder::{Runtime, RuntimeBuilder, StartError};
pub use mode::{OnLeak, OnPanic};

use crate::objects::Op;
use crate::port::{self, GoExit, machine};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::time::Duration;

/// Let others go first: Go's `runtime.Gosched`.
#[doc(alias = "Gosched")]
#[track_caller]
pub fn gosched() {
    let site = Location::caller();
    match port::model() {
        Some(engine) => _ = engine.op(Op::Yield, site),
        None => wait::yield_now(),
    }
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
    match port::model() {
        Some(engine) => engine.num_goroutines(),
        // Who asks counts, also as a thread that is no goroutine.
        None => wait::goroutines() + usize::from(!wait::is_goroutine()),
    }
}

/// How many processors this process may use: Go's `runtime.NumCPU`. In a model it is 4.
#[doc(alias = "NumCPU")]
pub fn num_cpu() -> usize {
    machine::cpus()
}

/// How many goroutines may run at once; gives what it was before. With 0 it only asks: Go's
/// `runtime.GOMAXPROCS`.
///
/// It changes nothing once the scheduler runs, which it does from the first goroutine on; before, it
/// has the last word over the environment's `GOMAXPROCS`. In a model it is 4 and does not change.
///
/// # Panics
/// If the environment's `GOMAXPROCS` is no number from 1 to 1024.
#[doc(alias = "GOMAXPROCS")]
pub fn gomaxprocs(n: usize) -> usize {
    machine::model_procs().unwrap_or_else(|| procs::choose(n))
}

/// Keep this goroutine on its OS thread: Go's `runtime.LockOSThread`.
///
/// Where goroutines change threads (`RuntimeBuilder::migrate`) the thread runs no other goroutine
/// until as many [`unlock_os_thread`] were called; where they do not, they share their thread with
/// others as before. A plain thread, and a model, have nothing to do.
#[doc(alias = "LockOSThread")]
pub fn lock_os_thread() {
    if port::model().is_none() {
        lock_thread::lock();
    }
}

/// Undo one [`lock_os_thread`]: Go's `runtime.UnlockOSThread`.
#[doc(alias = "UnlockOSThread")]
pub fn unlock_os_thread() {
    if port::model().is_none() {
        lock_thread::unlock();
    }
}

/// Run `f`, which may block the OS thread (a file, a foreign library), without starving others.
///
/// It is a hint: the scheduler gives the processor to others at its next look, some tens of
/// microseconds later, if `f` has not returned by then. Without it that takes a millisecond or more.
/// In a model it only runs `f`: nobody else goes on meanwhile.
///
/// # Examples
/// ```
/// let text = selvedge::runtime::unblock(|| std::fs::read_to_string("/proc/self/stat"));
/// # let _ = text;
/// ```
pub fn unblock<T>(f: impl FnOnce() -> T) -> T {
    let _marked = if port::model().is_none() { m::Blocks::mark() } else { None };
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
#[track_caller]
pub fn main<R>(body: impl FnOnce() -> R) -> R {
    enter(Runtime::builder(), body)
}

/// As [`main`], with goroutines that change threads: what `#[selvedge::main(unsafe(migrate))]`
/// expands to.
///
/// # Safety
/// As for [`RuntimeBuilder::migrate`].
#[track_caller]
pub unsafe fn main_migrating<R>(body: impl FnOnce() -> R) -> R {
    // SAFETY: the caller vouches for the same.
    enter(unsafe { Runtime::builder().migrate() }, body)
}

#[track_caller]
fn enter<R>(builder: RuntimeBuilder, body: impl FnOnce() -> R) -> R {
    let mut body = Some(body);
    if host::is_main_thread() && port::model().is_none() {
        let hosted = builder.run(|| body.take().map(|body| body()));
        match hosted {
            Ok(value) => return value.expect("the body was there"),
            Err(StartError::AlreadyRunning) => {}
            Err(error) => panic!("selvedge: {error}"),
        }
    }
    // The scheduler runs on other threads, or this is a model's goroutine: main stays where it is.
    let body = body.take().expect("a scheduler that did not start has not run it");
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
    fatal::nobody_left()
}

#[cfg(test)]
mod engine_tests;
#[cfg(test)]
mod loom_tests;
#[cfg(test)]
#[path = "surface_tests.rs"]
mod tests;
