//! Locking a mutex as a task.

use super::waiting::{Awaited, Waiting, future};
use crate::objects::watch::Want;
use crate::port;
use crate::sync::native::LockWait;
use crate::sync::{LockResult, Mutex, MutexGuard};
use selvedge_checkers::ids::SiteRef;
use std::pin::Pin;
use std::task::Waker;

impl<T: ?Sized> Mutex<T> {
    /// Lock it, as a task: [`Mutex::lock`] for futures.
    ///
    /// A task waits in the order in which all wait. The guard may be kept across an await: others that want the
    /// lock wait meanwhile, as tasks, goroutines or threads. The future may be dropped at any time; one to which the
    /// lock was handed over, and which is neither polled nor dropped, keeps it.
    ///
    /// # Errors
    /// The future: if a goroutine or a task panicked while it held the lock; the error holds the guard.
    ///
    /// # Examples
    /// ```
    /// use selvedge::future::{self, yield_now};
    /// use selvedge::sync::{Arc, Mutex};
    /// let counter = Arc::new(Mutex::new(0));
    /// let theirs = Arc::clone(&counter);
    /// let task = future::spawn(async move {
    ///     let mut n = theirs.lock_async().await.unwrap();
    ///     yield_now().await;
    ///     *n += 1;
    /// });
    /// *counter.lock().unwrap() += 1;
    /// task.join().unwrap();
    /// assert_eq!(*counter.lock().unwrap(), 2);
    /// ```
    #[track_caller]
    pub fn lock_async(&self) -> LockAsync<'_, T> {
        LockAsync { waiting: Waiting::new(Locking(self), LockWait::for_lock) }
    }
}

future! {
    /// What [`Mutex::lock_async`] gives.
    LockAsync<'a, T> of Locking<'a, T> => LockResult<MutexGuard<'a, T>>
}

struct Locking<'a, T: ?Sized>(&'a Mutex<T>);

impl<'a, T: ?Sized> Awaited for Locking<'a, T> {
    type Wait = LockWait;
    type Output = LockResult<MutexGuard<'a, T>>;

    fn poll(&self, wait: Pin<&LockWait>, waker: &Waker) -> bool {
        self.0.raw().native().poll_lock(wait, waker)
    }

    fn leave(&self, wait: Pin<&LockWait>) {
        self.0.raw().native_of_past().leave(wait);
    }

    fn take_in_model(&mut self, engine: &dyn port::Engine, site: SiteRef) -> Result<(), Want> {
        let raw = self.0.raw();
        if raw.try_lock_at(site) { Ok(()) } else { Err(Want::Lock(raw.id(engine))) }
    }

    fn outcome(&self, site: SiteRef) -> LockResult<MutexGuard<'a, T>> {
        self.0.guard(site)
    }
}
