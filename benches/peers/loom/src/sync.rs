//! `sync`, over loom's types.

use std::sync::LockResult;

#[path = "../../wait_group.rs"]
mod wait_group;

pub use loom::sync::{Mutex, MutexGuard, RwLock, atomic};
pub use std::sync::Arc;
pub use wait_group::WaitGroup;

/// loom's, with std's methods.
#[derive(Debug, Default)]
pub struct Condvar(loom::sync::Condvar);

impl Condvar {
    /// With nobody in it.
    pub fn new() -> Condvar {
        Condvar::default()
    }

    /// As std's.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.0.wait(guard)
    }

    /// As std's.
    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        while condition(&mut guard) {
            guard = self.0.wait(guard)?;
        }
        Ok(guard)
    }

    /// As std's.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// As std's.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}
