//! One-time initialisation: `std::sync::{Once, OnceLock, LazyLock}`, and Go's `sync.OnceFunc` and
//! `sync.OnceValue`.
//!
//! Invariants: at most one goroutine initialises; the others wait for it and see everything it did.
//! An object that several worlds use one after the other (a static, under several executions of a
//! model) is uninitialised in each of them anew, so that every execution starts alike; what an
//! earlier world stored in it stays valid for as long as the object lives.
//!
//! Source: the documentation of `std::sync` and of Go's `sync`.

mod func;
mod lazy;
mod lock;
mod slot;

pub use func::{once_func, once_value};
pub use lazy::LazyLock;
pub use lock::OnceLock;

use super::native::{Begun, RawOnce};
use super::why;
use crate::objects::once::OnceState as Progress;
use crate::objects::{Op, Ret, State};
use crate::port::{self, Object};
use selvedge_checkers::ids::{ObjId, SiteRef};
use selvedge_checkers::op::WaitReason;
use std::panic::Location;

/// Runs an initialiser once: `std::sync::Once`.
///
/// A panic of the initialiser poisons it. (Go's `sync.Once` counts a panic as done; for that,
/// see [`once_func`].)
///
/// # Examples
/// ```
/// static START: selvedge::sync::Once = selvedge::sync::Once::new();
/// START.call_once(|| {});
/// assert!(START.is_completed());
/// ```
#[derive(Debug)]
pub struct Once {
    object: Object,
    native: RawOnce,
}

/// What an initialiser learns about those before it; given by [`Once::call_once_force`].
#[derive(Debug)]
pub struct OnceState {
    poisoned: bool,
}

impl OnceState {
    /// Whether an initialiser before this one panicked.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }
}

/// Ends an attempt, also when it unwinds: then as a failure.
struct Attempt<'a> {
    once: &'a Once,
    site: SiteRef,
    done: bool,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        match port::model() {
            Some(engine) => {
                let once = self.once.id(engine);
                engine.op(Op::OnceEnd { once, done: self.done }, self.site);
            }
            None => self.once.native.end(self.done),
        }
    }
}

impl Once {
    /// Nothing is initialised yet.
    #[must_use]
    #[track_caller]
    pub const fn new() -> Once {
        Once::at(Location::caller())
    }

    pub(super) const fn at(site: SiteRef) -> Once {
        Once { object: Object::at(site), native: RawOnce::new() }
    }

    fn id(&self, engine: &dyn port::Engine) -> ObjId {
        self.object.id(engine, || State::Once(Progress::Idle))
    }

    /// The object outside of models.
    #[inline]
    fn native(&self) -> &RawOnce {
        self.object.outside();
        &self.native
    }

    pub(super) fn created(&self) -> SiteRef {
        self.object.created()
    }

    /// Run `f` unless an initialiser has run; wait for one that runs.
    ///
    /// # Panics
    /// "Once instance has previously been poisoned" if an initialiser has panicked.
    #[track_caller]
    pub fn call_once<F: FnOnce()>(&self, f: F) {
        self.run(Location::caller(), |state| {
            assert!(!state.is_poisoned(), "Once instance has previously been poisoned");
            f();
        });
    }

    /// Run `f` unless an initialiser has run to its end, also if one has panicked.
    #[track_caller]
    pub fn call_once_force<F: FnOnce(&OnceState)>(&self, f: F) {
        self.run(Location::caller(), f);
    }

    pub(super) fn run(&self, site: SiteRef, f: impl FnOnce(&OnceState)) {
        let begun = match port::model() {
            Some(engine) => match engine.op(Op::OnceBegin(self.id(engine)), site) {
                Ret::Flag(false) => Begun::Done,
                Ret::Flag(true) => Begun::First,
                _ => Begun::AfterPanic,
            },
            None => self.native().begin(why(WaitReason::Once, self, site)),
        };
        if begun == Begun::Done {
            return;
        }
        let mut attempt = Attempt { once: self, site, done: false };
        f(&OnceState { poisoned: begun == Begun::AfterPanic });
        attempt.done = true;
    }

    /// Whether an initialiser has run to its end.
    #[track_caller]
    pub fn is_completed(&self) -> bool {
        self.peek(Location::caller())
    }

    /// Wait until an initialiser has run.
    ///
    /// # Panics
    /// "Once instance has previously been poisoned" if an initialiser panics, or has.
    #[track_caller]
    pub fn wait(&self) {
        let done = self.wait_at(false, Location::caller());
        assert!(done, "Once instance has previously been poisoned");
    }

    /// Wait until an initialiser has run to its end, whichever panic.
    #[track_caller]
    pub fn wait_force(&self) {
        self.wait_at(true, Location::caller());
    }

    pub(super) fn wait_at(&self, force: bool, site: SiteRef) -> bool {
        match port::model() {
            Some(engine) => {
                let once = self.id(engine);
                engine.op(Op::OnceWait { once, force }, site) == Ret::Flag(true)
            }
            None => self.native().wait(force, why(WaitReason::Once, self, site)),
        }
    }

    pub(super) fn peek(&self, site: SiteRef) -> bool {
        match port::model() {
            Some(engine) => engine.op(Op::OncePeek(self.id(engine)), site) == Ret::Flag(true),
            None => self.native().is_done(),
        }
    }
}

impl Default for Once {
    #[track_caller]
    fn default() -> Once {
        Once::new()
    }
}

#[cfg(test)]
#[path = "once_tests.rs"]
mod tests;
