//! Reader-writer locks with Go's writer preference.
//!
//! [`RwLock`] is std's; [`RawRwLock`] is Go's `sync.RWMutex`. A writer that waits keeps new readers
//! out, so a goroutine that reads twice can deadlock with a writer in between.

use super::exclusion::Exclusion;
use super::holder::Holder;
use super::native::RawRw;
use super::poison::{Entered, Poison};
use super::why;
use crate::chan::misused;
use crate::objects::rwlock::RwState;
use crate::objects::{Misuse, Op, Ret, State};
use crate::port::{self, Object};
use selvedge_checkers::ids::{ObjId, SiteRef};
use selvedge_checkers::op::{ObjKind, WaitReason};
use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::{LockResult, TryLockError, TryLockResult};

/// Go's `sync.RWMutex`.
#[derive(Debug)]
pub struct RawRwLock {
    object: Object,
    native: RawRw,
    /// The writer that holds it.
    writer: Holder,
}

impl RawRwLock {
    /// An unlocked lock.
    #[track_caller]
    pub const fn new() -> RawRwLock {
        RawRwLock::at(Location::caller())
    }

    const fn at(site: SiteRef) -> RawRwLock {
        RawRwLock { object: Object::at(site), native: RawRw::new(), writer: Holder::new() }
    }

    pub(super) fn id(&self, engine: &dyn port::Engine) -> ObjId {
        self.object.id(engine, || State::RwLock(RwState::default()))
    }

    /// The lock outside of models.
    #[inline]
    pub(super) fn native(&self) -> &RawRw {
        self.object.outside();
        &self.native
    }

    /// The same, for who waited there, also while an execution uses it.
    pub(super) fn native_of_past(&self) -> &RawRw {
        &self.native
    }

    /// Lock for reading: Go's `RLock`.
    #[track_caller]
    #[inline]
    pub fn read_lock(&self) {
        self.read_at(Location::caller());
    }

    #[inline]
    fn read_at(&self, site: SiteRef) {
        match port::model() {
            Some(engine) => _ = engine.op(Op::ReadLock(self.id(engine)), site),
            None => {
                let lock = || self.native.read(why(WaitReason::ReadLock, self, site));
                if !self.native().try_read() {
                    self.writer.wait(ObjKind::RwLock, self, &self.object, lock);
                }
            }
        }
    }

    /// Lock for reading if no writer holds it or waits: Go's `TryRLock`.
    #[track_caller]
    #[inline]
    pub fn try_read_lock(&self) -> bool {
        self.try_read_at(Location::caller())
    }

    #[inline]
    pub(super) fn try_read_at(&self, site: SiteRef) -> bool {
        match port::model() {
            Some(engine) => engine.op(Op::TryReadLock(self.id(engine)), site) == Ret::Flag(true),
            None => self.native().try_read(),
        }
    }

    /// Undo one lock for reading: Go's `RUnlock`.
    ///
    /// # Panics
    /// "sync: RUnlock of unlocked RWMutex"; in Go and in a model it is fatal.
    #[track_caller]
    #[inline]
    pub fn read_unlock(&self) {
        self.read_unlock_at(Location::caller());
    }

    #[inline]
    #[track_caller]
    fn read_unlock_at(&self, site: SiteRef) {
        match port::model() {
            Some(engine) => _ = engine.op(Op::ReadUnlock(self.id(engine)), site),
            // Also while an execution uses it: it was locked before, in this world's account.
            None if self.native.read_unlock() => {}
            None => misused(Misuse::ReadUnlockOfUnlocked),
        }
    }

    /// Lock for writing: Go's `Lock`.
    #[track_caller]
    #[inline]
    pub fn lock(&self) {
        self.write_at(Location::caller());
    }

    #[inline]
    fn write_at(&self, site: SiteRef) {
        match port::model() {
            Some(engine) => _ = engine.op(Op::WriteLock(self.id(engine)), site),
            None => {
                let lock = || self.native.write(why(WaitReason::WriteLock, self, site));
                if !self.native().try_write() {
                    self.writer.wait(ObjKind::RwLock, self, &self.object, lock);
                }
                self.writer.enter();
            }
        }
    }

    /// Lock for writing if nobody holds it: Go's `TryLock`.
    #[track_caller]
    #[inline]
    pub fn try_lock(&self) -> bool {
        let site = Location::caller();
        match port::model() {
            Some(engine) => engine.op(Op::TryWriteLock(self.id(engine)), site) == Ret::Flag(true),
            None => {
                let taken = self.native().try_write();
                if taken {
                    self.writer.enter();
                }
                taken
            }
        }
    }

    /// Undo a lock for writing: Go's `Unlock`.
    ///
    /// # Panics
    /// "sync: Unlock of unlocked RWMutex"; in Go and in a model it is fatal.
    #[track_caller]
    #[inline]
    pub fn unlock(&self) {
        self.write_unlock_at(Location::caller());
    }

    #[inline]
    #[track_caller]
    fn write_unlock_at(&self, site: SiteRef) {
        match port::model() {
            Some(engine) => _ = engine.op(Op::WriteUnlock(self.id(engine)), site),
            None if {
                self.writer.leave();
                self.native.write_unlock()
            } => {}
            None => misused(Misuse::WriteUnlockOfUnlocked),
        }
    }
}

impl Default for RawRwLock {
    #[track_caller]
    fn default() -> RawRwLock {
        RawRwLock::new()
    }
}

/// A reader-writer lock that owns what it guards: `std::sync::RwLock`.
pub struct RwLock<T: ?Sized> {
    raw: RawRwLock,
    busy: Exclusion,
    poison: Poison,
    data: UnsafeCell<T>,
}

// SAFETY: guards exist only while `busy` is entered, one exclusive or several shared, so sharing
// the lock gives `&T` to several threads (`T: Sync`) or moves the data between them (`T: Send`).
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}
// SAFETY: the lock owns its data and is tied to no thread.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}

/// Shared access to what a [`RwLock`] guards.
#[must_use = "dropping the guard unlocks at once"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    site: SiteRef,
}

/// Exclusive access to what a [`RwLock`] guards.
#[must_use = "dropping the guard unlocks at once"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    entered: Entered,
    site: SiteRef,
}

impl<T> RwLock<T> {
    /// An unlocked lock around `value`.
    #[track_caller]
    pub const fn new(value: T) -> RwLock<T> {
        RwLock {
            raw: RawRwLock::at(Location::caller()),
            busy: Exclusion::new(),
            poison: Poison::new(),
            data: UnsafeCell::new(value),
        }
    }

    /// Take the value out.
    ///
    /// # Errors
    /// If the lock is poisoned; the error holds the value.
    pub fn into_inner(self) -> LockResult<T> {
        let RwLock { data, poison, .. } = self;
        poison.tell(data.into_inner())
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Lock for reading.
    ///
    /// # Errors
    /// If a goroutine panicked while it held the lock for writing; the error holds the guard.
    #[track_caller]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        let site = Location::caller();
        self.raw.read_at(site);
        self.read_guard(site)
    }

    /// Lock for reading if no writer holds it or waits.
    ///
    /// # Errors
    /// If one does, or the lock is poisoned.
    #[track_caller]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        let site = Location::caller();
        if self.raw.try_read_lock() { Ok(self.read_guard(site)?) } else { Err(TryLockError::WouldBlock) }
    }

    pub(super) fn read_guard(&self, site: SiteRef) -> LockResult<RwLockReadGuard<'_, T>> {
        self.busy.enter_shared(|| self.raw.read_unlock_at(site));
        self.poison.tell(RwLockReadGuard { lock: self, site })
    }

    /// Lock for writing.
    ///
    /// # Errors
    /// If a goroutine panicked while it held the lock for writing; the error holds the guard.
    #[track_caller]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        let site = Location::caller();
        self.raw.write_at(site);
        self.write_guard(site)
    }

    /// Lock for writing if nobody holds it.
    ///
    /// # Errors
    /// If somebody does, or the lock is poisoned.
    #[track_caller]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        let site = Location::caller();
        if self.raw.try_lock() { Ok(self.write_guard(site)?) } else { Err(TryLockError::WouldBlock) }
    }

    pub(super) fn write_guard(&self, site: SiteRef) -> LockResult<RwLockWriteGuard<'_, T>> {
        self.busy.enter(|| self.raw.write_unlock_at(site));
        self.poison.tell(RwLockWriteGuard { lock: self, entered: self.poison.enter(), site })
    }

    pub(super) fn raw(&self) -> &RawRwLock {
        &self.raw
    }

    /// Whether a goroutine panicked while it held the lock for writing.
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
    /// If the lock is poisoned; the error holds the reference.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.poison.tell(self.data.get_mut())
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard entered `busy` shared, so no exclusive guard exists.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard entered `busy` exclusively, so no other guard exists.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and the guard is borrowed exclusively.
        unsafe { &mut *self.lock.data.get() }
    }
}

impl<T: ?Sized> Drop for RwLockReadGuard<'_, T> {
    fn drop(&mut self) {
        self.lock.busy.leave_shared();
        self.lock.raw.read_unlock_at(self.site);
    }
}

impl<T: ?Sized> Drop for RwLockWriteGuard<'_, T> {
    fn drop(&mut self) {
        self.lock.poison.leave(&self.entered);
        self.lock.busy.leave();
        self.lock.raw.write_unlock_at(self.site);
    }
}

impl<T: Default> Default for RwLock<T> {
    #[track_caller]
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    #[track_caller]
    fn from(value: T) -> RwLock<T> {
        RwLock::new(value)
    }
}

impl<T: ?Sized> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock").field("poisoned", &self.is_poisoned()).finish_non_exhaustive()
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
