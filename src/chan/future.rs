//! Sending and receiving for async tasks.
//!
//! Invariants: a future that receives takes a message when it is ready with it, and not before; one that
//! sends owns its message until that was taken. Outside of models the channel itself knows who waits
//! (`native::future`); in a model a goroutine waits in place of the task (`future::lookout`).

use super::native::Wait;
use super::{Core, Misuse, Place, Receiver, Sender, TryRecvError, misused, pair};
use crate::future::lookout::{Patience, Proxy, is_over};
use crate::objects::watch::Want;
use crate::objects::{Arm, Ret};
use crate::port::{self, SelectForm};
use selvedge_checkers::ids::SiteRef;
use std::cell::UnsafeCell;
use std::fmt;
use std::mem::MaybeUninit;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

impl<T> Receiver<T> {
    /// Receive a message, as a task: [`Receiver::recv`] for futures. `None` once the channel is closed and drained.
    ///
    /// The future may be dropped at any time, as `select` and `timeout` do: it has taken a message only if it was
    /// ready with it.
    ///
    /// Tasks and goroutines that wait are served in the order they came. On an unbuffered channel goroutines that
    /// wait go first, and `try_send` does not find tasks that do: a task is there only while it is polled.
    ///
    /// # Examples
    /// ```
    /// use selvedge::future;
    /// let (tx, rx) = selvedge::chan(0);
    /// let sum = future::spawn(async move {
    ///     let mut sum = 0;
    ///     while let Some(n) = rx.recv_async().await {
    ///         sum += n;
    ///     }
    ///     sum
    /// });
    /// for n in 1..=3 {
    ///     tx.send(n);
    /// }
    /// tx.close();
    /// assert_eq!(sum.join().unwrap(), 6);
    /// ```
    #[track_caller]
    pub fn recv_async(&self) -> RecvAsync<'_, T> {
        let way = match self.core().map(Core::place) {
            None => Receiving::Nil,
            Some(Place::Native(_)) => Receiving::Native(Wait::of_task()),
            Some(Place::Model(_)) => Receiving::Model(Patience::default()),
        };
        RecvAsync { channel: self, site: Location::caller(), way }
    }
}

/// What [`Receiver::recv_async`] gives.
#[must_use = "a future does nothing unless awaited"]
pub struct RecvAsync<'a, T> {
    channel: &'a Receiver<T>,
    site: SiteRef,
    way: Receiving,
}

/// Where a task waits to receive.
enum Receiving {
    Nil,
    Native(Wait),
    Model(Patience),
}

impl<T> Future for RecvAsync<'_, T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        // SAFETY: the wait of a native channel is pinned again below, and nothing else needs to be.
        let this = unsafe { self.get_unchecked_mut() };
        match (&mut this.way, this.channel.core().map(Core::place)) {
            (Receiving::Native(wait), Some(Place::Native(channel))) => {
                // SAFETY: it is pinned with the future.
                channel.poll_recv(unsafe { Pin::new_unchecked(wait) }, cx.waker())
            }
            (Receiving::Model(patience), Some(Place::Model(channel))) => {
                if !patience.is_over(cx.waker()) {
                    return Poll::Pending;
                }
                match channel.try_recv(this.site) {
                    Ok(message) => Poll::Ready(Some(message)),
                    Err(TryRecvError::Closed) => Poll::Ready(None),
                    Err(TryRecvError::Empty) => {
                        patience.begin(Want::Receive(channel.id()), cx.waker(), this.site);
                        Poll::Pending
                    }
                }
            }
            _ => Poll::Pending,
        }
    }
}

impl<T> Drop for RecvAsync<'_, T> {
    fn drop(&mut self) {
        if let (Receiving::Native(wait), Some(core)) = (&mut self.way, self.channel.core()) {
            // SAFETY: it is pinned with the future, and this is its end.
            core.native().leave_recv(unsafe { Pin::new_unchecked(wait) });
        }
    }
}

impl<T> Sender<T> {
    /// Send a message, as a task: [`Sender::send`] for futures.
    ///
    /// The message is offered from the first poll on, and whoever receives takes it from the future. So if the
    /// future is dropped before it was ready, the message was either received or is dropped with it;
    /// [`SendAsync::take_back`] tells which.
    ///
    /// # Panics
    /// The future: "send on closed channel" if the channel is closed, now or while it waits.
    ///
    /// # Examples
    /// ```
    /// use selvedge::future;
    /// let (tx, rx) = selvedge::chan(1);
    /// let producer = future::spawn(async move {
    ///     for n in 0..3 {
    ///         tx.send_async(n).await;
    ///     }
    ///     tx.close();
    /// });
    /// assert_eq!(rx.iter().sum::<i32>(), 3);
    /// producer.join().unwrap();
    /// ```
    #[track_caller]
    pub fn send_async(&self, value: T) -> SendAsync<'_, T> {
        let way = match self.core().map(Core::place) {
            None => Sending::Nil,
            Some(Place::Native(_)) => Sending::Native(Wait::of_task()),
            Some(Place::Model(_)) => Sending::Model(None),
        };
        let message = UnsafeCell::new(MaybeUninit::new(value));
        SendAsync { channel: self, site: Location::caller(), way, message, holds: true }
    }
}

/// What [`Sender::send_async`] gives.
#[must_use = "a future does nothing unless awaited"]
pub struct SendAsync<'a, T> {
    channel: &'a Sender<T>,
    site: SiteRef,
    way: Sending,
    /// The message while this holds it, or offers it outside of models.
    message: UnsafeCell<MaybeUninit<T>>,
    holds: bool,
}

// SAFETY: the message moves with the future or to who receives it, which `T: Send` allows; the rest
// says itself how it is shared.
unsafe impl<T: Send> Sync for SendAsync<'_, T> {}

/// Where a task waits to send.
enum Sending {
    Nil,
    Native(Wait),
    /// Once it waits.
    Model(Option<Offer>),
}

/// A goroutine that offers a message of a model in place of a future, under this ticket.
struct Offer {
    ticket: u32,
    proxy: Proxy<Ret>,
    /// To be closed when the future is gone.
    cancel: Sender<()>,
}

impl Offer {
    fn new<T>(channel: &super::model::Channel<T>, value: T, cx: &Context<'_>, site: SiteRef) -> Offer {
        let (ch, ticket) = (channel.id(), channel.put(value));
        let (cancel, cancelled) = pair::<()>(Core::signal(site));
        let wait = move || {
            let given_up = cancelled.id_here().expect("made in this execution");
            // A biased one, so that nothing is sent for a future that is gone.
            let arms = [Arm::Receive(given_up), Arm::Send(ch, ticket)];
            let form = SelectForm { biased: true, quiet: true, ..SelectForm::default() };
            port::with(|engine| engine.select(&arms, form, site))
        };
        Offer { ticket, proxy: Proxy::start(cx.waker(), site, wait), cancel }
    }
}

/// Whether an offer was accepted.
fn accepted(ret: Ret) -> bool {
    matches!(ret, Ret::Arm { arm: 1, .. })
}

impl<T> SendAsync<'_, T> {
    /// End the sending; gives the message unless it has been received.
    ///
    /// # Examples
    /// ```
    /// use selvedge::future::{self, Either};
    /// use selvedge::time::MILLISECOND;
    /// use std::pin::pin;
    ///
    /// let (tx, _rx) = selvedge::chan(0);
    /// let mut sending = pin!(tx.send_async("hello"));
    /// let first = future::select(sending.as_mut(), future::sleep(MILLISECOND));
    /// assert!(matches!(future::block_on(first), Either::Right(())));
    /// assert_eq!(sending.take_back(), Some("hello"));
    /// ```
    pub fn take_back(self: Pin<&mut Self>) -> Option<T> {
        // SAFETY: what is pinned, the wait and the message, is moved only once nobody else can reach it.
        unsafe { self.get_unchecked_mut() }.withdraw()
    }

    /// As [`SendAsync::take_back`].
    fn withdraw(&mut self) -> Option<T> {
        let core = self.channel.core();
        if let (Sending::Native(wait), Some(core)) = (&mut self.way, core) {
            // SAFETY: it is pinned with the future.
            let taken = core.native().leave_send(unsafe { Pin::new_unchecked(wait) });
            self.holds &= !taken;
        }
        if let (Sending::Model(offer), Some(core)) = (&mut self.way, core)
            && let Some(Offer { ticket, proxy, cancel }) = offer.take()
            && !is_over()
            && let Place::Model(channel) = core.place()
        {
            let ret = proxy.end(self.site, || cancel.close());
            // Where nobody knows, since this unwinds, the message stays with the channel.
            return ret.filter(|&ret| !accepted(ret)).map(|_| channel.take(ticket));
        }
        // SAFETY: it is there, and nobody else reaches it any more.
        std::mem::take(&mut self.holds).then(|| unsafe { self.message.get_mut().assume_init_read() })
    }

    fn poll_in_model(&mut self, channel: &super::model::Channel<T>, cx: &Context<'_>) -> Poll<()> {
        let Sending::Model(offer) = &mut self.way else { unreachable!("a channel stays in its world") };
        let value = match offer {
            None => {
                assert!(std::mem::take(&mut self.holds), "a future that was ready is polled");
                // SAFETY: it was there.
                unsafe { self.message.get_mut().assume_init_read() }
            }
            Some(waiting) => {
                let Some(ret) = waiting.proxy.poll(cx.waker()) else { return Poll::Pending };
                let ticket = waiting.ticket;
                *offer = None;
                if accepted(ret) {
                    return Poll::Ready(());
                }
                channel.take(ticket)
            }
        };
        // Also if the channel was closed: the misuse is the task's.
        match channel.try_send(value, self.site) {
            Ok(()) => Poll::Ready(()),
            Err(refused) => {
                *offer = Some(Offer::new(channel, refused.unless_closed(), cx, self.site));
                Poll::Pending
            }
        }
    }
}

impl<T> Future for SendAsync<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: as in `take_back`; the wait is pinned again below.
        let this = unsafe { self.get_unchecked_mut() };
        match (&mut this.way, this.channel.core().map(Core::place)) {
            (Sending::Native(wait), Some(Place::Native(channel))) => {
                assert!(this.holds, "a future that was ready is polled");
                // SAFETY: it is pinned with the future, as is the message, which is there.
                let polled = unsafe {
                    channel.poll_send(Pin::new_unchecked(wait), this.message.get().cast(), cx.waker())
                };
                polled.map(|taken| {
                    if !taken {
                        misused(Misuse::SendOnClosed);
                    }
                    this.holds = false;
                })
            }
            (Sending::Model(_), Some(Place::Model(channel))) => this.poll_in_model(channel, cx),
            _ => Poll::Pending,
        }
    }
}

impl<T> Drop for SendAsync<'_, T> {
    fn drop(&mut self) {
        drop(self.withdraw());
    }
}

impl<T> fmt::Debug for RecvAsync<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvAsync").field("channel", self.channel).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for SendAsync<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendAsync").field("channel", self.channel).finish_non_exhaustive()
    }
}
