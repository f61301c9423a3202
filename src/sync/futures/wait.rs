//! Waiting for a wait group as a task.

use super::waiting::{Awaited, Waiting, future};
use crate::objects::watch::Want;
use crate::objects::{Op, Ret};
use crate::port;
use crate::sync::WaitGroup;
use crate::sync::native::GroupWait;
use crate::sync::wait_group::expect_well;
use selvedge_checkers::ids::SiteRef;
use std::pin::Pin;
use std::task::Waker;

impl WaitGroup {
    /// Wait until the counter is 0, as a task: [`WaitGroup::wait`] for futures.
    ///
    /// # Panics
    /// The future: "sync: WaitGroup is reused before previous Wait has returned", if the counter was 0 and is raised
    /// again before the future is polled.
    ///
    /// # Examples
    /// ```
    /// use selvedge::{future, sync::WaitGroup};
    /// let wg = WaitGroup::new();
    /// for _ in 0..3 {
    ///     wg.go(|| {});
    /// }
    /// future::block_on(wg.wait_async());
    /// ```
    #[track_caller]
    pub fn wait_async(&self) -> WaitAsync<'_> {
        WaitAsync { waiting: Waiting::new(Zero { group: self, began: false }, GroupWait::in_list) }
    }
}

future! {
    /// What [`WaitGroup::wait_async`] gives.
    WaitAsync<'a> of Zero<'a> => ()
}

struct Zero<'a> {
    group: &'a WaitGroup,
    /// In a model: it has waited.
    began: bool,
}

impl Awaited for Zero<'_> {
    type Wait = GroupWait;
    type Output = ();

    fn poll(&self, wait: Pin<&GroupWait>, waker: &Waker) -> bool {
        self.group.native().poll_wait(wait, waker).map(expect_well).is_some()
    }

    fn leave(&self, wait: Pin<&GroupWait>) {
        self.group.native_of_past().leave(wait);
    }

    fn take_in_model(&mut self, engine: &dyn port::Engine, site: SiteRef) -> Result<(), Want> {
        let wg = self.group.id(engine);
        let released = std::mem::replace(&mut self.began, true);
        let zero = engine.op(Op::WaitGroupPeek { wg, released }, site) == Ret::Flag(true);
        if zero { Ok(()) } else { Err(Want::Zero(wg)) }
    }

    fn outcome(&self, _: SiteRef) {}
}
