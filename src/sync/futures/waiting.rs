//! The future of what a task waits for: outside of models in a native list, in a model by a goroutine in its place.

use super::elsewhere;
use crate::future::lookout::Patience;
use crate::objects::watch::Want;
use crate::port;
use pin_project_lite::pin_project;
use selvedge_checkers::ids::SiteRef;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// What a task may wait for.
pub(super) trait Awaited {
    /// What it keeps of its wait outside of models.
    type Wait;
    /// What it has in the end.
    type Output;

    /// Whether it has it, outside of models. If not, `waker` is called when it is worth another poll.
    fn poll(&self, wait: Pin<&Self::Wait>, waker: &Waker) -> bool;

    /// It does not wait any more, outside of models: what it was given meanwhile goes to the next.
    fn leave(&self, wait: Pin<&Self::Wait>);

    /// Take it, in a model; or what is to be waited for.
    fn take_in_model(&mut self, engine: &dyn port::Engine, site: SiteRef) -> Result<(), Want>;

    /// It does not wait any more, in a model.
    fn leave_model(&mut self, _: SiteRef) {}

    /// Its outcome.
    fn outcome(&self, site: SiteRef) -> Self::Output;
}

pin_project! {
    /// A task's wait.
    pub(super) struct Waiting<W: Awaited> {
        what: W,
        site: SiteRef,
        #[pin]
        way: Way<W::Wait>,
    }

    impl<W: Awaited> PinnedDrop for Waiting<W> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            match this.way.project() {
                WayProjection::Native { wait } => this.what.leave(wait.as_ref()),
                WayProjection::Model { .. } => this.what.leave_model(this.site),
            }
        }
    }
}

pin_project! {
    /// Where a task waits.
    #[project = WayProjection]
    enum Way<N> {
        Native { #[pin] wait: N },
        Model { patience: Patience },
    }
}

impl<W: Awaited> Waiting<W> {
    /// A task will wait; `wait` is for the list outside of models.
    #[track_caller]
    pub(super) fn new(what: W, wait: impl FnOnce() -> W::Wait) -> Waiting<W> {
        let way = match port::model() {
            Some(_) => Way::Model { patience: Patience::default() },
            None => Way::Native { wait: wait() },
        };
        Waiting { what, site: Location::caller(), way }
    }
}

impl<W: Awaited> Future for Waiting<W> {
    type Output = W::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<W::Output> {
        let this = self.project();
        let (what, site) = (this.what, *this.site);
        let taken = match (this.way.project(), port::model()) {
            (WayProjection::Native { wait }, None) => what.poll(wait.as_ref(), cx.waker()),
            (WayProjection::Model { patience }, Some(engine)) => {
                patience.is_over(cx.waker())
                    && what
                        .take_in_model(engine, site)
                        .map_err(|want| patience.begin(want, cx.waker(), site))
                        .is_ok()
            }
            _ => elsewhere(),
        };
        if taken { Poll::Ready(what.outcome(site)) } else { Poll::Pending }
    }
}

/// The future of a public name, with its documentation, and how it is printed.
macro_rules! future {
    ($(#[$doc:meta])* $name:ident<'a $(, $t:ident)?> of $what:ty => $output:ty) => {
        pin_project_lite::pin_project! {
            $(#[$doc])*
            #[must_use = "a future does nothing unless awaited"]
            pub struct $name<'a $(, $t)?> $(where $t: ?Sized)? {
                #[pin]
                waiting: Waiting<$what>,
            }
        }

        impl<'a $(, $t: ?Sized)?> Future for $name<'a $(, $t)?> {
            type Output = $output;

            fn poll(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<$output> {
                self.project().waiting.poll(cx)
            }
        }

        impl$(<$t: ?Sized>)? std::fmt::Debug for $name<'_ $(, $t)?> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}
pub(super) use future;
