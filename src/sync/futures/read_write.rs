//! Locking a reader-writer lock as a task.

use super::{Way, elsewhere, opaque};
use crate::future::lookout::is_over;
use crate::objects::rwlock::Intent;
use crate::objects::watch::Want;
use crate::objects::{Op, Ret};
use crate::port;
use crate::sync::native::{ReadWait, WriteWait};
use crate::sync::{LockResult, RwLock, RwLockReadGuard, RwLockWriteGuard};
use selvedge_checkers::ids::SiteRef;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

impl<T: ?Sized> RwLock<T> {
    /// Lock for reading, as a task: [`RwLock::read`] for futures. As for all readers, a writer that waits goes
    /// first.
    ///
    /// # Errors
    /// The future: if somebody panicked while they held the lock for writing; the error holds the guard.
    ///
    /// # Examples
    /// ```
    /// use selvedge::{future, sync::RwLock};
    /// let lock = RwLock::new(1);
    /// let (one, other) = (lock.read().unwrap(), future::block_on(lock.read_async()).unwrap());
    /// assert_eq!(*one + *other, 2);
    /// ```
    #[track_caller]
    pub fn read_async(&self) -> ReadAsync<'_, T> {
        ReadAsync { lock: self, site: Location::caller(), way: Way::new(ReadWait::in_list) }
    }

    /// Lock for writing, as a task: [`RwLock::write`] for futures. From the moment on at which it waits only for
    /// readers, no new ones get in; if the future is dropped they do.
    ///
    /// # Errors
    /// The future: if somebody panicked while they held the lock for writing; the error holds the guard.
    ///
    /// # Examples
    /// ```
    /// use selvedge::{future, sync::RwLock};
    /// let lock = RwLock::new(1);
    /// *future::block_on(lock.write_async()).unwrap() += 1;
    /// assert_eq!(*lock.read().unwrap(), 2);
    /// ```
    #[track_caller]
    pub fn write_async(&self) -> WriteAsync<'_, T> {
        WriteAsync { lock: self, site: Location::caller(), way: Way::new(WriteWait::new), announced: false }
    }
}

/// What [`RwLock::read_async`] gives.
#[must_use = "a future does nothing unless awaited"]
pub struct ReadAsync<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    site: SiteRef,
    way: Way<ReadWait>,
}

impl<'a, T: ?Sized> Future for ReadAsync<'a, T> {
    type Output = LockResult<RwLockReadGuard<'a, T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LockResult<RwLockReadGuard<'a, T>>> {
        // SAFETY: the wait is pinned again below, and nothing else needs to be.
        let this = unsafe { self.get_unchecked_mut() };
        let (raw, site) = (this.lock.raw(), this.site);
        let taken = match (&mut this.way, port::model()) {
            (Way::Model(patience), Some(engine)) => {
                patience.is_over(cx.waker()) && {
                    let taken = raw.try_read_at(site);
                    if !taken {
                        patience.begin(Want::Read(raw.id(engine)), cx.waker(), site);
                    }
                    taken
                }
            }
            (Way::Native(wait), None) => {
                // SAFETY: it is pinned with the future.
                raw.native().poll_read(unsafe { Pin::new_unchecked(wait) }, cx.waker())
            }
            _ => elsewhere(),
        };
        if taken { Poll::Ready(this.lock.read_guard(site)) } else { Poll::Pending }
    }
}

impl<T: ?Sized> Drop for ReadAsync<'_, T> {
    fn drop(&mut self) {
        // SAFETY: it is pinned with the future, and this is its end.
        if let Some(wait) = unsafe { self.way.native() } {
            self.lock.raw().native_of_past().leave_read(wait);
        }
    }
}

/// What [`RwLock::write_async`] gives.
#[must_use = "a future does nothing unless awaited"]
pub struct WriteAsync<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    site: SiteRef,
    way: Way<WriteWait>,
    /// In a model: it keeps new readers out.
    announced: bool,
}

impl<T: ?Sized> WriteAsync<'_, T> {
    fn poll_in_model(&mut self, engine: &dyn port::Engine, cx: &Context<'_>) -> bool {
        let (lock, site) = (self.lock.raw().id(engine), self.site);
        let Way::Model(patience) = &mut self.way else { elsewhere() };
        if !patience.is_over(cx.waker()) {
            return false;
        }
        let intent = if self.announced { Intent::Take } else { Intent::Announce };
        let ret = engine.op(Op::WriteIntent { lock, intent }, site);
        self.announced = ret == Ret::WouldBlock;
        let want = if self.announced { Want::Write(lock) } else { Want::Announce(lock) };
        let taken = ret == Ret::Flag(true);
        if !taken {
            patience.begin(want, cx.waker(), site);
        }
        taken
    }
}

impl<'a, T: ?Sized> Future for WriteAsync<'a, T> {
    type Output = LockResult<RwLockWriteGuard<'a, T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LockResult<RwLockWriteGuard<'a, T>>> {
        // SAFETY: as for reading.
        let this = unsafe { self.get_unchecked_mut() };
        let taken = match (&mut this.way, port::model()) {
            (Way::Model(_), Some(engine)) => this.poll_in_model(engine, cx),
            (Way::Native(wait), None) => {
                // SAFETY: it is pinned with the future.
                this.lock.raw().native().poll_write(unsafe { Pin::new_unchecked(wait) }, cx.waker())
            }
            _ => elsewhere(),
        };
        if taken { Poll::Ready(this.lock.write_guard(this.site)) } else { Poll::Pending }
    }
}

impl<T: ?Sized> Drop for WriteAsync<'_, T> {
    fn drop(&mut self) {
        // SAFETY: it is pinned with the future, and this is its end.
        if let Some(wait) = unsafe { self.way.native() } {
            self.lock.raw().native_of_past().leave_write(wait);
        }
        if self.announced
            && !is_over()
            && let Some(engine) = port::model()
        {
            let lock = self.lock.raw().id(engine);
            engine.op(Op::WriteIntent { lock, intent: Intent::Retract }, self.site);
        }
    }
}

opaque!(ReadAsync<T: ?Sized>);
opaque!(WriteAsync<T: ?Sized>);
