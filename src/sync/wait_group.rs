//! Wait groups.

use super::native::{Ended, RawWaitGroup};
use super::why;
use crate::chan::misused;
use crate::objects::wait_group::WgState;
use crate::objects::{Misuse, Op, State};
use crate::port::{self, Object};
use selvedge_checkers::ids::{ObjId, SiteRef};
use selvedge_checkers::op::WaitReason;
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
pub struct WaitGroup(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    object: Object,
    native: RawWaitGroup,
}

impl WaitGroup {
    /// A wait group whose counter is 0.
    #[track_caller]
    pub fn new() -> WaitGroup {
        WaitGroup(Arc::new(Shared { object: Object::new(), native: RawWaitGroup::new() }))
    }

    pub(super) fn id(&self, engine: &dyn port::Engine) -> ObjId {
        self.0.object.id(engine, || State::WaitGroup(WgState::default()))
    }

    /// The wait group outside of models.
    #[inline]
    pub(super) fn native(&self) -> &RawWaitGroup {
        self.0.object.outside();
        &self.0.native
    }

    /// The same, for who waited there, also while an execution uses it.
    pub(super) fn native_of_past(&self) -> &RawWaitGroup {
        &self.0.native
    }

    /// Add `delta`, which may be negative, to the counter. At 0 the waiters are released.
    ///
    /// # Panics
    /// "sync: negative WaitGroup counter"; outside of a model also "sync: WaitGroup misuse: Add called
    /// concurrently with Wait", where it is met.
    #[track_caller]
    #[inline]
    pub fn add(&self, delta: i32) {
        let site = Location::caller();
        match port::model() {
            Some(engine) => _ = engine.op(Op::WaitGroupAdd { wg: self.id(engine), delta }, site),
            None => expect_well(self.native().add(delta)),
        }
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
        let site: SiteRef = Location::caller();
        match port::model() {
            Some(engine) => _ = engine.op(Op::WaitGroupWait(self.id(engine)), site),
            None => expect_well(self.native().wait(why(WaitReason::WaitGroup, &*self.0, site))),
        }
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

/// Panic as Go does.
#[inline]
#[track_caller]
pub(super) fn expect_well(ended: Ended) {
    match ended {
        Ended::Well => {}
        Ended::Negative => misused(Misuse::NegativeWaitGroup),
        Ended::Reused => misused(Misuse::WaitGroupReused),
        Ended::AddedWhileWaiting => panic!("sync: WaitGroup misuse: Add called concurrently with Wait"),
    }
}

impl Default for WaitGroup {
    #[track_caller]
    fn default() -> WaitGroup {
        WaitGroup::new()
    }
}
