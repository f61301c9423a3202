//! The memory model: what an atomic load may read.
//!
//! Source: C11 and C++20 as RC11 has them (Lahav, Vafeiadis, Kang, Hur, Dreyer, PLDI 2017), with
//! C++20's release sequences. Each atomic keeps its *modification order*, the stores that somebody can
//! still read; a load chooses the store it *reads from*. It may not read one that is older than
//! - a store that happens before the load, or one that was read by what happens before it (coherence);
//! - if the load is sequentially consistent: the newest sequentially consistent store, and any store
//!   that happens before a sequentially consistent fence that was made;
//! - if such a fence happens before the load: the newest sequentially consistent store before the fence.
//!
//! So the happens-before clocks alone decide: a view of the newest store seen of each atomic would be
//! the join of the stores and reads in one's past, and the clocks know what is in one's past.
//!
//! Invariants: updates, and exchanges that succeed, read the newest store; a goroutine never loses the
//! right to read the newest one; what nobody can read any more is forgotten.
//!
//! Deviations: a store is the newest when it is made, and the order of sequentially consistent
//! operations is that of the execution. So an execution has no cycle of program order, reads-from,
//! modification order and that order: load buffering is not shown (RC11 forbids it), nor are the few
//! outcomes that need a store to slip in before an older one (2+2W with relaxed stores).

use super::{Op, World};
use core::sync::atomic::Ordering;
use selvedge_checkers::access::{Access, Mode, Part, Sync};
use selvedge_checkers::clock::{Clocks, Epoch};
use selvedge_checkers::ids::{Gid, ObjId};

/// The store everybody knows of: the value the atomic was made with.
pub(crate) const INITIAL: Gid = Gid(u32::MAX);

/// Histories are searched for what nobody can read at this length, and then whenever they have
/// doubled since.
const ROOM: usize = 32;

/// Bits of the number in the index of a store.
const NUMBERS: u32 = 17;

/// The store with this index: its goroutine, and its number; `None` if it is the first.
pub(crate) fn store_of(index: u32) -> Option<(Gid, u32)> {
    (index != u32::MAX).then_some((Gid(index >> NUMBERS), index & ((1 << NUMBERS) - 1)))
}

/// The index of the store that is this goroutine's with this number.
pub(crate) fn index(g: Gid, number: u32) -> u32 {
    match g {
        INITIAL => u32::MAX,
        g => g.0 << NUMBERS | number & ((1 << NUMBERS) - 1),
    }
}

/// A store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Store {
    pub(crate) value: u64,
    by: Epoch,
    /// Its number among the stores of its goroutine.
    number: u32,
    /// Who learns of it knows that it happened.
    released: bool,
}

impl Store {
    /// Who made it, and its number among the stores they made: the same in every interleaving.
    pub(crate) fn identity(&self) -> (Gid, u32) {
        (self.by.g, self.number)
    }

    /// The identity as the index of a resource. Equal ones are tens of thousands of goroutines, or of
    /// stores of one goroutine, apart.
    fn index(&self) -> u32 {
        index(self.by.g, self.number)
    }
}

/// Somebody read a store that did not happen before the read.
#[derive(Clone, Copy, Debug)]
struct Read {
    by: Epoch,
    position: u32,
}

/// The history of one atomic. Positions count the stores in modification order.
#[derive(Clone, Debug, Default)]
struct History {
    /// In modification order; empty if there is no such atomic.
    stores: Vec<Store>,
    /// The position of the first of them.
    first: u32,
    reads: Vec<Read>,
    /// The position of the newest sequentially consistent store; 0 is the initial one.
    consistent: u32,
    /// That store is not known to a sequentially consistent fence yet.
    unfenced: bool,
    room: usize,
}

impl History {
    fn newest(&self) -> usize {
        self.stores.len() - 1
    }

    fn position(&self, at: usize) -> u32 {
        self.first + at as u32
    }

    /// The place in `stores` of the oldest store that `g` may read.
    fn oldest_readable(&self, clocks: &Clocks, g: Gid, consistently: bool) -> usize {
        let newest = self.newest();
        if consistently && self.consistent == self.position(newest)
            || clocks.ordered(self.stores[newest].by, g)
        {
            return newest;
        }
        let mut least = if consistently { self.consistent } else { 0 };
        for read in &self.reads {
            if read.position > least && clocks.ordered(read.by, g) {
                least = read.position;
            }
        }
        let least = least.saturating_sub(self.first) as usize;
        let known = |s: &Store| clocks.ordered(s.by, g) || consistently && clocks.before_a_fence(s.by);
        (least + 1..=newest).rev().find(|&at| known(&self.stores[at])).unwrap_or(least.min(newest))
    }

    /// Remember that `g` read the store at this place, if that tells anything.
    fn note_read(&mut self, clocks: &Clocks, g: Gid, at: usize) {
        if clocks.ordered(self.stores[at].by, g) {
            return;
        }
        let (by, position) = (clocks.epoch(g), self.position(at));
        match self.reads.iter_mut().rev().find(|read| read.by.g == g) {
            Some(last) if last.position >= position => {}
            Some(last) if last.by == by => last.position = position,
            _ => self.reads.push(Read { by, position }),
        }
    }

    /// Forget the stores before this place.
    fn forget_before(&mut self, at: usize) {
        self.stores.drain(..at);
        self.first += at as u32;
        let first = self.first;
        self.reads.retain(|read| read.position > first);
    }
}

/// The histories of all atomics.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Off: every load reads the newest store, and nothing is kept here.
    pub(crate) weak: bool,
    histories: Vec<History>,
    /// Atomics have ids below this.
    used: usize,
    /// Atomics with sequentially consistent stores that no such fence has seen.
    unfenced: Vec<ObjId>,
}

impl Memory {
    pub(super) fn reset(&mut self, weak: bool) {
        for history in &mut self.histories[..self.used] {
            history.stores.clear();
            history.reads.clear();
        }
        self.used = 0;
        self.weak = weak;
        self.unfenced.clear();
    }

    /// There is a new atomic.
    pub(super) fn create(&mut self, atomic: ObjId, value: u64) {
        if self.histories.len() <= atomic.index() {
            self.histories.resize_with(atomic.index() + 1, History::default);
        }
        self.used = self.used.max(atomic.index() + 1);
        let history = &mut self.histories[atomic.index()];
        history.stores.clear();
        history.stores.push(Store { value, by: Epoch { g: INITIAL, at: 0 }, number: 0, released: true });
        history.reads.clear();
        history.first = 0;
        history.consistent = 0;
        history.unfenced = false;
        history.room = ROOM;
    }

    fn history(&self, atomic: ObjId) -> &History {
        &self.histories[atomic.index()]
    }

    fn history_mut(&mut self, atomic: ObjId) -> &mut History {
        &mut self.histories[atomic.index()]
    }
}

fn is_consistent(order: Ordering) -> bool {
    order == Ordering::SeqCst
}

/// From how many stores a load of `g` may read.
pub(super) fn readable(world: &World, g: Gid, atomic: ObjId, order: Ordering) -> u32 {
    let history = world.memory.history(atomic);
    (history.newest() - oldest_readable(world, g, atomic, order) + 1) as u32
}

fn oldest_readable(world: &World, g: Gid, atomic: ObjId, order: Ordering) -> usize {
    let history = world.memory.history(atomic);
    if history.stores.len() == 1 || world.goroutines[g.index()].fresh.contains(&atomic) {
        return history.newest();
    }
    history.oldest_readable(&world.clocks, g, is_consistent(order))
}

/// A compare-exchange that a goroutine may make: what it reads if it fails is its choice.
#[derive(Clone, Copy)]
pub(super) struct Exchange {
    pub(super) g: Gid,
    pub(super) atomic: ObjId,
    pub(super) expected: u64,
    /// The ordering of the load that a failure is.
    pub(super) failure: Ordering,
}

impl Exchange {
    /// The stores it may read: the newest, and any older one that makes it fail; then, if it may fail without a
    /// cause, all with which it could succeed.
    fn readable(self, world: &World, may_fail: bool) -> impl Iterator<Item = usize> {
        let history = world.memory.history(self.atomic);
        let newest = history.newest();
        let oldest = oldest_readable(world, self.g, self.atomic, self.failure);
        let fits = move |at: &usize| history.stores[*at].value == self.expected;
        let compared = (oldest..=newest).rev().filter(move |at| *at == newest || !fits(at));
        compared.chain((oldest..=newest).rev().filter(move |at| may_fail && fits(at)))
    }

    /// In how many ways it may read.
    pub(super) fn alternatives(self, world: &World, may_fail: bool) -> u32 {
        self.readable(world, may_fail).count() as u32
    }

    /// How much older than the newest the store is that it reads in one of its alternatives.
    pub(super) fn older_by(self, world: &World, alternative: u32) -> u32 {
        if alternative == 0 {
            return 0;
        }
        let newest = world.memory.history(self.atomic).newest();
        let at = self.readable(world, true).nth(alternative as usize);
        (newest - at.unwrap_or(newest)) as u32
    }
}

/// The store that an operation reads in one of its alternatives.
pub(crate) fn read_from(world: &World, g: Gid, op: &Op, alternative: u32) -> Option<Store> {
    let atomic = op.object().filter(|_| world.memory.weak)?;
    let older_by = match *op {
        Op::Load { .. } => alternative,
        Op::CompareExchange { expected, failure, .. } => {
            Exchange { g, atomic, expected, failure }.older_by(world, alternative)
        }
        Op::Update { .. } => 0,
        _ => return None,
    };
    let history = world.memory.history(atomic);
    Some(history.stores[history.newest() - older_by as usize])
}

/// A load reads from the store that is so many older than the newest.
pub(super) fn load(
    world: &mut World,
    g: Gid,
    atomic: ObjId,
    order: Ordering,
    older_by: u32,
    sync: Sync,
) -> u64 {
    let World { memory, clocks, .. } = world;
    let history = memory.history_mut(atomic);
    let at = history.newest() - older_by as usize;
    let store = history.stores[at];
    // Who acquires what was released knows of the store, and so do those who know of the load.
    if sync != Sync::Acquire || !store.released {
        history.note_read(clocks, g, at);
    }
    let (part, index) =
        if older_by > 0 || world.traced { (Part::Store, store.index()) } else { (Part::Whole, 0) };
    world.footprint.push(Access::new(atomic, part, index, Mode::Read, sync));
    if world.traced && is_consistent(order) {
        world.whole(atomic, Mode::Read, Sync::None);
    }
    order_consistently(world, order);
    store.value
}

/// A store, or an update, becomes the newest.
pub(super) fn store(world: &mut World, g: Gid, atomic: ObjId, value: u64, order: Ordering, sync: Sync) {
    let alone = world.is_alone() && !world.traced;
    if !alone {
        forget_unreadable(world, atomic);
    }
    let me = &mut world.goroutines[g.index()];
    me.stores += 1;
    let released =
        !matches!(sync, Sync::RelaxedStore | Sync::RelaxedUpdate | Sync::AcquireUpdate | Sync::RelaxedAdd);
    let new = Store { value, by: world.clocks.epoch(g), number: me.stores, released };
    let history = world.memory.history_mut(atomic);
    let last = history.stores[history.newest()];
    if alone {
        history.first += history.stores.len() as u32;
        history.stores.truncate(1);
        history.stores[0] = new;
        history.reads.clear();
    } else {
        history.stores.push(new);
    }
    if is_consistent(order) {
        history.consistent = history.position(history.newest());
        if !history.unfenced {
            history.unfenced = true;
            world.memory.unfenced.push(atomic);
        }
    }
    world.whole(atomic, Mode::Write, sync);
    if !alone {
        world.footprint.push(Access::new(atomic, Part::Store, last.index(), Mode::Read, Sync::Keep));
    }
    if world.traced {
        world.footprint.push(Access::new(atomic, Part::Store, new.index(), Mode::Write, Sync::None));
    }
    order_consistently(world, order);
}

/// Sequentially consistent accesses have a place in the order of sequentially consistent fences.
fn order_consistently(world: &mut World, order: Ordering) {
    if world.traced && is_consistent(order) {
        world.footprint.push(Access::of_goroutine(Gid::MAIN, Part::Fence, Mode::Read, Sync::None));
    }
}

/// A fence of `g`: whoever comes after a sequentially consistent one knows of the sequentially
/// consistent stores before it.
pub(super) fn fence(world: &mut World, g: Gid, order: Ordering) {
    if !world.memory.weak || !is_consistent(order) {
        return;
    }
    world.footprint.push(Access::of_goroutine(Gid::MAIN, Part::Fence, Mode::Write, Sync::None));
    let World { memory, clocks, .. } = world;
    while let Some(atomic) = memory.unfenced.pop() {
        let history = &mut memory.histories[atomic.index()];
        history.unfenced = false;
        history.reads.push(Read { by: clocks.epoch(g), position: history.consistent });
    }
}

/// Forget the stores that nobody can read any more.
fn forget_unreadable(world: &mut World, atomic: ObjId) {
    let World { memory, clocks, goroutines, .. } = world;
    let history = memory.history_mut(atomic);
    if history.stores.len() < history.room {
        return;
    }
    let mut oldest = history.newest();
    // Who waits for another one to end can read no more than that one, until it has ended.
    for (i, _) in goroutines.iter().enumerate().filter(|(_, g)| !g.exited && !g.joins) {
        oldest = oldest.min(history.oldest_readable(clocks, Gid(i as u32), false));
        if oldest == 0 {
            break;
        }
    }
    history.forget_before(oldest);
    history.room = ROOM.max(2 * history.stores.len());
    clocks.keep_stores(atomic, history.stores.len() - 1);
}

/// `g` goes round in circles: from now on it reads the newest store of these atomics, since a store
/// becomes visible some day. False if it has read them already, or could read no other value.
pub(crate) fn catch_up(world: &mut World, g: Gid, objects: &[(ObjId, u32)]) -> bool {
    let mut behind = false;
    for &(atomic, _) in objects {
        if lags_behind(world, g, atomic) {
            behind = true;
            let fresh = &mut world.goroutines[g.index()].fresh;
            if !fresh.contains(&atomic) {
                fresh.push(atomic);
            }
        }
    }
    behind
}

/// Whether `g` could read another value of these atomics than the newest.
pub(crate) fn is_behind(world: &World, g: Gid, objects: &[(ObjId, u32)]) -> bool {
    objects.iter().any(|&(atomic, _)| lags_behind(world, g, atomic))
}

fn lags_behind(world: &World, g: Gid, atomic: ObjId) -> bool {
    let Some(history) = world.memory.histories.get(atomic.index()).filter(|_| world.memory.weak) else {
        return false;
    };
    let Some(newest) = history.stores.last() else { return false };
    let oldest = history.oldest_readable(&world.clocks, g, false);
    history.stores[oldest..].iter().any(|store| store.value != newest.value)
}

/// The rounds in vain of `g` are forgotten in which it made stores with greater numbers than this: they are as
/// good as the ones before them, which wrote the same.
pub(crate) fn forget_rounds(world: &mut World, g: Gid, number: u32) {
    if !world.memory.weak || world.goroutines[g.index()].stores == number {
        return;
    }
    world.goroutines[g.index()].stores = number;
    let used = world.memory.used;
    for history in &mut world.memory.histories[..used] {
        let mut last = number;
        for store in history.stores.iter_mut().filter(|store| store.by.g == g) {
            if store.number > number {
                store.number = last;
            }
            last = store.number;
        }
    }
}
