//! Async tasks, as dumps see them.

use crate::port::wait::clock;
use crate::port::wait::tasks::{self, TaskPortrait};
use std::panic::Location;
use std::time::Duration;

/// An async task that waited for a waker when it was looked at.
#[derive(Clone, Debug)]
pub struct Task {
    portrait: TaskPortrait,
    taken: u64,
}

/// Every async task that waits for a waker, the oldest first. One that is being polled is a goroutine, and among
/// [`goroutines`](super::goroutines).
///
/// # Examples
/// ```
/// use selvedge::{debug, future};
/// use std::future::pending;
/// let task = future::spawn(pending::<()>());
/// while debug::tasks().is_empty() {
///     selvedge::runtime::gosched();
/// }
/// assert!(debug::dump().contains("[await]:\ncreated by future::spawn"));
/// task.abort();
/// ```
pub fn tasks() -> Vec<Task> {
    let taken = clock::now();
    tasks::waiting().into_iter().map(|portrait| Task::of(portrait, taken)).collect()
}

impl Task {
    pub(crate) fn of(portrait: TaskPortrait, taken: u64) -> Task {
        Task { portrait, taken }
    }

    pub(crate) fn portrait(&self) -> &TaskPortrait {
        &self.portrait
    }

    /// Its number: from 1, never used again.
    pub fn id(&self) -> u64 {
        self.portrait.id
    }

    /// The name it was started with.
    pub fn name(&self) -> Option<&str> {
        self.portrait.name.as_deref()
    }

    /// For how long it has been waiting, to the millisecond or so.
    pub fn waiting(&self) -> Duration {
        Duration::from_nanos(self.taken.saturating_sub(self.portrait.since))
    }

    /// Where it was started.
    pub fn created_at(&self) -> &'static Location<'static> {
        self.portrait.created
    }

    /// The number of the goroutine that started it; none if that was a plain thread.
    pub fn parent(&self) -> Option<u64> {
        (self.portrait.parent != 0).then_some(self.portrait.parent)
    }
}
