//! Synchronisation: std's names and signatures where std has them, Go's where it does not.

pub mod atomic;
mod condvar;
mod exclusion;
mod mutex;
mod rwlock;
mod semaphore;
mod wait_group;

pub use condvar::{Condvar, WaitTimeoutResult};
pub use mutex::{Mutex, MutexGuard, RawMutex};
pub use rwlock::{RawRwLock, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use semaphore::Semaphore;
pub use std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult, Weak};
pub use wait_group::WaitGroup;
