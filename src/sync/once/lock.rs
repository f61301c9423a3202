//! A cell that is written once: `std::sync::OnceLock`.

use super::Once;
use super::slot::Slot;
use selvedge_checkers::ids::SiteRef;
use std::fmt;
use std::panic::Location;

/// A cell that is written once.
///
/// Each execution of a model finds it empty, also if it is a static or was set before the model
/// began; a value set in an execution is for that execution. References to it stay valid, so the
/// value of a static is leaked, once an execution.
///
/// # Examples
/// ```
/// static NAME: selvedge::sync::OnceLock<String> = selvedge::sync::OnceLock::new();
/// assert_eq!(NAME.get_or_init(|| "first".to_owned()), "first");
/// assert!(NAME.set("second".to_owned()).is_err());
/// ```
pub struct OnceLock<T> {
    once: Once,
    slot: Slot<T>,
}

impl<T> OnceLock<T> {
    /// An empty cell.
    #[must_use]
    #[track_caller]
    pub const fn new() -> OnceLock<T> {
        OnceLock::at(Location::caller())
    }

    pub(super) const fn at(site: SiteRef) -> OnceLock<T> {
        OnceLock { once: Once::at(site), slot: Slot::new() }
    }

    /// The value, if there is one. Does not wait for who is about to set it.
    #[track_caller]
    pub fn get(&self) -> Option<&T> {
        let site = Location::caller();
        self.slot.get_plain().or_else(|| if self.once.peek(site) { self.slot.get() } else { None })
    }

    /// The value; wait until somebody sets it.
    #[track_caller]
    pub fn wait(&self) -> &T {
        let site = Location::caller();
        self.slot.get_plain().unwrap_or_else(|| {
            self.once.wait_at(true, site);
            self.slot.get().expect("an initialised cell has a value")
        })
    }

    /// The value, to change it.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.slot.get_mut()
    }

    /// Set the value; wait for who is about to set it.
    ///
    /// # Errors
    /// Gives `value` back if the cell has one already.
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.init(|| value.take().expect("an initialiser runs once"), Location::caller());
        value.map_or(Ok(()), Err)
    }

    /// The value; if there is none, the one `f` gives. Others wait meanwhile.
    ///
    /// Asking again from inside `f` is a deadlock. If `f` panics the cell stays empty, and the next
    /// one to ask runs its own `f`.
    #[track_caller]
    pub fn get_or_init<F: FnOnce() -> T>(&self, f: F) -> &T {
        self.get_or_init_at(f, Location::caller())
    }

    pub(super) fn get_or_init_at(&self, f: impl FnOnce() -> T, site: SiteRef) -> &T {
        self.slot.get_plain().unwrap_or_else(|| self.init(f, site))
    }

    fn init(&self, f: impl FnOnce() -> T, site: SiteRef) -> &T {
        self.once.run(site, |_| self.slot.put(f()));
        self.slot.get().expect("an initialised cell has a value")
    }

    /// Take the value out; the cell is empty again.
    pub fn take(&mut self) -> Option<T> {
        let site = self.once.created();
        std::mem::replace(self, OnceLock::at(site)).into_inner()
    }

    /// Take the value out.
    pub fn into_inner(mut self) -> Option<T> {
        self.slot.take()
    }
}

impl<T> Default for OnceLock<T> {
    #[track_caller]
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}

impl<T> From<T> for OnceLock<T> {
    #[track_caller]
    fn from(value: T) -> OnceLock<T> {
        let cell = OnceLock::new();
        assert!(cell.set(value).is_ok(), "a new cell is empty");
        cell
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    #[track_caller]
    fn clone(&self) -> OnceLock<T> {
        match self.get() {
            Some(value) => OnceLock::from(value.clone()),
            None => OnceLock::new(),
        }
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    #[track_caller]
    fn eq(&self, other: &OnceLock<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceLock<T> {}

impl<T> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceLock").finish_non_exhaustive()
    }
}
