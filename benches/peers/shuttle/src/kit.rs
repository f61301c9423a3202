//! What programs of the corpus share that is not their point.

use crate::thread::JoinHandle;

/// Wait for all of them.
pub fn join_all<T>(goroutines: impl IntoIterator<Item = JoinHandle<T>>) {
    for goroutine in goroutines {
        goroutine.join().unwrap();
    }
}
