//! Which thread is which.
//!
//! Invariant: two handles have the same id exactly if they are of the same thread. A goroutine's
//! number is not enough outside of a model, where numbers are used again.

use crate::objects::Op;
use crate::port::{self, Epoch};
use selvedge_checkers::ids::Gid;
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

/// What is known of a thread before it runs, shared by all its handles; nothing of a thread of a
/// model that has no name.
#[derive(Clone)]
pub(super) struct Identity(Option<Arc<Known>>);

struct Known {
    /// The id outside of a model; inside, the goroutine's number is one.
    serial: u64,
    name: Option<String>,
}

static SERIAL: AtomicU64 = AtomicU64::new(1);

crate::thread_local! {
    static CURRENT: OnceCell<Thread> = const { OnceCell::new() };
}

impl Identity {
    pub(super) fn new(name: Option<String>) -> Identity {
        let inside = port::model().is_some();
        if inside && name.is_none() {
            return Identity(None);
        }
        let serial = if inside { 0 } else { SERIAL.fetch_add(1, Ordering::Relaxed) };
        Identity(Some(Arc::new(Known { serial, name })))
    }

    /// The thread, once it has a goroutine in the world of this thread.
    pub(super) fn thread(self, g: Gid) -> Thread {
        let epoch = port::with(|engine| engine.epoch());
        Thread { g, epoch, identity: self }
    }

    /// From now on this is who the running goroutine is.
    pub(super) fn adopt(self) {
        if self.0.is_none() {
            // Then there is nothing to remember either: see `unknown`.
            return;
        }
        let g = port::with(|engine| engine.running());
        let thread = self.thread(g);
        let _ = CURRENT.try_with(|current| current.set(thread));
    }
}

/// A handle to a thread.
#[derive(Clone)]
pub struct Thread {
    g: Gid,
    epoch: Epoch,
    identity: Identity,
}

impl Thread {
    /// The thread's id.
    pub fn id(&self) -> ThreadId {
        let outside = self.identity.0.as_ref().filter(|_| self.epoch == Epoch::PLAIN);
        ThreadId(outside.map_or(u64::from(self.g.0) + 1, |known| known.serial))
    }

    /// The thread's name, if it was given one.
    pub fn name(&self) -> Option<&str> {
        self.identity.0.as_ref()?.name.as_deref()
    }

    /// Give the thread the token that [`park`](super::park) waits for, if it has none.
    ///
    /// A thread of another world (outside of this model, or of an earlier execution) gets nothing.
    #[track_caller]
    pub fn unpark(&self) {
        let site = Location::caller();
        port::with(|engine| {
            if engine.epoch() == self.epoch {
                engine.op(Op::Unpark(self.g), site);
            }
        });
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
/// one without a name.
pub fn current() -> Thread {
    CURRENT.try_with(|current| current.get_or_init(unknown).clone()).unwrap_or_else(|_| unknown())
}

/// A handle to the running goroutine, which was not started as a thread.
fn unknown() -> Thread {
    let g = port::with(|engine| engine.running());
    let identity = match port::model() {
        Some(_) => Identity::new((g == Gid::MAIN).then(|| "main".to_owned())),
        None => Identity::new(std::thread::current().name().map(str::to_owned)),
    };
    identity.thread(g)
}
