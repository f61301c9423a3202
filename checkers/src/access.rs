//! Footprints: what a step touches, and how.
//!
//! Invariants: two steps are dependent if and only if their footprints conflict; every
//! happens-before edge is an [`Access`] with a [`Sync`] other than `None`. Dependency, clocks,
//! reduction and race analysis all derive from these lists and from nothing else.

use crate::ids::{Gid, ObjId};

/// Which part of its owner a resource is. Goroutine-owned parts name a goroutine in
/// [`Res::owner`], all others an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Part {
    /// The object as a whole: a lock, a counter, an atomic's value.
    Whole,
    /// A channel's receive side.
    Head,
    /// A channel's send side.
    Tail,
    /// A channel's closed flag.
    Closed,
    /// The n-th message of a channel.
    Message,
    /// One store to an atomic; the index says which.
    Store,
    /// The n-th use of a buffer slot.
    Slot,
    /// A channel's queue of waiting goroutines; of a buffered one, the selects that also wait on
    /// unbuffered ones.
    Queue,
    /// The wake-up of one waiter of a condition variable; index is the goroutine.
    Signal,
    /// A goroutine's park token.
    Token,
    /// A goroutine's life: spawn and join.
    Life,
    /// How many handles a channel has.
    Handles,
    /// What readers of a reader-writer lock released.
    Readers,
    /// Virtual time.
    Clock,
    /// The order of sequentially consistent fences.
    Fence,
}

impl Part {
    /// Whether [`Res::owner`] is no object: a goroutine, or nobody.
    pub fn is_of_goroutine(self) -> bool {
        matches!(self, Part::Token | Part::Life | Part::Clock | Part::Fence)
    }
}

/// A resource: a part of an object or goroutine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Res {
    /// The object or goroutine index.
    pub owner: u32,
    /// Which part of it.
    pub part: Part,
    /// Which one of several (a message, a slot, a waiter); otherwise 0.
    pub index: u32,
}

/// How a resource is touched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mode {
    /// Reads commute with reads.
    Read,
    /// Writes conflict with everything.
    Write,
    /// Commutes with its own class, conflicts with everything else.
    Commute(Class),
}

impl Mode {
    /// Whether two accesses to one resource forbid swapping their steps.
    pub fn conflicts(self, other: Mode) -> bool {
        match (self, other) {
            (Mode::Read, Mode::Read) => false,
            (Mode::Commute(a), Mode::Commute(b)) => a != b,
            _ => true,
        }
    }
}

/// The commuting classes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Class {
    /// Read-lock and read-unlock of one lock.
    Reader,
    /// Additions whose result nobody sees: `WaitGroup::add`, releases.
    Add,
    /// Waiters queueing up on a condition variable.
    Enqueue,
    /// `unpark` of one goroutine.
    Unpark,
    /// Drops of handles that are not the last.
    Drop,
    /// Waiters that leave a condition variable by themselves.
    Leave,
}

/// The happens-before effect of an access.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Sync {
    /// No synchronisation: the conflict orders the steps but publishes nothing.
    None,
    /// Learn what was released here.
    Acquire,
    /// Add this goroutine's knowledge to what is here.
    Release,
    /// Replace what is here by this goroutine's knowledge.
    Publish,
    /// Acquire, then release.
    AcquireRelease,
    /// A relaxed load: an acquire once an acquire fence follows.
    RelaxedLoad,
    /// A relaxed store: publishes what the last release fence knew.
    RelaxedStore,
    /// A relaxed read-modify-write: continues the release sequence.
    RelaxedUpdate,
    /// An acquiring read-modify-write that publishes nothing of its own.
    AcquireUpdate,
    /// A releasing read-modify-write that learns nothing before a fence.
    ReleaseUpdate,
    /// A relaxed addition whose result nobody sees: continues the release sequence, and learns nothing.
    RelaxedAdd,
    /// Before anything is released: what was published so far is kept for this store, which will not
    /// be the newest any more.
    Keep,
}

/// One entry of a footprint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Access {
    /// What is touched.
    pub res: Res,
    /// How.
    pub mode: Mode,
    /// With which happens-before effect.
    pub sync: Sync,
}

impl Access {
    /// An access to a part of an object.
    pub fn new(obj: ObjId, part: Part, index: u32, mode: Mode, sync: Sync) -> Access {
        Access { res: Res { owner: obj.0, part, index }, mode, sync }
    }

    /// An access to the whole of an object.
    pub fn whole(obj: ObjId, mode: Mode, sync: Sync) -> Access {
        Access::new(obj, Part::Whole, 0, mode, sync)
    }

    /// An access to a part of a goroutine.
    pub fn of_goroutine(g: Gid, part: Part, mode: Mode, sync: Sync) -> Access {
        Access { res: Res { owner: g.0, part, index: 0 }, mode, sync }
    }

    /// Whether the two accesses forbid swapping their steps.
    pub fn conflicts(&self, other: &Access) -> bool {
        self.res == other.res && self.mode.conflicts(other.mode)
    }
}

/// Whether two footprints conflict.
pub fn conflict(a: &[Access], b: &[Access]) -> bool {
    a.iter().any(|x| b.iter().any(|y| x.conflicts(y)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(obj: u32, mode: Mode) -> Access {
        Access::whole(ObjId(obj), mode, Sync::None)
    }

    #[test]
    fn reads_and_equal_classes_commute() {
        let read = on(1, Mode::Read);
        let write = on(1, Mode::Write);
        let add = on(1, Mode::Commute(Class::Add));
        let reader = on(1, Mode::Commute(Class::Reader));
        assert!(!read.conflicts(&read));
        assert!(read.conflicts(&write) && write.conflicts(&write));
        assert!(!add.conflicts(&add) && add.conflicts(&reader) && add.conflicts(&read));
        assert!(!write.conflicts(&on(2, Mode::Write)));
        assert!(conflict(&[on(2, Mode::Write), read], &[write]));
    }

    #[test]
    fn footprints_conflict_only_where_two_accesses_do() {
        assert!(!conflict(&[on(1, Mode::Read), on(2, Mode::Write)], &[on(1, Mode::Read)]));
        assert!(!conflict(&[], &[on(1, Mode::Write)]));
    }

    #[test]
    fn tokens_lives_time_and_fences_belong_to_no_object() {
        use Part::*;
        assert!([Token, Life, Clock, Fence].into_iter().all(Part::is_of_goroutine));
        assert!(![Whole, Message, Slot, Store, Closed, Readers].into_iter().any(Part::is_of_goroutine));
    }
}
