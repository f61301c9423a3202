//! Async tasks on the scheduler, and threads of control that block on a future.
//!
//! A task costs its future and a few words. When it is woken it gets a goroutine, with a stack that is still
//! warm, for one poll: so whatever a poll does, also what blocks, it does as a goroutine.
//!
//! ```text
//!           wake             begin            done
//!    Idle --------> Scheduled -----> Running -------> Done
//!     ^                                |  | wake
//!     |             pending            |  v
//!     +--------------------------------+ Notified ---> Running, after others
//! ```
//! Invariants: a job is run by one goroutine at a time, which is the one that moved its task to Running; a wake
//! while it runs is remembered, so that it is run again.

use super::done::Joined;
use super::g::{G, New, Uncaught};
use super::m::current;
use super::tasks::Listed;
use super::wait::{Waiter, Why, yield_now};
use super::{end, fatal, spawn};
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::WaitReason;
use std::any::Any;
use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::task::{Wake, Waker};

/// What a task does each time it is woken.
pub(crate) trait Job: Send + 'static {
    /// Do a piece, which must not unwind; gives whether that was the last.
    fn run(&mut self, waker: &Waker) -> bool;
}

const IDLE: u32 = 0;
const SCHEDULED: u32 = 1;
const RUNNING: u32 = 2;
const NOTIFIED: u32 = 3;
const DONE: u32 = 4;

/// A task.
struct Runner<J> {
    state: AtomicU32,
    /// For dumps.
    listed: Listed,
    job: UnsafeCell<J>,
}

// SAFETY: the job is used by one goroutine at a time (see the head of this file), handed from one to the next
// through `state`, and `J: Send` lets it change threads.
unsafe impl<J: Send> Sync for Runner<J> {}

/// Start a task; gives what wakes it.
pub(crate) fn start(job: impl Job, name: Option<String>, site: SiteRef) -> Waker {
    let listed = Listed::new(name, site);
    let runner = Arc::new(Runner { state: AtomicU32::new(SCHEDULED), listed, job: UnsafeCell::new(job) });
    // SAFETY: it is part of the `Arc`, and leaves as that is dropped.
    unsafe { runner.listed.join() };
    runner.give_goroutine();
    Waker::from(runner)
}

impl<J: Job> Runner<J> {
    fn give_goroutine(self: &Arc<Self>) {
        let this = Arc::clone(self);
        let body = move || {
            this.run();
            // What the poll kept for its goroutine.
            if let Err(payload) = end::end() {
                uncaught(&*payload);
            }
        };
        let new = New { body, site: self.listed.site, joined: Joined::Never, uncaught: Uncaught::Ignore };
        spawn::spawn(new, self.listed.name.clone());
    }

    fn run(self: Arc<Self>) {
        let waker = Waker::from(Arc::clone(&self));
        loop {
            // Acquire: what was done before the wake is seen by the poll.
            self.state.swap(RUNNING, Ordering::AcqRel);
            self.listed.goes_on();
            // SAFETY: the state was Scheduled or Notified and is Running now, by us alone.
            let done = unsafe { (*self.job.get()).run(&waker) };
            if done {
                self.state.store(DONE, Ordering::Release);
                return;
            }
            // Before: afterwards it may be woken, and run elsewhere.
            self.listed.waits();
            let idle = self.state.compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Acquire);
            if idle.is_ok() {
                return;
            }
            yield_now();
        }
    }
}

impl<J> Drop for Runner<J> {
    fn drop(&mut self) {
        self.listed.leave();
    }
}

impl<J: Job> Wake for Runner<J> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut seen = self.state.load(Ordering::Relaxed);
        loop {
            let next = match seen {
                IDLE => SCHEDULED,
                RUNNING => NOTIFIED,
                // It will be polled anyway: also then the poll must see what was done before this.
                SCHEDULED | NOTIFIED => seen,
                _ => return,
            };
            match self.state.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(IDLE) => return self.give_goroutine(),
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }
}

const NOT_TOLD: usize = 0;
const TOLD: usize = 1;

/// Wakes who blocks on a future: a goroutine or a plain thread. States: not told, told, or the address of who
/// waits.
pub(crate) struct Unparker(AtomicUsize);

impl Unparker {
    pub(crate) fn new() -> Arc<Unparker> {
        Arc::new(Unparker(AtomicUsize::new(NOT_TOLD)))
    }

    /// Wait until told. By one at a time.
    pub(crate) fn wait(&self, site: SiteRef) {
        let waiter = Waiter::new();
        let address = (&raw const waiter).expose_provenance();
        let why = Why { reason: WaitReason::Task, site, object: 0 };
        waiter.park(why, || {
            self.0.compare_exchange(NOT_TOLD, address, Ordering::AcqRel, Ordering::Acquire).is_ok()
        });
        // Acquire: what was done before the wakes is seen by the poll.
        self.0.swap(NOT_TOLD, Ordering::AcqRel);
    }
}

impl Wake for Unparker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let waiting = self.0.swap(TOLD, Ordering::AcqRel);
        if waiting != NOT_TOLD && waiting != TOLD {
            // SAFETY: the release of its wait put it there, and the swap took it out, so we alone wake it.
            unsafe { Waiter::wake(std::ptr::with_exposed_provenance(waiting)) };
        }
    }
}

/// A task panicked, and nobody joins it: as for a goroutine.
pub(crate) fn uncaught(payload: &(dyn Any + Send)) {
    fatal::uncaught(payload, current().map_or(0, G::id));
}
