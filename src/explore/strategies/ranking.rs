//! Who may go on, by rank: what the strategies with priorities share.
//!
//! A heap with lazy deletion next to a queue. An entry counts only while its goroutine can go on and
//! still has the rank of the entry; all others are dropped when they come up. Goroutines sunk to the
//! bottom join the queue, which is sorted by construction since each of them sinks below the last:
//! a program of yields costs no heap operation at all, and neither does a goroutine that goes on.
//!
//! Invariants: every goroutine that can go on has exactly one entry that counts; ties between equal
//! ranks fall to the lower id, so nothing depends on the history of the heap.

use selvedge_checkers::ids::Gid;
use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, VecDeque};

/// The lowest rank that [`Ranking::set`] gives; all below belong to goroutines that were sunk.
const FLOOR: u64 = 1 << 63;

type Entry = (u64, Reverse<Gid>);

/// What is known of a goroutine.
#[derive(Clone, Copy, Default)]
struct Place {
    rank: u64,
    enabled: bool,
    /// The entry with this rank is in the heap or the queue.
    queued: bool,
}

/// See the module.
#[derive(Default)]
pub(super) struct Ranking {
    heap: BinaryHeap<Entry>,
    sunk: VecDeque<Entry>,
    places: Vec<Place>,
    /// How often a goroutine was sunk.
    sinkings: u64,
}

impl Ranking {
    /// Forget everybody.
    pub(super) fn clear(&mut self) {
        self.heap.clear();
        self.sunk.clear();
        self.places.clear();
        self.sinkings = 0;
    }

    /// How many goroutines have a rank: those with lower ids.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Admit the next goroutine. It cannot go on yet.
    pub(super) fn admit(&mut self, rank: u64) {
        self.places.push(Place { rank: rank | FLOOR, enabled: false, queued: false });
    }

    /// Give `g` a new rank.
    #[inline]
    pub(super) fn set(&mut self, g: Gid, rank: u64) {
        let place = &mut self.places[g.index()];
        place.rank = rank | FLOOR;
        place.queued = place.enabled;
        if !place.enabled {
            return;
        }
        let entry = (place.rank, Reverse(g));
        // Mostly it is the goroutine that just went, and its old entry is still on top.
        if let Some(mut top) = self.heap.peek_mut()
            && top.1.0 == g
        {
            *top = entry;
            return;
        }
        self.push(entry);
    }

    /// Put `g` below everybody else.
    #[inline]
    pub(super) fn sink(&mut self, g: Gid) {
        self.sinkings += 1;
        let place = &mut self.places[g.index()];
        place.rank = FLOOR - self.sinkings;
        place.queued = place.enabled;
        if place.enabled {
            self.sunk.push_back((place.rank, Reverse(g)));
        }
    }

    /// `g` can go on from now on.
    #[inline]
    pub(super) fn enable(&mut self, g: Gid) {
        let place = &mut self.places[g.index()];
        place.enabled = true;
        if !place.queued {
            place.queued = true;
            let entry = (place.rank, Reverse(g));
            self.push(entry);
        }
    }

    /// `g` cannot go on any more. Its entry stays, in case it soon can.
    #[inline]
    pub(super) fn disable(&mut self, g: Gid) {
        if let Some(place) = self.places.get_mut(g.index()) {
            place.enabled = false;
        }
    }

    /// The highest rank that can go on, if anybody can.
    #[inline]
    pub(super) fn top(&mut self) -> Option<Gid> {
        loop {
            let (above, below) = (self.heap.peek().copied(), self.sunk.front().copied());
            let entry = above.max(below)?;
            let place = &mut self.places[entry.1.0.index()];
            let current = place.rank == entry.0;
            if current && place.enabled {
                return Some(entry.1.0);
            }
            if current {
                place.queued = false;
            }
            if above == Some(entry) {
                self.heap.peek_mut().map(PeekMut::pop);
            } else {
                self.sunk.pop_front();
            }
        }
    }

    /// Outdated entries below the top are never reached by [`Ranking::top`]: when they outnumber
    /// the others by far, throw them out, which costs a constant per entry ever pushed.
    #[inline]
    fn push(&mut self, entry: Entry) {
        if self.heap.len() > 64 + 4 * self.places.len() {
            let places = &self.places;
            self.heap.retain(|(rank, Reverse(g))| places[g.index()].rank == *rank);
        }
        self.heap.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::rng::Rng;

    #[test]
    fn agrees_with_a_scan() {
        let mut rng = Rng::new(1);
        for _ in 0..200 {
            let mut ranking = Ranking::default();
            let mut model: Vec<(u64, bool)> = Vec::new();
            let mut sinkings = 0;
            for _ in 0..400 {
                let g = rng.below(model.len().max(1) as u32) as usize;
                match rng.below(6) {
                    0 if model.len() < 10 => {
                        let rank = rng.next() | FLOOR;
                        ranking.admit(rank);
                        model.push((rank, false));
                    }
                    _ if model.is_empty() => {}
                    1 => {
                        model[g].0 = rng.next() | FLOOR;
                        ranking.set(Gid(g as u32), model[g].0);
                    }
                    2 => {
                        sinkings += 1;
                        model[g].0 = FLOOR - sinkings;
                        ranking.sink(Gid(g as u32));
                    }
                    3 => {
                        model[g].1 = false;
                        ranking.disable(Gid(g as u32));
                    }
                    _ => {
                        model[g].1 = true;
                        ranking.enable(Gid(g as u32));
                    }
                }
                let best = (0..model.len()).filter(|&g| model[g].1).max_by_key(|&g| model[g].0);
                assert_eq!(ranking.top().map(Gid::index), best);
                assert!(ranking.heap.len() <= 110);
            }
        }
    }
}
