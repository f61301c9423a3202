//! Small futures: give way once, and the first of two.

use crate::port;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Let others go first: one poll that is pending, and at once woken.
///
/// # Examples
/// ```
/// selvedge::future::block_on(selvedge::future::yield_now());
/// ```
pub fn yield_now() -> YieldNow {
    YieldNow { gave_way: false }
}

/// What [`yield_now`] gives.
#[derive(Debug)]
#[must_use = "a future does nothing unless awaited"]
pub struct YieldNow {
    gave_way: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.gave_way, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// What the first of two futures gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Either<A, B> {
    /// The first one was ready.
    Left(A),
    /// The second one was ready.
    Right(B),
}

/// What [`select`] gives.
#[derive(Debug)]
#[must_use = "a future does nothing unless awaited"]
pub struct Select<A, B> {
    a: A,
    b: B,
    /// Whether the second is looked at first, next time.
    second_first: bool,
}

/// Wait for the first of two futures. The other is dropped with the select: whatever it had begun ends there, so it
/// had better be one that loses nothing by that (it is given by reference, pinned, to keep it).
///
/// Where both are ready either may be taken: in turn outside of models, in a model both are tried.
///
/// # Examples
/// ```
/// use selvedge::future::{self, Either};
/// use std::time::Duration;
/// let first = future::select(async { 1 }, future::sleep(Duration::from_secs(60)));
/// assert_eq!(future::block_on(first), Either::Left(1));
/// ```
pub fn select<A: Future, B: Future>(a: A, b: B) -> Select<A, B> {
    Select { a, b, second_first: false }
}

impl<A: Future, B: Future> Future for Select<A, B> {
    type Output = Either<A::Output, B::Output>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: both are pinned with the select, which never moves them.
        let (mut a, mut b, flag) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.a), Pin::new_unchecked(&mut this.b), &mut this.second_first)
        };
        *flag = !*flag;
        let second_first = if port::model().is_some() { crate::choose(2) == 1 } else { !*flag };
        if second_first {
            if let Poll::Ready(value) = b.as_mut().poll(cx) {
                return Poll::Ready(Either::Right(value));
            }
            return a.as_mut().poll(cx).map(Either::Left);
        }
        if let Poll::Ready(value) = a.as_mut().poll(cx) {
            return Poll::Ready(Either::Left(value));
        }
        b.as_mut().poll(cx).map(Either::Right)
    }
}
