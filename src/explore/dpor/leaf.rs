//! What an execution of the search is given, and what it gives.
//!
//! A [`Leaf`] is a schedule to be followed and then continued freely, with what sleeps beside it; an
//! [`Outcome`] is what the execution did and the schedules that follow from it. Invariant: the outcome
//! is a function of the program and of its leaf, so anybody may run the leaf at any time.

use super::names::NAMELESS;
use super::schedule::{Choice, Lists, Planned, Touch};
use crate::model::Nondeterminism;
use selvedge_checkers::access::Part;

/// In the path of an execution: the goroutine of the step before does not leave the loop it is in.
const STOPS: u64 = u64::MAX - 1;

/// A schedule to be run.
#[derive(PartialEq, Eq, Debug, Default)]
pub(crate) struct Leaf {
    pub(super) path: Vec<Choice>,
    /// How many of these decisions an execution has made before.
    pub(super) fresh: usize,
    /// After which of these decisions the goroutine does not leave the loop it is in.
    pub(super) stops: Vec<u32>,
    /// What was there first at the nodes of the path, by depth.
    pub(super) sleepers: Vec<Sleeper>,
    /// Their footprints, with the names of the owners.
    pub(super) touches: Vec<(u64, Touch)>,
    /// How many executions the search had seen when it made this.
    pub(super) stamp: u64,
}

/// A decision that is covered by others, as long as nothing that conflicts with it has happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sleeper {
    pub(super) depth: u32,
    pub(super) choice: Choice,
    pub(super) footprint: (u32, u32),
}

impl Leaf {
    /// What tells it from all other leaves of a tree.
    pub(crate) fn key(&self) -> Vec<(u64, u64)> {
        self.path.iter().map(|choice| (choice.g, choice.label)).collect()
    }

    /// A schedule that an execution has followed to its end before.
    pub(crate) fn of_path(path: &[(u64, u64)]) -> Leaf {
        let mut leaf = Leaf::default();
        for &(g, label) in path {
            match label {
                STOPS => leaf.stops.push(leaf.path.len() as u32 - 1),
                _ => leaf.path.push(Choice { g, label }),
            }
        }
        leaf.fresh = leaf.path.len();
        leaf
    }

    pub(super) fn clear(&mut self) {
        self.path.clear();
        self.fresh = 0;
        self.stops.clear();
        self.sleepers.clear();
        self.touches.clear();
    }

    /// How deep the same sleeps in both.
    pub(super) fn same_beside(&self, other: &Leaf) -> usize {
        let mut beside = self.sleepers.iter().zip(&other.sleepers);
        let differ = beside.position(|(a, b)| {
            (a.depth, a.choice) != (b.depth, b.choice) || self.footprint(a) != other.footprint(b)
        });
        let at = differ.unwrap_or(self.sleepers.len().min(other.sleepers.len()));
        let depth = |leaf: &Leaf| leaf.sleepers.get(at).map_or(usize::MAX, |q| q.depth as usize);
        depth(self).min(depth(other))
    }

    pub(super) fn footprint(&self, sleeper: &Sleeper) -> &[(u64, Touch)] {
        &self.touches[sleeper.footprint.0 as usize..sleeper.footprint.1 as usize]
    }
}

impl Clone for Leaf {
    fn clone(&self) -> Leaf {
        let mut copy = Leaf::default();
        copy.clone_from(self);
        copy
    }

    fn clone_from(&mut self, other: &Leaf) {
        self.path.clone_from(&other.path);
        self.fresh = other.fresh;
        self.stops.clone_from(&other.stops);
        self.sleepers.clone_from(&other.sleepers);
        self.touches.clone_from(&other.touches);
        self.stamp = other.stamp;
    }
}

/// A schedule that an execution found, from a depth on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Candidate {
    pub(super) depth: u32,
    /// It follows from this event: whoever made it before has found the schedule, too.
    pub(super) since: u32,
    /// Where it ends among the schedules.
    pub(super) end: u32,
}

/// What an execution came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Outcome {
    /// The events.
    pub(super) plan: Vec<Planned>,
    pub(super) lists: Lists,
    pub(super) candidates: Vec<Candidate>,
    /// The candidates' events by number; what is beyond the events is new.
    pub(super) schedules: Vec<u32>,
    pub(super) new: Vec<Planned>,
    /// The objects' names, each with the object; accesses name them by number.
    pub(super) mentions: Vec<(u64, u32)>,
    /// The goroutines' names.
    pub(super) goroutines: Vec<u64>,
    /// How much of the path was followed.
    pub(super) followed: usize,
    /// Everything it could do is covered elsewhere.
    pub(super) is_blocked: bool,
    /// Somebody went round in a loop in vain, and could have left it in the end: the trace without that
    /// round is another execution.
    pub(super) is_vain: bool,
    /// The program died in the execution.
    pub(super) has_died: bool,
    /// Schedules that could not be worked out or followed.
    pub(super) lost: u64,
    /// There was no room for all schedules.
    pub(super) is_outgrown: bool,
    pub(crate) trace: Option<u64>,
    pub(crate) nondeterminism: Option<Nondeterminism>,
    /// The trace needs more preemptions than were asked for.
    pub(super) is_beyond: bool,
}

impl Outcome {
    /// The steps of the execution: by whom, and with which outcome.
    pub(crate) fn path(&self) -> Vec<(u64, u64)> {
        let steps = self.plan.iter().map(|planned| (planned.choice, planned.stops));
        steps
            .flat_map(|(choice, stops)| {
                let stop = stops.then_some((choice.g, STOPS));
                [(choice.g, choice.label)].into_iter().chain(stop)
            })
            .collect()
    }

    /// Whether schedules were lost.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost > 0
    }

    /// One event of a schedule.
    pub(super) fn planned(&self, number: u32) -> Planned {
        match (number as usize).checked_sub(self.plan.len()) {
            Some(new) => self.new[new],
            None => self.plan[number as usize],
        }
    }

    /// Whether another execution's access, of which the owner's name is known, conflicts with anything
    /// that this one did or planned, for all that can be told.
    pub(super) fn may_conflict(&self, &(name, touch): &(u64, Touch)) -> bool {
        let alike = |t: &Touch| t.part == touch.part && t.index == touch.index;
        let mut touches = self.lists.touches.iter();
        touch == Touch::END
            || touches.any(|t| alike(t) && t.mode.conflicts(touch.mode) && self.may_be(t, name))
    }

    /// Whether the owner of this access may be the one of that name.
    fn may_be(&self, touch: &Touch, name: u64) -> bool {
        match touch.part {
            Part::Token | Part::Life => self.goroutines[touch.owner as usize] == name,
            Part::Clock | Part::Fence => true,
            _ => {
                let (own, object) = self.mentions[touch.owner as usize];
                let known = self.mentions.iter().find(|m| m.0 == name && name != NAMELESS);
                own == NAMELESS || known.is_none_or(|m| m.1 == object)
            }
        }
    }
}
