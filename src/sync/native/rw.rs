//! Readers together, or one writer: with Go's rules.
//!
//! ```text
//!   [ WRITER | WAITING | readers inside: 30 bits ]
//! ```
//! Writers take turns by a lock among themselves. The one whose turn it is sets WRITER, which keeps new
//! readers out, and waits until those inside have left; when it unlocks, all who wait to read are let
//! in at once, before the next writer. WAITING says that some do, so that the writer has to look.
//!
//! Invariants: WRITER is set and cleared by the writer whose turn it is; the readers inside were counted
//! while it was clear, or by the writer that let them in; WAITING is set under the list's lock only while
//! WRITER is, so that writer sees it.
//!
//! Source: Go's `sync/rwmutex.go`.

use super::Woken;
use super::atomics::{AtomicU32, Ordering};
use super::lock::RawLock;
use super::wait::{Held, Locked, WaitList, WaitNode, Waiter, Why};
use std::ptr::null;

pub(super) const WRITER: u32 = 1 << 31;
const WAITING: u32 = 1 << 30;
pub(super) const READERS: u32 = WAITING - 1;

/// Who waits: to read; and the writer whose turn it is, for the readers to leave.
pub(super) struct Sides {
    pub(super) readers: WaitList<()>,
    pub(super) writer: *const Waiter,
}

impl Sides {
    pub(super) const fn new() -> Sides {
        Sides { readers: WaitList::new(), writer: null() }
    }
}

/// The lock.
pub(in crate::sync) struct RawRw {
    pub(super) state: AtomicU32,
    pub(super) turn: RawLock,
    pub(super) waiting: Locked<Sides>,
}

impl RawRw {
    /// A free lock, of its parts.
    pub(super) const fn of(state: AtomicU32, turn: RawLock, waiting: Locked<Sides>) -> RawRw {
        RawRw { state, turn, waiting }
    }

    /// Lock for reading; wait while a writer holds it or waits.
    #[inline]
    pub(in crate::sync) fn read(&self, why: Why) {
        if !self.try_read() {
            self.wait_to_read(why);
        }
    }

    /// Lock for reading if no writer holds it or waits.
    ///
    /// # Panics
    /// If a thousand million readers are inside.
    #[inline]
    pub(in crate::sync) fn try_read(&self) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & WRITER == 0 {
            assert!(state & READERS < READERS, "too many readers of a lock");
            match self.state.compare_exchange_weak(state, state + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    #[cold]
    fn wait_to_read(&self, why: Why) {
        let mut sides = self.waiting.lock();
        // Under the list's lock: the writer that unlocks looks at the list after it, or has unlocked.
        while !self.try_read() {
            if !self.announce_reader() {
                continue;
            }
            let waiter = Waiter::new();
            let node = WaitNode::new(&waiter, 0, ());
            // SAFETY: the node stays in this frame until it is woken, by who took it out.
            unsafe { sides.readers.push(&node) };
            waiter.park(why, move || {
                drop(sides);
                true
            });
            // The writer has counted us.
            return;
        }
    }

    /// Say, under the list's lock, that somebody waits to read; false if there may be no need to.
    pub(super) fn announce_reader(&self) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        let (waits, order) = (state | WAITING, Ordering::Relaxed);
        state & WRITER != 0
            && (state & WAITING != 0 || self.state.compare_exchange(state, waits, order, order).is_ok())
    }

    /// Undo a lock for reading, in whoever's name; false if nobody reads.
    #[inline]
    pub(in crate::sync) fn read_unlock(&self) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            if state & READERS == 0 {
                return false;
            }
            match self.state.compare_exchange_weak(state, state - 1, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        if state & READERS == 1 && state & WRITER != 0 {
            self.last_reader_left();
        }
        true
    }

    #[cold]
    fn last_reader_left(&self) {
        let mut sides = self.waiting.lock();
        // The writer may have seen it by itself, be gone, and another wait for other readers.
        // Acquire: what all readers did goes along to the writer.
        if self.state.load(Ordering::Acquire) & READERS != 0 {
            return;
        }
        let writer = std::mem::replace(&mut sides.writer, null());
        drop(sides);
        if !writer.is_null() {
            // SAFETY: it was released with the lock of the sides, and taken out under it.
            unsafe { Waiter::wake(writer) };
        }
    }

    /// Lock for writing; wait until nobody holds it.
    #[inline]
    pub(in crate::sync) fn write(&self, why: Why) {
        self.turn.lock(why);
        if self.state.fetch_or(WRITER, Ordering::Acquire) & READERS != 0 {
            self.wait_to_write(why);
        }
    }

    #[cold]
    fn wait_to_write(&self, why: Why) {
        let mut sides = self.waiting.lock();
        if self.state.load(Ordering::Acquire) & READERS == 0 {
            return;
        }
        let waiter = Waiter::new();
        sides.writer = &raw const waiter;
        waiter.park(why, move || {
            drop(sides);
            true
        });
    }

    /// Lock for writing if nobody holds it.
    pub(in crate::sync) fn try_write(&self) -> bool {
        if !self.turn.try_lock() {
            return false;
        }
        let free = self.state.compare_exchange(0, WRITER, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if !free {
            self.turn.unlock();
        }
        free
    }

    /// Undo a lock for writing, in whoever's name; false if nobody writes.
    #[inline]
    pub(in crate::sync) fn write_unlock(&self) -> bool {
        match self.state.compare_exchange(WRITER, 0, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => {}
            Err(state) if state & WRITER == 0 || state & READERS != 0 => return false,
            Err(_) => self.let_readers_in(),
        }
        self.turn.unlock();
        true
    }

    #[cold]
    fn let_readers_in(&self) {
        let mut sides = self.waiting.lock();
        let count = sides.readers.len() as u32;
        let woken = Woken::all(&mut sides.readers);
        self.state.store(count, Ordering::Release);
        drop(sides);
        woken.wake();
    }

    /// The writer whose turn it is gives up, though readers may be inside; others may come in.
    pub(super) fn retract(&self, mut sides: Held<'_, Sides>) {
        let count = sides.readers.len() as u32;
        let woken = Woken::all(&mut sides.readers);
        let inside = |state| Some((state & READERS) + count);
        let _ = self.state.fetch_update(Ordering::Release, Ordering::Relaxed, inside);
        drop(sides);
        woken.wake();
        self.turn.unlock();
    }
}
