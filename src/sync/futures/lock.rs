//! Locking a mutex as a task.

use super::{Way, elsewhere, opaque};
use crate::objects::watch::Want;
use crate::port;
use crate::sync::native::LockWait;
use crate::sync::{LockResult, Mutex, MutexGuard};
use selvedge_checkers::ids::SiteRef;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

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
        LockAsync { mutex: self, site: Location::caller(), way: Way::new(LockWait::for_lock) }
    }
}

/// What [`Mutex::lock_async`] gives.
#[must_use = "a future does nothing unless awaited"]
pub struct LockAsync<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    site: SiteRef,
    way: Way<LockWait>,
}

impl<'a, T: ?Sized> Future for LockAsync<'a, T> {
    type Output = LockResult<MutexGuard<'a, T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LockResult<MutexGuard<'a, T>>> {
        // SAFETY: the wait is pinned again below, and nothing else needs to be.
        let this = unsafe { self.get_unchecked_mut() };
        let (raw, site) = (this.mutex.raw(), this.site);
        let taken = match (&mut this.way, port::model()) {
            (Way::Model(patience), Some(engine)) => {
                patience.is_over(cx.waker()) && {
                    let taken = raw.try_lock_at(site);
                    if !taken {
                        patience.begin(Want::Lock(raw.id(engine)), cx.waker(), site);
                    }
                    taken
                }
            }
            (Way::Native(wait), None) => {
                // SAFETY: it is pinned with the future.
                raw.native().poll_lock(unsafe { Pin::new_unchecked(wait) }, cx.waker())
            }
            _ => elsewhere(),
        };
        if taken { Poll::Ready(this.mutex.guard(site)) } else { Poll::Pending }
    }
}

impl<T: ?Sized> Drop for LockAsync<'_, T> {
    fn drop(&mut self) {
        // SAFETY: it is pinned with the future, and this is its end.
        if let Some(wait) = unsafe { self.way.native() } {
            self.mutex.raw().native_of_past().leave(wait);
        }
    }
}

opaque!(LockAsync<T: ?Sized>);
