//! Which thread is which.
//!
//! Invariant: two handles have the same id exactly if they are of the same thread.

use super::parker::Parker;
use crate::objects::{Nanos, Op};
use crate::port::{self, Epoch};
use selvedge_checkers::ids::{Gid, SiteRef};
use std::cell::OnceCell;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The id of a thread, never used again in this process; in a model, in this execution.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ThreadId(u64);

impl fmt::Debug for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ThreadId").field(&self.0).finish()
    }
}

/// What is known of a thread before it runs, shared by all its handles.
#[derive(Clone)]
pub(super) enum Identity {
    Native(Arc<Known>),
    /// Of a model: its name, if it has one.
    Model(Option<Arc<str>>),
}

/// A thread outside of models.
pub(super) struct Known {
    serial: u64,
    name: Option<String>,
    parker: Parker,
}

static SERIAL: AtomicU64 = AtomicU64::new(1);

crate::thread_local! {
    static CURRENT: OnceCell<Thread> = const { OnceCell::new() };
}

impl Identity {
    pub(super) fn new(name: Option<String>) -> Identity {
        if port::model().is_some() {
            return Identity::Model(name.map(Arc::from));
        }
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        Identity::Native(Arc::new(Known { serial, name, parker: Parker::new() }))
    }

    /// The thread; in a model it is this goroutine of the execution that runs.
    pub(super) fn thread(self, g: Option<Gid>) -> Thread {
        Thread(match self {
            Identity::Native(known) => Who::Native(known),
            Identity::Model(name) => {
                let engine = port::model().expect("an identity is used in the world it was made in");
                Who::Model { g: g.unwrap_or_else(|| engine.running()), epoch: engine.epoch(), name }
            }
        })
    }

    /// From now on this is who the running goroutine is.
    pub(super) fn adopt(self) {
        // Without a name there is nothing to remember of one of a model: see `unknown`.
        if !matches!(self, Identity::Model(None)) {
            let thread = self.thread(None);
            let _ = CURRENT.try_with(|current| current.set(thread));
        }
    }
}

/// A handle to a thread.
#[derive(Clone)]
pub struct Thread(Who);

#[derive(Clone)]
enum Who {
    Native(Arc<Known>),
    Model { g: Gid, epoch: Epoch, name: Option<Arc<str>> },
}

impl Thread {
    /// The thread's id.
    pub fn id(&self) -> ThreadId {
        ThreadId(match &self.0 {
            Who::Native(known) => known.serial,
            Who::Model { g, .. } => u64::from(g.0) + 1,
        })
    }

    /// The thread's name, if it was given one.
    pub fn name(&self) -> Option<&str> {
        match &self.0 {
            Who::Native(known) => known.name.as_deref(),
            Who::Model { name, .. } => name.as_deref(),
        }
    }

    /// Give the thread the token that [`park`](super::park) waits for, if it has none.
    ///
    /// A thread of another world (outside of this model, or of an earlier execution) gets nothing.
    #[track_caller]
    pub fn unpark(&self) {
        let site = Location::caller();
        match (&self.0, port::model()) {
            (Who::Native(known), None) => known.parker.unpark(),
            (&Who::Model { g, epoch, .. }, Some(engine)) if engine.epoch() == epoch => {
                engine.op(Op::Unpark(g), site);
            }
            _ => {}
        }
    }
}

/// Wait for the token of the running thread, which is in no model.
pub(super) fn park_outside(until: Option<Nanos>, site: SiteRef) {
    if let Thread(Who::Native(known)) = current() {
        known.parker.park(until, site);
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread").field("id", &self.id()).field("name", &self.name()).finish_non_exhaustive()
    }
}

/// The running thread.
///
/// Main is called "main". After the thread's locals are gone, in their destructors, the handle is
/// one without a name, and outside of models of a thread that nobody unparks.
pub fn current() -> Thread {
    CURRENT.try_with(|current| current.get_or_init(unknown).clone()).unwrap_or_else(|_| unknown())
}

/// A handle to the running goroutine, which was not started as a thread.
fn unknown() -> Thread {
    let name = match port::model() {
        Some(engine) => (engine.running() == Gid::MAIN).then(|| "main".to_owned()),
        None => std::thread::current().name().map(str::to_owned),
    };
    Identity::new(name).thread(None)
}
