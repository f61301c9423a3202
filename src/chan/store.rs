//! Where the messages of a channel are while they travel.
//!
//! Invariant: a ticket names one occupied place; places are reused. A timer's channel has no places:
//! its one message is the time it fired at, which the engine keeps.

use crate::objects::Nanos;
use crate::port::{self, Guarded, Home};

/// Messages by ticket.
pub(super) enum Store<T> {
    /// What was sent and not yet received.
    Slab(Guarded<Slab<T>>),
    /// Ticks: made of the time they were fired at.
    Ticks(fn(Nanos) -> T),
}

pub(super) struct Slab<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Store<T> {
    fn default() -> Store<T> {
        Store::Slab(Guarded::new(Slab { places: Vec::new(), free: Vec::new() }))
    }
}

impl<T> Store<T> {
    pub(super) fn put(&self, home: &Home, value: T) -> u32 {
        let Store::Slab(slab) = self else { unreachable!("nobody but time sends to a timer") };
        slab.with(home, |slab| match slab.free.pop() {
            Some(ticket) => {
                slab.places[ticket as usize] = Some(value);
                ticket
            }
            None => {
                slab.places.push(Some(value));
                slab.places.len() as u32 - 1
            }
        })
    }

    pub(super) fn take(&self, home: &Home, ticket: u32) -> T {
        match self {
            Store::Slab(slab) => slab.with(home, |slab| {
                slab.free.push(ticket);
                slab.places[ticket as usize].take().expect("a ticket names a message")
            }),
            Store::Ticks(made_of) => made_of(port::with(|engine| engine.tick_time(home.id(), ticket))),
        }
    }
}
