//! Potential deadlocks: locks that are taken in a circle by goroutines that could be concurrent.
//!
//! Every request for a lock by a goroutine that holds others is an *edge* from each lock held to
//! the one wanted. A cycle of edges is a potential deadlock if its goroutines are distinct, its
//! locks are distinct, no two edges are guarded by a common (gate) lock, each link blocks (a read
//! lock does not keep a reader out), and no two requests are ordered by anything but locks.
//!
//! Source: gate locks and segments of Bensalem & Havelund (HVC 2005), the search over goroutines of
//! iGoodLock (Joshi, Park, Sen & Naik, PLDI 2009), and the classes of equal requests of SPDOnline
//! (Tunç et al., PLDI 2023). Deviation: where those check whether a
//! sync-preserving reordering exists, we ask [`HardOrder`], because the model checker confirms or
//! refutes a prediction by running it; hence a warning, never an error.
//!
//! Invariants: a goroutine that holds no other lock costs one comparison; nothing is searched
//! while the graph of lock pairs, goroutines left out, has no cycle; whatever runs into a limit is
//! not reported.
//!
//! Does not detect: cycles of readers that only a queued writer closes, a goroutine's own
//! re-entrance (it deadlocks in the execution at hand), cycles through channels, wait groups or
//! conditions, locks that are released by another goroutine than their owner (they are signals,
//! not locks), and requests beyond the limits below.

use crate::finding::{Evidence, Finding, Slug};
use crate::hard_order::{HardOrder, Mark};
use crate::ids::{Gid, ObjId, SiteRef};
use crate::table::{Row, Table};
use search::{Search, lock_edges};

mod search;
#[cfg(test)]
mod tests;

/// Requests that are kept of one execution.
const MAX_EDGES: usize = 4096;
/// Requests that are kept of one goroutine, for one lock, with the same locks held: they differ
/// only in their place in the forced order.
const MAX_ALIKE: usize = 8;
/// Steps of all searches for cycles of one execution: a fraction of a millisecond.
const MAX_VISITS: u32 = 20_000;
/// Cycles that are reported of one execution.
const MAX_REPORTS: usize = 16;

#[derive(Clone, Copy, Debug)]
struct Held {
    lock: ObjId,
    shared: bool,
    site: SiteRef,
    step: u32,
}

/// What a goroutine holds now.
#[derive(Default, Debug)]
struct Holder {
    held: Vec<Held>,
    /// The blocking request that was recorded and not granted yet.
    announced: Option<ObjId>,
}

impl Row for Holder {
    fn clear(&mut self) {
        self.held.clear();
        self.announced = None;
    }
}

/// A request made while other locks were held.
#[derive(Debug)]
struct Edge {
    g: Gid,
    wanted: ObjId,
    shared: bool,
    site: SiteRef,
    /// How many steps had been made.
    step: u32,
    /// The locks held, as a range of `LockOrder::pool`.
    held: (usize, usize),
    mark: Mark,
    /// The forced edges its goroutine had taken part in by then.
    version: u32,
    /// One of its locks is gone.
    dead: bool,
}

/// The edges at one lock.
#[derive(Default, Debug)]
struct Lock {
    wanting: Vec<u32>,
    holding: Vec<u32>,
    /// The locks that were wanted while this one was held.
    then: Vec<ObjId>,
    /// It was released by another goroutine than its owner.
    handed_over: bool,
}

impl Row for Lock {
    fn clear(&mut self) {
        self.wanting.clear();
        self.holding.clear();
        self.then.clear();
        self.handed_over = false;
    }
}

/// The lock order of one execution.
#[derive(Default, Debug)]
pub struct LockOrder {
    holders: Table<Holder>,
    locks: Table<Lock>,
    edges: Vec<Edge>,
    pool: Vec<Held>,
    /// Lock pairs, goroutines left out, have formed a cycle.
    cyclic: bool,
    visits: u32,
    reported: Vec<Vec<(ObjId, ObjId)>>,
}

impl LockOrder {
    /// Start a new execution, keeping the memory.
    pub fn reset(&mut self) {
        self.holders.reset();
        self.locks.reset();
        self.edges.clear();
        self.pool.clear();
        self.cyclic = false;
        self.visits = 0;
        self.reported.clear();
    }

    /// A goroutine announces a blocking request, before it is granted, after `step` steps.
    #[inline]
    #[allow(clippy::too_many_arguments, reason = "the fields of one step, passed on as they come")]
    pub fn requested(
        &mut self,
        order: &mut HardOrder,
        g: Gid,
        lock: ObjId,
        shared: bool,
        (site, step): (SiteRef, u32),
        findings: &mut Vec<Finding>,
    ) {
        let holder = self.holders.row(g.index());
        holder.announced = Some(lock);
        if !holder.held.is_empty() {
            self.request_while_holding(order, g, lock, shared, (site, step), findings);
        }
    }

    /// A goroutine got a lock, at step `step`. A blocking request that was not announced is recorded here.
    #[inline]
    #[allow(clippy::too_many_arguments, reason = "the fields of one step, passed on as they come")]
    pub fn acquired(
        &mut self,
        order: &mut HardOrder,
        g: Gid,
        lock: ObjId,
        shared: bool,
        blocking: bool,
        (site, step): (SiteRef, u32),
        findings: &mut Vec<Finding>,
    ) {
        if blocking && self.holders.row(g.index()).announced != Some(lock) {
            self.requested(order, g, lock, shared, (site, step.saturating_sub(1)), findings);
        }
        let holder = self.holders.row(g.index());
        holder.announced = None;
        holder.held.push(Held { lock, shared, site, step });
    }

    /// A goroutine released a lock, its own or another's.
    #[inline]
    pub fn released(&mut self, g: Gid, lock: ObjId, shared: bool) {
        if !self.drop_held(g.index(), lock, shared) {
            self.released_for_another(lock, shared);
        }
    }

    /// The lock is gone; its id may be given to another.
    pub fn forget(&mut self, lock: ObjId) {
        let Some(row) = self.locks.get_mut(lock.index()) else { return };
        for &edge in row.wanting.iter().chain(&row.holding) {
            self.edges[edge as usize].dead = true;
        }
        row.clear();
    }

    fn drop_held(&mut self, g: usize, lock: ObjId, shared: bool) -> bool {
        let Some(holder) = self.holders.get_mut(g) else { return false };
        let found = holder.held.iter().rposition(|h| h.lock == lock && h.shared == shared);
        found.map(|at| holder.held.remove(at)).is_some()
    }

    #[cold]
    fn released_for_another(&mut self, lock: ObjId, shared: bool) {
        let holds = |h: &Held| h.lock == lock && h.shared == shared;
        let owner = self.holders.iter().find(|(_, holder)| holder.held.iter().any(holds));
        if let Some((owner, _)) = owner {
            self.drop_held(owner, lock, shared);
            self.locks.row(lock.index()).handed_over = true;
        }
    }

    #[cold]
    fn request_while_holding(
        &mut self,
        order: &mut HardOrder,
        g: Gid,
        lock: ObjId,
        shared: bool,
        (site, step): (SiteRef, u32),
        findings: &mut Vec<Finding>,
    ) {
        let LockOrder { holders, locks, edges, pool, .. } = self;
        let Some(holder) = holders.get(g.index()) else { return };
        let held = &holder.held;
        if edges.len() >= MAX_EDGES || held.iter().any(|h| h.lock == lock) {
            return;
        }
        let version = order.version(g);
        let mut alike = 0;
        for &edge in &locks.row(lock.index()).wanting {
            let edge = &edges[edge as usize];
            let same_held = || same_locks(&pool[edge.held.0..edge.held.1], held);
            if edge.g == g && edge.shared == shared && same_held() {
                alike += 1;
                if edge.version == version || alike == MAX_ALIKE {
                    return;
                }
            }
        }
        let id = u32::try_from(edges.len()).expect("limited by MAX_EDGES");
        let start = pool.len();
        pool.extend_from_slice(held);
        let mark = order.mark(g);
        edges.push(Edge {
            g,
            wanted: lock,
            shared,
            site,
            step,
            held: (start, pool.len()),
            mark,
            version,
            dead: false,
        });
        locks.row(lock.index()).wanting.push(id);
        let mut new_pair = false;
        for h in held {
            let row = locks.row(h.lock.index());
            row.holding.push(id);
            if !row.then.contains(&lock) {
                row.then.push(lock);
                new_pair = true;
            }
        }
        self.cyclic = self.cyclic || (new_pair && self.leads_back(id));
        if self.cyclic {
            self.report_cycles(order, id, findings);
        }
    }

    /// Whether a lock held by the edge can be reached from the one it wants, goroutines left out.
    fn leads_back(&self, edge: u32) -> bool {
        let edge = &self.edges[edge as usize];
        let held = &self.pool[edge.held.0..edge.held.1];
        let mut seen = vec![edge.wanted];
        let mut next = 0;
        while next < seen.len() {
            let then = self.locks.get(seen[next].index()).map_or(&[][..], |row| &row.then);
            for &lock in then {
                if held.iter().any(|h| h.lock == lock) {
                    return true;
                }
                if !seen.contains(&lock) {
                    seen.push(lock);
                }
            }
            next += 1;
        }
        false
    }

    fn report_cycles(&mut self, order: &mut HardOrder, edge: u32, findings: &mut Vec<Finding>) {
        let LockOrder { locks, edges, pool, reported, visits, .. } = self;
        let mut search = Search { locks, edges, pool, order, path: vec![edge], visits, found: Vec::new() };
        search.extend();
        for cycle in search.found {
            let edges = lock_edges(edges, pool, &cycle);
            let mut name: Vec<(ObjId, ObjId)> = edges.iter().map(|e| (e.held, e.wanted)).collect();
            name.sort();
            if reported.len() < MAX_REPORTS && !reported.contains(&name) {
                reported.push(name);
                findings.push(Finding { slug: Slug::LockOrder, evidence: Evidence::Locks { edges } });
            }
        }
    }
}

/// Whether the same locks are held in the same way, in whatever order they were taken.
fn same_locks(a: &[Held], b: &[Held]) -> bool {
    a.len() == b.len() && a.iter().all(|x| b.iter().any(|y| x.lock == y.lock && x.shared == y.shared))
}
