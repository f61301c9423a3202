//! What the program chose when the runtime started.
//!
//! Invariant: set once, before the first goroutine runs.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

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

/// What follows when a goroutine waits at channels of whose other end no handle is left, so that it can never
/// go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum OnLeak {
    /// It is told on stderr, once for each place, and then whenever there are ten times as many; the program
    /// goes on.
    #[default]
    Report,
    /// The program ends with exit code 2, after it has said what every goroutine was doing.
    EndProgram,
    /// Nothing; dumps and the leak profile show it all the same.
    Ignore,
}

static MIGRATES: AtomicBool = AtomicBool::new(false);
static ISOLATES: AtomicBool = AtomicBool::new(false);
static ON_LEAK: AtomicU8 = AtomicU8::new(OnLeak::Report as u8);
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

/// What a goroutine that can never go on does.
pub(super) fn set_on_leak(on_leak: OnLeak) {
    ON_LEAK.store(on_leak as u8, Ordering::Relaxed);
}

/// Whether such a goroutine is told of.
pub(super) fn tells_leaks() -> bool {
    ON_LEAK.load(Ordering::Relaxed) != OnLeak::Ignore as u8
}

/// Whether it ends the program.
pub(super) fn leaks_end_program() -> bool {
    ON_LEAK.load(Ordering::Relaxed) == OnLeak::EndProgram as u8
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
