//! Thread-locals: each goroutine has its own.
//!
//! Invariants: in a model a value belongs to one goroutine of one execution; it is made when that
//! goroutine first asks, and dropped by that goroutine when its body has ended, youngest first. A
//! destructor may use the locals that are still there; the others give an [`AccessError`]. Outside
//! of a model the same holds for each goroutine, and threads that are none have std's thread-locals.
//!
//! Source: the documentation of `std::thread::LocalKey`.

use crate::port::locals::{self, Found};
use crate::port::wait::{self, locals as goroutine};
use crate::port::{self, Engine};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

/// A thread-local variable, declared by [`thread_local!`](crate::thread_local).
pub struct LocalKey<T: 'static> {
    plain: std::thread::LocalKey<T>,
    init: fn() -> T,
}

/// The thread-local was already dropped, or is being dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct AccessError;

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("already destroyed")
    }
}

impl std::error::Error for AccessError {}

const DESTROYED: &str = "cannot access a Thread Local Storage value during or after destruction";

impl<T: 'static> LocalKey<T> {
    /// For [`thread_local!`](crate::thread_local).
    #[doc(hidden)]
    pub const fn __new(plain: std::thread::LocalKey<T>, init: fn() -> T) -> LocalKey<T> {
        LocalKey { plain, init }
    }

    /// Use the value; it is made first if this thread has none.
    ///
    /// # Panics
    /// If it was already dropped.
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.try_with(f).expect(DESTROYED)
    }

    /// Use the value; it is made first if this thread has none.
    ///
    /// # Errors
    /// If it was already dropped.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> std::result::Result<R, AccessError> {
        match port::model() {
            // While `f` runs the value stays, whatever becomes of the table: it is counted.
            Some(engine) => Ok(f(&*self.in_model(engine)?)),
            None if wait::is_goroutine() => Ok(f(&*self.in_goroutine()?)),
            None => self.plain.try_with(f).map_err(|_| AccessError),
        }
    }

    fn key(&'static self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    fn in_model(&'static self, engine: &dyn Engine) -> std::result::Result<Rc<T>, AccessError> {
        match locals::find(engine, self.key()) {
            Found::Value(value) => Ok(self.typed(value)),
            Found::Destroyed => Err(AccessError),
            Found::Absent => Ok(self.store(engine, (self.init)())),
        }
    }

    fn in_goroutine(&'static self) -> std::result::Result<Rc<T>, AccessError> {
        match goroutine::find(self.key()) {
            goroutine::Local::Value(value) => Ok(self.typed(value)),
            goroutine::Local::Destroyed => Err(AccessError),
            goroutine::Local::Absent => Ok(self.keep((self.init)())),
        }
    }

    fn keep(&'static self, value: T) -> Rc<T> {
        let value = Rc::new(value);
        drop(goroutine::store(self.key(), Rc::<T>::clone(&value)));
        value
    }

    fn store(&'static self, engine: &dyn Engine, value: T) -> Rc<T> {
        let value = Rc::new(value);
        let drops = std::mem::needs_drop::<T>();
        // As in std, if making the value made one already, the later one counts.
        drop(locals::store(engine, self.key(), Rc::<T>::clone(&value), drops));
        value
    }

    fn typed(&'static self, value: Rc<dyn std::any::Any>) -> Rc<T> {
        value.downcast().expect("a key holds values of its type")
    }

    /// Replace the value by means of `change`; if there is none, `value` becomes it as it is. In a model or a
    /// goroutine only.
    fn set_with(&'static self, value: T, change: impl FnOnce(&T, T)) {
        if let Some(engine) = port::model() {
            match locals::find(engine, self.key()) {
                Found::Value(found) => change(&*self.typed(found), value),
                Found::Destroyed => panic!("{DESTROYED}"),
                Found::Absent => drop(self.store(engine, value)),
            }
            return;
        }
        match goroutine::find(self.key()) {
            goroutine::Local::Value(found) => change(&*self.typed(found), value),
            goroutine::Local::Destroyed => panic!("{DESTROYED}"),
            goroutine::Local::Absent => drop(self.keep(value)),
        }
    }

    /// Whether the values are here, and not std's.
    fn is_ours() -> bool {
        port::model().is_some() || wait::is_goroutine()
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    /// Set the value; its initialiser does not run.
    pub fn set(&'static self, value: T) {
        if Self::is_ours() {
            self.set_with(Cell::new(value), |cell, value| cell.set(value.into_inner()));
        } else {
            self.plain.set(value);
        }
    }

    /// A copy of the value.
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// Take the value and leave the default.
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// Set the value and give the one before.
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    /// Read the value in place.
    ///
    /// # Panics
    /// If it is borrowed mutably.
    pub fn with_borrow<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.with(|cell| f(&cell.borrow()))
    }

    /// Change the value in place.
    ///
    /// # Panics
    /// If it is borrowed.
    pub fn with_borrow_mut<R>(&'static self, f: impl FnOnce(&mut T) -> R) -> R {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }

    /// Set the value; its initialiser does not run.
    ///
    /// # Panics
    /// If it is borrowed.
    pub fn set(&'static self, value: T) {
        if Self::is_ours() {
            self.set_with(RefCell::new(value), |cell, value| {
                cell.replace(value.into_inner());
            });
        } else {
            self.plain.set(value);
        }
    }

    /// Take the value and leave the default.
    ///
    /// # Panics
    /// If it is borrowed.
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(RefCell::take)
    }

    /// Set the value and give the one before.
    ///
    /// # Panics
    /// If it is borrowed.
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

/// Declare goroutine-locals: as [`thread_local!`](crate::thread_local), of which it is another name.
///
/// Each goroutine has its own value, made when it first uses it and dropped by it when it ends; it goes along
/// where goroutines change threads, and threads that run several goroutines keep the values apart. So it holds
/// across waits what `std::thread_local!` does not: with that one, goroutines that share a thread share the value,
/// and one that changes threads finds another's. In an async task a value lasts for one poll.
///
/// # Examples
/// ```
/// use selvedge::{chan, go};
/// use std::cell::RefCell;
///
/// selvedge::goroutine_local! {
///     static REQUEST: RefCell<String> = RefCell::new(String::new());
/// }
///
/// let (tx, rx) = chan::<()>(0);
/// let handler = go(move || {
///     REQUEST.set("GET /".into());
///     rx.recv(); // others run here, or this goes on elsewhere
///     REQUEST.take()
/// });
/// REQUEST.set("mine".into());
/// tx.send(());
/// assert_eq!(handler.join().unwrap(), "GET /");
/// ```
#[macro_export]
macro_rules! goroutine_local {
    ($($declarations:tt)*) => {
        $crate::thread_local! { $($declarations)* }
    };
}

/// Declare thread-locals, as `std::thread_local!` does: each goroutine has its own value, made when
/// it first uses it and dropped when it ends.
///
/// # Examples
/// ```
/// use std::cell::Cell;
///
/// selvedge::thread_local! {
///     static DEPTH: Cell<u32> = const { Cell::new(0) };
/// }
///
/// DEPTH.set(1);
/// assert_eq!(selvedge::thread::spawn(|| DEPTH.get()).join().unwrap(), 0);
/// ```
#[macro_export]
macro_rules! thread_local {
    () => {};
    ($(#[$attr:meta])* $vis:vis static $name:ident : $t:ty = $init:expr; $($rest:tt)*) => {
        $crate::thread_local!($(#[$attr])* $vis static $name: $t = $init);
        $crate::thread_local!($($rest)*);
    };
    ($(#[$attr:meta])* $vis:vis static $name:ident : $t:ty = $init:expr) => {
        $(#[$attr])*
        $vis static $name: $crate::thread::LocalKey<$t> = {
            fn __selvedge_init() -> $t {
                $init
            }
            ::std::thread_local! {
                static __SELVEDGE_PLAIN: $t = __selvedge_init();
            }
            $crate::thread::LocalKey::__new(__SELVEDGE_PLAIN, __selvedge_init)
        };
    };
}
