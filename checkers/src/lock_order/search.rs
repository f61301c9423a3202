//! The search for cycles among the recorded requests.
//!
//! Invariant: only edges whose lock pairs already lie on a cycle get here, so the search may be
//! exhaustive; it is bounded in steps and in findings all the same, because the number of simple
//! cycles is exponential in the worst case.
//!
//! Source and what is not detected: see [`super`].

use super::{Edge, Held, Lock, MAX_REPORTS, MAX_VISITS};
use crate::finding::LockEdge;
use crate::hard_order::HardOrder;
use crate::table::Table;

/// A depth-first search for the cycles that the first edge of the path closes.
pub(super) struct Search<'a> {
    pub(super) locks: &'a Table<Lock>,
    pub(super) edges: &'a [Edge],
    pub(super) pool: &'a [Held],
    pub(super) order: &'a mut HardOrder,
    pub(super) path: Vec<u32>,
    pub(super) visits: &'a mut u32,
    pub(super) found: Vec<Vec<u32>>,
}

impl Search<'_> {
    pub(super) fn extend(&mut self) {
        let locks = self.locks;
        let tail = &self.edges[self.path[self.path.len() - 1] as usize];
        let Some(row) = locks.get(tail.wanted.index()) else { return };
        for &next in &row.holding {
            if *self.visits >= MAX_VISITS || self.found.len() >= MAX_REPORTS {
                return;
            }
            *self.visits += 1;
            if !self.links(tail, &self.edges[next as usize]) || !self.fits(next) {
                continue;
            }
            self.path.push(next);
            let first = &self.edges[self.path[0] as usize];
            if self.links(&self.edges[next as usize], first) {
                self.found.push(self.path.clone());
            } else {
                self.extend();
            }
            self.path.pop();
        }
    }

    /// Whether the first edge's request can be kept waiting by what the second one holds.
    fn links(&self, waiting: &Edge, holding: &Edge) -> bool {
        let handed_over = self.locks.get(waiting.wanted.index()).is_some_and(|row| row.handed_over);
        !handed_over
            && !holding.dead
            && self.held(holding).iter().any(|h| h.lock == waiting.wanted && !(h.shared && waiting.shared))
    }

    /// Whether the edge may stand beside all those on the path.
    fn fits(&mut self, next: u32) -> bool {
        let new = &self.edges[next as usize];
        for i in 0..self.path.len() {
            let old = &self.edges[self.path[i] as usize];
            let gated = self
                .held(old)
                .iter()
                .any(|a| self.held(new).iter().any(|b| a.lock == b.lock && !(a.shared && b.shared)));
            if old.g == new.g || old.wanted == new.wanted || gated {
                return false;
            }
            let (old, new) = (old.mark, new.mark);
            if !self.order.concurrent(old, new) {
                return false;
            }
        }
        true
    }

    fn held(&self, edge: &Edge) -> &[Held] {
        &self.pool[edge.held.0..edge.held.1]
    }
}

/// The evidence for a cycle, beginning with the oldest goroutine so that every execution that
/// shows the cycle tells it alike.
pub(super) fn lock_edges(edges: &[Edge], pool: &[Held], cycle: &[u32]) -> Vec<LockEdge> {
    let mut told: Vec<LockEdge> = Vec::with_capacity(cycle.len());
    for (at, &id) in cycle.iter().enumerate() {
        let edge = &edges[id as usize];
        let before = &edges[cycle[(at + cycle.len() - 1) % cycle.len()] as usize];
        let held = pool[edge.held.0..edge.held.1].iter().find(|h| h.lock == before.wanted);
        let held = held.expect("each edge of a cycle holds what the one before wants");
        told.push(LockEdge {
            g: edge.g,
            held: held.lock,
            held_at: held.site.into(),
            taken: held.step,
            wanted: edge.wanted,
            wanted_at: edge.site.into(),
            asked: edge.step,
        });
    }
    let oldest = told.iter().enumerate().min_by_key(|(_, edge)| edge.g);
    let first = oldest.map_or(0, |(at, _)| at);
    told.rotate_left(first);
    told
}
