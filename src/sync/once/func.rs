//! Functions that run once: Go's `sync.OnceFunc` and `sync.OnceValue`.
//!
//! Invariant: all callers see one outcome, be it a value or a panic.

use super::OnceLock;
use std::any::Any;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, panic_any, resume_unwind};
use std::sync::{Mutex, PoisonError};

/// What a panic was about, as far as it can be told more than once.
enum Panicked {
    Text(&'static str),
    Owned(String),
    Other,
}

impl Panicked {
    fn new(payload: &(dyn Any + Send)) -> Panicked {
        match (payload.downcast_ref::<&'static str>(), payload.downcast_ref::<String>()) {
            (Some(text), _) => Panicked::Text(text),
            (_, Some(text)) => Panicked::Owned(text.clone()),
            _ => Panicked::Other,
        }
    }

    #[track_caller]
    fn again(&self) -> ! {
        match self {
            Panicked::Text(text) => panic_any(*text),
            Panicked::Owned(text) => panic_any(text.clone()),
            Panicked::Other => panic!("the function of a once_func or once_value panicked"),
        }
    }
}

/// A function that runs `f` when it is first called, and does nothing when it is called again.
/// Concurrent callers wait for the first.
///
/// # Panics
/// If `f` panics, every call of the function does, with the same message. (A panic value that is no
/// text is for the first caller alone; the others get a text.)
///
/// # Examples
/// ```
/// let setup = selvedge::sync::once_func(|| {});
/// setup();
/// setup();
/// ```
#[track_caller]
pub fn once_func<F>(f: F) -> impl Fn() + Send + Sync
where
    F: FnOnce() + Send,
{
    once_value(f)
}

/// A function that gives the value of `f`, which runs when the function is first called. Concurrent
/// callers wait for the first.
///
/// # Panics
/// If `f` panics, every call of the function does, as with [`once_func`].
///
/// # Examples
/// ```
/// let answer = selvedge::sync::once_value(|| 42);
/// assert_eq!((answer(), answer()), (42, 42));
/// ```
#[track_caller]
pub fn once_value<T, F>(f: F) -> impl Fn() -> T + Send + Sync
where
    F: FnOnce() -> T + Send,
    T: Clone + Send + Sync,
{
    let site = Location::caller();
    let outcome = OnceLock::at(site);
    let f = Mutex::new(Some(f));
    move || {
        let mut first = None;
        let run = || {
            let f = f.lock().unwrap_or_else(PoisonError::into_inner).take();
            let f = f.expect("selvedge: this function ran in another execution and can run only once");
            catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
                let panicked = Panicked::new(&*payload);
                first = Some(payload);
                panicked
            })
        };
        let outcome = outcome.get_or_init_at(run, site);
        match (outcome, first) {
            (Ok(value), _) => value.clone(),
            // The panic itself, or whatever else unwound the function, goes on.
            (Err(_), Some(payload)) => resume_unwind(payload),
            (Err(panicked), None) => panicked.again(),
        }
    }
}
