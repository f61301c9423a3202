//! Names that mean the same in every execution of a program.
//!
//! The ids of an execution count in the order in which things came to be, which another interleaving
//! changes. A goroutine is named by its parent and how many it spawned before. An object is named by
//! who mentions it: the n-th operation of a goroutine that has seen the same results so far is on the
//! same object. Objects mentioned in several ways have several names, which are found to be one as
//! soon as an execution mentions it in both; hence a union-find.
//!
//! Invariants: one object never has two names that stay apart in an execution that mentions it by
//! both; names only ever merge.

use super::index::{Index, mix};
use selvedge_checkers::ids::{Gid, ObjId};

/// No name yet.
const NONE: u32 = u32::MAX;

/// The name of the clock, and of nobody.
pub(super) const CLOCK: u32 = u32::MAX - 1;

/// The names of one program, and those of the running execution's goroutines and objects.
#[derive(Default)]
pub(super) struct Names {
    /// Goroutines by parent and number.
    goroutines: Index,
    known: u32,
    /// Objects by mention.
    mentions: Index,
    parents: Vec<u32>,
    /// By id of the running execution: the goroutine's name, and how many it has spawned.
    here: Vec<(u32, u32)>,
    clock_spawned: u32,
    /// By name: the goroutine's id.
    ids: Vec<u32>,
    objects: Vec<u32>,
}

impl Names {
    /// Another execution begins.
    pub(super) fn begin(&mut self) {
        self.here.clear();
        self.ids.iter_mut().for_each(|id| *id = NONE);
        self.objects.clear();
        self.clock_spawned = 0;
    }

    /// A goroutine was started.
    pub(super) fn spawned(&mut self, parent: Option<Gid>, child: Gid) {
        let count = match parent {
            Some(parent) => &mut self.here[parent.index()].1,
            None => &mut self.clock_spawned,
        };
        let nth = *count;
        *count += 1;
        let above = parent.map_or(CLOCK, |parent| self.here[parent.index()].0);
        let name = self.goroutines.get_or_insert(mix(u64::from(above), u64::from(nth)), self.known);
        self.known = self.known.max(name + 1);
        debug_assert_eq!(self.here.len(), child.index());
        self.here.push((name, 0));
        if self.ids.len() <= name as usize {
            self.ids.resize(name as usize + 1, NONE);
        }
        self.ids[name as usize] = child.0;
    }

    /// The name of a goroutine.
    pub(super) fn of(&self, g: Gid) -> u32 {
        if g == Gid::CLOCK { CLOCK } else { self.here[g.index()].0 }
    }

    /// The goroutine of this name, if it exists here.
    pub(super) fn goroutine(&self, name: u32) -> Option<Gid> {
        if name == CLOCK {
            return Some(Gid::CLOCK);
        }
        self.ids.get(name as usize).filter(|&&id| id != NONE).map(|&id| Gid(id))
    }

    /// `object` is mentioned in the way `key`.
    pub(super) fn mention(&mut self, object: ObjId, key: u64) {
        if object == ObjId::NIL {
            return;
        }
        let fresh = self.parents.len() as u32;
        let mentioned = self.mentions.get_or_insert(key, fresh);
        if mentioned == fresh {
            self.parents.push(fresh);
        }
        let mentioned = self.find(mentioned);
        match self.slot(object) {
            NONE => *self.slot_mut(object) = mentioned,
            known => {
                let known = self.find(known);
                let (low, high) = (known.min(mentioned), known.max(mentioned));
                self.parents[high as usize] = low;
            }
        }
    }

    /// The name of an object.
    pub(super) fn of_object(&mut self, object: ObjId) -> u32 {
        match self.slot(object) {
            NONE => {
                let fresh = self.parents.len() as u32;
                self.parents.push(fresh);
                *self.slot_mut(object) = fresh;
                fresh
            }
            known => self.find(known),
        }
    }

    /// Of all the names that turned out to be one, the first.
    pub(super) fn find(&self, name: u32) -> u32 {
        let mut at = name;
        while self.parents[at as usize] != at {
            at = self.parents[at as usize];
        }
        at
    }

    fn slot(&mut self, object: ObjId) -> u32 {
        *self.slot_mut(object)
    }

    fn slot_mut(&mut self, object: ObjId) -> &mut u32 {
        if self.objects.len() <= object.index() {
            self.objects.resize(object.index() + 1, NONE);
        }
        &mut self.objects[object.index()]
    }
}
