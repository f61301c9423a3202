//! Names that mean the same in every execution of a program.
//!
//! The ids of an execution count in the order in which things came to be, which another interleaving
//! changes. A goroutine is named by its parent and how many it started before. An object is named by
//! who mentions it: the n-th operation of a goroutine that has seen the same results so far is on the
//! same object, if it is of the same kind. So an object has one name for each of its mentions; footprints use the first one of the
//! goroutine whose step it is, because whoever could make the step has mentioned what it is on.
//!
//! What a mutex protects is no result. Where that decides which of two objects an operation is on, both get one name, and are
//! taken for one: traces may then be run twice, and none is lost.
//!
//! Invariants: a name depends on what its goroutine did and saw, never on what others did or on what
//! was explored before; within an execution, which mentions are of one object is known exactly.

use super::index::{Index, mix};
use super::schedule::{Same, Touch};
use crate::objects::label::Label;
use crate::objects::memory;
use selvedge_checkers::access::{Mode, Part, Res};
use selvedge_checkers::ids::{Gid, ObjId};

/// The name of the clock, and of nobody.
pub(super) const CLOCK: u64 = u64::MAX;
/// The label of a wait that ends without a cause, which names nobody.
pub(super) const SPURIOUS: u64 = u64::MAX;
/// No mention yet.
const NONE: u32 = u32::MAX;
/// The name of an object that nobody has mentioned.
pub(super) const NAMELESS: u64 = 0;
/// What an owner is called that has not been mentioned here: it could be any.
pub(super) const UNKNOWN: u32 = u32::MAX - 1;

/// An object, and one of its names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mention {
    pub(super) name: u64,
    pub(super) object: ObjId,
}

/// The names of one execution.
#[derive(Default)]
pub(super) struct Names {
    /// By id: the goroutine's name, and how many it has started.
    goroutines: Vec<(u64, u64)>,
    clock_started: u64,
    mentions: Vec<Mention>,
    /// Mentions by name.
    numbers: Index,
    /// The first mention of an object by a goroutine.
    own: Index,
    /// The first mention of an object, by id.
    first: Vec<u32>,
}

impl Names {
    /// Another execution begins.
    pub(super) fn clear(&mut self) {
        self.goroutines.clear();
        self.clock_started = 0;
        self.mentions.clear();
        self.numbers.clear();
        self.own.clear();
        self.first.clear();
    }

    /// A goroutine was started.
    pub(super) fn spawned(&mut self, parent: Option<Gid>, child: Gid) {
        let above = parent.map_or(CLOCK, |parent| self.of(parent));
        let count = match parent {
            Some(parent) => &mut self.goroutines[parent.index()].1,
            None => &mut self.clock_started,
        };
        *count += 1;
        let name = mix(above, *count);
        debug_assert_eq!(self.goroutines.len(), child.index());
        self.goroutines.push((name, 0));
    }

    /// The name of a goroutine.
    pub(super) fn of(&self, g: Gid) -> u64 {
        if g == Gid::CLOCK { CLOCK } else { self.goroutines[g.index()].0 }
    }

    /// The goroutine of this name, if it exists here.
    pub(super) fn goroutine(&self, name: u64) -> Option<Gid> {
        if name == CLOCK {
            return Some(Gid::CLOCK);
        }
        self.goroutines.iter().position(|g| g.0 == name).map(|at| Gid(at as u32))
    }

    /// `g` mentions `object` in the way `name`.
    pub(super) fn mention(&mut self, g: Gid, object: ObjId, name: u64) {
        if object == ObjId::NIL {
            return;
        }
        let fresh = self.mentions.len() as u32;
        let number = self.numbers.get_or_insert(name, fresh);
        if number == fresh {
            self.mentions.push(Mention { name, object });
        }
        self.own.get_or_insert(pair(g, object), number);
        let first = self.first_mut(object);
        *first = (*first).min(number);
    }

    /// What a step of `g` calls the object.
    fn owner(&mut self, g: Gid, object: ObjId) -> u32 {
        if let Some(own) = self.own.get(pair(g, object)) {
            return own;
        }
        match *self.first_mut(object) {
            NONE => {
                let number = self.mentions.len() as u32;
                self.mentions.push(Mention { name: NAMELESS, object });
                *self.first_mut(object) = number;
                number
            }
            first => first,
        }
    }

    fn first_mut(&mut self, object: ObjId) -> &mut u32 {
        if self.first.len() <= object.index() {
            self.first.resize(object.index() + 1, NONE);
        }
        &mut self.first[object.index()]
    }

    /// Who mentioned what, in order.
    pub(super) fn mentions(&self) -> &[Mention] {
        &self.mentions
    }

    /// The names of the goroutines, by id.
    pub(super) fn goroutines(&self) -> impl ExactSizeIterator<Item = u64> {
        self.goroutines.iter().map(|g| g.0)
    }

    /// An access of a step of `g`.
    pub(super) fn touch(&mut self, g: Gid, res: Res, mode: Mode) -> Touch {
        let owner = match res.part {
            Part::Token | Part::Life => res.owner,
            Part::Clock | Part::Fence => 0,
            _ => self.owner(g, ObjId(res.owner)),
        };
        let index = match res.part {
            Part::Signal => self.of(Gid(res.index)),
            Part::Store => self.store(res.index),
            _ => res.index.into(),
        };
        Touch { owner, part: res.part, index, mode }
    }

    /// The name of the store with this index.
    pub(super) fn store(&self, index: u32) -> u64 {
        memory::store_of(index).map_or(0, |(g, n)| mix(self.writer(g), n.into()))
    }

    /// The name of what another execution touched, as it is called here.
    pub(super) fn resolve(&self, touch: Touch, owner: u64) -> Touch {
        let owner = match touch.part {
            _ if touch == Touch::END => return touch,
            Part::Token | Part::Life => self.goroutine(owner).map_or(UNKNOWN, |g| g.0),
            Part::Clock | Part::Fence => 0,
            _ => self.numbers.get(owner).unwrap_or(UNKNOWN),
        };
        Touch { owner, ..touch }
    }

    /// A label in names.
    pub(super) fn label(&self, label: Label) -> u64 {
        let (kind, a, b) = match label {
            Label::Only => (0, 0, 0),
            Label::Choice(n) => (1, 0, n),
            Label::Wakes(g) => (2, self.of(g), 0),
            Label::Arm(arm, message) => (3, arm.into(), message),
            Label::Closed(arm) => (4, arm.into(), 0),
            Label::Default => (5, 0, 0),
            Label::TimesOut(g) => (6, self.of(g), 0),
            Label::Fires(object) => (7, self.name_of(object), 0),
            Label::Write(g, number) => (8, self.writer(g), number),
            Label::Fails(g, number) => (9, self.writer(g), number),
            Label::Spurious => return SPURIOUS,
        };
        mix(mix(kind, a), b.into())
    }

    fn writer(&self, g: Gid) -> u64 {
        if g == memory::INITIAL { 0 } else { self.of(g) }
    }

    fn name_of(&self, object: ObjId) -> u64 {
        let first = self.first.get(object.index()).filter(|&&first| first != NONE);
        first.map_or(NAMELESS, |&first| self.mentions[first as usize].name)
    }
}

impl Same for Names {
    fn find(&self, owner: u32) -> u32 {
        self.mentions[owner as usize].object.0
    }
}

fn pair(g: Gid, object: ObjId) -> u64 {
    u64::from(g.0) << 32 | u64::from(object.0)
}
