//! The order a program forces on its steps when the edges of locks are left out.
//!
//! Invariants: lock hand-overs put two critical sections in *some* order, spawn, join, channels,
//! wait groups and the rest put them in *the* order; predictions about locks must ignore the
//! former, or every observed order would look forced. The order is computed lazily: steps are only
//! logged, and replayed into a second set of clocks when somebody asks about two marks. Programs
//! without a suspicious pair of marks, nearly all, never pay for the second set.
//!
//! Source: the segments of Bensalem & Havelund ("Dynamic deadlock analysis of multi-threaded
//! programs", HVC 2005), which know spawn and join, widened to every edge that is not a lock's and
//! kept as vector clocks. Deviation: an observed channel or atomic edge counts as forced although
//! another schedule may pair other partners; this only ever hides a prediction.
//!
//! Does not know: order through an object the program never synchronises on, and anything after
//! the log's limit, from where on everything counts as ordered so that nothing is predicted.

use crate::access::{Access, Sync};
use crate::clock::{Clocks, Epoch, VectorClock};
use crate::ids::{Gid, ObjId};

/// Log entries an execution may have: 16 bytes each, far above any step limit in use; tests come to it.
const LIMIT: usize = if cfg!(test) { 1 << 16 } else { 1 << 22 };

/// A point of the execution that can be compared with others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark(u32);

#[derive(Clone, Copy, Debug)]
enum Entry {
    Spawn(Gid, Gid),
    Join(Gid, Gid),
    /// A step of a goroutine; its accesses end at this index.
    Apply(Gid, u32),
    AcquireFence(Gid),
    ReleaseFence(Gid),
    Forget(ObjId),
    Mark(Gid),
}

#[derive(Debug)]
struct Point {
    epoch: Epoch,
    seen: VectorClock,
}

/// The log of one execution and the clocks that follow it.
#[derive(Default)]
pub struct HardOrder {
    log: Vec<Entry>,
    accesses: Vec<Access>,
    marks: u32,
    /// Per goroutine, how many of its entries were logged.
    versions: Vec<u32>,
    /// How much of `log` and of `accesses` the clocks have seen.
    replayed: (usize, usize),
    clocks: Clocks,
    /// The marks replayed so far; those at and after `marks` are left over for reuse.
    points: Vec<Point>,
    placed: usize,
    full: bool,
}

impl HardOrder {
    /// Start a new execution, keeping the memory.
    pub fn reset(&mut self) {
        self.log.clear();
        self.accesses.clear();
        self.versions.clear();
        self.marks = 0;
        self.replayed = (0, 0);
        self.placed = 0;
        self.full = false;
    }

    /// `parent` spawned `child`.
    pub fn spawned(&mut self, parent: Gid, child: Gid) {
        self.push(parent, Entry::Spawn(parent, child));
    }

    /// `g` learned that `target` has ended.
    pub fn joined(&mut self, g: Gid, target: Gid) {
        self.push(g, Entry::Join(g, target));
    }

    /// A step that was no lock operation. Before the first mark there is nothing to be ordered by it:
    /// what is learned later of what was released until then is older than every mark.
    #[inline]
    pub fn applied(&mut self, g: Gid, footprint: &[Access]) {
        if self.marks == 0 {
            return;
        }
        let before = self.accesses.len();
        for a in footprint.iter().filter(|a| a.sync != Sync::None) {
            self.accesses.push(*a);
        }
        if self.accesses.len() > before {
            let end = u32::try_from(self.accesses.len()).unwrap_or(u32::MAX);
            self.push(g, Entry::Apply(g, end));
        }
    }

    /// A fence of `g`.
    pub fn fenced(&mut self, g: Gid, acquire: bool, release: bool) {
        if acquire {
            self.push(g, Entry::AcquireFence(g));
        }
        if release {
            self.push(g, Entry::ReleaseFence(g));
        }
    }

    /// The object is gone; its id may be given to another.
    pub fn forget(&mut self, obj: ObjId) {
        if !self.full {
            self.log.push(Entry::Forget(obj));
        }
    }

    /// The number of forced edges `g` took part in so far: two points of `g` with equal numbers
    /// are ordered alike with everything else.
    pub fn version(&self, g: Gid) -> u32 {
        self.versions.get(g.index()).copied().unwrap_or(0)
    }

    /// Remember the point `g` is at.
    pub fn mark(&mut self, g: Gid) -> Mark {
        let mark = Mark(self.marks);
        self.marks += 1;
        if !self.full {
            self.log.push(Entry::Mark(g));
        }
        mark
    }

    /// Whether the program forces `a` to come before `b`.
    pub fn ordered(&mut self, a: Mark, b: Mark) -> bool {
        if self.full {
            return true;
        }
        self.replay();
        let (first, second) = (&self.points[a.0 as usize], &self.points[b.0 as usize]);
        if first.epoch.g == second.epoch.g {
            return a.0 <= b.0;
        }
        first.epoch.at <= second.seen.get(first.epoch.g)
    }

    /// Whether neither comes before the other.
    pub fn concurrent(&mut self, a: Mark, b: Mark) -> bool {
        !self.ordered(a, b) && !self.ordered(b, a)
    }

    #[inline]
    fn push(&mut self, g: Gid, entry: Entry) {
        if self.log.len() >= LIMIT || self.accesses.len() >= LIMIT {
            self.full = true;
            return;
        }
        self.log.push(entry);
        if self.versions.len() <= g.index() {
            self.versions.resize(g.index() + 1, 0);
        }
        self.versions[g.index()] += 1;
    }

    fn replay(&mut self) {
        if self.replayed.0 == 0 {
            self.clocks.reset();
        }
        while let Some(&entry) = self.log.get(self.replayed.0) {
            self.replayed.0 += 1;
            match entry {
                Entry::Spawn(parent, child) => self.clocks.spawn(parent, child),
                Entry::Join(g, target) => self.clocks.join(g, target),
                Entry::Apply(g, end) => {
                    let end = end as usize;
                    self.clocks.apply(g, &self.accesses[self.replayed.1..end]);
                    self.replayed.1 = end;
                }
                Entry::AcquireFence(g) => self.clocks.acquire_fence(g),
                Entry::ReleaseFence(g) => self.clocks.release_fence(g),
                Entry::Forget(obj) => self.clocks.forget(obj),
                Entry::Mark(g) => self.place(g),
            }
        }
    }

    fn place(&mut self, g: Gid) {
        if self.points.len() == self.placed {
            self.points.push(Point { epoch: self.clocks.epoch(g), seen: VectorClock::default() });
        }
        let point = &mut self.points[self.placed];
        point.epoch = self.clocks.epoch(g);
        point.seen.assign(self.clocks.seen(g));
        self.placed += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Mode;

    fn message(n: u32, sync: Sync) -> [Access; 1] {
        [Access::new(ObjId(7), crate::access::Part::Message, n, Mode::Write, sync)]
    }

    #[test]
    fn answers_are_the_same_whenever_they_are_asked_for() {
        for ask_early in [false, true] {
            let mut order = HardOrder::default();
            for _ in 0..2 {
                order.reset();
                let start = order.mark(Gid::MAIN);
                order.spawned(Gid::MAIN, Gid(1));
                order.spawned(Gid::MAIN, Gid(2));
                let sent = order.mark(Gid(1));
                if ask_early {
                    assert!(order.ordered(start, sent) && !order.ordered(sent, start));
                }
                order.applied(Gid(1), &message(0, Sync::Publish));
                let after = order.mark(Gid(1));
                order.applied(Gid(2), &message(0, Sync::Acquire));
                let got = order.mark(Gid(2));
                assert!(order.ordered(sent, got));
                assert!(order.concurrent(after, got));
                order.joined(Gid::MAIN, Gid(1));
                let joined = order.mark(Gid::MAIN);
                assert!(order.ordered(after, joined) && order.concurrent(got, joined));
            }
        }
    }

    #[test]
    fn steps_that_publish_nothing_leave_the_version_alone() {
        let mut order = HardOrder::default();
        order.reset();
        order.applied(Gid::MAIN, &message(0, Sync::Publish));
        assert_eq!(order.version(Gid::MAIN), 0, "there is no mark yet");
        order.mark(Gid::MAIN);
        order.applied(Gid::MAIN, &message(0, Sync::None));
        assert_eq!(order.version(Gid::MAIN), 0);
        order.applied(Gid::MAIN, &message(0, Sync::Publish));
        assert_eq!(order.version(Gid::MAIN), 1);
    }

    #[test]
    fn fences_order_and_what_is_gone_does_not() {
        let whole = |sync| [Access::whole(ObjId(7), Mode::Write, sync)];
        for (fences, forgets) in [(true, false), (false, false), (true, true)] {
            let mut order = HardOrder::default();
            order.reset();
            order.mark(Gid::MAIN);
            order.spawned(Gid::MAIN, Gid(1));
            order.spawned(Gid::MAIN, Gid(2));
            let before = order.mark(Gid(1));
            order.fenced(Gid(1), false, fences);
            order.applied(Gid(1), &whole(Sync::RelaxedStore));
            if forgets {
                order.forget(ObjId(7));
            }
            order.applied(Gid(2), &whole(Sync::RelaxedLoad));
            order.fenced(Gid(2), fences, false);
            let after = order.mark(Gid(2));
            assert_eq!(order.ordered(before, after), fences && !forgets, "{fences} {forgets}");
        }
    }

    #[test]
    fn a_goroutine_orders_its_own_and_a_full_log_everything() {
        let mut order = HardOrder::default();
        order.reset();
        let (first, second) = (order.mark(Gid::MAIN), order.mark(Gid::MAIN));
        assert!(order.ordered(first, second) && !order.ordered(second, first));
        (0..LIMIT).for_each(|_| order.joined(Gid(1), Gid::MAIN));
        assert!(order.ordered(second, first));
    }
}
