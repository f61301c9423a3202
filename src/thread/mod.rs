//! `std::thread`, on goroutines.
//!
//! Invariants: a thread is a goroutine, and every goroutine is a thread: [`current`], [`park`] and
//! thread-locals work in both. A [`Thread`] names a goroutine of one world; in another world it
//! names nobody. Thread-locals are dropped by the goroutine they belong to, before it counts as
//! ended.
//!
//! Source: the documentation of `std::thread`. Deviation, as everywhere here: in a model a panic
//! that nobody joins is a finding.

mod handle;
mod local;
mod parker;
mod scope;

pub use crate::thread_local;
pub use handle::{Thread, ThreadId, current};
pub use local::{AccessError, LocalKey};
pub use scope::{Scope, ScopedJoinHandle, scope};
pub use std::thread::{Result, panicking};

use crate::chan::deadline;
use crate::go::{self, Goroutine};
use crate::objects::Op;
use crate::port::{self, machine, wait};
use handle::Identity;
use selvedge_checkers::ids::SiteRef;
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::time::Duration;

/// A handle to a thread, given by [`spawn`]. Dropping it detaches the thread.
pub struct JoinHandle<T> {
    goroutine: Goroutine<T>,
    thread: Thread,
}

impl<T> JoinHandle<T> {
    /// The thread.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// Wait for the thread to end and take its result.
    ///
    /// # Errors
    /// The payload of its panic, if it panicked.
    #[track_caller]
    pub fn join(self) -> Result<T> {
        self.goroutine.join()
    }

    /// Whether the thread has ended. In a model others may go first, so that asking again and again
    /// comes to an end.
    #[track_caller]
    pub fn is_finished(&self) -> bool {
        self.goroutine.is_finished()
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("thread", &self.thread).finish_non_exhaustive()
    }
}

/// A visible operation for what is none by itself.
fn look(site: SiteRef) {
    if let Some(engine) = port::model() {
        engine.op(Op::Yield, site);
    }
}

/// Start a thread that runs `f`.
///
/// # Panics
/// If the system has no memory or thread left for it; [`Builder::spawn`] is no different so far.
///
/// # Examples
/// ```
/// let sum = selvedge::thread::spawn(|| 1 + 1);
/// assert_eq!(sum.join().unwrap(), 2);
/// ```
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    spawn_named(f, None, Location::caller())
}

fn spawn_named<F, T>(f: F, name: Option<String>, site: SiteRef) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let identity = Identity::new(name.clone());
    let inside = identity.clone();
    let body = move || {
        inside.adopt();
        f()
    };
    let goroutine = go::start_thread(body, name, site);
    let thread = identity.thread(goroutine.gid());
    JoinHandle { goroutine, thread }
}

/// Sets up a thread before it starts.
#[derive(Debug, Default)]
#[must_use = "a builder starts nothing by itself"]
pub struct Builder {
    name: Option<String>,
}

impl Builder {
    /// A thread with nothing set up.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Give it a name, which reports and dumps show.
    ///
    /// # Panics
    /// When it is started, if the name contains a null byte.
    pub fn name(self, name: String) -> Builder {
        Builder { name: Some(name) }
    }

    /// Accepted, and not needed: stacks of goroutines have their own size.
    pub fn stack_size(self, _bytes: usize) -> Builder {
        self
    }

    fn checked_name(self) -> Option<String> {
        let fits = self.name.as_ref().is_none_or(|name| !name.contains('\0'));
        assert!(fits, "thread name may not contain interior null bytes");
        self.name
    }

    /// Start the thread.
    ///
    /// # Errors
    /// None so far.
    ///
    /// # Panics
    /// If the name contains a null byte, or the system has no memory or thread left.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Ok(spawn_named(f, self.checked_name(), Location::caller()))
    }

    /// Start the thread in a scope.
    ///
    /// # Errors
    /// None so far.
    ///
    /// # Panics
    /// If the name contains a null byte, or the system has no memory or thread left.
    #[track_caller]
    pub fn spawn_scoped<'scope, 'env, F, T>(
        self,
        scope: &'scope Scope<'scope, 'env>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        Ok(scope.spawn_named(f, self.checked_name(), Location::caller()))
    }
}

/// Wait for the token of this thread and take it. It may also return without one.
#[track_caller]
pub fn park() {
    let site = Location::caller();
    match port::model() {
        Some(engine) => _ = engine.op(Op::Park { deadline: None }, site),
        None => handle::park_outside(None, site),
    }
}

/// Wait for the token of this thread for at most `timeout`.
#[track_caller]
pub fn park_timeout(timeout: Duration) {
    let site = Location::caller();
    let deadline = deadline(timeout);
    match port::model() {
        Some(engine) => _ = engine.op(Op::Park { deadline }, site),
        None => handle::park_outside(deadline, site),
    }
}

/// Let others go first.
#[track_caller]
pub fn yield_now() {
    let site = Location::caller();
    match port::model() {
        Some(engine) => _ = engine.op(Op::Yield, site),
        None => wait::yield_now(),
    }
}

/// Wait for `duration`; in a model, of virtual time.
#[track_caller]
pub fn sleep(duration: Duration) {
    let site = Location::caller();
    let until = deadline(duration).unwrap_or(u64::MAX);
    match port::model() {
        Some(engine) => _ = engine.op(Op::Sleep { until }, site),
        None => wait::sleep_until(until, site),
    }
}

/// How many threads can run at once; in a model always 4, so that its executions are the same on
/// every machine.
///
/// # Errors
/// None so far.
pub fn available_parallelism() -> io::Result<NonZeroUsize> {
    NonZeroUsize::new(machine::cpus()).ok_or_else(|| io::Error::other("no processors"))
}

#[cfg(test)]
#[path = "thread_tests.rs"]
mod tests;
