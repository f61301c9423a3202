//! A goroutine of the model: a pooled coroutine and what the engine knows of it.
//!
//! Invariants: a coroutine is resumed only by its worker's loop, never from inside another one;
//! its stack goes back to the pool when it has ended and is leaked if it can never be unwound.

use super::panics::Panic;
use crate::objects::{Op, Ret};
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, Yielder};
use selvedge_checkers::ids::{Gid, SiteRef};
use std::any::Any;

pub(super) type Co = Coroutine<(), (), Exit, DefaultStack>;

/// A coroutine in a place of its own: to hand it around moves a pointer.
pub(super) type Place = Box<Option<Co>>;

/// How a goroutine's body ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exit {
    Returned,
    /// The payload is in the goroutine's record.
    Panicked,
    /// It ended itself.
    Left,
    /// The engine unwound it.
    TornDown,
    /// It ran off its stack; the stack was abandoned by the fault handler.
    #[cfg_attr(
        not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))),
        allow(dead_code, reason = "elsewhere it is not contained")
    )]
    Overflowed,
}

/// What a goroutine is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Status {
    /// Spawned, not yet run.
    New,
    /// Its operation is complete; it is to be resumed before the next decision.
    Ready,
    /// Running user code.
    Running,
    /// Its operation is announced.
    Pending,
    /// It has ended.
    Exited,
}

/// The engine's record of a goroutine.
pub(super) struct Goroutine {
    pub(super) co: Option<Place>,
    pub(super) yielder: *const Yielder<(), ()>,
    pub(super) body: Option<Box<dyn FnOnce() + Send>>,
    pub(super) status: Status,
    pub(super) ret: Ret,
    pub(super) parent: Option<Gid>,
    pub(super) spawned: SiteRef,
    pub(super) name: Option<String>,
    /// The first of the goroutines that wait for this one to end.
    pub(super) joiner: Option<Gid>,
    /// The next of those that wait for what this one waits for.
    pub(super) next_joiner: Option<Gid>,
    /// What its body threw, on the way from its stack to the worker's.
    pub(super) thrown: Option<Box<dyn Any + Send>>,
    pub(super) panic: Option<Box<Panic>>,
    /// What is left of its panic when somebody joined it and got the payload.
    pub(super) claimed: Option<Box<Panic>>,
    pub(super) detached: bool,
    /// The lowest address of its stack's mapping.
    pub(super) stack_limit: usize,
    /// Where the part of its stack begins that is the engine's.
    pub(super) stack_reserve: usize,
    /// The operation a spinning loop is to go on with when something changes.
    pub(super) suspended_op: Option<Op>,
}

impl Goroutine {
    pub(super) fn new(spawned: SiteRef) -> Goroutine {
        Goroutine {
            co: None,
            yielder: std::ptr::null(),
            body: None,
            status: Status::New,
            ret: Ret::Unit,
            parent: None,
            spawned,
            name: None,
            joiner: None,
            next_joiner: None,
            thrown: None,
            panic: None,
            claimed: None,
            detached: false,
            stack_limit: 0,
            stack_reserve: 0,
            suspended_op: None,
        }
    }
}

impl Drop for Goroutine {
    fn drop(&mut self) {
        // Only a bug in a strategy ends an engine without a tear-down. Unwinding the goroutine here
        // could free what others borrow from its stack: it leaks.
        std::mem::forget(self.co.take());
    }
}

/// Stacks for reuse, with places for the coroutines on them: nothing is mapped or allocated in the
/// steady state.
pub(super) struct Stacks {
    free: Vec<(DefaultStack, Place)>,
    size: usize,
}

impl Stacks {
    pub(super) fn new(size: usize) -> Stacks {
        Stacks { free: Vec::new(), size }
    }

    pub(super) fn take(&mut self) -> std::io::Result<(DefaultStack, Place)> {
        match self.free.pop() {
            Some(free) => Ok(free),
            None => Ok((DefaultStack::new(self.size)?, Place::default())),
        }
    }

    pub(super) fn clear(&mut self) {
        self.free.clear();
    }

    /// The coroutine has ended.
    pub(super) fn give(&mut self, mut place: Place) {
        if let Some(co) = place.take() {
            self.free.push((co.into_stack(), place));
        }
    }
}
