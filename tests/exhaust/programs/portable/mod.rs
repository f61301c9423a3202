//! Programs over the types that have the shape of std's: any engine that offers those can run them.
//! The module above names the engine, `use ::loom as engine` for example, and the same text runs.

mod families;
mod litmus;
mod locked;
mod races;

use super::engine::sync::atomic::AtomicUsize;
use super::engine::{sync, thread};
use std::sync::Arc;

/// A program, and how many executions an optimal search of it takes: one for each trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    /// What it is called in the literature, with its size.
    pub(crate) name: &'static str,
    /// Its traces under sequential consistency.
    pub(crate) sc: u64,
    /// Its execution graphs under C11 without load buffering, where they were counted.
    pub(crate) c11: Option<u64>,
    /// Whether it is too large for a test.
    pub(crate) large: bool,
    /// The program.
    pub(crate) run: fn(),
}

impl Program {
    /// So many traces under sequential consistency.
    pub(crate) const fn sc(name: &'static str, sc: u64, run: fn()) -> Program {
        Program { name, sc, c11: None, large: false, run }
    }

    /// The same number in both models.
    pub(crate) const fn both(name: &'static str, count: u64, run: fn()) -> Program {
        Program::sc(name, count, run).c11(count)
    }

    /// So many graphs under C11.
    pub(crate) const fn c11(mut self, c11: u64) -> Program {
        self.c11 = Some(c11);
        self
    }

    /// Too large for a test.
    pub(crate) const fn large(mut self) -> Program {
        self.large = true;
        self
    }
}

/// The programs, in the order of the report.
pub(crate) fn all() -> impl Iterator<Item = &'static Program> {
    [litmus::PROGRAMS, families::PROGRAMS, races::PROGRAMS, locked::PROGRAMS].into_iter().flatten()
}

/// `n` threads do this, each with its number; they have all ended afterwards.
pub(super) fn each(n: usize, f: impl Fn(usize) + Send + Sync + 'static) {
    let f = Arc::new(f);
    let start = |i| {
        let f = Arc::clone(&f);
        thread::spawn(move || f(i))
    };
    let threads: Vec<_> = (0..n).map(start).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// `n` atomics, all 0.
pub(super) fn atomics(n: usize) -> Arc<[AtomicUsize]> {
    (0..n).map(|_| AtomicUsize::new(0)).collect()
}
