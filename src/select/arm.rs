//! The arms of a select, and who decides among them: in a model its engine, outside the channels themselves.
//!
//! Invariants: a select is of one world; when it is over the slot of the arm that was taken holds what was
//! received, or no more what was sent, and all other slots hold what they held.

use super::slot::Slot;
use crate::chan::{Core, Place, Receiver, Sender, misused, model, native};
use crate::objects::{self, End, Misuse, Ret};
use crate::port::{self, SelectForm};
use selvedge_checkers::ids::{ObjId, SiteRef};

/// One arm.
#[doc(hidden)]
pub struct Arm<'a> {
    /// In its model; none outside.
    modelled: Option<Modelled<'a>>,
    native: native::Arm<'a>,
}

impl<'a> AsRef<native::Arm<'a>> for Arm<'a> {
    #[inline]
    fn as_ref(&self) -> &native::Arm<'a> {
        &self.native
    }
}

/// An arm of a model.
struct Modelled<'a> {
    channel: ObjId,
    end: End,
    /// None for the nil channel.
    carrier: Option<Box<dyn Carry + 'a>>,
}

/// Moves messages between the slot of an arm and its channel's store.
trait Carry {
    fn hand_in(&self) -> u32;
    fn take_back(&self, ticket: u32);
    fn hand_out(&self, ticket: u32);
}

struct Carrier<'a, T> {
    channel: &'a model::Channel<T>,
    slot: &'a Slot<T>,
}

impl<T> Carry for Carrier<'_, T> {
    fn hand_in(&self) -> u32 {
        self.channel.put(self.slot.take().expect("a send arm has a message"))
    }

    fn take_back(&self, ticket: u32) {
        self.channel.take_back(ticket);
    }

    fn hand_out(&self, ticket: u32) {
        self.slot.put(self.channel.take(ticket));
    }
}

impl<'a> Arm<'a> {
    /// A receive into `slot`.
    ///
    /// # Panics
    /// If the channel is of no model and one runs here.
    #[inline]
    pub fn recv<T>(from: &'a Receiver<T>, slot: &'a Slot<T>) -> Arm<'a> {
        Arm::new(from.core(), End::Receive, slot)
    }

    /// A send of what is in `slot`.
    ///
    /// # Panics
    /// If the channel is of no model and one runs here.
    #[inline]
    pub fn send<T>(to: &'a Sender<T>, slot: &'a Slot<T>) -> Arm<'a> {
        Arm::new(to.core(), End::Send, slot)
    }

    #[inline]
    fn new<T>(core: Option<&'a Core<T>>, end: End, slot: &'a Slot<T>) -> Arm<'a> {
        let (channel, modelled) = match core.map(Core::place) {
            Some(Place::Native(channel)) => (Some(channel), None),
            Some(Place::Model(channel)) => {
                let carrier = Box::new(Carrier { channel, slot });
                (None, Some(Modelled { channel: channel.id(), end, carrier: Some(carrier) }))
            }
            None if port::model().is_some() => {
                (None, Some(Modelled { channel: ObjId::NIL, end, carrier: None }))
            }
            None => (None, None),
        };
        // SAFETY: the arm borrows the slot, so it stays; and it is not `Sync`, so nobody else uses it while this
        // thread is in `run`.
        let native = unsafe { native::Arm::new(channel, end, slot.at(), slot.full()) };
        Arm { modelled, native }
    }

    #[inline]
    pub(super) fn is_modelled(&self) -> bool {
        self.modelled.is_some()
    }

    fn carrier(&self) -> Option<&(dyn Carry + 'a)> {
        self.modelled.as_ref()?.carrier.as_deref()
    }
}

/// Wait for one of the arms, once; gives which was taken.
///
/// # Panics
/// "send on closed channel"; or if an arm is of another world, or has no message to send, or a message already.
#[inline]
#[track_caller]
pub(super) fn run(arms: &[Arm<'_>], form: SelectForm, site: SiteRef) -> Option<usize> {
    if port::model().is_some() {
        return run_in_model(arms, form, site);
    }
    if arms.iter().any(Arm::is_modelled) {
        elsewhere();
    }
    match native::run_select(arms, form, site) {
        native::Outcome::Arm(arm) => Some(arm),
        native::Outcome::SendOnClosed => misused(Misuse::SendOnClosed),
        native::Outcome::Nothing => None,
    }
}

#[cold]
pub(super) fn elsewhere() -> ! {
    panic!("selvedge: a select is over channels of one world: all made in the execution, or all outside")
}

fn run_in_model(arms: &[Arm<'_>], form: SelectForm, site: SiteRef) -> Option<usize> {
    let announce = |arm: &Arm<'_>| match &arm.modelled {
        Some(Modelled { channel, end: End::Receive, .. }) => objects::Arm::Receive(*channel),
        Some(Modelled { channel, end: End::Send, carrier }) => {
            objects::Arm::Send(*channel, carrier.as_ref().map_or(0, |carrier| carrier.hand_in()))
        }
        None => elsewhere(),
    };
    let mut offers = Offers { arms, announced: arms.iter().map(announce).collect(), taken: None };
    match port::with(|engine| engine.select(&offers.announced, form, site)) {
        Ret::Arm { arm, ticket } => {
            offers.taken = Some(arm as usize);
            if let (Some(ticket), Some(carrier)) = (ticket, arms[arm as usize].carrier()) {
                carrier.hand_out(ticket);
            }
            offers.taken
        }
        _ => None,
    }
}

/// The messages of the send arms, in the stores of their channels until the select is over.
struct Offers<'s, 'a> {
    arms: &'s [Arm<'a>],
    announced: Vec<objects::Arm>,
    /// The message of this arm is now its receiver's.
    taken: Option<usize>,
}

impl Drop for Offers<'_, '_> {
    fn drop(&mut self) {
        for (i, (arm, announced)) in self.arms.iter().zip(&self.announced).enumerate() {
            if let (objects::Arm::Send(_, ticket), Some(carrier)) = (announced, arm.carrier())
                && self.taken != Some(i)
            {
                carrier.take_back(*ticket);
            }
        }
    }
}
