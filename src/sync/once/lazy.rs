//! A value that is computed when it is first used: `std::sync::LazyLock`.

use super::Once;
use super::slot::Slot;
use selvedge_checkers::ids::SiteRef;
use std::fmt;
use std::ops::Deref;
use std::panic::Location;

/// A value that is computed when it is first used.
///
/// As with [`OnceLock`](super::OnceLock), each execution of a model computes it anew. Deviation
/// from std: for that reason the initialiser must be callable more than once (`Fn`), and sharable.
///
/// # Examples
/// ```
/// static TABLE: selvedge::sync::LazyLock<Vec<u32>> = selvedge::sync::LazyLock::new(|| (0..9).collect());
/// assert_eq!(TABLE.len(), 9);
/// ```
pub struct LazyLock<T, F = fn() -> T> {
    once: Once,
    slot: Slot<T>,
    init: F,
}

impl<T, F: Fn() -> T> LazyLock<T, F> {
    /// A value that `f` computes.
    #[must_use]
    #[track_caller]
    pub const fn new(f: F) -> LazyLock<T, F> {
        LazyLock { once: Once::at(Location::caller()), slot: Slot::new(), init: f }
    }

    /// The value; computed if it was not yet, while others wait.
    ///
    /// # Panics
    /// If the initialiser does, and "LazyLock instance has previously been poisoned" ever after.
    #[track_caller]
    pub fn force(this: &LazyLock<T, F>) -> &T {
        let site = Location::caller();
        this.slot.get_plain().unwrap_or_else(|| this.compute(site))
    }

    #[cold]
    fn compute(&self, site: SiteRef) -> &T {
        self.once.run(site, |state| {
            assert!(!state.is_poisoned(), "LazyLock instance has previously been poisoned");
            self.slot.put((self.init)());
        });
        self.slot.get().expect("an initialised value is there")
    }
}

impl<T, F: Fn() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    #[track_caller]
    fn deref(&self) -> &T {
        LazyLock::force(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    #[track_caller]
    fn default() -> LazyLock<T> {
        LazyLock::new(T::default)
    }
}

impl<T, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyLock").finish_non_exhaustive()
    }
}
