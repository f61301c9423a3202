//! Condition variables: `std::sync::Condvar`, which is Go's `sync.Cond` with the lock passed in.

use super::native::{Notified, RawCondvar};
use super::{Mutex, MutexGuard, why};
use crate::chan::{deadline, misused};
use crate::objects::condvar::CvState;
use crate::objects::{Misuse, Nanos, Op, Ret, State};
use crate::port::{self, Object};
use selvedge_checkers::ids::{ObjId, SiteRef};
use selvedge_checkers::op::WaitReason;
use std::panic::Location;
use std::sync::{LockResult, PoisonError};
use std::time::Duration;

/// A condition variable.
///
/// A wait may end without a notification (a model explores that); a notification nobody waits for
/// is lost. Always wait in a loop that looks at the condition, or use [`Condvar::wait_while`].
#[derive(Debug)]
pub struct Condvar {
    object: Object,
    native: RawCondvar,
}

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
        Condvar { object: Object::new(), native: RawCondvar::new() }
    }

    fn id(&self, engine: &dyn port::Engine) -> ObjId {
        self.object.id(engine, || State::Condvar(CvState::default()))
    }

    #[track_caller]
    fn wait_until<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Option<Nanos>,
        site: SiteRef,
    ) -> (LockResult<MutexGuard<'a, T>>, bool) {
        let mutex: &'a Mutex<T> = guard.suspend();
        let Some(engine) = port::model() else { return self.wait_outside(mutex, deadline, site) };
        let op = Op::CondWait { cv: self.id(engine), mutex: mutex.raw().id(engine), deadline };
        let ret = engine.op(op, site);
        (mutex.guard(site), ret == Ret::Flag(false))
    }

    #[track_caller]
    fn wait_outside<'a, T>(
        &self,
        mutex: &'a Mutex<T>,
        deadline: Option<Nanos>,
        site: SiteRef,
    ) -> (LockResult<MutexGuard<'a, T>>, bool) {
        self.object.outside();
        let notified = self.native.wait(mutex.raw().give_up(), deadline, why(WaitReason::Cond, self, site));
        if notified == Notified::OtherLock {
            // The guard unlocks, and poisons.
            let _held = mutex.guard(site);
            misused(Misuse::CondvarTwoMutexes);
        }
        mutex.raw().lock_at(site);
        (mutex.guard(site), notified == Notified::TimedOut)
    }

    fn notify(&self, all: bool, site: SiteRef) {
        match port::model() {
            Some(engine) if all => _ = engine.op(Op::NotifyAll(self.id(engine)), site),
            Some(engine) => _ = engine.op(Op::NotifyOne(self.id(engine)), site),
            None => {
                self.object.outside();
                self.native.notify(all);
            }
        }
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
        self.notify(false, Location::caller());
    }

    /// Wake everyone who waits now.
    #[track_caller]
    pub fn notify_all(&self) {
        self.notify(true, Location::caller());
    }
}

impl Default for Condvar {
    #[track_caller]
    fn default() -> Condvar {
        Condvar::new()
    }
}
