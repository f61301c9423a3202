//! Each goroutine that can go on in turn, by id.
//!
//! The fairest schedule there is, and the one most people have in mind when they write the program:
//! a bug it shows needs no luck. Bad at everything that takes somebody running ahead. Alternatives go
//! round as well, each goroutine's on its own, so that a periodic program has a periodic execution.
//! Execution `i` differs from the first in where the alternatives start, and those with odd numbers read the
//! oldest stores they may, as if everything written was slow to arrive. Nobody wakes up without a cause, and
//! no timer fires early.

use crate::model::{Scene, Strategy};
use selvedge_checkers::ids::Gid;

/// See the module.
#[derive(Default)]
pub(crate) struct RoundRobin {
    /// A bit for each goroutine that can go on: the next one is found 64 at a time.
    enabled: Vec<u64>,
    last: Option<Gid>,
    /// How many alternatives each goroutine has taken; the clock's are last.
    taken: Vec<u32>,
    taken_by_clock: u32,
    first_alternative: u32,
}

impl RoundRobin {
    pub(crate) fn new() -> RoundRobin {
        RoundRobin::default()
    }

    /// The goroutine with the lowest id from `from` on that can go on.
    fn at_or_after(&self, from: usize) -> Option<Gid> {
        let first = self.enabled.get(from / 64)? & (u64::MAX << (from % 64));
        let words = std::iter::once(first).chain(self.enabled[from / 64 + 1..].iter().copied());
        let (skipped, word) = words.enumerate().find(|(_, word)| *word != 0)?;
        Some(Gid(((from / 64 + skipped) * 64) as u32 + word.trailing_zeros()))
    }
}

impl Strategy for RoundRobin {
    fn begin(&mut self, index: u64) -> bool {
        self.enabled.clear();
        self.taken.clear();
        self.taken_by_clock = 0;
        self.last = None;
        self.first_alternative = index as u32;
        true
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        let next = self.last.map_or(0, |last| last.index() + 1);
        let g = self.at_or_after(next).or_else(|| self.at_or_after(0));
        let g = g.unwrap_or_else(|| scene.default_choice());
        self.last = Some(g);
        g
    }

    fn alternative(&mut self, _step: u32, g: Gid, n: u32) -> u32 {
        let taken = if g == Gid::CLOCK {
            &mut self.taken_by_clock
        } else {
            if self.taken.len() <= g.index() {
                self.taken.resize(g.index() + 1, 0);
            }
            &mut self.taken[g.index()]
        };
        let alternative = taken.wrapping_add(self.first_alternative) % n;
        *taken = taken.wrapping_add(1);
        alternative
    }

    /// At first the newest: what most people have in mind.
    fn read(&mut self, _step: u32, _g: Gid, n: u32) -> u32 {
        if self.first_alternative.is_multiple_of(2) { 0 } else { n - 1 }
    }

    fn fire_early(&mut self, _scene: &Scene<'_>) -> bool {
        false
    }

    fn follows(&self) -> bool {
        true
    }

    fn enabled(&mut self, g: Gid) {
        if self.enabled.len() <= g.index() / 64 {
            self.enabled.resize(g.index() / 64 + 1, 0);
        }
        self.enabled[g.index() / 64] |= 1 << (g.index() % 64);
    }

    fn disabled(&mut self, g: Gid) {
        if let Some(word) = self.enabled.get_mut(g.index() / 64) {
            *word &= !(1 << (g.index() % 64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategies::tests::programs::{self, Run};

    #[test]
    fn takes_turns() {
        let yields = programs::yields(3, 4);
        let run = Run::new(Box::new(RoundRobin::new())).one(0, &yields);
        let order: Vec<u32> = run.decisions.iter().map(|d| d.goroutine.0).collect();
        assert_eq!(order, [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
    }

    #[test]
    fn finds_the_next_across_words() {
        let mut s = RoundRobin::new();
        for g in [3, 64, 200] {
            s.enabled(Gid(g));
        }
        assert_eq!(s.at_or_after(0), Some(Gid(3)));
        assert_eq!(s.at_or_after(4), Some(Gid(64)));
        assert_eq!(s.at_or_after(65), Some(Gid(200)));
        assert_eq!(s.at_or_after(201), None);
        assert_eq!(s.at_or_after(9999), None);
    }

    #[test]
    fn alternatives_take_turns_too() {
        let mut s = RoundRobin::new();
        s.begin(0);
        let mut turns = |g| (0..4).map(|_| s.alternative(0, g, 3)).collect::<Vec<u32>>();
        assert_eq!(turns(Gid(1)), [0, 1, 2, 0]);
        assert_eq!(turns(Gid::CLOCK), [0, 1, 2, 0]);
    }
}
