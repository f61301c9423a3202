//! Schedules: decisions in an order, each with what it will touch.
//!
//! Invariants: two decisions of a schedule may change places if neither causes the other and their
//! footprints do not conflict; an owner that nobody knows here may be any.

use super::names::{CLOCK, SPURIOUS, UNKNOWN};
use selvedge_checkers::access::{Mode, Part};

/// An access. Who the owner is depends on where it is: see [`Same`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Touch {
    pub(super) owner: u32,
    pub(super) part: Part,
    pub(super) mode: Mode,
    /// In names that hold for every execution.
    pub(super) index: u64,
}

/// Tells which owners of accesses are one object, although they have several names.
pub(super) trait Same {
    /// The same for all owners that are one object.
    fn find(&self, owner: u32) -> u32;
}

impl Touch {
    /// What the step touches that the program dies of: everything, since nothing comes after it.
    pub(super) const END: Touch = Touch { owner: u32::MAX, part: Part::Life, index: 0, mode: Mode::Write };

    fn conflicts(&self, other: &Touch, same: &impl Same) -> bool {
        if !self.mode.conflicts(other.mode) || self.part != other.part || self.index != other.index {
            return false;
        }
        if self.owner == other.owner || self.owner == UNKNOWN || other.owner == UNKNOWN {
            return true;
        }
        !self.part.is_of_goroutine() && same.find(self.owner) == same.find(other.owner)
    }
}

/// Whether two footprints conflict.
pub(super) fn conflict(a: &[Touch], b: &[Touch], same: &impl Same) -> bool {
    let ends = |footprint: &[Touch]| footprint.last() == Some(&Touch::END);
    ends(a) || ends(b) || a.iter().any(|x| b.iter().any(|y| x.conflicts(y, same)))
}

/// A decision: whose, with which outcome, both by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Choice {
    pub(super) g: u64,
    pub(super) label: u64,
}

impl Choice {
    /// Whether it is a wait that ends without a cause. It may, and need not.
    pub(super) fn is_spurious(self) -> bool {
        self.label == SPURIOUS
    }
}

/// One event of a schedule; its lists are in a [`Lists`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Planned {
    pub(super) choice: Choice,
    pub(super) footprint: (u32, u32),
    /// Its number in the log it was taken from; `u32::MAX` if it is new.
    pub(super) event: u32,
    /// The events of that log it comes after without a conflict.
    pub(super) causes: (u32, u32),
    /// The goroutine goes round in a loop then, and is not to leave it.
    pub(super) stops: bool,
}

/// The footprints and causes of the schedules of one execution.
#[derive(PartialEq, Eq, Debug, Default)]
pub(super) struct Lists {
    pub(super) touches: Vec<Touch>,
    pub(super) causes: Vec<u32>,
}

impl Clone for Lists {
    fn clone(&self) -> Lists {
        Lists { touches: self.touches.clone(), causes: self.causes.clone() }
    }

    fn clone_from(&mut self, other: &Lists) {
        self.touches.clone_from(&other.touches);
        self.causes.clone_from(&other.causes);
    }
}

impl Lists {
    /// Keep what belongs to the events up to `last`, which were added one after the other.
    pub(super) fn truncate(&mut self, last: Option<&Planned>) {
        self.touches.truncate(last.map_or(0, |last| last.footprint.1 as usize));
        self.causes.truncate(last.map_or(0, |last| last.causes.1 as usize));
    }

    pub(super) fn add_footprint(&mut self, touches: impl Iterator<Item = Touch>) -> (u32, u32) {
        let from = self.touches.len() as u32;
        self.touches.extend(touches);
        (from, self.touches.len() as u32)
    }

    /// The first `n` accesses of a footprint, changed.
    pub(super) fn add_footprint_like(
        &mut self,
        footprint: (u32, u32),
        n: u32,
        change: impl Fn(Touch) -> Touch,
    ) -> (u32, u32) {
        let from = self.touches.len() as u32;
        self.touches.extend_from_within(footprint.0 as usize..(footprint.0 + n) as usize);
        self.touches[from as usize..].iter_mut().for_each(|touch| *touch = change(*touch));
        (from, self.touches.len() as u32)
    }

    pub(super) fn add_causes(&mut self, causes: &[u32]) -> (u32, u32) {
        let from = self.causes.len() as u32;
        self.causes.extend_from_slice(causes);
        (from, self.causes.len() as u32)
    }

    pub(super) fn footprint(&self, planned: &Planned) -> &[Touch] {
        &self.touches[planned.footprint.0 as usize..planned.footprint.1 as usize]
    }

    pub(super) fn causes(&self, planned: &Planned) -> &[u32] {
        &self.causes[planned.causes.0 as usize..planned.causes.1 as usize]
    }
}

/// Whether `choice` could as well be the first step of the plan: as one of its events (`Some(Some)`),
/// or as one more that is independent of all of them (`Some(None)`): whoever follows the plan to the end makes
/// it, too. So it is with nothing that need not happen; and time passes after all that is in the plan.
pub(super) fn initial_in(
    choice: Choice,
    footprint: &[Touch],
    plan: &[Planned],
    lists: &Lists,
    same: &impl Same,
) -> Option<Option<usize>> {
    match plan.iter().position(|p| p.choice.g == choice.g) {
        Some(at) => {
            let event = &plan[at];
            let own = lists.footprint(event);
            let touches = if own.len() < footprint.len() { footprint } else { own };
            let free = |before: &Planned| {
                !lists.causes(event).contains(&before.event)
                    && !conflict(lists.footprint(before), touches, same)
            };
            (event.choice.label == choice.label && plan[..at].iter().all(free)).then_some(Some(at))
        }
        None if choice.is_spurious() || choice.g == CLOCK => None,
        None => {
            let free = plan.iter().all(|p| !conflict(lists.footprint(p), footprint, same));
            free.then_some(None)
        }
    }
}
