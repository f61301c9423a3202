//! The set of goroutines whose pending operation can take effect now.
//!
//! Invariants: membership, insertion and removal are O(1); the order of [`Enabled::list`] depends
//! only on the sequence of insertions and removals, never on memory.

use selvedge_checkers::ids::Gid;

/// A dense list of goroutines with its inverse.
#[derive(Default)]
pub(crate) struct Enabled {
    list: Vec<Gid>,
    /// Position in `list` plus one; 0 for absent.
    position: Vec<u32>,
}

impl Enabled {
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.position.clear();
    }

    #[inline]
    pub(crate) fn contains(&self, g: Gid) -> bool {
        self.position.get(g.index()).is_some_and(|&p| p != 0)
    }

    /// True if `g` was not there before.
    #[inline]
    pub(crate) fn insert(&mut self, g: Gid) -> bool {
        if self.position.len() <= g.index() {
            self.position.resize(g.index() + 1, 0);
        }
        let fresh = self.position[g.index()] == 0;
        if fresh {
            self.list.push(g);
            self.position[g.index()] = self.list.len() as u32;
        }
        fresh
    }

    /// True if `g` was there.
    #[inline]
    pub(crate) fn remove(&mut self, g: Gid) -> bool {
        let at = match self.position.get_mut(g.index()) {
            Some(p) if *p != 0 => std::mem::take(p) as usize - 1,
            _ => return false,
        };
        self.list.swap_remove(at);
        if let Some(moved) = self.list.get(at) {
            self.position[moved.index()] = at as u32 + 1;
        }
        true
    }

    #[inline]
    pub(crate) fn list(&self) -> &[Gid] {
        &self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_list_and_positions_in_step() {
        let mut e = Enabled::default();
        for g in [3, 1, 2] {
            assert!(e.insert(Gid(g)));
        }
        assert!(!e.insert(Gid(1)));
        assert!(e.remove(Gid(3)) && !e.remove(Gid(3)));
        assert_eq!(e.list(), [Gid(2), Gid(1)]);
        assert!(e.contains(Gid(1)) && !e.contains(Gid(3)) && !e.contains(Gid(9)));
        assert!(e.remove(Gid(1)) && e.remove(Gid(2)));
        assert!(e.list().is_empty());
    }
}
