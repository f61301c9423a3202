//! Structures without locks, over indices into arrays of atomics.

use super::engine::hint::spin_loop;
use super::engine::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use super::engine::sync::atomic::{AtomicUsize, fence};
use super::{Program, atomics, each};
use std::sync::Arc;

/// Counts: brute force, but for the deques: GenMC 0.10.3 (`chase-lev`, `dq`). It leaves an execution in which an operation
/// has to be tried again (queue 50, stack 18, seqlock 2 without those), which here is one of them.
pub(super) const PROGRAMS: &[Program] = &[
    Program::sc("seqlock 1R1W", 6, seqlock::<1>),
    Program::sc("Treiber stack 2 push", 4, treiber::<2, 0>),
    Program::sc("Treiber stack 2 push 1 pop", 22, treiber::<2, 1>),
    Program::sc("MS queue 2 push", 22, ms_queue::<2, 0>),
    Program::sc("MS queue 1 push 1 pop", 4, ms_queue::<1, 1>),
    Program::sc("Chase-Lev deque", 59, chase_lev),
    Program::sc("Chase-Lev deque, 3 steals", 1_373, steals).large(),
];

fn seqlock<const READERS: usize>() {
    let x = atomics(3);
    each(READERS + 1, move |i| {
        let [sequence, left, right] = &x[..] else { unreachable!() };
        if i == READERS {
            sequence.store(1, Relaxed);
            fence(Release);
            left.store(42, Relaxed);
            right.store(42, Relaxed);
            sequence.store(2, Release);
            return;
        }
        loop {
            let before = sequence.load(Acquire);
            if before % 2 == 0 {
                let pair = (left.load(Relaxed), right.load(Relaxed));
                fence(Acquire);
                if sequence.load(Relaxed) == before {
                    assert_eq!(pair.0, pair.1);
                    return;
                }
            }
            spin_loop();
        }
    });
}

/// Each thread has one node, whose index is its own number from 1 on; 0 is none.
fn treiber<const PUSHES: usize, const POPS: usize>() {
    let (top, next) = (Arc::new(AtomicUsize::new(0)), atomics(PUSHES + 1));
    each(PUSHES + POPS, move |i| {
        loop {
            let old = top.load(Acquire);
            let new = if i < PUSHES {
                next[i + 1].store(old, Relaxed);
                i + 1
            } else if old == 0 {
                return;
            } else {
                next[old].load(Relaxed)
            };
            if top.compare_exchange(old, new, AcqRel, Relaxed).is_ok() {
                return;
            }
        }
    });
}

/// Nodes are never used twice, so indices need no counters. 1 is the first node, 0 none.
struct Queue {
    head: AtomicUsize,
    tail: AtomicUsize,
    next: Arc<[AtomicUsize]>,
}

impl Queue {
    fn push(&self, node: usize) {
        loop {
            let tail = self.tail.load(Acquire);
            let next = self.next[tail].load(Acquire);
            if tail != self.tail.load(Relaxed) {
                continue;
            }
            if next != 0 {
                let _ = self.tail.compare_exchange(tail, next, Release, Relaxed);
            } else if self.next[tail].compare_exchange(0, node, Release, Relaxed).is_ok() {
                let _ = self.tail.compare_exchange(tail, node, Release, Relaxed);
                return;
            }
        }
    }

    fn pop(&self) -> Option<usize> {
        loop {
            let head = self.head.load(Acquire);
            let tail = self.tail.load(Relaxed);
            let next = self.next[head].load(Acquire);
            if head != self.head.load(Relaxed) {
                continue;
            }
            if head != tail {
                if self.head.compare_exchange(head, next, Release, Relaxed).is_ok() {
                    return Some(next);
                }
            } else if next == 0 {
                return None;
            } else {
                let _ = self.tail.compare_exchange(tail, next, Release, Relaxed);
            }
        }
    }
}

fn ms_queue<const PUSHES: usize, const POPS: usize>() {
    let next = atomics(PUSHES + 2);
    let queue = Queue { head: AtomicUsize::new(1), tail: AtomicUsize::new(1), next };
    each(PUSHES + POPS, move |i| {
        if i < PUSHES {
            queue.push(i + 2);
        } else {
            let taken = queue.pop();
            assert!(taken.is_none_or(|node| node >= 2));
        }
    });
}

/// A deque whose owner works at the bottom while others steal from the top.
struct Deque {
    bottom: AtomicUsize,
    top: AtomicUsize,
    buffer: Arc<[AtomicUsize]>,
}

impl Deque {
    fn push(&self, value: usize) {
        let bottom = self.bottom.load(Relaxed);
        let top = self.top.load(Acquire);
        assert!(bottom - top < self.buffer.len());
        self.buffer[bottom % self.buffer.len()].store(value, Relaxed);
        self.bottom.store(bottom + 1, Release);
    }

    fn pop(&self) -> Option<usize> {
        let bottom = self.bottom.load(Relaxed);
        self.bottom.store(bottom - 1, Relaxed);
        fence(SeqCst);
        let top = self.top.load(Relaxed);
        if bottom <= top {
            self.bottom.store(bottom, Relaxed);
            return None;
        }
        let value = self.buffer[(bottom - 1) % self.buffer.len()].load(Relaxed);
        if bottom - top > 1 {
            return Some(value);
        }
        let won = self.top.compare_exchange(top, top + 1, AcqRel, Acquire).is_ok();
        self.bottom.store(bottom, Relaxed);
        won.then_some(value)
    }

    fn steal(&self) -> Option<usize> {
        let top = self.top.load(Relaxed);
        fence(SeqCst);
        let bottom = self.bottom.load(Acquire);
        if bottom <= top {
            return None;
        }
        let value = self.buffer[top % self.buffer.len()].load(Relaxed);
        self.top.compare_exchange(top, top + 1, Release, Relaxed).is_ok().then_some(value)
    }
}

/// The owner pushes five, pops three and pushes two; one thief steals once.
fn chase_lev() {
    let deque = Deque { bottom: AtomicUsize::new(0), top: AtomicUsize::new(0), buffer: atomics(10) };
    each(2, move |i| {
        if i == 1 {
            deque.steal();
            return;
        }
        (1..=5).for_each(|value| deque.push(value));
        (0..3).for_each(|_| _ = deque.pop());
        (6..=7).for_each(|value| deque.push(value));
    });
}

/// The owner pushes two, pops one and pushes one; one thief steals twice, another once.
fn steals() {
    let deque = Deque { bottom: AtomicUsize::new(0), top: AtomicUsize::new(0), buffer: atomics(10) };
    each(3, move |i| {
        if i > 0 {
            (0..3 - i).for_each(|_| _ = deque.steal());
            return;
        }
        (1..=2).for_each(|value| deque.push(value));
        deque.pop();
        deque.push(3);
    });
}
