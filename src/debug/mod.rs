//! Seeing inside a running program: what its goroutines are doing.
//!
//! Invariants: looking changes nothing: goroutines are stopped for a moment, and go on; a program that
//! does not look pays nothing. Everything here is about goroutines of the scheduler; those of a model are
//! seen in its reports.
//!
//! # Examples
//! ```
//! use selvedge::{chan, debug, go_named};
//! let (tx, rx) = chan::<u32>(0);
//! let reader = go_named("reader", move || rx.recv());
//! while debug::goroutines().iter().all(|g| g.state() != "chan receive") {
//!     selvedge::runtime::gosched();
//! }
//! assert!(debug::dump().contains("named \"reader\""));
//! tx.send(1);
//! assert_eq!(reader.join().unwrap(), Some(1));
//! ```

mod cpu;
mod heap;
mod pprof;
mod profile;
mod task;

pub use cpu::{CpuProfile, CpuProfileError, cpu_profile, start_cpu_profile};
pub use heap::{HeapProfiler, NoHeapProfiler, heap_profile};
pub use profile::{
    block_profile, goroutine_profile, leak_profile, mutex_profile, set_block_profile_rate,
    set_mutex_profile_fraction,
};

pub use task::{Task, tasks};

use crate::port::wait::census::{self, Census, Portrait, Question};
use crate::port::wait::symbols::Symbols;
use crate::port::wait::{clock, dump};
use std::fmt;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a goroutine was doing when it was looked at.
#[derive(Clone, Debug)]
pub struct Goroutine {
    portrait: Portrait,
    taken: u64,
    frames: Vec<Frame>,
}

/// A function on a goroutine's stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    function: String,
    file: Option<PathBuf>,
    line: Option<u32>,
}

/// What a goroutine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    address: usize,
    kind: &'static str,
    created: &'static Location<'static>,
}

/// Every goroutine that has not ended, the oldest first, and where it is.
///
/// The goroutines are stopped meanwhile: for some microseconds each.
#[doc(alias = "Stack")]
pub fn goroutines() -> Vec<Goroutine> {
    let census = census::take(Question::EVERYTHING);
    portray(&census)
}

/// What every goroutine is doing, as text, in the form of Go's dumps: the caller first.
///
/// It is what a program prints that is sent SIGQUIT (Ctrl-\), that panics in a goroutine nobody joins, or whose
/// goroutines all sleep.
#[doc(alias = "Stack")]
pub fn dump() -> String {
    dump::text(&census::take(Question::EVERYTHING), census::myself())
}

/// Everybody of a census.
pub(crate) fn portray(census: &Census) -> Vec<Goroutine> {
    let mut symbols = Symbols::new();
    let portray = |portrait: &Portrait| {
        let frames = symbols.of(&portrait.trace).into_iter();
        let frames = frames.map(|f| Frame { function: f.function, file: f.file, line: f.line }).collect();
        Goroutine { portrait: portrait.clone(), taken: census.taken, frames }
    };
    census.all.iter().map(portray).collect()
}

impl Goroutine {
    /// Its number: from 1, never used again. Main's is 1 under `#[selvedge::main]`.
    pub fn id(&self) -> u64 {
        self.portrait.id
    }

    /// The name it was started with.
    pub fn name(&self) -> Option<&str> {
        self.portrait.name.as_deref()
    }

    /// What it is doing, in Go's words: `running`, `runnable`, or what it waits in: `chan receive`,
    /// `sync.Mutex.Lock`, `sleep`.
    pub fn state(&self) -> &'static str {
        dump::state(&self.portrait)
    }

    /// For how long it has been waiting, to the millisecond or so; zero if it is not.
    pub fn waiting(&self) -> Duration {
        let since = self.portrait.waits.map_or(self.taken, |wait| wait.since);
        Duration::from_nanos(self.taken.saturating_sub(since))
    }

    /// Where it waits.
    pub fn waits_at(&self) -> Option<&'static Location<'static>> {
        self.portrait.waits.and_then(|wait| wait.site)
    }

    /// What it waits for, where that is known.
    pub fn object(&self) -> Option<Object> {
        self.portrait.object.map(|(address, kind, created)| Object { address, kind: kind.noun(), created })
    }

    /// The numbers of the goroutines of which one has to act before it can go on, where that is known:
    /// who holds the lock, or is joined.
    pub fn waits_for(&self) -> &[u64] {
        &self.portrait.holders
    }

    /// Whether it is proved that it waits for ever: nobody holds the other end of the channel.
    pub fn is_stranded(&self) -> bool {
        self.portrait.stranded
    }

    /// Where the `go` is that started it.
    pub fn created_at(&self) -> Option<&'static Location<'static>> {
        self.portrait.created
    }

    /// The number of the goroutine that started it; none if that was a plain thread.
    pub fn parent(&self) -> Option<u64> {
        (self.portrait.parent != 0).then_some(self.portrait.parent)
    }

    /// Whether it is locked to its OS thread.
    pub fn is_locked(&self) -> bool {
        self.portrait.locked
    }

    /// The functions on its stack, the innermost first, without those of the runtime. Empty if it runs on
    /// another thread, or has not begun.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// The portrait this was made of.
    pub(crate) fn portrait(&self) -> &Portrait {
        &self.portrait
    }
}

impl fmt::Display for Goroutine {
    /// As in [`dump`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        dump::describe(&self.portrait, clock::now().max(self.taken), &mut Symbols::new(), &mut text);
        f.write_str(&text)
    }
}

impl Frame {
    /// The function's path.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// Its source file, where debug information tells.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The line in that file.
    pub fn line(&self) -> Option<u32> {
        self.line
    }
}

impl Object {
    /// Where it is in memory.
    pub fn address(&self) -> usize {
        self.address
    }

    /// What it is: `channel`, `mutex`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Where it was made.
    pub fn created_at(&self) -> &'static Location<'static> {
        self.created
    }
}
