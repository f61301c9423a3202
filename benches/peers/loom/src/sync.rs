//! `sync`, over loom's types.

use crate::thread;
use std::sync::LockResult;

pub use loom::sync::{Mutex, MutexGuard, RwLock, atomic};
pub use std::sync::Arc;

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

/// A wait group for goroutines that it starts: waiting is joining them.
#[derive(Clone, Default)]
pub struct WaitGroup(Arc<std::sync::Mutex<Vec<thread::JoinHandle<()>>>>);

impl WaitGroup {
    /// With nobody in it.
    pub fn new() -> WaitGroup {
        WaitGroup::default()
    }

    /// Run `f` in a goroutine that is waited for.
    pub fn go(&self, f: impl FnOnce() + Send + 'static) {
        let goroutine = thread::spawn(f);
        self.0.lock().unwrap().push(goroutine);
    }

    /// Wait for all of them.
    pub fn wait(&self) {
        let goroutines = std::mem::take(&mut *self.0.lock().unwrap());
        goroutines.into_iter().for_each(|goroutine| goroutine.join().unwrap());
    }
}
