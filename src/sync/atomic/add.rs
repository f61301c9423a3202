//! Additions whose result nobody sees.
//!
//! `fetch_add` tells the value before, so the order of two of them can be seen, and a search has to try
//! both. Most counters do not want that value. Source: P3111 for C++, "atomic reduction operations", whose
//! rules these are. Invariant: an addition learns nothing from what it replaces, so additions to one
//! atomic commute, with all that they publish.

use super::Ordering;

/// Adding to an atomic without asking for the value before.
///
/// Under `memory = "sc"`, executions that differ only in the order of such additions are one: `n` threads
/// that count take one execution to prove, where `fetch_add` takes `n!`. Under C11 their order can be seen
/// by a load that reads an old value, so there they are as many as with `fetch_add`.
///
/// Every integer atomic has it, with the feature `check` and without, and so do std's own types. The rules are
/// those of C++'s P3111: an addition continues a release sequence, as `fetch_add` does, but it is no read: it
/// does not acquire, not even before a later acquire fence. In a model, what relies on that is a data race.
///
/// ```
/// use selvedge::sync::atomic::{AtomicAdd, AtomicUsize, Ordering};
///
/// let served = AtomicUsize::new(1);
/// served.add(2, Ordering::Relaxed);
/// served.sub(1, Ordering::Release);
/// assert_eq!(served.load(Ordering::Acquire), 2);
/// ```
pub trait AtomicAdd {
    /// What the atomic holds.
    type Value;

    /// Add, wrapping around.
    ///
    /// # Panics
    /// If `order` is `Acquire` or `AcqRel`: an addition reads nothing.
    fn add(&self, val: Self::Value, order: Ordering);

    /// Subtract, wrapping around.
    ///
    /// # Panics
    /// If `order` is `Acquire` or `AcqRel`: a subtraction reads nothing.
    fn sub(&self, val: Self::Value, order: Ordering);
}

/// An addition has the orderings of a store.
pub(super) fn check(order: Ordering) {
    match order {
        Ordering::Acquire => panic!("there is no such thing as an acquire addition"),
        Ordering::AcqRel => panic!("there is no such thing as an acquire-release addition"),
        _ => {}
    }
}

macro_rules! of_std {
    ($($name:ident $value:ident,)*) => {$(
        impl AtomicAdd for std::sync::atomic::$name {
            type Value = $value;

            fn add(&self, val: $value, order: Ordering) {
                check(order);
                self.fetch_add(val, order);
            }

            fn sub(&self, val: $value, order: Ordering) {
                check(order);
                self.fetch_sub(val, order);
            }
        }
    )*};
}

of_std! {
    AtomicI8 i8,
    AtomicI16 i16,
    AtomicI32 i32,
    AtomicI64 i64,
    AtomicIsize isize,
    AtomicU8 u8,
    AtomicU16 u16,
    AtomicU32 u32,
    AtomicU64 u64,
    AtomicUsize usize,
}
