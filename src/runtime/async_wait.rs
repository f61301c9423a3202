//! A wait of an async task: what a future of a primitive is made of.
//!
//! Invariants: an [`AsyncWaiter`] does not move from its first wait on, which `Pin` promises; its waiter
//! is in queues only between [`AsyncWaiter::begin`] and the moment it is told or its future takes it out
//! again; its alarm is in no heap when it is dropped.
//!
//! The runtime's README has the rules for writers of primitives, with an example.

use super::atomics::{AtomicU32, UnsafeCell};
use super::clock::Nanos;
use super::wait::{Alarm, Waiter, start_timer};
use super::waker_slot::WakerSlot;
use std::cell::Cell;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::Waker;

/// One wait after the other of one async task, as part of its future.
pub(crate) struct AsyncWaiter {
    waiter: Waiter,
    slot: WakerSlot<Waker>,
    alarm: Alarm,
    _pinned: PhantomPinned,
}

// SAFETY: what is not atomic is written by the owner while nobody else can reach it (`begin`), and
// nothing in it belongs to a thread.
unsafe impl Send for AsyncWaiter {}
// SAFETY: as above; the slot and the alarm's node say themselves how they are shared.
unsafe impl Sync for AsyncWaiter {}

impl AsyncWaiter {
    pub(crate) const fn new() -> AsyncWaiter {
        AsyncWaiter {
            waiter: Waiter::of_thread(),
            slot: WakerSlot::new(UnsafeCell::new(None), AtomicU32::new(0)),
            alarm: Alarm::new(),
            _pinned: PhantomPinned,
        }
    }

    /// Begin a wait: gives the waiter, to be put into queues. To be called while it is in none.
    pub(crate) fn begin<'a>(self: Pin<&'a Self>, waker: &Waker) -> &'a Waiter {
        let this = self.get_ref();
        this.slot.begin(waker.clone());
        this.waiter.restart_for_task(&raw const this.slot);
        &this.waiter
    }

    /// Let the wait that has begun time out at `deadline`: the waiter is then claimed with
    /// [`TIMED_OUT`](super::wait::TIMED_OUT), which whoever wakes must respect by claiming first. No lock
    /// is held that a `release` takes.
    pub(crate) fn time_out_at(self: Pin<&Self>, deadline: Nanos) {
        let this = self.get_ref();
        this.alarm.aim(&this.waiter);
        // SAFETY: pinned, so it stays where it is until it is dropped, and then the node is removed.
        unsafe { start_timer(this.alarm.node(), deadline) };
    }

    /// Whether the wait is over. If not, `waker` is called when it is. When this gives true nobody else
    /// touches the waiter any more.
    pub(crate) fn poll(&self, waker: &Waker) -> bool {
        if !self.slot.renew(waker.clone()) {
            return false;
        }
        self.alarm.disarm();
        true
    }

    /// What the one who won the waiter's claim said; 0 if nobody has.
    pub(crate) fn claimed(&self) -> u32 {
        self.waiter.claimed()
    }

    /// Give the wait up, by claiming it: false if somebody else has claimed it, and then wakes it. For
    /// who is in several queues or has a deadline; it has to leave its queues after either.
    pub(crate) fn give_up(&self, value: u32) -> bool {
        self.alarm.disarm();
        self.waiter.claim(value)
    }

    /// Wait for somebody who has taken the waiter out of its queue and is about to wake it.
    pub(crate) fn settle(&self) {
        self.slot.settle();
    }
}

impl Drop for AsyncWaiter {
    fn drop(&mut self) {
        self.alarm.disarm();
    }
}

/// What the future of a primitive keeps of its wait: a node of the primitive's list, and who waits.
pub(crate) struct TaskWait<N> {
    pub(crate) node: N,
    pub(crate) waiter: AsyncWaiter,
    /// Whether the wait has begun and its owner has not learned of its end.
    pub(crate) waits: Cell<bool>,
}

// SAFETY: the node is touched under its list's lock, or by the owner while it is in no list and nobody
// is about to wake its waiter; nothing in it belongs to a thread.
unsafe impl<N> Send for TaskWait<N> {}
// SAFETY: shared references give no access but to who has pinned it, which is one owner, and under the lock.
unsafe impl<N> Sync for TaskWait<N> {}

impl<N> TaskWait<N> {
    pub(crate) const fn new(node: N) -> TaskWait<N> {
        TaskWait { node, waiter: AsyncWaiter::new(), waits: Cell::new(false) }
    }

    /// Begin the wait of the waiter; as [`AsyncWaiter::begin`]. The waker is cloned, which is user code.
    pub(crate) fn begin<'a>(self: Pin<&'a Self>, waker: &Waker) -> &'a Waiter {
        // SAFETY: the waiter is pinned with the whole, and nothing moves it.
        unsafe { self.map_unchecked(|this| &this.waiter) }.begin(waker)
    }
}

#[cfg(test)]
mod tests {
    use super::AsyncWaiter;
    use crate::runtime::clock;
    use crate::runtime::lock::Lock;
    use crate::runtime::wait::{TIMED_OUT, Waiter};
    use std::cell::{Cell, UnsafeCell};
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    /// A primitive: a letter box for one number.
    struct Box_ {
        lock: Lock,
        letter: UnsafeCell<Option<u32>>,
        reader: Cell<Option<*const Waiter>>,
    }

    // SAFETY: everything is touched under the lock.
    unsafe impl Sync for Box_ {}
    // SAFETY: as above.
    unsafe impl Send for Box_ {}

    impl Box_ {
        fn new() -> Box_ {
            Box_ { lock: Lock::new(), letter: UnsafeCell::new(None), reader: Cell::new(None) }
        }

        fn put(&self, n: u32) {
            self.lock.lock();
            // SAFETY: the lock is held.
            unsafe { *self.letter.get() = Some(n) };
            let reader = self.reader.take();
            // SAFETY: it is there until it is taken out, under the lock, or woken; the claim is the right.
            let won = reader.filter(|&reader| unsafe { (*reader).claim(1) });
            self.lock.unlock();
            // SAFETY: as above.
            won.into_iter().for_each(|reader| unsafe { Waiter::wake(reader) });
        }
    }

    struct Read<'a> {
        from: &'a Box_,
        deadline: u64,
        waits: Cell<bool>,
        waiter: AsyncWaiter,
    }

    impl Read<'_> {
        fn waiter(self: Pin<&Self>) -> Pin<&AsyncWaiter> {
            // SAFETY: the waiter is pinned with the future, and nothing moves it.
            unsafe { self.map_unchecked(|this| &this.waiter) }
        }
    }

    impl Future for Read<'_> {
        type Output = Option<u32>;

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u32>> {
            let this = self.into_ref();
            if this.waits.get() {
                if !this.waiter.poll(cx.waker()) {
                    return Poll::Pending;
                }
                this.waits.set(false);
                this.from.lock.lock();
                this.from.reader.set(None);
                // SAFETY: the lock is held.
                let letter = unsafe { (*this.from.letter.get()).take() };
                this.from.lock.unlock();
                return Poll::Ready(if this.waiter.claimed() == TIMED_OUT { None } else { letter });
            }
            this.from.lock.lock();
            // SAFETY: the lock is held.
            if let Some(letter) = unsafe { (*this.from.letter.get()).take() } {
                this.from.lock.unlock();
                return Poll::Ready(Some(letter));
            }
            this.from.reader.set(Some(this.waiter().begin(cx.waker())));
            this.waits.set(true);
            this.from.lock.unlock();
            if this.deadline != clock::NEVER {
                this.waiter().time_out_at(this.deadline);
            }
            Poll::Pending
        }
    }

    impl Drop for Read<'_> {
        fn drop(&mut self) {
            if !self.waits.get() {
                return;
            }
            self.from.lock.lock();
            let mine = self.waiter.give_up(2);
            self.from.reader.set(None);
            self.from.lock.unlock();
            if !mine {
                self.waiter.settle();
            }
        }
    }

    /// Counts its wakes, and unparks a thread.
    struct Counts(AtomicUsize, std::thread::Thread);

    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
            self.1.unpark();
        }
    }

    fn counts() -> (Arc<Counts>, Waker) {
        let counts = Arc::new(Counts(AtomicUsize::new(0), std::thread::current()));
        (Arc::clone(&counts), Waker::from(counts))
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        let (_, waker) = counts();
        let mut future = pin!(future);
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(value) => return value,
                Poll::Pending => std::thread::park(),
            }
        }
    }

    fn read(from: &Box_, deadline: u64) -> Read<'_> {
        Read { from, deadline, waits: Cell::new(false), waiter: AsyncWaiter::new() }
    }

    #[test]
    fn a_goroutine_wakes_a_task() {
        let from = Arc::new(Box_::new());
        for n in 0..200 {
            let to = Arc::clone(&from);
            let writer = crate::go(move || to.put(n));
            assert_eq!(block_on(read(&from, clock::NEVER)), Some(n));
            writer.join().unwrap();
        }
    }

    #[test]
    fn a_deadline_wakes_a_task() {
        let from = Box_::new();
        let before = clock::now();
        assert_eq!(block_on(read(&from, before + 3_000_000)), None);
        assert!(clock::now() >= before + 3_000_000);
    }

    #[test]
    fn the_newest_waker_is_called_once() {
        let from = Box_::new();
        let ((old, first), (new, second)) = (counts(), counts());
        let mut future = pin!(read(&from, clock::NEVER));
        for waker in [&first, &second, &second] {
            assert!(future.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
        }
        from.put(7);
        assert_eq!((old.0.load(Ordering::SeqCst), new.0.load(Ordering::SeqCst)), (0, 1));
        let done = future.as_mut().poll(&mut Context::from_waker(&second));
        assert_eq!(done, Poll::Ready(Some(7)));
    }

    #[test]
    fn a_future_that_is_dropped_is_woken_no_more() {
        let from = Arc::new(Box_::new());
        for n in 0..500 {
            let (_, waker) = counts();
            let mut future = Box::pin(read(&from, clock::now() + 50_000 * (n % 3)));
            let first = future.as_mut().poll(&mut Context::from_waker(&waker));
            let to = Arc::clone(&from);
            let writer = std::thread::spawn(move || to.put(n as u32));
            if n % 2 == 0 {
                std::thread::yield_now();
            }
            drop(future);
            writer.join().unwrap();
            // SAFETY: nobody else is here.
            let left = unsafe { (*from.letter.get()).take() };
            assert!(left.is_some() || first.is_ready());
            assert!(from.reader.get().is_none());
        }
    }
}
