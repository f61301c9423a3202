//! What the program chose when the runtime started.
//!
//! Invariant: set once, before the first goroutine runs.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// What follows when a goroutine panics and nobody joins it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum OnPanic {
    /// The program ends with exit code 2, after it has said what every goroutine was doing: as in Go.
    #[default]
    EndProgram,
    /// It is told on stderr, and the others go on: as with threads of std's.
    Isolate,
}

static MIGRATES: AtomicBool = AtomicBool::new(false);
static ISOLATES: AtomicBool = AtomicBool::new(false);
static PINS: AtomicBool = AtomicBool::new(false);
static THREAD_NAME: OnceLock<String> = OnceLock::new();

/// Let started goroutines move between threads.
pub(super) fn set_migrates(migrates: bool) {
    MIGRATES.store(migrates, Ordering::Relaxed);
}

/// Whether a started goroutine may go on on another thread.
#[inline]
pub(super) fn migrates() -> bool {
    MIGRATES.load(Ordering::Relaxed)
}

/// What a panic that nobody joins does.
pub(super) fn set_on_panic(on_panic: OnPanic) {
    ISOLATES.store(on_panic == OnPanic::Isolate, Ordering::Relaxed);
}

/// Whether such a panic is told only.
pub(super) fn isolates() -> bool {
    ISOLATES.load(Ordering::Relaxed)
}

/// What threads are called, and whether each stays on a processor of the machine.
pub(super) fn set_threads(name: String, pins: bool) {
    let _ = THREAD_NAME.set(name);
    PINS.store(pins, Ordering::Relaxed);
}

/// What the threads that run goroutines are called.
pub(super) fn thread_name() -> &'static str {
    THREAD_NAME.get().map_or("selvedge", String::as_str)
}

/// Whether each thread stays on a processor of the machine.
pub(super) fn pins() -> bool {
    PINS.load(Ordering::Relaxed)
}
