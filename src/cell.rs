//! Variables whose unsynchronised use is reported.
//!
//! [`UnsafeCell`] is std's with accesses that can be checked; [`Plain`] is a shared variable that
//! is safe to use from several goroutines and reports, in a model, that it was used without
//! synchronisation. Accesses are no decisions: happens-before is the same for all interleavings of
//! one execution's synchronisation, so checking one of them is enough.

use crate::objects::State;
use crate::port::{self, Object};
use std::fmt;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

#[track_caller]
fn touch(object: &Object, write: bool) {
    if let Some(engine) = port::model() {
        let id = object.id(engine, || State::Cell);
        engine.access(id, write, Location::caller());
    }
}

/// `std::cell::UnsafeCell` whose accesses are checked in a model.
///
/// Unlike std's it may be shared (it is `Sync` if `T` is `Send`): sharing is what it is for, and
/// every access through it is unsafe or checked by the user.
#[derive(Debug)]
pub struct UnsafeCell<T: ?Sized> {
    object: Object,
    data: std::cell::UnsafeCell<T>,
}

impl<T> UnsafeCell<T> {
    /// A cell that holds `value`.
    #[track_caller]
    pub const fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell { object: Object::new(), data: std::cell::UnsafeCell::new(value) }
    }

    /// Take the value out.
    pub fn into_inner(self) -> T {
        self.data.into_inner()
    }
}

impl<T: ?Sized> UnsafeCell<T> {
    /// The address of the value; accesses through it are not seen.
    pub const fn get(&self) -> *mut T {
        self.data.get()
    }

    /// Read through a pointer; in a model an unordered write elsewhere is a data race.
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        touch(&self.object, false);
        f(self.data.get())
    }

    /// Write through a pointer; in a model any unordered access elsewhere is a data race.
    #[track_caller]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        touch(&self.object, true);
        f(self.data.get())
    }

    /// The value, through an exclusive reference.
    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }
}

/// A shared variable without synchronisation: what `x` is in a Go program that forgot the mutex.
///
/// Clones of an `Arc<Plain<T>>` stand for one variable. In a model, two unordered accesses, one of
/// them a write, are a `data-race`. The accesses themselves are sound everywhere: a lock inside
/// keeps them apart, it just orders nothing in the eyes of the model.
///
/// # Examples
/// ```
/// let x = selvedge::cell::Plain::new(1);
/// x.set(x.get() + 1);
/// assert_eq!(x.get(), 2);
/// ```
pub struct Plain<T: ?Sized> {
    object: Object,
    data: Mutex<T>,
}

impl<T> Plain<T> {
    /// A variable that holds `value`.
    #[track_caller]
    pub const fn new(value: T) -> Plain<T> {
        Plain { object: Object::new(), data: Mutex::new(value) }
    }

    /// Read the value.
    #[track_caller]
    pub fn get(&self) -> T
    where
        T: Copy,
    {
        self.with(|v| *v)
    }

    /// Write a value.
    #[track_caller]
    pub fn set(&self, value: T) {
        self.with_mut(|v| *v = value);
    }

    /// Write a value and give the one before.
    #[track_caller]
    pub fn replace(&self, value: T) -> T {
        self.with_mut(|v| std::mem::replace(v, value))
    }

    /// Take the value out.
    pub fn into_inner(self) -> T {
        self.data.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: ?Sized> Plain<T> {
    /// Read the value in place. `f` must not block: it runs under the lock inside.
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        touch(&self.object, false);
        f(&self.data.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Change the value in place. `f` must not block: it runs under the lock inside.
    #[track_caller]
    pub fn with_mut<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        touch(&self.object, true);
        f(&mut self.data.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

// SAFETY: every access through a shared reference goes through raw pointers, whose users answer for
// it; the cell itself only passes the data between threads.
unsafe impl<T: ?Sized + Send> Sync for UnsafeCell<T> {}

impl<T: Default> Default for Plain<T> {
    #[track_caller]
    fn default() -> Plain<T> {
        Plain::new(T::default())
    }
}

impl<T: ?Sized> fmt::Debug for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plain").finish_non_exhaustive()
    }
}
