//! Outcomes that came before their turn, and whose turn it is.
//!
//! Workers take leaves ahead of the search; what they bring is entered from left to right. Invariants:
//! executions are entered in the order in which one worker alone would run them, and with the same
//! outcomes; the leaf whose turn it is can always be taken.

use super::leaf::{Leaf, Outcome};
use super::search::{Search, Ticket};
use std::collections::{BTreeMap, BTreeSet};

/// What to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// Run this leaf.
    Run(Ticket),
    /// Others have to bring what they run first.
    Wait,
    /// There is nothing left.
    Over,
}

/// A leaf that has been run, with what came of it and what else its execution gave.
#[derive(Debug, Default)]
pub(crate) struct Entry<R> {
    pub(crate) leaf: Leaf,
    pub(crate) outcome: Outcome,
    pub(crate) report: R,
}

/// See the module.
pub(crate) struct Ledger<R> {
    search: Search,
    running: BTreeSet<Ticket>,
    ready: BTreeMap<Ticket, Entry<R>>,
    /// How many leaves may be run ahead of their turn.
    window: usize,
}

impl<R> Ledger<R> {
    pub(crate) fn new(search: Search, window: usize) -> Ledger<R> {
        Ledger { search, running: BTreeSet::new(), ready: BTreeMap::new(), window }
    }

    pub(crate) fn search(&self) -> &Search {
        &self.search
    }

    /// How many outcomes wait for their turn.
    #[cfg(test)]
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Take a leaf to run: at every node `choose` chooses among so many children.
    pub(crate) fn take(&mut self, leaf: &mut Leaf, choose: impl FnMut(u32) -> u32) -> Next {
        let Some(next) = self.search.next() else { return Next::Over };
        let ahead = self.running.len() + self.ready.len();
        let is_taken = self.running.contains(&next) || self.ready.contains_key(&next);
        let taken = match (ahead < self.window, is_taken) {
            (true, _) => self.search.take(choose),
            // The leftmost of all leaves is the leftmost free one.
            (false, false) => self.search.take(|_| 0),
            (false, true) => None,
        };
        let Some(ticket) = taken else { return Next::Wait };
        self.running.insert(ticket);
        self.search.leaf(ticket, leaf);
        Next::Run(ticket)
    }

    /// Bring what came of a leaf.
    pub(crate) fn bring(&mut self, ticket: Ticket, entry: Entry<R>) {
        self.running.remove(&ticket);
        self.ready.insert(ticket, entry);
    }

    /// Enter the next outcome, if it is there.
    pub(crate) fn enter(&mut self) -> Option<Entry<R>> {
        let ticket = self.search.next()?;
        let entry = self.ready.remove(&ticket)?;
        if !self.search.still_holds(ticket, &entry.leaf, &entry.outcome) {
            self.search.give_back(ticket);
            return None;
        }
        self.search.enter(ticket, &entry.outcome);
        Some(entry)
    }
}
