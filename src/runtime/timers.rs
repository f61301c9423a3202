//! Timers: a heap for each processor.
//!
//! A 4-ary heap of pointers to nodes that live where the timer does: on the stack of a goroutine that
//! sleeps, or in a shared object. Invariants: a node is in at most one heap, at `position`, guarded
//! by that heap's lock; a node in a heap is alive; [`Timers::next`] is the deadline of the first, or
//! [`NEVER`]. Firing happens under the heap's lock, so that whoever has removed a node from its heap,
//! or found it gone, knows that it is not being fired.
//!
//! Source: Go's `runtime/time.go`; d-ary heaps: Johnson 1975.

use super::clock::{NEVER, Nanos};
use super::g::G;
use super::p;
use super::wait::run_waker;
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
    /// Where it is in its heap; under that heap's lock.
    position: UnsafeCell<usize>,
    heap: AtomicU32,
    fire: Fire,
}

// SAFETY: `position` is touched under the lock of the node's heap, or while it is in none by its owner.
unsafe impl Sync for Node {}
// SAFETY: as above.
unsafe impl Send for Node {}

/// A pointer to a node in a heap, which is alive as long as it is there.
#[derive(Clone, Copy)]
struct Entry {
    deadline: Nanos,
    node: *const Node,
}

// SAFETY: entries are touched under their heap's lock only, and nodes are `Sync`.
unsafe impl Send for Entry {}

/// The timers of a processor.
pub(super) struct Timers {
    heap: Mutex<Vec<Entry>>,
    next: AtomicU64,
}

const ARITY: usize = 4;

impl Node {
    /// A node that is in no heap.
    pub(crate) const fn new(fire: Fire) -> Node {
        Node { position: UnsafeCell::new(0), heap: AtomicU32::new(NOWHERE), fire }
    }
}

impl Timers {
    pub(super) fn new() -> Timers {
        Timers { heap: Mutex::new(Vec::new()), next: AtomicU64::new(NEVER) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.heap.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The deadline of the first timer.
    #[inline]
    pub(super) fn next(&self) -> Nanos {
        self.next.load(Ordering::Relaxed)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Fire what is due at `now`; `ready` takes the goroutines that may go on.
    pub(super) fn run(&self, now: Nanos, mut ready: impl FnMut(&'static G)) {
        while self.next() <= now {
            let mut heap = self.lock();
            let Some(&first) = heap.first().filter(|first| first.deadline <= now) else { return };
            take_out(&mut heap, 0);
            // SAFETY: it was in the heap until now, so it is alive, and its owner cannot take it away
            // before it has had the lock, or sees that it is in no heap, which is told last.
            let fired = unsafe {
                let fired = ((*first.node).fire)(first.node);
                if let Fired::Again(deadline) = fired {
                    put_in(&mut heap, Entry { deadline, node: first.node });
                } else {
                    (*first.node).heap.store(NOWHERE, Ordering::Release);
                }
                fired
            };
            self.note(&heap);
            drop(heap);
            match fired {
                Fired::Nothing | Fired::Again(_) => {}
                Fired::Ready(g) => ready(g),
                Fired::Wake(waker) => run_waker(waker),
                Fired::Call(call) => call(),
            }
        }
    }

    fn note(&self, heap: &[Entry]) {
        self.next.store(heap.first().map_or(NEVER, |first| first.deadline), Ordering::SeqCst);
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
    let position = put_in(&mut heap, Entry { deadline, node });
    let released = release();
    if !released {
        // SAFETY: not released, so still there.
        unsafe { (*node).heap.store(NOWHERE, Ordering::Relaxed) };
        take_out(&mut heap, position);
    }
    timers.note(&heap);
    released
}

/// Add an entry; gives where it went.
fn put_in(heap: &mut Vec<Entry>, entry: Entry) -> usize {
    heap.push(entry);
    let last = heap.len() - 1;
    up(heap, last)
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
    let position = unsafe { *node.position.get() };
    take_out(&mut heap, position);
    timers.note(&heap);
    node.heap.store(NOWHERE, Ordering::Relaxed);
    true
}

/// The deadline of the first timer of all.
pub(super) fn earliest() -> Nanos {
    p::all().map(|p| p.timers.next()).min().unwrap_or(NEVER)
}

fn take_out(heap: &mut Vec<Entry>, position: usize) {
    let last = heap.pop().expect("the position is in the heap");
    if position < heap.len() {
        heap[position] = last;
        let position = up(heap, position);
        down(heap, position);
    }
}

/// Note where an entry is.
fn settle(heap: &[Entry], position: usize) {
    // SAFETY: nodes in a heap are alive, and their places ours under its lock.
    unsafe { *(*heap[position].node).position.get() = position };
}

fn up(heap: &mut [Entry], mut position: usize) -> usize {
    let moving = heap[position];
    while position > 0 {
        let parent = (position - 1) / ARITY;
        if heap[parent].deadline <= moving.deadline {
            break;
        }
        heap[position] = heap[parent];
        settle(heap, position);
        position = parent;
    }
    heap[position] = moving;
    settle(heap, position);
    position
}

fn down(heap: &mut [Entry], mut position: usize) {
    let moving = heap[position];
    loop {
        let first = position * ARITY + 1;
        let children = first..(first + ARITY).min(heap.len());
        let Some(least) = children.min_by_key(|&child| heap[child].deadline) else { break };
        if moving.deadline <= heap[least].deadline {
            break;
        }
        heap[position] = heap[least];
        settle(heap, position);
        position = least;
    }
    heap[position] = moving;
    settle(heap, position);
}
