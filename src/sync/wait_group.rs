//! Wait groups.

use crate::objects::wait_group::WgState;
use crate::objects::{Op, State};
use crate::port::{self, Object};
use selvedge_checkers::ids::ObjId;
use std::panic::Location;
use std::sync::Arc;

/// Waits for a collection of goroutines to finish: Go's `sync.WaitGroup`.
///
/// Clones are the same wait group.
///
/// # Examples
/// ```
/// let wg = selvedge::sync::WaitGroup::new();
/// for _ in 0..3 {
///     wg.go(|| {});
/// }
/// wg.wait();
/// ```
#[derive(Clone, Debug)]
pub struct WaitGroup(Arc<Object>);

impl WaitGroup {
    /// A wait group whose counter is 0.
    #[track_caller]
    pub fn new() -> WaitGroup {
        WaitGroup(Arc::new(Object::new()))
    }

    fn id(&self, engine: &dyn port::Engine) -> ObjId {
        self.0.id(engine, || State::WaitGroup(WgState::default()))
    }

    /// Add `delta`, which may be negative, to the counter. At 0 the waiters are released.
    ///
    /// # Panics
    /// "sync: negative WaitGroup counter".
    #[track_caller]
    pub fn add(&self, delta: i32) {
        let site = Location::caller();
        port::with(|engine| engine.op(Op::WaitGroupAdd { wg: self.id(engine), delta }, site));
    }

    /// Take 1 from the counter.
    ///
    /// # Panics
    /// "sync: negative WaitGroup counter".
    #[track_caller]
    pub fn done(&self) {
        self.add(-1);
    }

    /// Wait until the counter is 0.
    ///
    /// # Panics
    /// "sync: WaitGroup is reused before previous Wait has returned".
    #[track_caller]
    pub fn wait(&self) {
        let site = Location::caller();
        port::with(|engine| engine.op(Op::WaitGroupWait(self.id(engine)), site));
    }

    /// Add 1 and start a goroutine that runs `f` and then takes 1 again: Go 1.25's
    /// `WaitGroup.Go`. If `f` panics the counter stays, and the panic ends the program.
    #[track_caller]
    pub fn go<F: FnOnce() + Send + 'static>(&self, f: F) {
        self.add(1);
        let wg = self.clone();
        let site = Location::caller();
        drop(crate::go::start(
            move || {
                f();
                wg.done();
            },
            None,
            site,
        ));
    }
}

impl Default for WaitGroup {
    #[track_caller]
    fn default() -> WaitGroup {
        WaitGroup::new()
    }
}
