//! What each goroutine of a model keeps for itself: the storage behind `thread_local!`.
//!
//! All goroutines of an execution run on one OS thread, so one table a thread holds them all.
//! Invariants: a value is found only by the goroutine that stored it, in the execution in which it
//! did; values are dropped by that goroutine when it ends, youngest first, and those of a goroutine
//! whose stack was abandoned are never dropped. User code never runs while the table is borrowed.

use super::{Engine, Epoch};
#[cfg(feature = "check")]
use selvedge_checkers::ids::Gid;
use std::any::Any;
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::rc::Rc;

/// A value under the address of its key.
struct Entry {
    key: usize,
    /// `None` once it has been dropped.
    value: Option<Rc<dyn Any>>,
    /// Whether dropping it does anything; if not it lives as long as its goroutine.
    #[cfg_attr(not(feature = "check"), allow(dead_code, reason = "only a model stores anything"))]
    drops: bool,
}

/// The values of one goroutine.
struct Store {
    epoch: Epoch,
    entries: Vec<Entry>,
}

/// What a look-up finds.
pub(crate) enum Found {
    Value(Rc<dyn Any>),
    Absent,
    Destroyed,
}

thread_local! {
    /// By goroutine. Never dropped: what is left in it outlived its execution.
    static STORES: RefCell<ManuallyDrop<Vec<Store>>> = const { RefCell::new(ManuallyDrop::new(Vec::new())) };
}

/// Use the entries of the running goroutine.
fn with_entries<R>(engine: &dyn Engine, f: impl FnOnce(&mut Vec<Entry>) -> R) -> R {
    let (epoch, g) = (engine.epoch(), engine.running());
    STORES.with_borrow_mut(|stores| {
        while stores.len() <= g.index() {
            stores.push(Store { epoch, entries: Vec::new() });
        }
        let store = &mut stores[g.index()];
        if store.epoch != epoch {
            // Of a goroutine that never came to its end; its values may still be in use by a stack
            // that was abandoned, and belong to a world that is gone.
            store.entries.drain(..).for_each(std::mem::forget);
            store.epoch = epoch;
        }
        f(&mut store.entries)
    })
}

/// The running goroutine's value.
pub(crate) fn find(engine: &dyn Engine, key: usize) -> Found {
    with_entries(engine, |entries| match entries.iter().find(|e| e.key == key) {
        None => Found::Absent,
        Some(Entry { value: None, .. }) => Found::Destroyed,
        Some(Entry { value: Some(value), .. }) => Found::Value(Rc::clone(value)),
    })
}

/// Store a value for the running goroutine; gives the one that was there.
pub(crate) fn store(engine: &dyn Engine, key: usize, value: Rc<dyn Any>, drops: bool) -> Option<Rc<dyn Any>> {
    with_entries(engine, |entries| match entries.iter_mut().find(|e| e.key == key) {
        Some(entry) => entry.value.replace(value),
        None => {
            entries.push(Entry { key, value: Some(value), drops });
            None
        }
    })
}

/// Whether there may be something for goroutine `g` to [`destroy`].
#[cfg(feature = "check")]
#[inline]
pub(crate) fn any(g: Gid) -> bool {
    STORES.with_borrow(|stores| stores.get(g.index()).is_some_and(|store| !store.entries.is_empty()))
}

/// Drop the running goroutine's values; called once, when its body has ended.
///
/// # Panics
/// If a destructor does, after the others have run.
#[cfg(feature = "check")]
pub(crate) fn destroy() {
    let mut panicked = None;
    let next = |entries: &mut Vec<Entry>| {
        let found = entries.iter_mut().rev().find(|e| e.drops && e.value.is_some());
        found.and_then(|e| e.value.take())
    };
    while let Some(value) = super::with(|engine| with_entries(engine, next)) {
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(value)));
        panicked = panicked.or(dropped.err());
    }
    super::with(|engine| with_entries(engine, Vec::clear));
    if let Some(payload) = panicked {
        std::panic::resume_unwind(payload);
    }
}
