//! Choosing how the runtime runs, before it does.
//!
//! Invariants: what cannot be is an error that names it; the runtime starts once, and whoever comes
//! later is told so.

use super::mode::{OnLeak, OnPanic};
use super::start::{self, Config};
use super::{arena, host, p};
use std::fmt;
use std::panic::Location;

/// The running scheduler of this process.
///
/// There is one; it starts by itself when the first goroutine does. [`Runtime::builder`] starts it
/// with other settings than the usual.
#[derive(Clone, Copy, Debug)]
pub struct Runtime(());

/// Settings of the scheduler; see [`Runtime::builder`].
#[derive(Clone, Debug, Default)]
#[must_use = "settings do nothing until `start`"]
pub struct RuntimeBuilder {
    procs: Option<usize>,
    stack: Option<usize>,
    migrates: bool,
    on_panic: OnPanic,
    on_leak: OnLeak,
    thread_name: Option<String>,
    pins: bool,
}

/// Why the scheduler was not started.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StartError {
    /// It runs already.
    AlreadyRunning,
    /// A setting that cannot be: its name, its value, and what is expected.
    Setting(&'static str, usize, String),
    /// A name for threads with a null byte in it.
    ThreadName(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::AlreadyRunning => {
                f.write_str("the runtime runs already: choose its settings before the first goroutine starts")
            }
            StartError::Setting(name, value, expected) => {
                write!(f, "runtime setting `{name}` = {value}: expected {expected}")
            }
            StartError::ThreadName(name) => {
                write!(f, "runtime setting `thread_name` = {name:?}: expected a name without a null byte")
            }
        }
    }
}

impl std::error::Error for StartError {}

impl Runtime {
    /// Settings to start the scheduler with.
    ///
    /// # Examples
    /// ```standalone_crate
    /// use selvedge::runtime::Runtime;
    /// Runtime::builder().procs(2).stack_size(1 << 20).start()?;
    /// assert_eq!(selvedge::runtime::gomaxprocs(0), 2);
    /// # Ok::<(), selvedge::runtime::StartError>(())
    /// ```
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::default()
    }
}

impl RuntimeBuilder {
    /// How many goroutines may run at once, from 1 to 1024. If not given: `GOMAXPROCS` from the
    /// environment, else the processors this process may use.
    pub fn procs(self, count: usize) -> RuntimeBuilder {
        RuntimeBuilder { procs: Some(count), ..self }
    }

    /// Bytes of each goroutine's stack, from 16 KiB to 1 GiB; rounded up to a power of two, of which
    /// 5 KiB are the runtime's. If not given: 256 KiB. Only what is used takes memory.
    pub fn stack_size(self, bytes: usize) -> RuntimeBuilder {
        RuntimeBuilder { stack: Some(bytes), ..self }
    }

    /// What follows when a goroutine panics and nobody joins it. If not given the program ends, as in Go. A
    /// program built with `panic = "abort"` ends at any panic.
    ///
    /// # Examples
    /// ```standalone_crate
    /// use selvedge::runtime::{OnPanic, Runtime};
    /// Runtime::builder().on_panic(OnPanic::Isolate).start().unwrap();
    /// drop(selvedge::go(|| panic!("told, and that is all")));
    /// ```
    pub fn on_panic(self, on_panic: OnPanic) -> RuntimeBuilder {
        RuntimeBuilder { on_panic, ..self }
    }

    /// What follows when a goroutine can never go on, since no handle is left of the other end of the channels it
    /// waits at. If not given it is told on stderr, some fifty milliseconds after it has come to that, and the
    /// program goes on.
    ///
    /// # Examples
    /// ```standalone_crate
    /// use selvedge::runtime::{OnLeak, Runtime};
    /// Runtime::builder().on_leak(OnLeak::Ignore).start().unwrap();
    /// ```
    pub fn on_leak(self, on_leak: OnLeak) -> RuntimeBuilder {
        RuntimeBuilder { on_leak, ..self }
    }

    /// What the threads that run goroutines are called, for debuggers and `top`: at most 15 bytes on Linux.
    /// If not given: `selvedge`.
    pub fn thread_name(self, name: impl Into<String>) -> RuntimeBuilder {
        RuntimeBuilder { thread_name: Some(name.into()), ..self }
    }

    /// Keep each thread that runs goroutines on one processor of the machine, in turn. Worth it where nothing
    /// else runs on them; on Linux only.
    pub fn pin_threads(self) -> RuntimeBuilder {
        RuntimeBuilder { pins: true, ..self }
    }

    /// Let goroutines that wait go on on another thread: the fast way, in which a goroutine that
    /// computes holds back nobody.
    ///
    /// # Safety
    /// No goroutine of the program keeps, across anything that may wait, what belongs to its thread:
    /// a reference into thread-local storage, or a guard that must be dropped on the thread that made
    /// it. The compiler may keep the address of a thread-local across a wait by itself, so code that
    /// uses thread-locals on both sides of a wait must be in separate functions that are not inlined,
    /// or between `lock_os_thread` and `unlock_os_thread`.
    pub unsafe fn migrate(self) -> RuntimeBuilder {
        RuntimeBuilder { migrates: true, ..self }
    }

    /// Start the scheduler.
    ///
    /// # Errors
    /// If it runs already, or a setting cannot be.
    pub fn start(self) -> Result<Runtime, StartError> {
        if start::start(Some(self.config()?)) { Ok(Runtime(())) } else { Err(StartError::AlreadyRunning) }
    }

    /// Start the scheduler and run `body` as the main goroutine, on this thread: what
    /// `#[selvedge::main]` does. To be called by the program's `main`. When `body` has returned, the
    /// program should end: what is left of other goroutines stands still on this thread.
    ///
    /// # Errors
    /// If the scheduler runs already, or a setting cannot be; then `body` has not run.
    ///
    /// # Panics
    /// If `body` does.
    ///
    /// # Examples
    /// ```standalone_crate
    /// let sum = selvedge::runtime::Runtime::builder().procs(1).run(|| selvedge::go(|| 1 + 1).join());
    /// assert_eq!(sum.unwrap().unwrap(), 2);
    /// ```
    #[track_caller]
    pub fn run<R>(self, body: impl FnOnce() -> R) -> Result<R, StartError> {
        let site = Location::caller();
        if !start::start(Some(self.config()?)) {
            return Err(StartError::AlreadyRunning);
        }
        Ok(host::run(body, site))
    }

    fn config(self) -> Result<Config, StartError> {
        let mut config = Config::standard();
        if let Some(procs) = self.procs {
            if !(1..=p::MOST).contains(&procs) {
                return Err(StartError::Setting("procs", procs, format!("1 to {}", p::MOST)));
            }
            config.procs = procs;
        }
        if let Some(stack) = self.stack {
            let limits = arena::LEAST_SLOT..=arena::MOST_SLOT;
            if !limits.contains(&stack) {
                let expected = format!("{} to {} bytes", limits.start(), limits.end());
                return Err(StartError::Setting("stack_size", stack, expected));
            }
            config.slot = stack.next_power_of_two();
        }
        config.migrates = self.migrates;
        config.on_panic = self.on_panic;
        config.on_leak = self.on_leak;
        config.pins = self.pins;
        if let Some(name) = self.thread_name {
            if name.contains('\0') {
                return Err(StartError::ThreadName(name));
            }
            config.thread_name = name;
        }
        Ok(config)
    }
}
