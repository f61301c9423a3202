//! Timers outside of models that run a function.
//!
//! Invariants: as for the timers of channels (`chan::native::timer`): what is planned, and whether the node is in a
//! heap of timers, changes under `turn`, which is taken before the heap's lock and never by who fires; each start and
//! stop has a serial number, and one that fired under an earlier one does nothing. While it is armed the function
//! keeps itself.
//!
//! Source: Go's `runtime/time.go`.

use super::Action;
use crate::objects::Nanos;
use crate::port::wait::{self, Fired, Lock, Node, Uncaught, task, timers};
use selvedge_checkers::ids::SiteRef;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// A function and the timer that runs it.
#[repr(C)]
pub(crate) struct Function {
    /// First, so that who fires it finds the rest.
    node: Node,
    turn: Lock,
    /// Itself, while it is armed; under `turn`.
    armed: UnsafeCell<Option<Arc<Function>>>,
    serial: AtomicU64,
    this: Weak<Function>,
    f: Action,
    site: SiteRef,
}

// SAFETY: `armed` is touched under `turn`, and everything else says itself how it is shared.
unsafe impl Sync for Function {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Function {}

/// The node is due.
///
/// # Safety
/// The node is that of a `Function` that is alive.
unsafe fn fire(node: *const Node) -> Fired {
    // SAFETY: by the contract; the node is the first field.
    let function = unsafe { &*node.cast::<Function>() };
    let serial = function.serial.load(Ordering::Relaxed);
    match function.this.upgrade() {
        Some(function) => Fired::Call(Box::new(move || function.run(serial))),
        None => Fired::Nothing,
    }
}

/// A function with its timer, not started.
pub(super) fn new(f: Action, site: SiteRef) -> Arc<Function> {
    Arc::new_cyclic(|this| Function {
        node: Node::new(fire),
        turn: Lock::new(),
        armed: UnsafeCell::new(None),
        serial: AtomicU64::new(0),
        this: Weak::clone(this),
        f,
        site,
    })
}

impl Function {
    pub(super) fn start(&self, at: Nanos) -> bool {
        self.plan(Some(at))
    }

    pub(super) fn stop(&self) -> bool {
        self.plan(None)
    }

    /// Let it run at this time, or not at all; whether it would have run.
    fn plan(&self, at: Option<Nanos>) -> bool {
        let keep = at.and_then(|_| self.this.upgrade());
        self.turn.lock();
        timers::remove(&self.node);
        self.serial.fetch_add(1, Ordering::Relaxed);
        // SAFETY: we have the turn.
        let armed = std::mem::replace(unsafe { &mut *self.armed.get() }, keep);
        if let Some(at) = at {
            // SAFETY: it stays where it is while it keeps itself, and takes the node out when it is dropped.
            unsafe { wait::start_timer(std::ptr::from_ref(self).cast(), at) };
        }
        self.turn.unlock();
        armed.is_some()
    }

    /// The time for which it was started, under this number, has come.
    fn run(self: Arc<Function>, serial: u64) {
        self.turn.lock();
        let current = self.serial.load(Ordering::Relaxed) == serial;
        // SAFETY: we have the turn.
        let armed = if current { unsafe { (*self.armed.get()).take() } } else { None };
        self.turn.unlock();
        drop(armed);
        let site = self.site;
        // To drop it is user code, too, which does not belong on a scheduler's stack.
        let run = move || {
            if current {
                (self.f)();
            }
        };
        drop(task::start(run, None, site, Uncaught::EndProgram));
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        timers::remove(&self.node);
    }
}
