//! Condition variables: `std::sync::Condvar`, which is Go's `sync.Cond` with the lock passed in.

use super::{Mutex, MutexGuard};
use crate::chan::deadline;
use crate::objects::condvar::CvState;
use crate::objects::{Nanos, Op, Ret, State};
use crate::port::{self, Object};
use selvedge_checkers::ids::{ObjId, SiteRef};
use std::panic::Location;
use std::sync::{LockResult, PoisonError};
use std::time::Duration;

/// A condition variable.
///
/// A wait may end without a notification (a model explores that); a notification nobody waits for
/// is lost. Always wait in a loop that looks at the condition, or use [`Condvar::wait_while`].
#[derive(Debug)]
pub struct Condvar(Object);

/// Whether a wait with a timeout timed out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the time was up before a notification came.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// A condition variable nobody waits on.
    #[track_caller]
    pub const fn new() -> Condvar {
        Condvar(Object::new())
    }

    fn id(&self, engine: &dyn port::Engine) -> ObjId {
        self.0.id(engine, || State::Condvar(CvState::default()))
    }

    fn wait_until<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Option<Nanos>,
        site: SiteRef,
    ) -> (LockResult<MutexGuard<'a, T>>, bool) {
        let mutex: &'a Mutex<T> = guard.suspend();
        let ret = port::with(|engine| {
            let op = Op::CondWait { cv: self.id(engine), mutex: mutex.raw().id(engine), deadline };
            engine.op(op, site)
        });
        (mutex.guard(site), ret == Ret::Flag(false))
    }

    /// Give up the lock, wait for a notification, take the lock again.
    ///
    /// # Errors
    /// If the mutex is poisoned; the error holds the guard.
    ///
    /// # Panics
    /// If goroutines wait on this condition variable with another mutex.
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.wait_until(guard, None, Location::caller()).0
    }

    /// Wait for as long as `condition` holds.
    ///
    /// # Errors
    /// If the mutex is poisoned; the error holds the guard.
    #[track_caller]
    pub fn wait_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        while condition(&mut *guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// Wait for at most `timeout`.
    ///
    /// # Errors
    /// If the mutex is poisoned; the error holds the guard.
    #[track_caller]
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let site = Location::caller();
        match self.wait_until(guard, deadline(timeout), site) {
            (Ok(guard), timed_out) => Ok((guard, WaitTimeoutResult(timed_out))),
            (Err(e), timed_out) => Err(PoisonError::new((e.into_inner(), WaitTimeoutResult(timed_out)))),
        }
    }

    /// Wait for as long as `condition` holds, but for at most `timeout`.
    ///
    /// # Errors
    /// If the mutex is poisoned; the error holds the guard.
    #[track_caller]
    pub fn wait_timeout_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
        mut condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        F: FnMut(&mut T) -> bool,
    {
        let site = Location::caller();
        let end = deadline(timeout);
        let mut timed_out = false;
        while condition(&mut *guard) {
            if timed_out {
                return Ok((guard, WaitTimeoutResult(true)));
            }
            let (result, late) = self.wait_until(guard, end, site);
            timed_out = late;
            guard = match result {
                Ok(guard) => guard,
                Err(e) => return Err(PoisonError::new((e.into_inner(), WaitTimeoutResult(late)))),
            };
        }
        Ok((guard, WaitTimeoutResult(false)))
    }

    /// Wake one of those who wait now, if anyone does.
    #[track_caller]
    pub fn notify_one(&self) {
        let site = Location::caller();
        port::with(|engine| engine.op(Op::NotifyOne(self.id(engine)), site));
    }

    /// Wake everyone who waits now.
    #[track_caller]
    pub fn notify_all(&self) {
        let site = Location::caller();
        port::with(|engine| engine.op(Op::NotifyAll(self.id(engine)), site));
    }
}

impl Default for Condvar {
    #[track_caller]
    fn default() -> Condvar {
        Condvar::new()
    }
}
