//! The queue of a processor: a ring that its owner fills and empties, and others steal half of.
//!
//! Go's local run queue. Notation: `head` and `tail` only grow (and wrap); the items are those at
//! positions `head..tail`, modulo `N`. Invariants:
//! - at most `N` items: `tail - head <= N`;
//! - only the owner writes `tail` and the slots, and only slots outside of `head..tail`;
//! - whoever moves `head` by a compare-and-swap owns the items it moved over. What a thief read of a
//!   slot counts only if its swap succeeds: until then the owner may have taken the item itself.
//!
//! Source: Go's `runtime/proc.go`, `runqput`, `runqget`, `runqgrab`.

use super::atomics::{AtomicPtr, AtomicU32, Ordering, spin_loop};

/// A line of its own for what thieves write.
#[repr(align(128))]
struct Apart(AtomicU32);

/// A ring of pointers to `T`; `N` is a power of two.
pub(super) struct Ring<T, const N: usize> {
    tail: AtomicU32,
    slots: [AtomicPtr<T>; N],
    head: Apart,
}

impl<T, const N: usize> Ring<T, N> {
    const HALF: usize = N / 2;

    pub(super) fn new() -> Ring<T, N> {
        assert!(N.is_power_of_two() && N >= 2);
        Ring {
            tail: AtomicU32::new(0),
            slots: std::array::from_fn(|_| AtomicPtr::new(std::ptr::null_mut())),
            head: Apart(AtomicU32::new(0)),
        }
    }

    fn slot(&self, position: u32) -> &AtomicPtr<T> {
        &self.slots[position as usize & (N - 1)]
    }

    /// Items waiting, at some moment during the call.
    pub(super) fn len(&self) -> usize {
        let head = self.head.0.load(Ordering::Acquire);
        let tail = self.tail.load(Ordering::Acquire);
        // The two were not read at once.
        (tail.wrapping_sub(head) as usize).min(N)
    }

    /// How many items have been taken so far, modulo 2^32.
    pub(super) fn taken(&self) -> u32 {
        self.head.0.load(Ordering::Relaxed)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Add an item at the end; gives it back if the ring is full. The owner only.
    #[inline]
    pub(super) fn push(&self, item: *mut T) -> Result<(), *mut T> {
        let head = self.head.0.load(Ordering::Acquire);
        let tail = self.tail.load(Ordering::Relaxed);
        if tail.wrapping_sub(head) as usize >= N {
            return Err(item);
        }
        self.slot(tail).store(item, Ordering::Relaxed);
        // Release: what the item points to, and the slot, are seen by a thief that sees the tail.
        self.tail.store(tail.wrapping_add(1), Ordering::Release);
        Ok(())
    }

    /// Take the first item, or null. The owner only.
    #[inline]
    pub(super) fn pop(&self) -> *mut T {
        loop {
            let head = self.head.0.load(Ordering::Acquire);
            let tail = self.tail.load(Ordering::Relaxed);
            if head == tail {
                return std::ptr::null_mut();
            }
            let item = self.slot(head).load(Ordering::Relaxed);
            if self.take(head, 1) {
                return item;
            }
        }
    }

    /// Give half of a full ring to `sink`; false if it is not full any more. The owner only.
    pub(super) fn spill(&self, mut sink: impl FnMut(*mut T)) -> bool {
        let head = self.head.0.load(Ordering::Acquire);
        let tail = self.tail.load(Ordering::Relaxed);
        if tail.wrapping_sub(head) as usize != N || !self.take(head, Self::HALF as u32) {
            return false;
        }
        // Only the owner writes slots, and it is busy here.
        for i in 0..Self::HALF as u32 {
            sink(self.slot(head.wrapping_add(i)).load(Ordering::Relaxed));
        }
        true
    }

    /// Move half of the items to `into`, which is empty, and take one of them; null if there are
    /// none. The owner of `into` only.
    pub(super) fn steal(&self, into: &Ring<T, N>) -> *mut T {
        loop {
            let head = self.head.0.load(Ordering::Acquire);
            let tail = self.tail.load(Ordering::Acquire);
            let waiting = tail.wrapping_sub(head);
            let count = waiting - waiting / 2;
            if count == 0 {
                return std::ptr::null_mut();
            }
            if count as usize > Self::HALF {
                // The two were not read at once.
                spin_loop();
                continue;
            }
            let end = into.tail.load(Ordering::Relaxed);
            for i in 0..count {
                let item = self.slot(head.wrapping_add(i)).load(Ordering::Relaxed);
                into.slot(end.wrapping_add(i)).store(item, Ordering::Relaxed);
            }
            if self.take(head, count) {
                let last = end.wrapping_add(count - 1);
                if count > 1 {
                    into.tail.store(last, Ordering::Release);
                }
                return into.slot(last).load(Ordering::Relaxed);
            }
        }
    }

    /// Move the head; false if somebody else moved it.
    fn take(&self, head: u32, count: u32) -> bool {
        let next = head.wrapping_add(count);
        // Release: the slots were read before the owner may write them anew.
        self.head.0.compare_exchange(head, next, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}
