//! The search as bytes: what its files hold.
//!
//! Invariant: a search that was read back goes on as the one that was written would have.

use super::classes::Classes;
use super::leaf::{Candidate, Leaf, Outcome, Sleeper};
use super::schedule::{Choice, Lists, Planned, Touch};
use super::search::Counts;
use super::tree::Status;
use crate::explore::codec::{Coded, Malformed, Reader, coded};
use crate::model::Nondeterminism;
use selvedge_checkers::access::{Class, Mode, Part};

/// In an order that never changes: a number in a file is a place here.
const PARTS: [Part; 15] = [
    Part::Whole,
    Part::Head,
    Part::Tail,
    Part::Closed,
    Part::Message,
    Part::Store,
    Part::Slot,
    Part::Queue,
    Part::Signal,
    Part::Token,
    Part::Life,
    Part::Handles,
    Part::Readers,
    Part::Clock,
    Part::Fence,
];
const MODES: [Mode; 8] = [
    Mode::Read,
    Mode::Write,
    Mode::Commute(Class::Reader),
    Mode::Commute(Class::Add),
    Mode::Commute(Class::Enqueue),
    Mode::Commute(Class::Unpark),
    Mode::Commute(Class::Drop),
    Mode::Commute(Class::Leave),
];
const STATUSES: [Status; 3] = [Status::Pending, Status::Open, Status::Done];

/// One of a list is its place in it.
macro_rules! coded_by_place {
    ($($name:ty, $list:ident, $expected:literal;)*) => {$(
        impl Coded for $name {
            fn write(&self, to: &mut Vec<u8>) {
                $list.iter().position(|one| one == self).expect("the list is complete").write(to);
            }

            fn read(from: &mut Reader<'_>) -> Result<$name, Malformed> {
                let place = usize::read(from)?;
                $list.get(place).copied().ok_or_else(|| from.fail($expected))
            }
        }
    )*};
}
coded_by_place! {
    Part, PARTS, "a part of an object";
    Mode, MODES, "a mode of access";
    Status, STATUSES, "what became of a node";
}

coded!(Touch { owner, part, mode, index });
coded!(Choice { g, label });
coded!(Planned { choice, footprint, event, causes, stops });
coded!(Lists { touches, causes });
coded!(Sleeper { depth, choice, footprint });
coded!(Leaf { path, fresh, stops, sleepers, touches, stamp });
coded!(Candidate { depth, since, end });
coded!(Nondeterminism { step, expected, found });
coded!(Outcome {
    plan,
    lists,
    candidates,
    schedules,
    new,
    mentions,
    goroutines,
    followed,
    is_blocked,
    is_vain,
    has_died,
    lost,
    is_outgrown,
    trace,
    nondeterminism,
    is_beyond,
});
coded!(Counts { explored, blocked, vain, beyond, lost });

impl Coded for Classes {
    fn write(&self, to: &mut Vec<u8>) {
        self.pairs().collect::<Vec<(u64, u32)>>().write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Classes, Malformed> {
        let pairs: Vec<(u64, u32)> = Vec::read(from)?;
        let all = pairs.len() as u32;
        match pairs.iter().all(|&(_, parent)| parent < all) {
            true => Ok(Classes::of_pairs(pairs)),
            false => Err(from.fail("a name that exists")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_complete() {
        // A part without a place would be one more than these.
        assert_eq!(PARTS.last().map(|&part| part as usize), Some(PARTS.len() - 1));
        assert!(PARTS.is_sorted());
        assert!(MODES.is_sorted());
    }
}
