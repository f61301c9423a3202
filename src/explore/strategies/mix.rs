//! The default: each execution by another strategy, because none of them wins everywhere.
//!
//! | execution | strategy |
//! |---|---|
//! | 0 | round robin, with the oldest stores and the second alternatives |
//! | 1 … 3 | leaves of the frontier, of which the first runs each goroutine for as long as it can go on |
//! | 4 | the random walk; its profile serves the others where none was given |
//! | 5, 6 | leaves |
//! | 7 … 18 | SURW, two leaves, POS, two leaves, PCT with two change points, two leaves, the random walk, two leaves |
//! | 19 … | a leaf, SURW, POS, a leaf, PCT, the random walk, in rotation |
//!
//! The first two cost little and find what is broken in the schedules that come to mind: everybody in turn, and
//! one after the other. Small programs have few leaves, and their bugs fall to them soonest; of a program with
//! millions of them those of the opening are a small price. The shares are measured (decisions 0018 and 0039). The
//! leaves are not taken here, because each depends on the ones before: [`Lane`](crate::explore::lane) has
//! them, and as long as it has none, their turns are the others'.
//!
//! Invariant: execution `index` depends on the seed, the index and the profile alone. Without a
//! profile, the random walk of the opening has to come before what follows it, or the others make do with
//! guesses.

use super::{Deviate, Pct, Pos, Profile, Random, RoundRobin, Surw};
use crate::explore::profile::Profiler;
use crate::model::execution::Pending;
use crate::model::{Scene, Strategy};
use selvedge_checkers::access::Access;
use selvedge_checkers::ids::Gid;
use std::sync::Arc;

/// Whose turn it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    Profiler,
    RoundRobin,
    Completion,
    Surw,
    Pos,
    Pct3,
    Random,
}

/// What comes after round robin, two leaves after each.
const OPENING: [Turn; 6] =
    [Turn::Completion, Turn::Profiler, Turn::Surw, Turn::Pos, Turn::Pct3, Turn::Random];
/// The length of round robin and the opening.
const FIRST: u64 = 1 + 3 * OPENING.len() as u64;
/// The random walk that serves as profile: the walk's own execution 0, which is what whoever gathers a profile runs.
const PROFILED: u64 = 4;
/// Whose turn it is, and whether a leaf goes in its place as long as there are any.
const ROTATION: [(Turn, bool); 6] = [
    (Turn::Pos, true),
    (Turn::Surw, false),
    (Turn::Pos, false),
    (Turn::Surw, true),
    (Turn::Pct3, false),
    (Turn::Random, false),
];

/// Whose turn execution `index` is, and whether a leaf goes in its place.
fn turn(index: u64) -> (Turn, bool) {
    let Some(after) = index.checked_sub(1) else { return (Turn::RoundRobin, false) };
    if index >= FIRST {
        return ROTATION[((index - FIRST) % ROTATION.len() as u64) as usize];
    }
    match (OPENING[(after / 3) as usize], after % 3) {
        (turn, 0) => (turn, turn == Turn::Completion),
        (_, 1) => (Turn::Pos, true),
        _ if index < PROFILED => (Turn::Random, true),
        _ => (Turn::Surw, true),
    }
}

/// See the module.
pub(crate) struct Mix {
    seed: u64,
    has_profile: bool,
    turn: Turn,
    profiler: Profiler,
    round_robin: RoundRobin,
    completion: Deviate,
    surw: Surw,
    pos: Pos,
    pct3: Pct,
    random: Random,
}

impl Mix {
    pub(crate) fn new(seed: u64, profile: Option<&Arc<Profile>>) -> Mix {
        Mix {
            seed,
            has_profile: profile.is_some(),
            turn: Turn::Profiler,
            profiler: Profiler::new(seed),
            round_robin: RoundRobin::new(),
            completion: Deviate::new(Vec::new()),
            surw: Surw::new(seed, profile),
            pos: Pos::new(seed),
            pct3: Pct::new(seed, 3, profile),
            random: Random::new(seed),
        }
    }

    /// Whether execution `index` is a leaf of the frontier, as long as there are any.
    pub(crate) fn is_of_the_lane(index: u64) -> bool {
        turn(index).1
    }

    fn turn_of(&self, index: u64) -> Turn {
        match turn(index).0 {
            Turn::Profiler if self.has_profile => Turn::Random,
            turn => turn,
        }
    }

    #[inline]
    fn active(&mut self) -> &mut dyn Strategy {
        match self.turn {
            Turn::Profiler => &mut self.profiler,
            Turn::RoundRobin => &mut self.round_robin,
            Turn::Completion => &mut self.completion,
            Turn::Surw => &mut self.surw,
            Turn::Pos => &mut self.pos,
            Turn::Pct3 => &mut self.pct3,
            Turn::Random => &mut self.random,
        }
    }
}

impl Strategy for Mix {
    fn begin(&mut self, index: u64) -> bool {
        self.turn = self.turn_of(index);
        match self.turn {
            // Its first execution has what is like the first leaf: first alternatives and newest stores.
            Turn::RoundRobin => self.round_robin.begin(1),
            _ if index == PROFILED => self.active().begin(0),
            _ => self.active().begin(index),
        }
    }

    #[inline]
    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        self.active().pick(scene)
    }

    fn alternative(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        self.active().alternative(step, g, n)
    }

    fn read(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        self.active().read(step, g, n)
    }

    fn fire_early(&mut self, scene: &Scene<'_>) -> bool {
        self.active().fire_early(scene)
    }

    fn follows(&self) -> bool {
        match self.turn {
            Turn::Profiler | Turn::RoundRobin | Turn::Pos | Turn::Pct3 => true,
            Turn::Surw => self.surw.follows(),
            Turn::Completion | Turn::Random => false,
        }
    }

    fn spawned(&mut self, parent: Gid, child: Gid) {
        self.active().spawned(parent, child);
    }

    fn announced(&mut self, g: Gid, pending: &Pending) {
        self.active().announced(g, pending);
    }

    fn enabled(&mut self, g: Gid) {
        self.active().enabled(g);
    }

    fn disabled(&mut self, g: Gid) {
        self.active().disabled(g);
    }

    fn stepped(&mut self, g: Gid, pending: &[Pending], footprint: &[Access]) {
        self.active().stepped(g, pending, footprint);
    }

    fn conflicts(&mut self, g: Gid) {
        self.active().conflicts(g);
    }

    fn end(&mut self, steps: u32) {
        self.active().end(steps);
        if self.turn == Turn::Profiler {
            let profile = Arc::new(self.profiler.take());
            *self = Mix::new(self.seed, Some(&profile));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategies::tests::gather;
    use crate::explore::strategies::tests::programs::{self, Run};
    use std::panic::Location;

    #[test]
    fn its_own_profile_is_as_good_as_one_it_is_given() {
        for program in programs::all() {
            let profile = gather(&program.body, Location::caller(), programs::limits(), 9);
            let mut alone = Run::new(Box::new(Mix::new(9, None)));
            let mut given = Run::new(Box::new(Mix::new(9, Some(&profile))));
            for index in 0..30 {
                let (a, b) = (alone.one(index, &program.body), given.one(index, &program.body));
                assert_eq!(a.fingerprint, b.fingerprint, "{} {index}", program.name);
            }
        }
    }
}
