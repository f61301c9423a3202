//! The default: each execution by another strategy, because none of them wins everywhere.
//!
//! | execution | strategy |
//! |---|---|
//! | 0 | the random walk; its profile serves the others where none was given |
//! | 1 | round robin |
//! | 2 | each goroutine for as long as it can go on |
//! | 3 … | a leaf of the frontier, SURW, POS, a leaf, PCT with two change points, the random walk, in rotation |
//!
//! The first three cost little and find what is broken in every schedule that comes to mind. The shares
//! of the others are measured (decision 0018). The leaves are not taken here, because each depends on the
//! ones before: [`Lane`](crate::explore::lane) has them, and as long as it has none, their turns are the
//! others'.
//!
//! Invariant: execution `index` depends on the seed, the index and the profile alone. Without a
//! profile, execution 0 has to come first, or the others make do with guesses.

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

/// The executions that come first.
const FIRST: u64 = 3;
/// Whose turn it is, and whether a leaf goes in its place as long as there are any.
const ROTATION: [(Turn, bool); 6] = [
    (Turn::Pos, true),
    (Turn::Surw, false),
    (Turn::Pos, false),
    (Turn::Surw, true),
    (Turn::Pct3, false),
    (Turn::Random, false),
];

fn rotation(index: u64) -> Option<(Turn, bool)> {
    let nth = index.checked_sub(FIRST)? % ROTATION.len() as u64;
    Some(ROTATION[nth as usize])
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
        rotation(index).is_some_and(|(_, leaf)| leaf)
    }

    fn turn_of(&self, index: u64) -> Turn {
        match index {
            0 if self.has_profile => Turn::Random,
            0 => Turn::Profiler,
            1 => Turn::RoundRobin,
            _ => rotation(index).map_or(Turn::Completion, |(turn, _)| turn),
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
        self.active().begin(index)
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
