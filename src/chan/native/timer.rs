//! Channels that time sends to.
//!
//! The channel has room for one tick. Invariants:
//! - what is planned, and whether the node is in a heap of timers, changes under `turn`, which is taken
//!   before the channel's lock, never the other way round, and never by who fires: a wait with a deadline
//!   takes the heap's lock while it holds the channel's;
//! - each start and stop has a serial number, and a tick that was fired under an earlier one is none;
//! - the node is in a heap only while the channel lives: who drops it takes the node out first.
//!
//! Source: Go 1.23's `runtime/time.go`.

use super::{Attempt, Channel};
use crate::chan::Core;
use crate::objects::Nanos;
use crate::port::wait::{self, Fired, Lock, Node, clock, timers};
use selvedge_checkers::ids::SiteRef;
use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// What sends to a channel when the time has come.
#[repr(C)]
pub(super) struct Timer<T> {
    /// First, so that who fires it finds the rest.
    node: Node,
    turn: Lock,
    plan: UnsafeCell<Plan>,
    serial: AtomicU64,
    /// What is sent.
    tick: fn(Nanos) -> T,
    channel: Weak<Core<T>>,
}

/// Under `turn`.
struct Plan {
    at: Option<Nanos>,
    period: Nanos,
}

/// The timer's node is due.
///
/// # Safety
/// The node is that of a `Timer<T>` that is alive.
unsafe fn fire<T: Send + 'static>(node: *const Node) -> Fired {
    // SAFETY: by the contract; the node is the first field.
    let timer = unsafe { &*node.cast::<Timer<T>>() };
    let serial = timer.serial.load(Ordering::Relaxed);
    match timer.channel.upgrade() {
        Some(core) => Fired::Call(Box::new(move || core.native().tick(serial))),
        None => Fired::Nothing,
    }
}

impl<T: Send + 'static> Channel<T> {
    /// A channel that time sends to, not started; to be in `core`.
    pub(in crate::chan) fn timer(tick: fn(Nanos) -> T, core: Weak<Core<T>>, site: SiteRef) -> Channel<T> {
        let timer = Timer {
            node: Node::new(fire::<T>),
            turn: Lock::new(),
            plan: UnsafeCell::new(Plan { at: None, period: 0 }),
            serial: AtomicU64::new(0),
            tick,
            channel: core,
        };
        Channel { timer: Some(timer), ..Channel::new(1, false, site) }
    }

    /// A tick that was fired under `serial`.
    fn tick(&self, serial: u64) {
        let timer = self.the_timer();
        timer.turn.lock();
        if timer.serial.load(Ordering::Relaxed) != serial {
            timer.turn.unlock();
            return;
        }
        let now = clock::now();
        // SAFETY: we have the turn.
        let plan = unsafe { &mut *timer.plan.get() };
        let due = plan.at.take().unwrap_or(now);
        let value = ManuallyDrop::new((timer.tick)(now));
        // SAFETY: a tick that finds no room is forgotten; nobody drops it here.
        let attempt = unsafe { self.enter().put(&raw const *value) };
        if let Some(missed) = now.saturating_sub(due).checked_div(plan.period) {
            // A tick that should have been by now is left out.
            let next = due.saturating_add(plan.period.saturating_mul(missed + 1));
            plan.at = Some(next);
            timer.add(next);
        }
        timer.turn.unlock();
        if let Attempt::Done(peer) = attempt {
            peer.wake();
        }
    }
}

impl<T> Timer<T> {
    /// To fire at this time; with the turn, while the node is in no heap.
    fn add(&self, at: Nanos) {
        let node = std::ptr::from_ref(self).cast::<Node>();
        // SAFETY: the timer does not move, since its channel is shared, and takes the node out when it
        // is dropped.
        unsafe { wait::start_timer(node, at) };
    }
}

impl<T> Channel<T> {
    fn the_timer(&self) -> &Timer<T> {
        self.timer.as_ref().expect("only timers are started, stopped and fired")
    }

    /// Let it fire at `at`, and every `period` from then on unless that is 0. True if it was running or
    /// had a tick that nobody took.
    pub(in crate::chan) fn start_timer(&self, at: Nanos, period: Nanos) -> bool {
        self.plan(Plan { at: Some(at), period })
    }

    /// No tick from now on. True as for [`Channel::start_timer`].
    pub(in crate::chan) fn stop_timer(&self) -> bool {
        self.plan(Plan { at: None, period: 0 })
    }

    fn plan(&self, new: Plan) -> bool {
        let timer = self.the_timer();
        timer.turn.lock();
        timers::remove(&timer.node);
        timer.serial.fetch_add(1, Ordering::Relaxed);
        let at = new.at;
        // SAFETY: we have the turn.
        let old = std::mem::replace(unsafe { &mut *timer.plan.get() }, new);
        let unread = self.enter().buffer.pop_front();
        if let Some(at) = at {
            timer.add(at);
        }
        timer.turn.unlock();
        old.at.is_some() || unread.is_some()
    }
}

impl<T> Drop for Timer<T> {
    fn drop(&mut self) {
        timers::remove(&self.node);
    }
}

impl<T: Send + 'static> Core<T> {
    /// A channel that time sends to, outside of models.
    pub(in crate::chan) fn native_timer(tick: fn(Nanos) -> T, site: SiteRef) -> Arc<Core<T>> {
        Arc::new_cyclic(|core| Core::of_native(0, Channel::timer(tick, Weak::clone(core), site)))
    }
}
