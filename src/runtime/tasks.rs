//! Async tasks that wait for a waker, for dumps: a task that is polled is a goroutine, and seen as one.
//!
//! Every task stands in one of a few lists from its start to its end. Invariants, under the list's lock: what is in the
//! list is alive, since it leaves before it is freed; it does not move, since it is part of an `Arc`. What a task waits for
//! only its future knows.

use super::clock::{self, Nanos};
use super::g::{G, Origin};
use super::m::current;
use super::scope;
use selvedge_checkers::ids::SiteRef;
use std::cell::Cell;
use std::ptr::null;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Lists: tasks that start and end on several threads meet at the same one now and then.
const LISTS: usize = 16;

static ALL: [Mutex<First>; LISTS] = [const { Mutex::new(First(null())) }; LISTS];
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The first of a list.
struct First(*const Listed);
// SAFETY: what it points to is `Sync` as far as lists are concerned: links are touched under the lock only.
unsafe impl Send for First {}

/// What is known of a task, as part of it.
pub(super) struct Listed {
    id: u64,
    origin: Origin,
    pub(super) site: SiteRef,
    pub(super) name: Option<String>,
    /// Since when it waits; 0 while it does not.
    since: AtomicU64,
    next: Cell<*const Listed>,
    previous: Cell<*const Listed>,
}

// SAFETY: links are touched under the lock of the list; the rest is atomic or does not change.
unsafe impl Sync for Listed {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Listed {}

/// What is said of a task that waits.
#[derive(Clone, Debug)]
pub(crate) struct TaskPortrait {
    pub(crate) id: u64,
    /// The goroutine that started it; 0 for none.
    pub(crate) parent: u64,
    /// Whose it is: see `scope`.
    pub(crate) scope: u32,
    pub(crate) name: Option<String>,
    pub(crate) created: SiteRef,
    pub(crate) since: Nanos,
}

fn list(id: u64) -> MutexGuard<'static, First> {
    ALL[id as usize % LISTS].lock().unwrap_or_else(PoisonError::into_inner)
}

impl Listed {
    pub(super) fn new(name: Option<String>, site: SiteRef) -> Listed {
        Listed {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            origin: scope::origin(),
            site,
            name,
            since: AtomicU64::new(0),
            next: Cell::new(null()),
            previous: Cell::new(null()),
        }
    }

    /// Join; once.
    ///
    /// # Safety
    /// It stays where it is, alive, until it has left.
    pub(super) unsafe fn join(&self) {
        let mut first = list(self.id);
        self.next.set(first.0);
        // SAFETY: what is in the list is alive.
        if let Some(next) = unsafe { first.0.as_ref() } {
            next.previous.set(self);
        }
        first.0 = self;
    }

    /// Leave; once, after [`Listed::join`].
    pub(super) fn leave(&self) {
        let mut first = list(self.id);
        let (next, previous) = (self.next.get(), self.previous.get());
        // SAFETY: neighbours are in the list, so they are alive.
        unsafe {
            match previous.as_ref() {
                Some(previous) => previous.next.set(next),
                None => first.0 = next,
            }
            if let Some(next) = next.as_ref() {
                next.previous.set(previous);
            }
        }
    }

    /// It is about to wait.
    pub(super) fn waits(&self) {
        self.since.store(clock::coarse().max(1), Ordering::Relaxed);
    }

    /// It does not wait any more.
    pub(super) fn goes_on(&self) {
        self.since.store(0, Ordering::Relaxed);
    }
}

/// Every task that waits for a waker, the oldest first; each as it was at some moment.
pub(crate) fn waiting() -> Vec<TaskPortrait> {
    let mut all = Vec::new();
    each(|task| {
        let since = task.since.load(Ordering::Relaxed);
        if since != 0 {
            let (id, Origin { parent, scope }, created) = (task.id, task.origin, task.site);
            all.push(TaskPortrait { id, parent, scope, name: task.name.clone(), created, since });
        }
    });
    all.sort_by_key(|task| task.id);
    all
}

/// Whether the caller is being polled as part of a task, or is a goroutine that was started where one that is being
/// polled was.
pub(crate) fn is_polled() -> bool {
    let Some(site) = current().and_then(G::site) else { return false };
    let mut found = false;
    each(|task| found |= std::ptr::eq(task.site, site) && task.since.load(Ordering::Relaxed) == 0);
    found
}

fn each(mut f: impl FnMut(&Listed)) {
    for number in 0..LISTS {
        let first = list(number as u64);
        let mut next = first.0;
        // SAFETY: what is in the list is alive, under its lock.
        while let Some(task) = unsafe { next.as_ref() } {
            next = task.next.get();
            f(task);
        }
    }
}
