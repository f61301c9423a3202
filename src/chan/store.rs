//! Where the messages of a channel are while they travel.
//!
//! Invariant: a ticket names one occupied place; places are reused.

use crate::port::{Guarded, Home};

/// Messages by ticket.
pub(super) struct Store<T>(Guarded<Slab<T>>);

struct Slab<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Store<T> {
    fn default() -> Store<T> {
        Store(Guarded::new(Slab { places: Vec::new(), free: Vec::new() }))
    }
}

impl<T> Store<T> {
    pub(super) fn put(&self, home: &Home, value: T) -> u32 {
        self.0.with(home, |slab| match slab.free.pop() {
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
        self.0.with(home, |slab| {
            slab.free.push(ticket);
            slab.places[ticket as usize].take().expect("a ticket names a message")
        })
    }
}
