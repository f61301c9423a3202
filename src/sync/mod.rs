//! Synchronisation: std's names and signatures where std has them, Go's where it does not.

pub mod atomic;
mod barrier;
mod condvar;
mod err_group;
mod exclusion;
mod futures;
mod holder;
mod map;
pub mod mpsc;
mod mutex;
pub(crate) mod native;
mod once;
mod poison;
mod pool;
mod rwlock;
mod semaphore;
mod single_flight;
mod wait_group;

use crate::port::wait::Why;
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::WaitReason;

pub use barrier::{Barrier, BarrierWaitResult};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use err_group::ErrGroup;
pub use futures::{AcquireAsync, LockAsync, ReadAsync, WaitAsync, WriteAsync};
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
mod futures_tests;
#[cfg(test)]
mod groups_tests;
#[cfg(test)]
mod stores_tests;

/// What a wait outside of models is for, for dumps.
#[inline]
fn why<T: ?Sized>(reason: WaitReason, object: &T, site: SiteRef) -> Why {
    Why { reason, site, object: std::ptr::from_ref(object).addr() }
}
