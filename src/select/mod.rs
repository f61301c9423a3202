//! Select: wait for one of several channel operations.
//!
//! [`select!`](crate::select!) is for a fixed set of arms, [`Select`] for a set made at run time. As in
//! Go, channels and values are evaluated once, in order; among the arms that are ready one is
//! chosen at random (in a model: every choice is explored); the default runs if none is; nil
//! channels are never ready.
//!
//! The macro keeps its arms and their messages in the frame of its user, a [`Select`] in boxes; for both
//! `arm` has a slice of arms wait.
//!
//! Source: the Go specification, "Select statements".

mod arm;
mod slot;

use crate::chan::{Receiver, Sender, deadline};
use crate::port::{self, SelectForm};
use arm::{Arm, elsewhere};
use selvedge_checkers::ids::SiteRef;
use slot::Slot;
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::panic::Location;
use std::ptr::NonNull;
use std::time::Duration;

/// Arms that need no list of their own.
const FEW: usize = 8;

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
    // Before the slots, which they borrow.
    arms: SmallVec<[Arm<'a>; FEW]>,
    kept: SmallVec<[Kept<'a>; FEW]>,
    biased: bool,
}

/// The slot of an arm, whatever its messages are.
struct Kept<'a> {
    slot: NonNull<()>,
    /// The channel it belongs to, by its address; 0 for nil.
    channel: usize,
    dispose: unsafe fn(NonNull<()>),
    /// A message may borrow from what its channel does.
    borrows: PhantomData<&'a ()>,
}

impl<'a> Kept<'a> {
    fn new<T>(slot: Slot<T>, channel: usize) -> Kept<'a> {
        /// # Safety
        /// It is a boxed slot of a `T`, which nobody uses any more.
        unsafe fn dispose<T>(slot: NonNull<()>) {
            // SAFETY: by the contract.
            drop(unsafe { Box::from_raw(slot.cast::<Slot<T>>().as_ptr()) });
        }
        let slot = NonNull::from(Box::leak(Box::new(slot))).cast();
        Kept { slot, channel, dispose: dispose::<T>, borrows: PhantomData }
    }

    /// # Safety
    /// It is a slot of a `T`, and the result is not used longer than this lives.
    unsafe fn slot<T>(&self) -> &'a Slot<T> {
        // SAFETY: by the contract.
        unsafe { self.slot.cast().as_ref() }
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        // SAFETY: it is that of the slot's type, and arms do not outlive their slots.
        unsafe { (self.dispose)(self.slot) };
    }
}

/// The address of a channel; 0 for nil.
fn address<T>(core: Option<&crate::chan::Core<T>>) -> usize {
    core.map_or(0, |core| std::ptr::from_ref(core).addr())
}

/// A select that is over: which arm was taken.
pub struct Selected<'a> {
    arm: usize,
    kept: Kept<'a>,
}

impl<'a> Select<'a> {
    /// A select without arms: waiting on it blocks for ever.
    pub fn new() -> Select<'a> {
        Select { arms: SmallVec::new(), kept: SmallVec::new(), biased: false }
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
    pub fn recv<T>(&mut self, from: &'a Receiver<T>) -> usize {
        self.kept.push(Kept::new(Slot::<T>::empty(), address(from.core())));
        // SAFETY: the slot was made for a `T`, and the arm goes before it does.
        let slot = unsafe { self.kept[self.arms.len()].slot() };
        self.add(Arm::recv(from, slot))
    }

    /// Add a send of `value`; gives the index of the arm. The value is dropped if another arm is
    /// taken.
    ///
    /// # Panics
    /// As [`Select::recv`].
    pub fn send<T>(&mut self, to: &'a Sender<T>, value: T) -> usize {
        self.kept.push(Kept::new(Slot::of(value), address(to.core())));
        // SAFETY: as for `recv`.
        let slot = unsafe { self.kept[self.arms.len()].slot::<T>() };
        self.add(Arm::send(to, slot))
    }

    fn add(&mut self, arm: Arm<'a>) -> usize {
        if arm.is_modelled() != port::model().is_some() {
            elsewhere();
        }
        self.arms.push(arm);
        self.arms.len() - 1
    }

    /// Wait until an arm is taken.
    ///
    /// # Panics
    /// "send on closed channel" if a send arm on a closed channel is chosen.
    #[track_caller]
    pub fn wait(self) -> Selected<'a> {
        self.wait_at(Location::caller())
    }

    /// The same on behalf of `site`.
    #[track_caller]
    pub(crate) fn wait_at(self, site: SiteRef) -> Selected<'a> {
        self.run(SelectForm::default(), site).expect("a select without default takes an arm")
    }

    /// Take an arm that is ready, if one is.
    ///
    /// # Panics
    /// "send on closed channel" if a send arm on a closed channel is chosen.
    #[track_caller]
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

    #[track_caller]
    fn run(mut self, form: SelectForm, site: SiteRef) -> Option<Selected<'a>> {
        let form = SelectForm { biased: self.biased, ..form };
        let arm = arm::run(&self.arms, form, site)?;
        self.arms.clear();
        Some(Selected { arm, kept: self.kept.swap_remove(arm) })
    }
}

impl Default for Select<'_> {
    fn default() -> Self {
        Select::new()
    }
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
    pub fn recv<T>(&mut self, from: &Receiver<T>) -> Option<T> {
        let channel = address(from.core());
        assert!(
            channel == self.kept.channel,
            "selvedge: a select's message is received from the channel of its arm"
        );
        // SAFETY: the slot was made for this channel, which is borrowed for as long as it lives: two channels
        // with the same address at the same time are one.
        unsafe { self.kept.slot::<T>() }.take()
    }
}

/// A select over arms in the frame of its user, which [`select!`](crate::select!) expands to.
#[doc(hidden)]
pub struct Waiting {
    biased: bool,
}

/// The arm that was taken.
#[doc(hidden)]
pub struct Taken {
    arm: usize,
    next: usize,
}

impl Waiting {
    #[inline]
    pub const fn random() -> Waiting {
        Waiting { biased: false }
    }

    #[inline]
    pub const fn biased() -> Waiting {
        Waiting { biased: true }
    }

    #[track_caller]
    #[inline]
    pub fn wait(self, arms: &[Arm<'_>]) -> Taken {
        let taken = self.run(arms, SelectForm::default(), Location::caller());
        taken.expect("a select without default takes an arm")
    }

    #[track_caller]
    #[inline]
    pub fn try_now(self, arms: &[Arm<'_>]) -> Option<Taken> {
        self.run(arms, SelectForm { default: true, ..SelectForm::default() }, Location::caller())
    }

    #[track_caller]
    #[inline]
    pub fn wait_timeout(self, arms: &[Arm<'_>], timeout: Duration) -> Option<Taken> {
        let form = SelectForm { deadline: deadline(timeout), ..SelectForm::default() };
        self.run(arms, form, Location::caller())
    }

    #[inline]
    #[track_caller]
    fn run(self, arms: &[Arm<'_>], form: SelectForm, site: SiteRef) -> Option<Taken> {
        let arm = arm::run(arms, SelectForm { biased: self.biased, ..form }, site)?;
        Some(Taken { arm, next: 0 })
    }
}

impl Taken {
    /// Whether the next arm, counting from the first, is this one.
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
            ch => $crate::__select!($mode ($($done)* (recv ch slot $p, $body)) $($rest)*),
        }
    };
    ($mode:tt ($($done:tt)*) recv($ch:expr) -> $p:pat => $body:block $($rest:tt)*) => {
        match $crate::__private::receiver(&$ch) {
            ch => $crate::__select!($mode ($($done)* (recv ch slot $p, $body)) $($rest)*),
        }
    };
    ($mode:tt ($($done:tt)*) recv($ch:expr) -> $p:pat => $body:expr $(, $($rest:tt)*)?) => {
        match $crate::__private::receiver(&$ch) {
            ch => $crate::__select!($mode ($($done)* (recv ch slot $p, $body)) $($($rest)*)?),
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
    // All arms are evaluated: wait, drop what was not sent, then run the body of the one that was taken.
    (@run ($mode:ident) ($($arm:tt)*) ($wait:ident($($timeout:ident)?)) $($default:expr)?) => {{
        $($crate::__select!(@slot $arm);)*
        let taken = $crate::__private::Waiting::$mode()
            .$wait(&[$($crate::__select!(@arm $arm)),*] $(, $timeout)?);
        $($crate::__select!(@over $arm);)*
        $crate::__select!(@taken taken ($($arm)*) $($default)?)
    }};
    (@slot (recv $ch:ident $slot:ident $p:pat, $body:expr)) => {
        let $slot = $crate::__private::Slot::empty();
    };
    (@slot (send $ch:ident $value:ident, $body:expr)) => {
        let $value = $crate::__private::Slot::of($value);
    };
    (@arm (recv $ch:ident $slot:ident $p:pat, $body:expr)) => { $crate::__private::Arm::recv($ch, &$slot) };
    (@arm (send $ch:ident $value:ident, $body:expr)) => { $crate::__private::Arm::send($ch, &$value) };
    (@over (recv $ch:ident $slot:ident $p:pat, $body:expr)) => {};
    (@over (send $ch:ident $value:ident, $body:expr)) => { drop($value); };
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
    (@bodies $taken:ident) => { unreachable!("a select takes one of its arms") };
    (@bodies $taken:ident (recv $ch:ident $slot:ident $p:pat, $body:expr) $($rest:tt)*) => {
        if $taken.is_next() {
            let $p = $slot.take();
            $body
        } else {
            $crate::__select!(@bodies $taken $($rest)*)
        }
    };
    (@bodies $taken:ident (send $ch:ident $value:ident, $body:expr) $($rest:tt)*) => {
        if $taken.is_next() {
            $body
        } else {
            $crate::__select!(@bodies $taken $($rest)*)
        }
    };
    // What no rule above knows.
    (($mode:ident) ($($done:tt)*) $first:tt $($rest:tt)*) => {
        compile_error!(concat!(
            "no arm of a select: `",
            stringify!($first),
            " …`; expected `recv(channel) -> pattern => body`, `send(channel, value) => body` or, at the end, \
             `default => body` or `default(duration) => body`",
        ))
    };
}

/// What [`select!`](crate::select!) takes for a channel: either end, a two-way handle, or a reference.
#[doc(hidden)]
pub(crate) mod private {
    pub use super::arm::Arm;
    pub use super::slot::Slot;
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
