//! The runtime's beginning: once a process, when first needed or as `Runtime::builder` says.
//!
//! Invariants: everything a goroutine relies on is set up before the first can run; a process that
//! starts no goroutine starts no thread.

use super::mode::{OnLeak, OnPanic};
use super::{arena, barrier, clock, idle, mode, monitor, overflow, p, quit};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// What a program may choose.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) procs: usize,
    /// Bytes of a stack with all that is in its slot; a power of two.
    pub(super) slot: usize,
    pub(super) migrates: bool,
    pub(super) on_panic: OnPanic,
    pub(super) on_leak: OnLeak,
    /// What threads are called.
    pub(super) thread_name: String,
    /// Whether each stays on one processor of the machine.
    pub(super) pins: bool,
}

static STARTED: AtomicBool = AtomicBool::new(false);
static STARTING: Mutex<()> = Mutex::new(());

/// Whether the runtime runs.
#[inline]
pub(super) fn is_started() -> bool {
    STARTED.load(Ordering::Acquire)
}

/// Start the runtime with what the program did not choose, unless it runs.
#[inline]
pub(super) fn ensure() {
    if !is_started() {
        start(None);
    }
}

/// Start the runtime; false if it runs already.
#[cold]
pub(super) fn start(config: Option<Config>) -> bool {
    let _held = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if is_started() {
        return false;
    }
    let config = config.unwrap_or_else(Config::standard);
    clock::refresh();
    barrier::set_up();
    mode::set_migrates(config.migrates);
    mode::set_on_panic(config.on_panic);
    mode::set_on_leak(config.on_leak);
    mode::set_threads(config.thread_name, config.pins);
    arena::set_up(config.slot);
    overflow::install();
    idle::set_up(p::set_up(config.procs));
    monitor::start();
    quit::install();
    STARTED.store(true, Ordering::Release);
    true
}

impl Config {
    /// What a program gets that chooses nothing.
    pub(super) fn standard() -> Config {
        Config {
            procs: super::procs::standard(),
            slot: arena::DEFAULT_SLOT,
            migrates: false,
            on_panic: OnPanic::default(),
            on_leak: OnLeak::default(),
            thread_name: "selvedge".into(),
            pins: false,
        }
    }
}
