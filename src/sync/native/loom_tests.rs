//! The locks under loom: the very files, compiled against loom's atomics and a wait made of loom's.
//!
//! Invariant: each test explores all interleavings up to its bound of preemptions. A waiter of theirs is
//! woken at most once, and a wait that nobody ends is loom's deadlock.

#![allow(clippy::duplicate_mod, dead_code, reason = "the second time with other atomics is the point")]

mod atomics {
    pub(super) use loom::hint::spin_loop;
    pub(super) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
}

mod wait {
    pub(super) use super::wait_list::{WaitList, WaitNode};
    use loom::sync::atomic::{AtomicU32, Ordering};
    use loom::sync::{Arc, Mutex, MutexGuard, Notify};
    use std::cell::{Cell, UnsafeCell};
    use std::pin::Pin;
    use std::task::Waker;

    pub(super) mod clock {
        use std::cell::Cell;

        pub(crate) type Nanos = u64;

        std::thread_local! {
            /// The time, and by how much each look moves it on. Loom runs a test on one thread.
            static CLOCK: Cell<(Nanos, Nanos)> = const { Cell::new((0, 0)) };
        }

        pub(crate) fn set(step: Nanos) {
            CLOCK.set((0, step));
        }

        pub(crate) fn now() -> Nanos {
            let (now, step) = CLOCK.get();
            CLOCK.set((now + step, step));
            now
        }

        pub(crate) fn coarse() -> Nanos {
            CLOCK.get().0
        }
    }

    pub(super) fn spinning_helps() -> bool {
        false
    }

    #[derive(Clone, Copy)]
    pub(super) struct Why;

    pub(super) struct Locked<T>(Mutex<T>);

    // SAFETY: as for the real one.
    unsafe impl<T> Sync for Locked<T> {}
    // SAFETY: as above.
    unsafe impl<T> Send for Locked<T> {}

    pub(super) type Held<'a, T> = MutexGuard<'a, T>;

    impl<T> Locked<T> {
        pub(super) fn new(data: T) -> Locked<T> {
            Locked(Mutex::new(data))
        }

        pub(super) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }

    pub(crate) struct Waiter {
        claim: AtomicU32,
        wakes: Arc<(Notify, AtomicU32)>,
    }

    impl Waiter {
        pub(super) fn new() -> Waiter {
            Waiter { claim: AtomicU32::new(0), wakes: Arc::new((Notify::new(), AtomicU32::new(0))) }
        }

        pub(super) fn claim(&self, value: u32) -> bool {
            self.claim.compare_exchange(0, value, Ordering::AcqRel, Ordering::Acquire).is_ok()
        }

        pub(super) fn park(&self, _: Why, release: impl FnOnce() -> bool) {
            if release() {
                while self.wakes.1.load(Ordering::Acquire) == 0 {
                    self.wakes.0.wait();
                }
            }
        }

        /// Nobody's clock runs here: it is not tried with deadlines.
        pub(super) fn park_until(&self, _: u64, why: Why, release: impl FnOnce() -> bool) -> bool {
            self.park(why, release);
            false
        }

        pub(super) unsafe fn wake(this: *const Waiter) {
            // SAFETY: until it is woken the waiter stays.
            let wakes = unsafe { Arc::clone(&(*this).wakes) };
            assert_eq!(wakes.1.fetch_add(1, Ordering::AcqRel), 0, "woken twice");
            wakes.0.notify();
        }
    }

    /// A task's wait: of waiters one after the other, of which those before may still be notified.
    pub(super) struct AsyncWaiter(UnsafeCell<Waiter>);

    impl AsyncWaiter {
        pub(super) fn new() -> AsyncWaiter {
            AsyncWaiter(UnsafeCell::new(Waiter::new()))
        }

        pub(super) fn begin<'a>(self: Pin<&'a Self>, _: &Waker) -> &'a Waiter {
            let place = self.get_ref().0.get();
            // SAFETY: nobody else can reach it, by the contract.
            unsafe {
                *place = Waiter::new();
                &*place
            }
        }

        fn waiter(&self) -> &Waiter {
            // SAFETY: it is replaced by its owner only, in `begin`.
            unsafe { &*self.0.get() }
        }

        pub(super) fn poll(&self, _: &Waker) -> bool {
            self.waiter().wakes.1.load(Ordering::Acquire) != 0
        }

        pub(super) fn settle(&self) {
            while !self.poll(Waker::noop()) {
                self.waiter().wakes.0.wait();
            }
        }
    }

    pub(super) struct TaskWait<N> {
        pub(super) node: N,
        pub(super) waiter: AsyncWaiter,
        pub(super) waits: Cell<bool>,
    }

    impl<N> TaskWait<N> {
        pub(super) fn new(node: N) -> TaskWait<N> {
            TaskWait { node, waiter: AsyncWaiter::new(), waits: Cell::new(false) }
        }

        pub(super) fn begin<'a>(self: Pin<&'a Self>, waker: &Waker) -> &'a Waiter {
            // SAFETY: the waiter is pinned with the whole.
            unsafe { self.map_unchecked(|this| &this.waiter) }.begin(waker)
        }
    }
}

#[path = "../../runtime/wait_list.rs"]
mod wait_list;

#[path = "condvar.rs"]
mod condvar;
#[path = "lock.rs"]
mod lock;
#[path = "lock_future.rs"]
mod lock_future;
#[path = "once.rs"]
mod once;
#[path = "rw.rs"]
mod rw;
#[path = "rw_future.rs"]
mod rw_future;
#[path = "semaphore.rs"]
mod semaphore;
#[path = "semaphore_future.rs"]
mod semaphore_future;
#[path = "wait_group.rs"]
mod wait_group;
#[path = "wait_group_future.rs"]
mod wait_group_future;
#[path = "woken.rs"]
mod woken;

use atomics::{AtomicU32, AtomicU64};
use condvar::RawCondvar;
use lock::RawLock;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use once::{Begun, RawOnce};
use rw::RawRw;
use semaphore::{RawSemaphore, Request};
use wait::{Locked, WaitList, Why, clock};
use wait_group::{Ended, RawWaitGroup};
use woken::Woken;

fn lock() -> RawLock {
    RawLock::of(AtomicU32::new(0), AtomicU32::new(0), Locked::new(WaitList::new()))
}

fn explore(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}

/// Start a thread that does something with what is shared.
fn beside<T: 'static>(shared: &Arc<T>, body: impl FnOnce(&Arc<T>) + 'static) -> thread::JoinHandle<()> {
    let theirs = Arc::clone(shared);
    thread::spawn(move || body(&theirs))
}

/// Two threads and main do the same with what is shared, at once.
fn by_three<T: 'static>(shared: &Arc<T>, body: impl Fn(&T) + Copy + 'static) {
    let threads = [(); 2].map(|()| beside(shared, move |shared| body(shared)));
    body(shared);
    threads.into_iter().for_each(|t| t.join().unwrap());
}

/// Two threads and main count under the lock, and time passes by `step` at each look at the clock.
fn count_under_a_lock(step: u64, preemptions: usize) {
    explore(preemptions, move || {
        clock::set(step);
        let shared = Arc::new((lock(), UnsafeCell::new(0)));
        let add = |shared: &(RawLock, UnsafeCell<u32>)| {
            shared.0.lock(Why);
            // SAFETY: the lock is held; loom complains if somebody else is there.
            unsafe { shared.1.with_mut(|n| *n += 1) };
            assert!(shared.0.unlock());
        };
        by_three(&shared, add);
        assert!(shared.0.try_lock());
        // SAFETY: as above.
        unsafe { shared.1.with(|n| assert_eq!(*n, 3)) };
        assert!(shared.0.unlock() && !shared.0.unlock());
    });
}

#[test]
fn who_barges_excludes() {
    count_under_a_lock(0, 2);
}

#[test]
fn a_lock_that_is_handed_over_excludes() {
    count_under_a_lock(2_000_000, 2);
}

#[test]
fn some_wait_long_enough_to_be_handed_the_lock() {
    count_under_a_lock(600_000, 2);
}

/// The one that waits gets it, though the other locks again and again.
#[test]
fn a_hog_is_made_to_wait() {
    explore(2, || {
        clock::set(700_000);
        let shared = Arc::new((lock(), UnsafeCell::new(0)));
        let patient = beside(&shared, move |theirs| {
            theirs.0.lock(Why);
            // SAFETY: the lock is held.
            unsafe { theirs.1.with_mut(|n| *n += 10) };
            theirs.0.unlock();
        });
        for _ in 0..3 {
            shared.0.lock(Why);
            // SAFETY: the lock is held.
            unsafe { shared.1.with_mut(|n| *n += 1) };
            shared.0.unlock();
        }
        patient.join().unwrap();
        // SAFETY: nobody else is left.
        unsafe { shared.1.with(|n| assert_eq!(*n, 13)) };
    });
}

#[test]
fn readers_and_a_writer_exclude() {
    explore(2, || {
        let sides = Locked::new(rw::Sides::new());
        let shared = Arc::new((RawRw::of(AtomicU32::new(0), lock(), sides), UnsafeCell::new(0)));
        let writer = beside(&shared, move |theirs| {
            theirs.0.write(Why);
            // SAFETY: the lock is held for writing.
            unsafe { theirs.1.with_mut(|n| *n += 1) };
            assert!(theirs.0.write_unlock());
        });
        let reader = beside(&shared, move |theirs| {
            theirs.0.read(Why);
            // SAFETY: the lock is held for reading.
            unsafe { theirs.1.with(|n| assert!(*n < 3)) };
            assert!(theirs.0.read_unlock());
        });
        shared.0.write(Why);
        // SAFETY: the lock is held for writing.
        unsafe { shared.1.with_mut(|n| *n += 1) };
        assert!(shared.0.write_unlock());
        shared.0.read(Why);
        // SAFETY: the lock is held for reading.
        unsafe { shared.1.with(|n| assert!(*n > 0)) };
        assert!(shared.0.read_unlock());
        writer.join().unwrap();
        reader.join().unwrap();
        assert!(!shared.0.read_unlock() && !shared.0.write_unlock());
    });
}

#[test]
fn a_permit_is_held_by_one() {
    explore(2, || {
        let semaphore = RawSemaphore::of(AtomicU64::new(1), Locked::new(WaitList::new()));
        let shared = Arc::new((semaphore, UnsafeCell::new(0)));
        let add = |shared: &(RawSemaphore, UnsafeCell<u32>)| {
            shared.0.acquire(1, 1, Why);
            // SAFETY: there is one permit.
            unsafe { shared.1.with_mut(|n| *n += 1) };
            assert!(shared.0.release(1, 1));
        };
        by_three(&shared, add);
        assert!(shared.0.try_acquire(1) && !shared.0.try_acquire(1));
    });
}

/// A request of all permits, one of one, and a cancellation: nothing is lost, nothing is made.
#[test]
fn a_cancelled_request_leaves_the_permits() {
    explore(2, || {
        let semaphore = RawSemaphore::of(AtomicU64::new(2), Locked::new(WaitList::new()));
        let shared = Arc::new(semaphore);
        assert!(shared.try_acquire(1));
        let all = beside(&shared, move |theirs| {
            let request = Request::new(2);
            let (semaphore, address) = (Arc::clone(theirs), (&raw const request).expose_provenance());
            // SAFETY: the request is there until the thread is joined, below.
            let cancel = thread::spawn(move || unsafe {
                semaphore.cancel(std::ptr::with_exposed_provenance(address));
            });
            let granted = theirs.acquire_unless_cancelled(&request, Why);
            cancel.join().unwrap();
            if granted {
                assert!(theirs.release(2, 2));
            }
        });
        assert!(shared.release(1, 2));
        all.join().unwrap();
        assert!(shared.try_acquire(2));
    });
}

#[test]
fn who_waits_for_a_group_sees_what_it_did() {
    explore(3, || {
        let group = RawWaitGroup::of(AtomicU64::new(0), Locked::new(WaitList::new()));
        let shared = Arc::new((group, UnsafeCell::new(0), UnsafeCell::new(0)));
        assert_eq!(shared.0.add(2), Ended::Well);
        let first = beside(&shared, move |theirs| {
            // SAFETY: read after the wait only; loom complains if not.
            unsafe { theirs.1.with_mut(|n| *n = 1) };
            assert_eq!(theirs.0.add(-1), Ended::Well);
        });
        let second = beside(&shared, move |theirs| {
            // SAFETY: as above.
            unsafe { theirs.2.with_mut(|n| *n = 1) };
            assert_eq!(theirs.0.add(-1), Ended::Well);
        });
        assert_eq!(shared.0.wait(Why), Ended::Well);
        // SAFETY: as above.
        unsafe { shared.1.with(|n| shared.2.with(|m| assert_eq!(*n + *m, 2))) };
        first.join().unwrap();
        second.join().unwrap();
    });
}

#[test]
fn a_notification_after_the_change_is_not_lost() {
    explore(2, || {
        let condvar = RawCondvar::of(AtomicU32::new(0), Locked::new(condvar::Waiting::new()));
        let shared = Arc::new((lock(), condvar, UnsafeCell::new(false)));
        let tells = beside(&shared, move |theirs| {
            theirs.0.lock(Why);
            // SAFETY: the lock is held.
            unsafe { theirs.2.with_mut(|told| *told = true) };
            theirs.0.unlock();
            theirs.1.notify(false);
        });
        shared.0.lock(Why);
        // SAFETY: the lock is held.
        while !unsafe { shared.2.with(|told| *told) } {
            shared.1.wait(&shared.0, None, Why);
            shared.0.lock(Why);
        }
        shared.0.unlock();
        tells.join().unwrap();
    });
}

#[test]
fn one_initialises_and_all_see_it() {
    explore(3, || {
        let once = RawOnce::of(AtomicU32::new(0), Locked::new(WaitList::new()));
        let shared = Arc::new((once, UnsafeCell::new(0)));
        let use_it = |shared: &(RawOnce, UnsafeCell<u32>)| {
            if shared.0.begin(Why) != Begun::Done {
                // SAFETY: this is the only one that initialises.
                unsafe { shared.1.with_mut(|n| *n += 1) };
                shared.0.end(true);
            }
            // SAFETY: it is initialised, and nobody writes any more.
            unsafe { shared.1.with(|n| assert_eq!(*n, 1)) };
        };
        by_three(&shared, use_it);
    });
}

/// What a test's task does with a future: polls it some times, waiting in between, and drops it.
macro_rules! poll_until {
    ($wait:expr, $polls:expr, $poll:expr) => {{
        let mut taken = false;
        for left in (0..$polls).rev() {
            taken = $poll;
            if taken {
                break;
            }
            if left > 0 {
                $wait.waiter.settle();
            }
        }
        taken
    }};
}

/// A task that waits for the lock once, or gives up, beside threads: whoever has it is alone, and nobody waits for
/// a lock that is free.
fn tasks_at_a_lock(step: u64, polls: usize) {
    explore(2, move || {
        clock::set(step);
        let shared = Arc::new((lock(), UnsafeCell::new(0)));
        let other = beside(&shared, move |theirs| {
            theirs.0.lock(Why);
            // SAFETY: the lock is held.
            unsafe { theirs.1.with_mut(|n| *n += 1) };
            theirs.0.unlock();
        });
        let task = beside(&shared, move |theirs| {
            let wait = std::pin::pin!(lock_future::LockWait::for_lock());
            let wait = wait.as_ref();
            if poll_until!(wait, polls, theirs.0.poll_lock(wait, std::task::Waker::noop())) {
                // SAFETY: the lock is held.
                unsafe { theirs.1.with_mut(|n| *n += 1) };
                theirs.0.unlock();
            }
            theirs.0.leave(wait);
        });
        shared.0.lock(Why);
        // SAFETY: the lock is held.
        unsafe { shared.1.with_mut(|n| *n += 1) };
        shared.0.unlock();
        other.join().unwrap();
        task.join().unwrap();
        assert!(shared.0.try_lock());
        // SAFETY: as above.
        unsafe { shared.1.with(|n| assert!(*n == 2 || *n == 3)) };
    });
}

#[test]
fn a_task_that_leaves_a_lock_passes_it_on() {
    tasks_at_a_lock(0, 1);
}

#[test]
fn a_task_that_leaves_a_lock_it_was_given_unlocks_it() {
    tasks_at_a_lock(2_000_000, 1);
}

#[test]
fn a_task_that_stays_gets_the_lock_or_waits_again() {
    tasks_at_a_lock(0, 2);
}

#[test]
fn a_task_that_gives_up_writing_lets_readers_in() {
    explore(2, || {
        let sides = Locked::new(rw::Sides::new());
        let shared = Arc::new(RawRw::of(AtomicU32::new(0), lock(), sides));
        shared.read(Why);
        let task = beside(&shared, move |theirs| {
            let wait = std::pin::pin!(rw_future::WriteWait::new());
            let wait = wait.as_ref();
            if theirs.poll_write(wait, std::task::Waker::noop()) {
                assert!(theirs.write_unlock());
            }
            theirs.leave_write(wait);
        });
        let reader = beside(&shared, move |theirs| {
            theirs.read(Why);
            assert!(theirs.read_unlock());
        });
        let wait = std::pin::pin!(rw_future::ReadWait::in_list());
        if shared.poll_read(wait.as_ref(), std::task::Waker::noop()) {
            assert!(shared.read_unlock());
        }
        shared.leave_read(wait.as_ref());
        assert!(shared.read_unlock());
        task.join().unwrap();
        reader.join().unwrap();
        assert!(shared.try_write());
    });
}

#[test]
fn a_task_that_leaves_a_semaphore_leaves_the_permits() {
    explore(2, || {
        let semaphore = RawSemaphore::of(AtomicU64::new(2), Locked::new(WaitList::new()));
        let shared = Arc::new(semaphore);
        assert!(shared.try_acquire(1));
        let task = beside(&shared, move |theirs| {
            let wait = std::pin::pin!(semaphore_future::AcquireWait::for_permits(2));
            if theirs.poll_acquire(wait.as_ref(), 2, std::task::Waker::noop()) {
                assert!(theirs.release(2, 2));
            }
            theirs.leave(wait.as_ref(), 2);
        });
        let other = beside(&shared, move |theirs| {
            theirs.acquire(1, 2, Why);
            assert!(theirs.release(1, 2));
        });
        assert!(shared.release(1, 2));
        task.join().unwrap();
        other.join().unwrap();
        assert!(shared.try_acquire(2));
    });
}

/// Nobody waits any more when the counter comes to zero, so to add again at once is no misuse.
#[test]
fn a_task_that_leaves_a_group_is_not_counted() {
    explore(3, || {
        let group = RawWaitGroup::of(AtomicU64::new(0), Locked::new(WaitList::new()));
        let shared = Arc::new(group);
        assert_eq!(shared.add(1), Ended::Well);
        let wait = std::pin::pin!(rw_future::ReadWait::in_list());
        assert!(shared.poll_wait(wait.as_ref(), std::task::Waker::noop()).is_none());
        shared.leave(wait.as_ref());
        let done = beside(&shared, move |theirs| assert_eq!(theirs.add(-1), Ended::Well));
        assert_eq!(shared.wait(Why), Ended::Well);
        assert_eq!(shared.add(1), Ended::Well);
        assert_eq!(shared.add(-1), Ended::Well);
        done.join().unwrap();
    });
}

#[test]
fn a_task_leaves_a_group_while_others_are_let_go() {
    explore(3, || {
        let group = RawWaitGroup::of(AtomicU64::new(0), Locked::new(WaitList::new()));
        let shared = Arc::new(group);
        assert_eq!(shared.add(1), Ended::Well);
        let task = beside(&shared, move |theirs| {
            let wait = std::pin::pin!(rw_future::ReadWait::in_list());
            let ended = theirs.poll_wait(wait.as_ref(), std::task::Waker::noop());
            assert!(ended.is_none_or(|ended| ended == Ended::Well));
            theirs.leave(wait.as_ref());
        });
        let waits = beside(&shared, move |theirs| assert_eq!(theirs.wait(Why), Ended::Well));
        assert_eq!(shared.add(-1), Ended::Well);
        task.join().unwrap();
        waits.join().unwrap();
        assert_eq!(shared.wait(Why), Ended::Well);
    });
}
