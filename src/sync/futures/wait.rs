//! Waiting for a wait group as a task.

use super::{Way, elsewhere};
use crate::objects::watch::Want;
use crate::objects::{Op, Ret};
use crate::port;
use crate::sync::WaitGroup;
use crate::sync::native::GroupWait;
use crate::sync::wait_group::expect_well;
use selvedge_checkers::ids::SiteRef;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

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
        WaitAsync { group: self, site: Location::caller(), way: Way::new(GroupWait::in_list), began: false }
    }
}

/// What [`WaitGroup::wait_async`] gives.
#[must_use = "a future does nothing unless awaited"]
pub struct WaitAsync<'a> {
    group: &'a WaitGroup,
    site: SiteRef,
    way: Way<GroupWait>,
    /// In a model: it has waited.
    began: bool,
}

impl WaitAsync<'_> {
    fn poll_in_model(&mut self, engine: &dyn port::Engine, cx: &Context<'_>) -> bool {
        let Way::Model(patience) = &mut self.way else { elsewhere() };
        if !patience.is_over(cx.waker()) {
            return false;
        }
        let wg = self.group.id(engine);
        let released = std::mem::replace(&mut self.began, true);
        let zero = engine.op(Op::WaitGroupPeek { wg, released }, self.site) == Ret::Flag(true);
        if !zero {
            patience.begin(Want::Zero(wg), cx.waker(), self.site);
        }
        zero
    }
}

impl Future for WaitAsync<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the wait is pinned again below, and nothing else needs to be.
        let this = unsafe { self.get_unchecked_mut() };
        match (&mut this.way, port::model()) {
            (Way::Model(_), Some(engine)) => {
                if this.poll_in_model(engine, cx) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            }
            (Way::Native(wait), None) => {
                // SAFETY: it is pinned with the future.
                let wait = unsafe { Pin::new_unchecked(&*wait) };
                this.group.native().poll_wait(wait, cx.waker()).map_or(Poll::Pending, |ended| {
                    expect_well(ended);
                    Poll::Ready(())
                })
            }
            _ => elsewhere(),
        }
    }
}

impl Drop for WaitAsync<'_> {
    fn drop(&mut self) {
        // SAFETY: it is pinned with the future, and this is its end.
        if let Some(wait) = unsafe { self.way.native() } {
            self.group.native_of_past().leave(wait);
        }
    }
}

impl std::fmt::Debug for WaitAsync<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WaitAsync").finish_non_exhaustive()
    }
}
