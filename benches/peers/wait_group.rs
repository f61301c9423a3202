//! A wait group out of what every peer has: threads that are joined.

use crate::thread;
use std::sync::Arc;

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
