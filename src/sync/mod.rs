//! Synchronisation: std's names and signatures where std has them, Go's where it does not.

pub mod atomic;
mod barrier;
mod condvar;
mod err_group;
mod exclusion;
mod map;
pub mod mpsc;
mod mutex;
mod once;
mod poison;
mod pool;
mod rwlock;
mod semaphore;
mod single_flight;
mod wait_group;

pub use barrier::{Barrier, BarrierWaitResult};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use err_group::ErrGroup;
pub use map::Map;
pub use mutex::{Mutex, MutexGuard, RawMutex};
pub use once::{LazyLock, Once, OnceLock, OnceState, once_func, once_value};
pub use pool::Pool;
pub use rwlock::{RawRwLock, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use semaphore::Semaphore;
pub use single_flight::SingleFlight;
pub use std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult, Weak};
pub use wait_group::WaitGroup;

#[cfg(test)]
mod groups_tests;
#[cfg(test)]
mod stores_tests;
