//! The threads of a scope outside of models.
//!
//! Invariants: `running` counts the threads whose body may still exist: it is raised before one starts, and
//! lowered after the body, its result (unless it was left for a join), its panic and its thread-locals are
//! dropped or in a place that somebody else owns; nothing of `'scope` is used on that thread afterwards. So once
//! it is zero, and nobody is left who could start one, the scope may end.

use super::Body;
use crate::port::GoExit;
use crate::port::wait::{self, Why, locals};
use crate::sync::native::RawWaitGroup;
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::WaitReason;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

type Payload = Box<dyn Any + Send>;

/// What a scope shares with its threads.
struct Shared {
    running: RawWaitGroup,
    /// A thread panicked that nobody can join any more.
    panicked: AtomicBool,
}

/// The threads of a scope.
pub(super) struct Threads(Arc<Shared>);

impl Default for Threads {
    fn default() -> Threads {
        Threads(Arc::new(Shared { running: RawWaitGroup::new(), panicked: AtomicBool::new(false) }))
    }
}

/// A thread, shared by itself and its handle.
pub(super) struct Started {
    /// 1 until it has ended.
    runs: RawWaitGroup,
    thrown: Mutex<Option<Payload>>,
    scope: Arc<Shared>,
}

fn why(site: SiteRef) -> Why {
    Why { reason: WaitReason::Join, site, object: 0 }
}

impl Threads {
    /// Start a thread.
    pub(super) fn start(&self, body: Body<'static>, name: Option<String>, site: SiteRef) -> Arc<Started> {
        let runs = RawWaitGroup::new();
        runs.add(1);
        let started = Arc::new(Started { runs, thrown: Mutex::default(), scope: Arc::clone(&self.0) });
        self.0.running.add(1);
        let running = Running { body: Some(body), thread: Some(Arc::clone(&started)) };
        wait::spawn(move || running.run(), name, site);
        started
    }

    /// Wait until all have ended; whether one panicked and nobody was told.
    pub(super) fn join_all(&self, site: SiteRef) -> bool {
        while !self.0.running.is_zero() {
            self.0.running.wait(why(site));
        }
        self.0.panicked.load(Ordering::Relaxed)
    }
}

/// A thread's own side: it ends also if it never runs.
struct Running {
    body: Option<Body<'static>>,
    thread: Option<Arc<Started>>,
}

impl Running {
    fn run(mut self) {
        let Some(body) = self.body.take() else { return };
        let ended = catch_unwind(AssertUnwindSafe(body)).and(locals::destroy());
        if let (Err(payload), Some(thread)) = (ended, &self.thread)
            && !payload.is::<GoExit>()
        {
            *thread.thrown.lock().unwrap_or_else(PoisonError::into_inner) = Some(payload);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What a body that never ran owns may panic as it goes; there is nobody to be told.
        let body = self.body.take();
        _ = catch_unwind(AssertUnwindSafe(move || drop(body)));
        let Some(thread) = self.thread.take() else { return };
        let scope = Arc::clone(&thread.scope);
        thread.runs.add(-1);
        _ = catch_unwind(AssertUnwindSafe(move || drop(thread)));
        scope.running.add(-1);
    }
}

impl Started {
    /// Wait until it has ended; gives its panic, if it panicked.
    pub(super) fn join(&self, site: SiteRef) -> Option<Payload> {
        self.runs.wait(why(site));
        self.thrown.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.runs.is_zero()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if self.thrown.get_mut().unwrap_or_else(PoisonError::into_inner).is_some() {
            self.scope.panicked.store(true, Ordering::Relaxed);
        }
    }
}
