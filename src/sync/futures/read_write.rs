//! Locking a reader-writer lock as a task.

use super::waiting::{Awaited, Waiting, future};
use crate::future::lookout::is_over;
use crate::objects::rwlock::Intent;
use crate::objects::watch::Want;
use crate::objects::{Op, Ret};
use crate::port;
use crate::sync::native::{ReadWait, WriteWait};
use crate::sync::{LockResult, RwLock, RwLockReadGuard, RwLockWriteGuard};
use selvedge_checkers::ids::SiteRef;
use std::pin::Pin;
use std::task::Waker;

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
        ReadAsync { waiting: Waiting::new(Reading(self), ReadWait::in_list) }
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
        WriteAsync { waiting: Waiting::new(Writing { lock: self, announced: false }, WriteWait::new) }
    }
}

future! {
    /// What [`RwLock::read_async`] gives.
    ReadAsync<'a, T> of Reading<'a, T> => LockResult<RwLockReadGuard<'a, T>>
}

struct Reading<'a, T: ?Sized>(&'a RwLock<T>);

impl<'a, T: ?Sized> Awaited for Reading<'a, T> {
    type Wait = ReadWait;
    type Output = LockResult<RwLockReadGuard<'a, T>>;

    fn poll(&self, wait: Pin<&ReadWait>, waker: &Waker) -> bool {
        self.0.raw().native().poll_read(wait, waker)
    }

    fn leave(&self, wait: Pin<&ReadWait>) {
        self.0.raw().native_of_past().leave_read(wait);
    }

    fn take_in_model(&mut self, engine: &dyn port::Engine, site: SiteRef) -> Result<(), Want> {
        let raw = self.0.raw();
        if raw.try_read_at(site) { Ok(()) } else { Err(Want::Read(raw.id(engine))) }
    }

    fn outcome(&self, site: SiteRef) -> LockResult<RwLockReadGuard<'a, T>> {
        self.0.read_guard(site)
    }
}

future! {
    /// What [`RwLock::write_async`] gives.
    WriteAsync<'a, T> of Writing<'a, T> => LockResult<RwLockWriteGuard<'a, T>>
}

struct Writing<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    /// In a model: it keeps new readers out.
    announced: bool,
}

impl<'a, T: ?Sized> Awaited for Writing<'a, T> {
    type Wait = WriteWait;
    type Output = LockResult<RwLockWriteGuard<'a, T>>;

    fn poll(&self, wait: Pin<&WriteWait>, waker: &Waker) -> bool {
        self.lock.raw().native().poll_write(wait, waker)
    }

    fn leave(&self, wait: Pin<&WriteWait>) {
        self.lock.raw().native_of_past().leave_write(wait);
    }

    fn take_in_model(&mut self, engine: &dyn port::Engine, site: SiteRef) -> Result<(), Want> {
        let lock = self.lock.raw().id(engine);
        let intent = if self.announced { Intent::Take } else { Intent::Announce };
        let ret = engine.op(Op::WriteIntent { lock, intent }, site);
        self.announced = ret == Ret::WouldBlock;
        match ret {
            Ret::Flag(true) => Ok(()),
            Ret::WouldBlock => Err(Want::Write(lock)),
            _ => Err(Want::Announce(lock)),
        }
    }

    fn leave_model(&mut self, site: SiteRef) {
        if self.announced
            && !is_over()
            && let Some(engine) = port::model()
        {
            let lock = self.lock.raw().id(engine);
            engine.op(Op::WriteIntent { lock, intent: Intent::Retract }, site);
        }
    }

    fn outcome(&self, site: SiteRef) -> LockResult<RwLockWriteGuard<'a, T>> {
        self.lock.write_guard(site)
    }
}
