//! What a goroutine keeps for itself: the storage behind `thread_local!` on goroutines.
//!
//! Invariants: a value is found only by the goroutine that stored it; values are dropped by that
//! goroutine when its body has ended, youngest first, and before it counts as ended. While a value is
//! in use it stays, since it is counted.

use super::g::G;
use super::m::current;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// The values of one goroutine.
#[derive(Default)]
pub(super) struct Locals {
    /// By the address of the key; `None` once dropped.
    entries: Vec<(usize, Option<Rc<dyn Any>>)>,
}

/// What a look-up finds.
pub(crate) enum Local {
    Value(Rc<dyn Any>),
    Absent,
    Destroyed,
}

/// Use the entries of `g`, the running goroutine; `f` runs no user code.
fn with<R>(g: &G, f: impl FnOnce(&mut Locals) -> R) -> R {
    let mut locals = g.locals.take().unwrap_or_default();
    let result = f(&mut locals);
    g.locals.set(Some(locals));
    result
}

/// The running goroutine's value.
///
/// # Panics
/// If this is no goroutine.
pub(crate) fn find(key: usize) -> Local {
    let g = current().expect("asked for on a goroutine only");
    with(g, |locals| match locals.entries.iter().find(|entry| entry.0 == key) {
        None => Local::Absent,
        Some((_, None)) => Local::Destroyed,
        Some((_, Some(value))) => Local::Value(Rc::clone(value)),
    })
}

/// Store a value for the running goroutine; gives the one that was there.
pub(crate) fn store(key: usize, value: Rc<dyn Any>) -> Option<Rc<dyn Any>> {
    let g = current().expect("asked for on a goroutine only");
    with(g, |locals| match locals.entries.iter_mut().find(|entry| entry.0 == key) {
        Some(entry) => entry.1.replace(value),
        None => {
            locals.entries.push((key, Some(value)));
            None
        }
    })
}

/// Drop the running goroutine's values, when its body has ended. Gives the first panic of a
/// destructor, after the others have run.
pub(crate) fn destroy() -> std::thread::Result<()> {
    let Some(g) = current() else { return Ok(()) };
    let Some(locals) = g.locals.take() else { return Ok(()) };
    g.locals.set(Some(locals));
    let mut outcome = Ok(());
    let youngest = |locals: &mut Locals| locals.entries.iter_mut().rev().find_map(|entry| entry.1.take());
    while let Some(value) = with(g, youngest) {
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(value)));
        outcome = outcome.and(dropped);
    }
    g.locals.set(None);
    outcome
}
