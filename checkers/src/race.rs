//! Data races, by epochs on happens-before clocks.
//!
//! Two accesses to one cell race when at least one is a write and neither happens before the
//! other. Source: FastTrack (Flanagan & Freund, PLDI 2009). Deviation: after a race the racing
//! pair is treated as ordered (as SHB does), so later reports of the same execution stay real.
//!
//! Does not detect: races that only another *trace* of the program has (explore more executions),
//! and accesses that go through no instrumented cell.

use crate::clock::{Clocks, Epoch};
use crate::ids::{Gid, ObjId, SiteRef};

/// One side of a race.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// Who.
    pub g: Gid,
    /// Whether it was a write.
    pub write: bool,
    /// Where in the source.
    pub site: SiteRef,
    /// At which step of the execution.
    pub step: u32,
}

/// Two unordered accesses to one cell, in time order.
#[derive(Clone, Copy, Debug)]
pub struct Race {
    /// The variable.
    pub cell: ObjId,
    /// The earlier access.
    pub first: Access,
    /// The later access.
    pub second: Access,
}

#[derive(Default)]
struct Cell {
    write: Option<(Epoch, Access)>,
    /// At most one entry a goroutine, and one entry in all while reads are ordered.
    reads: Vec<(Epoch, Access)>,
}

/// The shadow memory of one execution.
#[derive(Default)]
pub struct Races {
    cells: Vec<Cell>,
    live: usize,
}

impl Races {
    /// Start a new execution, keeping the memory.
    pub fn reset(&mut self) {
        for cell in &mut self.cells[..self.live] {
            cell.write = None;
            cell.reads.clear();
        }
        self.live = 0;
    }

    /// The cell is gone; its id may be given to another.
    pub fn forget(&mut self, obj: ObjId) {
        if let Some(cell) = self.cells.get_mut(obj.index()) {
            cell.write = None;
            cell.reads.clear();
        }
    }

    /// Record an access; `Some` if it races with an earlier one.
    pub fn access(&mut self, clocks: &Clocks, cell_id: ObjId, access: Access) -> Option<Race> {
        if self.cells.len() <= cell_id.index() {
            self.cells.resize_with(cell_id.index() + 1, Cell::default);
        }
        self.live = self.live.max(cell_id.index() + 1);
        let cell = &mut self.cells[cell_id.index()];
        let g = access.g;
        let unordered = |(epoch, earlier): &(Epoch, Access)| (!clocks.ordered(*epoch, g)).then_some(*earlier);
        let mut first = cell.write.as_ref().and_then(unordered);
        let now = (clocks.epoch(g), access);
        if access.write {
            first = first.or_else(|| cell.reads.iter().find_map(unordered));
            cell.write = Some(now);
            cell.reads.clear();
        } else {
            cell.reads.retain(|(epoch, _)| !clocks.ordered(*epoch, g));
            cell.reads.push(now);
            if first.is_some() {
                cell.write = None;
            }
        }
        first.map(|first| Race { cell: cell_id, first, second: access })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Access as Touch, Mode, Sync};
    use std::panic::Location;

    const X: ObjId = ObjId(0);
    const M: ObjId = ObjId(1);

    struct Run(Clocks, Races);

    impl Run {
        fn new() -> Run {
            let mut clocks = Clocks::default();
            clocks.reset();
            clocks.spawn(Gid::MAIN, Gid(1));
            clocks.spawn(Gid::MAIN, Gid(2));
            Run(clocks, Races::default())
        }
        fn touch(&mut self, g: u32, write: bool) -> bool {
            let access = Access { g: Gid(g), write, site: Location::caller(), step: 0 };
            self.1.access(&self.0, X, access).is_some()
        }
        fn sync(&mut self, g: u32, sync: Sync) {
            self.0.apply(Gid(g), &[Touch::whole(M, Mode::Write, sync)]);
        }
    }

    #[test]
    fn unordered_write_write_and_read_write_race() {
        let mut r = Run::new();
        assert!(!r.touch(1, true));
        assert!(r.touch(2, true));
        let mut r = Run::new();
        assert!(!r.touch(1, false) && !r.touch(2, false), "reads never race");
        assert!(r.touch(1, true), "the other goroutine's read is unordered");
    }

    #[test]
    fn a_released_lock_orders() {
        let mut r = Run::new();
        assert!(!r.touch(1, true));
        r.sync(1, Sync::Publish);
        r.sync(2, Sync::Acquire);
        assert!(!r.touch(2, true));
    }

    #[test]
    fn an_access_after_the_release_is_not_covered_by_it() {
        let mut r = Run::new();
        r.sync(1, Sync::Publish);
        assert!(!r.touch(1, true));
        r.sync(2, Sync::Acquire);
        assert!(r.touch(2, false));
    }

    #[test]
    fn an_ordered_read_does_not_hide_an_unordered_one() {
        let mut r = Run::new();
        assert!(!r.touch(1, false));
        assert!(!r.touch(2, false));
        r.sync(2, Sync::Publish);
        r.sync(0, Sync::Acquire);
        assert!(r.touch(0, true), "g1's read is still unordered");
    }

    #[test]
    fn an_earlier_execution_and_a_variable_that_is_gone_race_with_nobody() {
        let mut r = Run::new();
        assert!(!r.touch(1, true));
        r.1.reset();
        r.0 = Run::new().0;
        assert!(!r.touch(2, true));
        r.1.forget(X);
        assert!(!r.touch(1, false));
        r.1.forget(X);
        assert!(!r.touch(2, true));
    }
}
