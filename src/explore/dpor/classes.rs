//! Which names of objects are one, as far as all executions so far can tell.
//!
//! An object has several names, and not every execution mentions it in all ways: footprints of different
//! executions are compared by the classes here. Invariants: names only ever merge; goroutines' names
//! stay what they are.

use super::index::Index;
use super::names::NAMELESS;
use super::schedule::Same;

/// See the module.
#[derive(Default)]
pub(super) struct Classes {
    numbers: Index,
    names: Vec<u64>,
    parents: Vec<u32>,
}

impl Classes {
    /// The number of a name.
    pub(super) fn intern(&mut self, name: u64) -> u32 {
        let fresh = self.names.len() as u32;
        let number = if name == NAMELESS { fresh } else { self.numbers.get_or_insert(name, fresh) };
        if number == fresh {
            self.names.push(name);
            self.parents.push(fresh);
        }
        number
    }

    /// The name with this number.
    pub(super) fn name(&self, number: u32) -> u64 {
        self.names[number as usize]
    }

    /// Every name with the number of one that it is the same as, or its own.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (u64, u32)> {
        self.names.iter().copied().zip(self.parents.iter().copied())
    }

    /// What [`Classes::pairs`] gave, which go from greater numbers to smaller ones.
    pub(super) fn of_pairs(pairs: Vec<(u64, u32)>) -> Classes {
        let mut classes = Classes::default();
        for (name, parent) in pairs {
            let number = classes.intern(name);
            classes.parents[number as usize] = parent.min(number);
        }
        classes
    }

    /// Two names are of one object.
    pub(super) fn merge(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        self.parents[a.max(b) as usize] = a.min(b);
    }
}

impl Same for Classes {
    fn find(&self, number: u32) -> u32 {
        let mut at = number;
        while self.parents[at as usize] != at {
            at = self.parents[at as usize];
        }
        at
    }
}
