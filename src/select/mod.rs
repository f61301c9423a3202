//! Select: wait for one of several channel operations.
//!
//! [`select!`](crate::select!) is for a fixed set of arms, [`Select`] for a set made at run time. As in
//! Go, channels and values are evaluated once, in order; among the arms that are ready one is
//! chosen at random (in a model: every choice is explored); the default runs if none is; nil
//! channels are never ready.
//!
//! In a model the engine is asked, outside the channels themselves are ([`Cases`]); a select is of one
//! world.
//!
//! Source: the Go specification, "Select statements".

use crate::chan::native::{Cases, Message, Outcome};
use crate::chan::{Core, Place, Receiver, Sender, deadline, misused};
use crate::objects::{Arm, Misuse, Ret};
use crate::port::{self, SelectForm};
use selvedge_checkers::ids::{ObjId, SiteRef};
use std::marker::PhantomData;
use std::panic::Location;
use std::time::Duration;

/// A send arm's message, in its channel's store until the select is over.
struct Offer<'a> {
    arm: usize,
    take_back: Box<dyn FnOnce() + 'a>,
}

/// The arms of a select in a model.
#[derive(Default)]
struct Announced<'a> {
    arms: Vec<Arm>,
    offers: Vec<Offer<'a>>,
}

/// A select over arms added one by one.
///
/// # Examples
/// ```
/// let (tx, rx) = selvedge::chan(1);
/// tx.send(1);
/// let mut select = selvedge::Select::new();
/// let arm = select.recv(&rx);
/// let mut done = select.wait();
/// assert_eq!(done.index(), arm);
/// assert_eq!(done.recv(&rx), Some(1));
/// ```
pub struct Select<'a> {
    arms: Arms<'a>,
    added: usize,
    biased: bool,
}

/// The arms, for who decides.
#[allow(clippy::large_enum_variant, reason = "a select outside of models is to need no allocation")]
enum Arms<'a> {
    Model(Announced<'a>),
    Native(Cases<'a>),
}

/// A select that is over: which arm was taken.
pub struct Selected<'a> {
    arm: usize,
    got: Got,
    next: usize,
    /// A message may borrow from what its channel does.
    borrows: PhantomData<&'a ()>,
}

/// What the arm that was taken received.
enum Got {
    Nothing,
    Ticket(u32),
    Message(Message),
}

impl<'a> Select<'a> {
    /// A select without arms: waiting on it blocks for ever.
    #[inline]
    pub fn new() -> Select<'a> {
        let arms = match port::model() {
            Some(_) => Arms::Model(Announced::default()),
            None => Arms::Native(Cases::default()),
        };
        Select { arms, added: 0, biased: false }
    }

    /// Prefer earlier arms to later ones instead of choosing at random.
    pub fn biased(&mut self) -> &mut Select<'a> {
        self.biased = true;
        self
    }

    /// Add a receive; gives the index of the arm.
    ///
    /// # Panics
    /// If the channel is of another world than this select: made outside of the model and used inside,
    /// or the other way round.
    #[inline]
    pub fn recv<T>(&mut self, from: &'a Receiver<T>) -> usize {
        match (&mut self.arms, from.core().map(Core::place)) {
            (Arms::Model(model), None) => model.arms.push(Arm::Receive(ObjId::NIL)),
            (Arms::Model(model), Some(Place::Model(channel))) => {
                model.arms.push(Arm::Receive(channel.id()));
            }
            (Arms::Native(cases), None) => cases.nil(),
            (Arms::Native(cases), Some(Place::Native(channel))) => cases.recv(channel),
            _ => elsewhere(),
        }
        self.count()
    }

    /// Add a send of `value`; gives the index of the arm. The value is dropped if another arm is
    /// taken.
    ///
    /// # Panics
    /// As [`Select::recv`].
    #[inline]
    pub fn send<T>(&mut self, to: &'a Sender<T>, value: T) -> usize {
        let arm = self.added;
        match (&mut self.arms, to.core().map(Core::place)) {
            (Arms::Model(model), None) => model.arms.push(Arm::Send(ObjId::NIL, 0)),
            (Arms::Model(model), Some(Place::Model(channel))) => {
                let ticket = channel.put(value);
                model.arms.push(Arm::Send(channel.id(), ticket));
                model.offers.push(Offer { arm, take_back: Box::new(move || channel.take_back(ticket)) });
            }
            (Arms::Native(cases), None) => cases.nil(),
            (Arms::Native(cases), Some(Place::Native(channel))) => cases.send(channel, value),
            _ => elsewhere(),
        }
        self.count()
    }

    #[inline]
    fn count(&mut self) -> usize {
        self.added += 1;
        self.added - 1
    }

    /// Wait until an arm is taken.
    ///
    /// # Panics
    /// "send on closed channel" if a send arm on a closed channel is chosen.
    #[track_caller]
    #[inline]
    pub fn wait(self) -> Selected<'a> {
        self.wait_at(Location::caller())
    }

    /// The same on behalf of `site`.
    pub(crate) fn wait_at(self, site: SiteRef) -> Selected<'a> {
        self.run(SelectForm::default(), site).expect("a select without default takes an arm")
    }

    /// Take an arm that is ready, if one is.
    ///
    /// # Panics
    /// "send on closed channel" if a send arm on a closed channel is chosen.
    #[track_caller]
    #[inline]
    pub fn try_now(self) -> Option<Selected<'a>> {
        self.run(SelectForm { default: true, ..SelectForm::default() }, Location::caller())
    }

    /// Wait for an arm for at most `timeout`.
    ///
    /// # Panics
    /// "send on closed channel" if a send arm on a closed channel is chosen.
    #[track_caller]
    pub fn wait_timeout(self, timeout: Duration) -> Option<Selected<'a>> {
        let form = SelectForm { deadline: deadline(timeout), ..SelectForm::default() };
        self.run(form, Location::caller())
    }

    #[inline]
    fn run(mut self, form: SelectForm, site: SiteRef) -> Option<Selected<'a>> {
        let form = SelectForm { biased: self.biased, ..form };
        let (arm, got) = match &mut self.arms {
            Arms::Model(model) => std::mem::take(model).run(form, site)?,
            Arms::Native(cases) => match cases.run(form, site) {
                Outcome::Arm(arm, message) => (arm, message.map_or(Got::Nothing, Got::Message)),
                Outcome::SendOnClosed => misused(Misuse::SendOnClosed),
                Outcome::Nothing => return None,
            },
        };
        Some(Selected { arm, got, next: 0, borrows: PhantomData })
    }
}

impl Announced<'_> {
    fn run(mut self, form: SelectForm, site: SiteRef) -> Option<(usize, Got)> {
        match port::with(|engine| engine.select(&self.arms, form, site)) {
            Ret::Arm { arm, ticket } => {
                // The message of the arm that was taken now belongs to its receiver.
                self.offers.retain(|offer| offer.arm != arm as usize);
                Some((arm as usize, ticket.map_or(Got::Nothing, Got::Ticket)))
            }
            _ => None,
        }
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        for offer in self.offers.drain(..) {
            (offer.take_back)();
        }
    }
}

impl Default for Select<'_> {
    fn default() -> Self {
        Select::new()
    }
}

#[cold]
fn elsewhere() -> ! {
    panic!("selvedge: a select is over channels of one world: all made in the execution, or all outside")
}

impl Selected<'_> {
    /// The index of the arm that was taken.
    pub fn index(&self) -> usize {
        self.arm
    }

    /// What the receive arm that was taken got: `None` if the channel is closed.
    ///
    /// # Panics
    /// If the message is that of another channel.
    #[inline]
    pub fn recv<T>(&mut self, from: &Receiver<T>) -> Option<T> {
        match (std::mem::replace(&mut self.got, Got::Nothing), from.core().map(Core::place)) {
            (Got::Nothing, _) => None,
            (Got::Ticket(ticket), Some(Place::Model(channel))) => Some(channel.take(ticket)),
            (Got::Message(mut message), Some(Place::Native(channel))) => message.take(Some(channel)),
            (Got::Message(mut message), _) => message.take::<T>(None),
            (Got::Ticket(_), _) => panic!("the channel of the arm"),
        }
    }

    /// [`recv`](Selected::recv), and the end of what the select borrowed.
    #[doc(hidden)]
    #[inline]
    pub fn into_recv<T>(mut self, from: &Receiver<T>) -> Option<T> {
        self.recv(from)
    }

    /// Whether the next arm, counting from the first, is the one that was taken.
    #[doc(hidden)]
    #[inline]
    pub fn is_next(&mut self) -> bool {
        self.next += 1;
        self.next - 1 == self.arm
    }
}

/// Wait for one of several channel operations.
///
/// Arms: `recv(receiver) -> pattern => body` (the pattern gets an `Option`, `None` when the channel
/// is closed), `send(sender, value) => body`, and last, optionally, `default => body` (runs if no
/// arm is ready) or `default(duration) => body` (runs if none was ready in time). `biased;` first
/// prefers earlier arms. `select! {}` blocks for ever.
///
/// # Examples
/// ```
/// use selvedge::{chan, select};
/// let (tx, rx) = chan::<i32>(1);
/// select! {
///     send(tx, 1) => {}
///     recv(rx) -> v => panic!("{v:?}"),
/// }
/// let got = select! {
///     recv(rx) -> v => v,
///     default => None,
/// };
/// assert_eq!(got, Some(1));
/// ```
#[macro_export]
macro_rules! select {
    (biased; $($arms:tt)*) => { $crate::__select!((biased) () $($arms)*) };
    ($($arms:tt)*) => { $crate::__select!((random) () $($arms)*) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    // One arm at a time: evaluate its channel (and value), then go on with the rest. A `match` keeps
    // temporaries alive until the select is over: `recv(time::after(d)) -> _` is the usual case.
    ($mode:tt ($($done:tt)*) recv($ch:expr) -> $p:pat => $body:block, $($rest:tt)*) => {
        match $crate::__private::receiver(&$ch) {
            ch => $crate::__select!($mode ($($done)* (recv ch $p, $body)) $($rest)*),
        }
    };
    ($mode:tt ($($done:tt)*) recv($ch:expr) -> $p:pat => $body:block $($rest:tt)*) => {
        match $crate::__private::receiver(&$ch) {
            ch => $crate::__select!($mode ($($done)* (recv ch $p, $body)) $($rest)*),
        }
    };
    ($mode:tt ($($done:tt)*) recv($ch:expr) -> $p:pat => $body:expr $(, $($rest:tt)*)?) => {
        match $crate::__private::receiver(&$ch) {
            ch => $crate::__select!($mode ($($done)* (recv ch $p, $body)) $($($rest)*)?),
        }
    };
    ($mode:tt ($($done:tt)*) send($ch:expr, $v:expr $(,)?) => $body:block, $($rest:tt)*) => {
        match ($crate::__private::sender(&$ch), $v) {
            (ch, value) => $crate::__select!($mode ($($done)* (send ch value, $body)) $($rest)*),
        }
    };
    ($mode:tt ($($done:tt)*) send($ch:expr, $v:expr $(,)?) => $body:block $($rest:tt)*) => {
        match ($crate::__private::sender(&$ch), $v) {
            (ch, value) => $crate::__select!($mode ($($done)* (send ch value, $body)) $($rest)*),
        }
    };
    ($mode:tt ($($done:tt)*) send($ch:expr, $v:expr $(,)?) => $body:expr $(, $($rest:tt)*)?) => {
        match ($crate::__private::sender(&$ch), $v) {
            (ch, value) => $crate::__select!($mode ($($done)* (send ch value, $body)) $($($rest)*)?),
        }
    };
    ($mode:tt ($($done:tt)*) default => $body:expr $(,)?) => {
        $crate::__select!(@run $mode ($($done)*) (try_now()) $body)
    };
    ($mode:tt ($($done:tt)*) default($timeout:expr) => $body:expr $(,)?) => {{
        let timeout = $timeout;
        $crate::__select!(@run $mode ($($done)*) (wait_timeout(timeout)) $body)
    }};
    ($mode:tt ($($done:tt)*)) => {
        $crate::__select!(@run $mode ($($done)*) (wait()))
    };
    // All arms are evaluated: wait, then run the body of the one that was taken.
    (@run ($mode:ident) ($($arm:tt)*) ($($wait:tt)*) $($default:expr)?) => {{
        let mut select = $crate::Select::new();
        $crate::__select!(@mode $mode select);
        $($crate::__select!(@add select $arm);)*
        let selected = select.$($wait)*;
        $crate::__select!(@taken selected ($($arm)*) $($default)?)
    }};
    (@mode biased $select:ident) => { $select.biased() };
    (@mode random $select:ident) => {};
    (@add $select:ident (recv $ch:ident $p:pat, $body:expr)) => { $select.recv($ch) };
    (@add $select:ident (send $ch:ident $v:ident, $body:expr)) => { $select.send($ch, $v) };
    (@taken $selected:ident ($($arm:tt)*) $default:expr) => {
        match $selected {
            Some(mut taken) => $crate::__select!(@bodies taken $($arm)*),
            None => $default,
        }
    };
    (@taken $selected:ident ($($arm:tt)*)) => {{
        #[allow(unused_mut)]
        let mut taken = $selected;
        $crate::__select!(@bodies taken $($arm)*)
    }};
    (@bodies $taken:ident) => {{ drop($taken); unreachable!("a select takes one of its arms") }};
    (@bodies $taken:ident (recv $ch:ident $p:pat, $body:expr) $($rest:tt)*) => {
        if $taken.is_next() {
            let $p = $taken.into_recv($ch);
            $body
        } else {
            $crate::__select!(@bodies $taken $($rest)*)
        }
    };
    (@bodies $taken:ident (send $ch:ident $v:ident, $body:expr) $($rest:tt)*) => {
        if $taken.is_next() {
            drop($taken);
            $body
        } else {
            $crate::__select!(@bodies $taken $($rest)*)
        }
    };
}

/// What [`select!`](crate::select!) takes for a channel: either end, a two-way handle, or a reference.
#[doc(hidden)]
pub(crate) mod private {
    use crate::chan::{Chan, Receiver, Sender};

    pub trait AsReceiver {
        type Item;
        fn as_receiver(&self) -> &Receiver<Self::Item>;
    }

    pub trait AsSender {
        type Item;
        fn as_sender(&self) -> &Sender<Self::Item>;
    }

    impl<T> AsReceiver for Receiver<T> {
        type Item = T;
        fn as_receiver(&self) -> &Receiver<T> {
            self
        }
    }

    impl<T> AsReceiver for Chan<T> {
        type Item = T;
        fn as_receiver(&self) -> &Receiver<T> {
            self.receiver()
        }
    }

    impl<R: AsReceiver + ?Sized> AsReceiver for &R {
        type Item = R::Item;
        fn as_receiver(&self) -> &Receiver<R::Item> {
            (**self).as_receiver()
        }
    }

    impl<T> AsSender for Sender<T> {
        type Item = T;
        fn as_sender(&self) -> &Sender<T> {
            self
        }
    }

    impl<T> AsSender for Chan<T> {
        type Item = T;
        fn as_sender(&self) -> &Sender<T> {
            self.sender()
        }
    }

    impl<S: AsSender + ?Sized> AsSender for &S {
        type Item = S::Item;
        fn as_sender(&self) -> &Sender<S::Item> {
            (**self).as_sender()
        }
    }

    pub fn receiver<R: AsReceiver + ?Sized>(r: &R) -> &Receiver<R::Item> {
        r.as_receiver()
    }

    pub fn sender<S: AsSender + ?Sized>(s: &S) -> &Sender<S::Item> {
        s.as_sender()
    }
}
