//! Timers: a heap for each processor.
//!
//! A 4-ary heap of pointers to nodes that live where the timer does: on the stack of a goroutine that
//! sleeps, or in a shared object. Where in the heap a node is stands in a table beside it, at the node's `place`: so
//! what moves in the heap touches no node, which are spread over all the memory. Invariants: a node is in at most one
//! heap, and its place and the table are guarded by that heap's lock; a node in a heap is alive; [`Timers::next`] is the deadline of the first, or
//! [`NEVER`]. Firing happens under the heap's lock, so that whoever has removed a node from its heap,
//! or found it gone, knows that it is not being fired.
//!
//! Source: Go's `runtime/time.go`; d-ary heaps: Johnson 1975.

use super::clock::{NEVER, Nanos};
use super::g::G;
use super::p;
use super::wait::run_waker;
use smallvec::SmallVec;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Which heap a node is in: the processor's number plus one.
const NOWHERE: u32 = 0;

/// What a node does when it is due, under the lock of its heap: something short that touches no timer
/// and takes no lock under which timers are touched. What is left to do it gives back.
pub(crate) type Fire = unsafe fn(*const Node) -> Fired;

/// What is left to do when a timer has fired.
pub(crate) enum Fired {
    Nothing,
    /// This goroutine may go on.
    Ready(&'static G),
    /// This waker is to be called.
    Wake(Waker),
    /// The timer fires again at this time; its node stays in the heap.
    Again(Nanos),
    /// To be called, without the lock, once.
    Call(Box<dyn FnOnce() + Send>),
}

/// A timer.
pub(crate) struct Node {
    /// Its place in the table of its heap; under that heap's lock.
    place: UnsafeCell<u32>,
    heap: AtomicU32,
    fire: Fire,
}

// SAFETY: `place` is touched under the lock of the node's heap, or while it is in none by its owner.
unsafe impl Sync for Node {}
// SAFETY: as above.
unsafe impl Send for Node {}

/// A pointer to a node in a heap, which is alive as long as it is there.
#[derive(Clone, Copy)]
struct Entry {
    deadline: Nanos,
    node: *const Node,
    place: u32,
}

// SAFETY: entries are touched under their heap's lock only, and nodes are `Sync`.
unsafe impl Send for Entry {}

/// The timers of a processor, the first first.
struct Heap {
    entries: Vec<Entry>,
    /// By place: the position of the entry with this place.
    positions: Vec<u32>,
    /// Places that no entry has.
    free: Vec<u32>,
}

/// The timers of a processor.
pub(super) struct Timers {
    heap: Mutex<Heap>,
    next: AtomicU64,
}

const ARITY: usize = 4;
/// So many are fired at a time under one taking of the lock, for which others wait.
const AT_ONCE: usize = 32;

impl Node {
    /// A node that is in no heap.
    pub(crate) const fn new(fire: Fire) -> Node {
        Node { place: UnsafeCell::new(0), heap: AtomicU32::new(NOWHERE), fire }
    }
}

impl Timers {
    pub(super) fn new() -> Timers {
        let heap = Heap { entries: Vec::new(), positions: Vec::new(), free: Vec::new() };
        Timers { heap: Mutex::new(heap), next: AtomicU64::new(NEVER) }
    }

    fn lock(&self) -> MutexGuard<'_, Heap> {
        self.heap.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The deadline of the first timer.
    #[inline]
    pub(super) fn next(&self) -> Nanos {
        self.next.load(Ordering::Relaxed)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Fire what is due at `now`; `ready` takes the goroutines that may go on.
    pub(super) fn run(&self, now: Nanos, mut ready: impl FnMut(&'static G)) {
        while self.next() <= now {
            let mut heap = self.lock();
            let fired = heap.fire(now);
            self.note(&heap);
            drop(heap);
            for fired in fired {
                match fired {
                    Fired::Nothing | Fired::Again(_) => {}
                    Fired::Ready(g) => ready(g),
                    Fired::Wake(waker) => run_waker(waker),
                    Fired::Call(call) => call(),
                }
            }
        }
    }

    fn note(&self, heap: &Heap) {
        let first = heap.entries.first().map_or(NEVER, |first| first.deadline);
        if self.next() != first {
            self.next.store(first, Ordering::SeqCst);
        }
    }
}

/// Put a node that is in no heap into that of processor `id`.
///
/// # Safety
/// The node stays where it is, alive, until it has fired or [`remove`] has returned.
pub(super) unsafe fn add(id: usize, node: *const Node, deadline: Nanos) {
    // SAFETY: by the contract.
    unsafe { add_with(id, node, deadline, || true) };
}

/// As [`add`], if `release` gives true; it runs while the node cannot fire, and after it gave true
/// the node is not touched here.
///
/// # Safety
/// As for [`add`].
pub(super) unsafe fn add_with(
    id: usize,
    node: *const Node,
    deadline: Nanos,
    release: impl FnOnce() -> bool,
) -> bool {
    let timers = &p::by_id(id).timers;
    let mut heap = timers.lock();
    // SAFETY: alive by the contract.
    unsafe { (*node).heap.store(id as u32 + 1, Ordering::Relaxed) };
    // SAFETY: as above; and this is the heap it is put into.
    let place = unsafe { heap.put_in(deadline, node) };
    let released = release();
    if !released {
        // SAFETY: not released, so still there.
        unsafe { (*node).heap.store(NOWHERE, Ordering::Relaxed) };
        heap.take_out_at(place);
    }
    timers.note(&heap);
    released
}

/// Take a node out of its heap; false if it is in none, because it has fired or was not added. When
/// this returns the node is not being fired. One caller at a time.
pub(crate) fn remove(node: &Node) -> bool {
    let id = node.heap.load(Ordering::Acquire);
    if id == NOWHERE {
        return false;
    }
    let timers = &p::by_id(id as usize - 1).timers;
    let mut heap = timers.lock();
    if node.heap.load(Ordering::Relaxed) == NOWHERE {
        return false;
    }
    // SAFETY: the node is in this heap, and we have its lock.
    let place = unsafe { *node.place.get() };
    heap.take_out_at(place);
    timers.note(&heap);
    node.heap.store(NOWHERE, Ordering::Relaxed);
    true
}

/// The deadline of the first timer of all.
pub(super) fn earliest() -> Nanos {
    p::all().map(|p| p.timers.next()).min().unwrap_or(NEVER)
}

impl Heap {
    /// Fire what is due at `now`, so many at a time; gives what is left to do.
    fn fire(&mut self, now: Nanos) -> SmallVec<[Fired; AT_ONCE]> {
        let mut due = SmallVec::<[(*const Node, Fire); AT_ONCE]>::new();
        while due.len() < AT_ONCE
            && let Some(&first) = self.entries.first().filter(|first| first.deadline <= now)
        {
            self.take_out(0);
            // A look at each before any is fired: nodes of goroutines that sleep are in no cache, and so
            // they are fetched at the same time.
            // SAFETY: it was in the heap until now, so it is alive, and its owner cannot take it away
            // before it has had the lock, or sees that it is in no heap, which is told last.
            due.push((first.node, unsafe { (*first.node).fire }));
        }
        let fire = |(node, fire): (*const Node, Fire)| {
            // SAFETY: as above.
            unsafe {
                let fired = fire(node);
                match fired {
                    Fired::Again(deadline) => _ = self.put_in(deadline, node),
                    _ => (*node).heap.store(NOWHERE, Ordering::Release),
                }
                fired
            }
        };
        due.into_iter().map(fire).collect()
    }

    /// Add a node; gives its place.
    ///
    /// # Safety
    /// The node is alive, and in no other heap.
    unsafe fn put_in(&mut self, deadline: Nanos, node: *const Node) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| {
            self.positions.push(0);
            self.positions.len() as u32 - 1
        });
        // SAFETY: alive by the contract, and from now on its place is ours.
        unsafe { *(*node).place.get() = place };
        self.entries.push(Entry { deadline, node, place });
        self.up(self.entries.len() - 1);
        place
    }

    fn take_out_at(&mut self, place: u32) {
        self.take_out(self.positions[place as usize] as usize);
    }

    fn take_out(&mut self, position: usize) {
        self.free.push(self.entries[position].place);
        let last = self.entries.pop().expect("the position is in the heap");
        if position < self.entries.len() {
            self.entries[position] = last;
            let position = self.up(position);
            self.down(position);
        }
    }

    fn set(&mut self, position: usize, entry: Entry) {
        self.entries[position] = entry;
        self.positions[entry.place as usize] = position as u32;
    }

    fn up(&mut self, mut position: usize) -> usize {
        let moving = self.entries[position];
        while position > 0 {
            let parent = (position - 1) / ARITY;
            let above = self.entries[parent];
            if above.deadline <= moving.deadline {
                break;
            }
            self.set(position, above);
            position = parent;
        }
        self.set(position, moving);
        position
    }

    fn down(&mut self, mut position: usize) {
        let moving = self.entries[position];
        loop {
            let first = position * ARITY + 1;
            let children = first..(first + ARITY).min(self.entries.len());
            let Some(least) = children.min_by_key(|&child| self.entries[child].deadline) else { break };
            let below = self.entries[least];
            if moving.deadline <= below.deadline {
                break;
            }
            self.set(position, below);
            position = least;
        }
        self.set(position, moving);
    }
}
