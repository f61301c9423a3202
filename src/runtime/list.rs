//! A queue of goroutines linked through their records.
//!
//! Invariants: a goroutine is in at most one list; whoever has the list (by its lock) holds the
//! goroutines in it.

use super::g::G;

/// First in, first out.
pub(super) struct List {
    first: Option<&'static G>,
    last: Option<&'static G>,
    len: usize,
}

impl List {
    pub(super) const fn new() -> List {
        List { first: None, last: None, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, g: &'static G) {
        g.next.set(None);
        match self.last.replace(g) {
            Some(last) => last.next.set(Some(g)),
            None => self.first = Some(g),
        }
        self.len += 1;
    }

    pub(super) fn pop(&mut self) -> Option<&'static G> {
        let g = self.first?;
        self.first = g.next.take();
        if self.first.is_none() {
            self.last = None;
        }
        self.len -= 1;
        Some(g)
    }
}
