//! Taking permits as a task.

use super::elsewhere;
use crate::future::lookout::{Proxy, is_over};
use crate::objects::{Op, Ret};
use crate::port;
use crate::sync::Semaphore;
use crate::sync::native::AcquireWait;
use selvedge_checkers::ids::{ObjId, SiteRef};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

impl Semaphore {
    /// Take `n` permits, as a task: [`Semaphore::acquire`] for futures. They are given back by
    /// [`Semaphore::release`].
    ///
    /// Permits are given in the order in which all asked for them, from the first poll on. If the future is dropped it
    /// has none; those that it was given already go to the next.
    ///
    /// # Examples
    /// ```
    /// use selvedge::{future, sync::{Arc, Semaphore}};
    /// let limit = Arc::new(Semaphore::new(2));
    /// let tasks: Vec<_> = (0..4)
    ///     .map(|_| {
    ///         let limit = Arc::clone(&limit);
    ///         future::spawn(async move {
    ///             limit.acquire_async(1).await;
    ///             future::yield_now().await;
    ///             limit.release(1);
    ///         })
    ///     })
    ///     .collect();
    /// tasks.into_iter().for_each(|task| task.join().unwrap());
    /// assert!(limit.try_acquire(2));
    /// ```
    #[track_caller]
    pub fn acquire_async(&self, n: u32) -> AcquireAsync<'_> {
        let way = if port::model().is_some() { Way::Model } else { Way::Native(AcquireWait::for_permits(n)) };
        AcquireAsync { semaphore: self, n, site: Location::caller(), way }
    }
}

/// What [`Semaphore::acquire_async`] gives.
#[must_use = "a future does nothing unless awaited"]
pub struct AcquireAsync<'a> {
    semaphore: &'a Semaphore,
    n: u32,
    site: SiteRef,
    way: Way,
}

enum Way {
    Native(AcquireWait),
    Model,
    /// A goroutine asks for the permits in place of the task; of the semaphore with this id.
    Asked(ObjId, Proxy<bool>),
    Done,
}

impl AcquireAsync<'_> {
    fn poll_in_model(&mut self, engine: &dyn port::Engine, cx: &Context<'_>) -> bool {
        let (sem, n, site) = (self.semaphore.id(engine), self.n, self.site);
        let taken = match &self.way {
            Way::Asked(_, proxy) => proxy.poll(cx.waker()).is_some(),
            _ => engine.op(Op::TryAcquire { sem, n }, site) == Ret::Flag(true),
        };
        if taken {
            self.way = Way::Done;
        } else if matches!(self.way, Way::Model) && n <= self.semaphore.size() {
            let ask = move || port::with(|engine| engine.op(Op::Acquire { sem, n }, site)) == Ret::Flag(true);
            self.way = Way::Asked(sem, Proxy::start(cx.waker(), site, ask));
        }
        taken
    }
}

impl Future for AcquireAsync<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the wait is pinned again below, and nothing else needs to be.
        let this = unsafe { self.get_unchecked_mut() };
        let taken = match (&mut this.way, port::model()) {
            (Way::Native(wait), None) => {
                // SAFETY: it is pinned with the future.
                let wait = unsafe { Pin::new_unchecked(&*wait) };
                this.semaphore.native().poll_acquire(wait, this.semaphore.size(), cx.waker())
            }
            (Way::Model | Way::Asked(..), Some(engine)) => this.poll_in_model(engine, cx),
            _ => elsewhere(),
        };
        if taken { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for AcquireAsync<'_> {
    fn drop(&mut self) {
        match &self.way {
            Way::Native(wait) => {
                // SAFETY: it is pinned with the future, and this is its end.
                let wait = unsafe { Pin::new_unchecked(wait) };
                self.semaphore.native_of_past().leave(wait, self.semaphore.size());
            }
            &Way::Asked(sem, ref proxy) if !is_over() => {
                let cancel = || {
                    let op = Op::CancelAcquire { sem, g: proxy.goroutine() };
                    port::with(|engine| engine.op(op, self.site));
                };
                if proxy.end(self.site, cancel) == Some(true) {
                    self.semaphore.release(self.n);
                }
            }
            _ => {}
        }
    }
}

impl std::fmt::Debug for AcquireAsync<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcquireAsync").field("n", &self.n).finish_non_exhaustive()
    }
}
