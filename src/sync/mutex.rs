//! Mutual exclusion.
//!
//! [`Mutex`] is std's: it owns what it guards, gives a guard, and is poisoned by a panic.
//! [`RawMutex`] is Go's `sync.Mutex`: no data, no guard, and any goroutine may unlock it.

use super::exclusion::Exclusion;
use super::holder::Holder;
use super::native::RawLock;
use super::poison::{Entered, Poison};
use super::why;
use crate::chan::misused;
use crate::objects::{Misuse, Op, Ret, State};
use crate::port::{self, Object};
use selvedge_checkers::ids::{ObjId, SiteRef};
use selvedge_checkers::op::{ObjKind, WaitReason};
use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::{LockResult, TryLockError, TryLockResult};

/// Go's `sync.Mutex`.
///
/// # Examples
/// ```
/// let mu = selvedge::sync::RawMutex::new();
/// mu.lock();
/// assert!(!mu.try_lock());
/// mu.unlock();
/// ```
#[derive(Debug)]
pub struct RawMutex {
    object: Object,
    native: RawLock,
    holder: Holder,
}

impl RawMutex {
    /// An unlocked mutex.
    #[track_caller]
    pub const fn new() -> RawMutex {
        RawMutex::at(Location::caller())
    }

    pub(super) const fn at(site: SiteRef) -> RawMutex {
        RawMutex { object: Object::at(site), native: RawLock::new(), holder: Holder::new() }
    }

    #[inline]
    pub(super) fn id(&self, engine: &dyn port::Engine) -> ObjId {
        self.object.id(engine, || State::Mutex { holder: None })
    }

    /// The lock outside of models.
    #[inline]
    pub(super) fn native(&self) -> &RawLock {
        self.object.outside();
        &self.native
    }

    /// The same, for who waited there, also while an execution uses it.
    pub(super) fn native_of_past(&self) -> &RawLock {
        &self.native
    }

    /// Lock it; wait until it is free. Locking it twice in one goroutine is a deadlock.
    #[track_caller]
    #[inline]
    pub fn lock(&self) {
        self.lock_at(Location::caller());
    }

    #[inline]
    pub(super) fn lock_at(&self, site: SiteRef) {
        match port::model() {
            Some(engine) => _ = engine.op(Op::Lock(self.id(engine)), site),
            None => {
                if !self.native().try_lock() {
                    self.wait(site);
                }
                self.holder.enter();
            }
        }
    }

    #[cold]
    fn wait(&self, site: SiteRef) {
        let lock = || self.native.lock(why(WaitReason::Lock, self, site));
        self.holder.wait(ObjKind::Mutex, self, &self.object, lock);
    }

    /// Lock it if it is free.
    #[track_caller]
    #[inline]
    pub fn try_lock(&self) -> bool {
        self.try_lock_at(Location::caller())
    }

    #[inline]
    pub(super) fn try_lock_at(&self, site: SiteRef) -> bool {
        match port::model() {
            Some(engine) => engine.op(Op::TryLock(self.id(engine)), site) == Ret::Flag(true),
            None => {
                let taken = self.native().try_lock();
                if taken {
                    self.holder.enter();
                }
                taken
            }
        }
    }

    /// Unlock it; any goroutine may.
    ///
    /// # Panics
    /// "sync: unlock of unlocked mutex"; in Go and in a model it is fatal and cannot be recovered.
    #[track_caller]
    #[inline]
    pub fn unlock(&self) {
        self.unlock_at(Location::caller());
    }

    /// The lock outside of models, for who holds it and lets go of it behind our back.
    pub(super) fn give_up(&self) -> &RawLock {
        self.holder.leave();
        self.native()
    }

    #[inline]
    fn unlock_native(&self) -> bool {
        self.holder.leave();
        self.native.unlock()
    }

    #[inline]
    #[track_caller]
    fn unlock_at(&self, site: SiteRef) {
        match port::model() {
            Some(engine) => _ = engine.op(Op::Unlock(self.id(engine)), site),
            // Also while an execution uses it: it was locked before, in this world's account.
            None if self.unlock_native() => {}
            None => misused(Misuse::UnlockOfUnlocked),
        }
    }
}

impl Default for RawMutex {
    #[track_caller]
    fn default() -> RawMutex {
        RawMutex::new()
    }
}

/// A mutex that owns what it guards: `std::sync::Mutex`.
pub struct Mutex<T: ?Sized> {
    raw: RawMutex,
    busy: Exclusion,
    poison: Poison,
    data: UnsafeCell<T>,
}

// SAFETY: a guard exists only while `busy` is entered, by one holder in one world at a time, so
// sharing the mutex moves the data between threads and never aliases it.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}
// SAFETY: the mutex owns its data and is tied to no thread.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}

/// Access to what a [`Mutex`] guards, until it is dropped.
#[must_use = "dropping the guard unlocks the mutex at once"]
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    entered: Entered,
    site: SiteRef,
}

impl<T> Mutex<T> {
    /// An unlocked mutex around `value`.
    #[track_caller]
    pub const fn new(value: T) -> Mutex<T> {
        Mutex {
            raw: RawMutex::at(Location::caller()),
            busy: Exclusion::new(),
            poison: Poison::new(),
            data: UnsafeCell::new(value),
        }
    }

    /// Take the value out.
    ///
    /// # Errors
    /// If the mutex is poisoned; the error holds the value.
    pub fn into_inner(self) -> LockResult<T> {
        let Mutex { data, poison, .. } = self;
        poison.tell(data.into_inner())
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Lock it; wait until it is free. Locking it twice in one goroutine is a deadlock.
    ///
    /// # Errors
    /// If a goroutine panicked while it held the lock; the error holds the guard.
    #[track_caller]
    #[inline]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let site = Location::caller();
        self.raw.lock_at(site);
        self.guard(site)
    }

    /// Lock it if it is free.
    ///
    /// # Errors
    /// If it is held, or poisoned.
    #[track_caller]
    #[inline]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        let site = Location::caller();
        if self.raw.try_lock() { Ok(self.guard(site)?) } else { Err(TryLockError::WouldBlock) }
    }

    #[inline]
    pub(super) fn guard(&self, site: SiteRef) -> LockResult<MutexGuard<'_, T>> {
        self.busy.enter(|| self.raw.unlock_at(site));
        self.poison.tell(MutexGuard { mutex: self, entered: self.poison.enter(), site })
    }

    /// Whether a goroutine panicked while it held the lock.
    pub fn is_poisoned(&self) -> bool {
        self.poison.is_set()
    }

    /// Declare the data sound again.
    pub fn clear_poison(&self) {
        self.poison.clear();
    }

    /// The value, through an exclusive reference: no lock is needed.
    ///
    /// # Errors
    /// If the mutex is poisoned; the error holds the reference.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.poison.tell(self.data.get_mut())
    }

    pub(super) fn raw(&self) -> &RawMutex {
        &self.raw
    }
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// The mutex, for a wait that gives the lock up and takes it again.
    pub(super) fn suspend(self) -> &'a Mutex<T> {
        let mutex = self.mutex;
        mutex.busy.leave();
        std::mem::forget(self);
        mutex
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard exists, so its holder entered `busy` and nobody else is in.
        unsafe { &*self.mutex.data.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and the guard is borrowed exclusively.
        unsafe { &mut *self.mutex.data.get() }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.poison.leave(&self.entered);
        self.mutex.busy.leave();
        self.mutex.raw.unlock_at(self.site);
    }
}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    #[track_caller]
    fn from(value: T) -> Mutex<T> {
        Mutex::new(value)
    }
}

impl<T: ?Sized> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").field("poisoned", &self.is_poisoned()).finish_non_exhaustive()
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
