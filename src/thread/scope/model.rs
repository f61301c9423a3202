//! The threads of a scope of a model.
//!
//! Invariant: a thread is on the list from its start until it was joined.

use super::gone_wrong;
use crate::objects::Op;
use crate::port::{self, Spawn};
use selvedge_checkers::ids::{Gid, SiteRef};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The threads of a scope that nobody has joined.
#[derive(Default)]
pub(super) struct Children {
    list: Mutex<Vec<Gid>>,
    /// A thread panicked that nobody can join any more.
    panicked: AtomicBool,
}

impl Children {
    fn lock(&self) -> MutexGuard<'_, Vec<Gid>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Let go of a thread that has exited and that nobody will join.
    fn release(&self, g: Gid) {
        port::with(|engine| {
            if engine.take_panic(g).is_some() {
                self.panicked.store(true, Ordering::Relaxed);
            }
            engine.detach(g);
        });
    }

    /// Start a thread and put it on the list; `is_alive` says whether its body was not dropped.
    pub(super) fn start(&self, spawn: Spawn, is_alive: impl Fn() -> bool) -> Gid {
        let started = catch_unwind(AssertUnwindSafe(|| port::with(|engine| engine.spawn(spawn))));
        match started {
            // An execution that is over starts nothing and names main, which nobody can start.
            Ok(Gid::MAIN) => Gid::MAIN,
            Ok(g) => {
                self.lock().push(g);
                g
            }
            Err(_) if is_alive() => gone_wrong(),
            Err(payload) => resume_unwind(payload),
        }
    }

    /// Wait until all have exited; whether one panicked and nobody was told.
    pub(super) fn join_all(&self, site: SiteRef) -> bool {
        let mut exited = Vec::new();
        // A child may start further ones while this waits: it goes on until none is left.
        while let Some(child) = { self.lock().pop() } {
            exited.push(child);
            let joined = catch_unwind(|| port::with(|engine| engine.op(Op::Join(child), site)));
            let still_runs = |g: Gid| !port::with(|engine| engine.has_exited(g));
            if still_runs(child) {
                gone_wrong();
            }
            if let Err(payload) = joined {
                // The execution is over, and the engine unwinds this goroutine in its turn.
                if self.lock().iter().any(|&other| still_runs(other)) {
                    gone_wrong();
                }
                resume_unwind(payload);
            }
        }
        // Only now are they let go of: one of them may have been waiting for another.
        exited.into_iter().for_each(|child| self.release(child));
        self.panicked.load(Ordering::Relaxed)
    }

    /// Wait until `g` has exited, and let go of it; gives its panic, if it panicked.
    pub(super) fn join(&self, g: Gid, site: SiteRef) -> Option<Box<dyn Any + Send>> {
        port::with(|engine| {
            engine.op(Op::Join(g), site);
            let panic = engine.take_panic(g);
            // Whoever takes it off the list lets go of it; the scope itself does so at its end.
            let mut list = self.lock();
            if let Some(at) = list.iter().position(|&child| child == g) {
                list.swap_remove(at);
                drop(list);
                engine.detach(g);
            }
            panic
        })
    }
}
