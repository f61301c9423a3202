//! Which operations met in which order: the pairs of one execution.
//!
//! A pair is two conflicting operations of different goroutines, by their places in the source and what
//! they do, the earlier one first; of a resource that nobody has written yet, an access forms a pair with
//! the beginning. The set of pairs says what the execution was like, as reads-from pairs do for loads and
//! stores (RFF: Wolff, Duck, Roychoudhury, ASPLOS 2024), and which of them could be the other way round.
//!
//! Invariants: places are hashed by what they say, not by where they lie in memory; an access that writes
//! hides all before it.
//!
//! Does not see: order that other operations enforce, so some pairs cannot be turned round; pairs on one
//! resource beyond a few.

use selvedge_checkers::access::{Access, Mode, Res};
use selvedge_checkers::ids::{Gid, SiteRef};
use selvedge_checkers::op::OpKind;
use std::collections::{BTreeMap, BTreeSet};

/// Accesses since the last write that are told apart.
const MAX_OPEN: usize = 16;
/// Pairs to turn round that are kept of one execution.
const MAX_TURNS: usize = 4096;

/// Two decisions, by their numbers, that could have come the other way round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Turn {
    pub(super) first: u32,
    pub(super) second: u32,
    /// The pair that this would show.
    pub(super) turned: u64,
}

#[derive(Clone, Copy, Debug)]
struct Touched {
    g: Gid,
    step: u32,
    place: u64,
    mode: Mode,
}

/// See the module.
#[derive(Default, Debug)]
pub(super) struct Pairs {
    open: BTreeMap<Res, Vec<Touched>>,
    pub(super) seen: BTreeSet<u64>,
    pub(super) turns: Vec<Turn>,
}

/// What an operation is, in every execution.
pub(super) fn place(op: OpKind, site: SiteRef) -> u64 {
    let file = site.file().bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| step(hash, byte.into()));
    step(step(step(file, site.line().into()), site.column().into()), op as u64)
}

fn step(hash: u64, word: u64) -> u64 {
    (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3)
}

fn pair(first: u64, second: u64) -> u64 {
    step(first.rotate_left(32), second)
}

impl Pairs {
    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.seen.clear();
        self.turns.clear();
    }

    /// Decision number `number`, of `g`, at a place, touched these. One that `gives_up` something can
    /// only come after what it ends.
    pub(super) fn touched(&mut self, number: u32, g: Gid, place: u64, gives_up: bool, footprint: &[Access]) {
        for access in footprint.iter().filter(|a| !a.res.part.is_of_goroutine()) {
            let open = self.open.entry(access.res).or_default();
            if open.is_empty() {
                self.seen.insert(pair(0, place));
            }
            for other in open.iter().filter(|other| other.g != g && other.mode.conflicts(access.mode)) {
                self.seen.insert(pair(other.place, place));
                if !gives_up && self.turns.len() < MAX_TURNS {
                    let turned = pair(place, other.place);
                    self.turns.push(Turn { first: other.step, second: number, turned });
                }
            }
            if gives_up {
                continue;
            }
            if access.mode == Mode::Write {
                open.clear();
            }
            if open.len() < MAX_OPEN {
                open.push(Touched { g, step: number, place, mode: access.mode });
            }
        }
    }

    /// The same number for equal sets.
    pub(super) fn key(&self) -> u64 {
        self.seen.iter().fold(0, |key, &pair| step(key, pair))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use selvedge_checkers::access::Sync;
    use selvedge_checkers::ids::ObjId;

    fn on(object: u32, mode: Mode) -> [Access; 1] {
        [Access::whole(ObjId(object), mode, Sync::None)]
    }

    #[test]
    fn conflicting_accesses_of_different_goroutines_are_pairs() {
        let mut pairs = Pairs::default();
        pairs.touched(0, Gid(1), 10, false, &on(1, Mode::Write));
        pairs.touched(1, Gid(1), 11, false, &on(1, Mode::Read));
        pairs.touched(2, Gid(2), 12, false, &on(1, Mode::Read));
        pairs.touched(3, Gid(3), 13, false, &on(1, Mode::Write));
        let turn = |first, second, a, b| Turn { first, second, turned: pair(b, a) };
        assert_eq!(
            pairs.turns,
            [turn(0, 2, 10, 12), turn(0, 3, 10, 13), turn(1, 3, 11, 13), turn(2, 3, 12, 13)]
        );
        let key = pairs.key();
        pairs.touched(4, Gid(4), 12, false, &on(2, Mode::Read));
        assert_ne!(pairs.key(), key, "it read what nobody had written");
    }

    #[test]
    fn what_ends_a_hold_is_not_turned_round() {
        let mut pairs = Pairs::default();
        pairs.touched(0, Gid(1), 10, false, &on(1, Mode::Write));
        pairs.touched(1, Gid(1), 11, true, &on(1, Mode::Write));
        pairs.touched(2, Gid(2), 10, false, &on(1, Mode::Write));
        assert_eq!(pairs.turns, [Turn { first: 0, second: 2, turned: pair(10, 10) }]);
    }
}
