//! The lock-free parts under loom: the very files of the scheduler, compiled against loom's atomics.
//!
//! `atomics`, `barrier` and `futex` are replaced; everything else is included as it is. Both fences
//! are full ones here, which is what the pair of an asymmetric fence promises together. Invariant:
//! each test explores all interleavings up to its bound of preemptions, and each has been seen to
//! fail when its part is broken (a tail published too early, a fence left out, a last look skipped).

#![allow(clippy::duplicate_mod, reason = "the second time with other atomics is the point")]

mod atomics {
    pub(super) use loom::cell::UnsafeCell;
    pub(super) use loom::hint::spin_loop;
    pub(super) use loom::sync::Mutex;
    pub(super) use loom::sync::atomic::{AtomicIsize, AtomicPtr, AtomicU32, AtomicUsize, Ordering};
}

mod barrier {
    use loom::sync::atomic::{Ordering, fence};

    pub(super) fn is_asymmetric() -> bool {
        true
    }

    pub(super) fn light() {
        fence(Ordering::SeqCst);
    }

    pub(super) fn light_where_asymmetric() {
        fence(Ordering::SeqCst);
    }

    pub(super) fn heavy() {
        fence(Ordering::SeqCst);
    }
}

mod lock {
    use std::panic::resume_unwind;

    pub(super) struct InVain;

    /// Loom takes no two threads that wait for each other by looking again and again: who looks in vain gives up,
    /// by unwinding.
    pub(super) fn insist(attempt: impl Fn() -> bool) {
        if !attempt() {
            resume_unwind(Box::new(InVain));
        }
    }

    pub(super) fn try_briefly(attempt: impl Fn() -> bool) -> bool {
        attempt()
    }
}

mod m {
    use super::biased::Sections;
    use std::cell::Cell;

    pub(super) struct M {
        pub(super) sections: Sections,
    }

    impl M {
        pub(super) fn contends(&self) {}
    }

    loom::thread_local! {
        static HERE: Cell<Option<&'static M>> = Cell::new(None);
    }

    pub(super) fn here() -> Option<&'static M> {
        HERE.with(Cell::get)
    }

    /// From now on the caller is a thread of goroutines.
    pub(super) fn be(thread: &'static M) {
        HERE.with(|here| here.set(Some(thread)));
    }
}

mod clock {
    pub(super) type Nanos = u64;
}

mod futex {
    use super::atomics::{AtomicU32, Ordering};

    /// Returns as soon as the word may have changed: loom tries all moments.
    pub(super) fn wait(word: &AtomicU32, expected: u32, _: Option<u64>) {
        if word.load(Ordering::SeqCst) == expected {
            loom::thread::yield_now();
        }
    }

    pub(super) fn wake(_: *const AtomicU32) {}
}

#[path = "biased.rs"]
#[allow(dead_code, reason = "only the protocol is explored")]
mod biased;
#[path = "done.rs"]
#[allow(dead_code, reason = "only the protocol is explored")]
mod done;
#[path = "gate.rs"]
#[allow(dead_code, reason = "only the protocol is explored")]
mod gate;
#[path = "handshake.rs"]
mod handshake;
#[path = "parker.rs"]
mod parker;
#[path = "queue.rs"]
#[allow(dead_code, reason = "only the protocol is explored")]
mod queue;
#[path = "told.rs"]
#[allow(dead_code, reason = "only the protocol is explored")]
mod told;
#[path = "waker_slot.rs"]
mod waker_slot;

use atomics::{AtomicIsize, AtomicU32, AtomicUsize, Mutex, Ordering};
use biased::{BiasedLock, Sections};
use done::{Done, Finish};
use gate::Gate;
use handshake::Handshake;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use parker::Parker;
use queue::Ring;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicBool;
use told::{Kind, Sleepers, Told};
use waker_slot::WakerSlot;

/// Explore `body` with at most so many preemptions.
fn explore(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}

/// Items for rings: addresses of nothing.
fn item(n: usize) -> *mut u8 {
    std::ptr::without_provenance_mut(n)
}

#[test]
fn every_item_is_taken_once() {
    explore(3, || {
        let ring: Arc<Ring<u8, 2>> = Arc::new(Ring::new());
        let thieves: Vec<_> = (0..2)
            .map(|_| {
                let ring = Arc::clone(&ring);
                thread::spawn(move || {
                    let mine: Ring<u8, 2> = Ring::new();
                    let first = ring.steal(&mine).addr();
                    [first, mine.pop().addr()]
                })
            })
            .collect();
        let mut found = Vec::new();
        for n in 1..=3 {
            if let Err(back) = ring.push(item(n)) {
                ring.spill(|spilled| found.push(spilled.addr()));
                if ring.push(back).is_err() {
                    found.push(n);
                }
            }
        }
        found.push(ring.pop().addr());
        found.extend(thieves.into_iter().flat_map(|thief| thief.join().unwrap()));
        std::iter::from_fn(|| Some(ring.pop().addr()).filter(|&n| n != 0)).for_each(|n| found.push(n));
        found.retain(|&n| n != 0);
        found.sort_unstable();
        assert_eq!(found, [1, 2, 3]);
    });
}

#[test]
fn what_an_item_points_to_goes_with_it() {
    explore(3, || {
        let ring: Arc<Ring<UnsafeCell<u32>, 2>> = Arc::new(Ring::new());
        let cell = Box::into_raw(Box::new(UnsafeCell::new(0)));
        let theirs = Arc::clone(&ring);
        let thief = thread::spawn(move || theirs.steal(&Ring::new()).expose_provenance());
        // SAFETY: nobody has the item yet.
        unsafe { (*cell).with_mut(|value| *value = 7) };
        ring.push(cell).unwrap();
        let stolen = thief.join().unwrap();
        let taken = if stolen == 0 { ring.pop() } else { std::ptr::with_exposed_provenance_mut(stolen) };
        // SAFETY: whoever took the item has it alone.
        unsafe {
            (*taken).with(|value| assert_eq!(*value, 7));
            drop(Box::from_raw(taken));
        }
    });
}

/// A processor's data, which is not atomic, in the hands of a thread that the monitor may relieve.
#[test]
fn a_processor_is_in_one_pair_of_hands() {
    explore(3, || {
        let shared = Arc::new((Handshake::new(), AtomicUsize::new(1), UnsafeCell::new(0_u32)));
        let theirs = Arc::clone(&shared);
        let monitor = thread::spawn(move || {
            let (handshake, holds, data) = &*theirs;
            let mut taken = false;
            handshake.while_outside(|| {
                holds.store(0, Ordering::Relaxed);
                taken = true;
            });
            if taken {
                // SAFETY: it is ours now; loom complains if somebody else is at it.
                unsafe { data.with_mut(|value| *value += 1) };
            }
            taken
        });
        let (handshake, holds, data) = &*shared;
        let mut lost = false;
        for _ in 0..2 {
            handshake.leave();
            handshake.enter();
            if holds.load(Ordering::Relaxed) == 0 {
                lost = true;
                break;
            }
            // SAFETY: as above.
            unsafe { data.with_mut(|value| *value += 1) };
        }
        let taken = monitor.join().unwrap();
        assert!(taken || !lost, "what was not taken is still there");
    });
}

/// A lock, and what it guards.
struct Guarded {
    lock: BiasedLock,
    count: UnsafeCell<usize>,
    /// Whether somebody gave up, and may have left the lock as if it were held.
    gave_up: AtomicBool,
}

impl Guarded {
    /// Count once more, if the lock was taken.
    fn add(&self, taken: bool) -> usize {
        if taken {
            // SAFETY: we have the lock; loom complains if somebody else is at it.
            unsafe { self.count.with_mut(|count| *count += 1) };
            self.lock.unlock();
        }
        usize::from(taken)
    }

    fn count(&self) -> usize {
        let taken = catch_unwind(AssertUnwindSafe(|| self.lock.lock()));
        if let Err(reason) = taken {
            if !reason.is::<lock::InVain>() {
                resume_unwind(reason);
            }
            self.gave_up.store(true, Ordering::Relaxed);
            return 0;
        }
        self.add(true)
    }
}

/// The first thread has the lock reserved, and takes it so many times more; others come in its way, each so many
/// times, and earn it in turn.
fn reserved(
    mine: usize,
    others: &'static [usize],
    take: impl Fn(&Guarded) -> usize + Copy + Send + Sync + 'static,
) {
    explore(3, move || {
        let guarded = Arc::new(Guarded {
            lock: BiasedLock::earned_by(1),
            count: UnsafeCell::new(0),
            gave_up: AtomicBool::new(false),
        });
        // Threads' records are there for ever; here they are kept until all have ended.
        let records: Vec<_> =
            (0..=others.len()).map(|_| Box::into_raw(Box::new(m::M { sections: Sections::new() }))).collect();
        // SAFETY: they are freed below.
        let record = |n: usize| -> &'static m::M { unsafe { &*records[n] } };
        m::be(record(0));
        let mut sum = guarded.count();
        let threads: Vec<_> = (1..)
            .zip(others)
            .map(|(n, &times)| {
                let (guarded, record) = (Arc::clone(&guarded), record(n));
                thread::spawn(move || {
                    m::be(record);
                    (0..times).map(|_| take(&guarded)).sum::<usize>()
                })
            })
            .collect();
        sum += (0..mine).map(|_| guarded.count()).sum::<usize>();
        sum += threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>();
        // SAFETY: all others have ended.
        unsafe { guarded.count.with(|count| assert_eq!(*count, sum)) };
        assert!(records.iter().enumerate().all(|(n, _)| record(n).sections.is_empty()));
        assert!(guarded.gave_up.load(Ordering::Relaxed) || guarded.lock.try_lock(), "it was not let go of");
        // SAFETY: as above, and the lock is not used any more.
        records.into_iter().for_each(|record| drop(unsafe { Box::from_raw(record) }));
    });
}

#[test]
fn a_reservation_is_revoked_between_two_sections() {
    reserved(2, &[1], Guarded::count);
}

#[test]
fn a_reservation_goes_back_and_forth() {
    reserved(1, &[3], Guarded::count);
}

#[test]
fn two_revoke_at_once() {
    reserved(1, &[1, 1], Guarded::count);
}

#[test]
fn who_must_not_wait_leaves_a_reservation_as_it_was() {
    reserved(2, &[1], |guarded| guarded.add(guarded.lock.try_lock()));
}

#[test]
fn a_tell_is_never_lost() {
    explore(3, || {
        let parker = Arc::new(Parker::new());
        let theirs = Arc::clone(&parker);
        let teller = thread::spawn(move || theirs.tell());
        assert!(parker.wait(None));
        teller.join().unwrap();
    });
}

/// A thread that sleeps in the poller is told as well: it sees that before it sleeps, or whoever tells sees
/// where it sleeps.
/// A thread that was told, and gets no core for as long as the teller likes, must not count as blocked.
#[test]
fn a_woken_thread_without_a_core_is_not_blocked() {
    for kind in [Kind::Foreign, Kind::Kept] {
        explore(3, move || {
            let sleepers = Sleepers::new(AtomicIsize::new(0), AtomicIsize::new(0));
            let shared = Arc::new((Told::new(AtomicU32::new(0)), sleepers));
            let theirs = Arc::clone(&shared);
            let sleeper = thread::spawn(move || {
                let (told, sleepers) = &*theirs;
                told.sleep(kind, sleepers);
                assert!(told.is_told());
            });
            let (told, sleepers) = &*shared;
            // SAFETY: it lives until the end of this, and nobody else tells.
            unsafe { Told::tell(told, sleepers) };
            assert_eq!(sleepers.count(kind), 0, "it may not have run since");
            sleeper.join().unwrap();
            assert_eq!((sleepers.count(Kind::Foreign), sleepers.count(Kind::Kept)), (0, 0));
        });
    }
}

#[test]
fn a_poller_is_told_or_interrupted() {
    explore(3, || {
        let shared = Arc::new((Parker::new(), AtomicU32::new(0)));
        let theirs = Arc::clone(&shared);
        let teller = thread::spawn(move || {
            let (parker, polls) = &*theirs;
            parker.tell();
            loom::sync::atomic::fence(Ordering::SeqCst);
            polls.load(Ordering::Relaxed) == 1
        });
        let (parker, polls) = &*shared;
        polls.store(1, Ordering::Relaxed);
        loom::sync::atomic::fence(Ordering::SeqCst);
        let told = parker.is_told();
        let interrupted = teller.join().unwrap();
        assert!(told || interrupted);
        assert!(parker.consume());
    });
}

/// One adds work, another gives up looking: afterwards somebody knows of it.
#[test]
fn work_is_seen_by_somebody() {
    explore(3, || {
        let gate = Gate::new(AtomicUsize::new(0), AtomicUsize::new(1));
        let shared = Arc::new((gate, Ring::<u8, 2>::new()));
        let theirs = Arc::clone(&shared);
        let spinner = thread::spawn(move || {
            let (gate, ring) = &*theirs;
            if !ring.is_empty() {
                return true;
            }
            gate.set_idle(1);
            gate.gave_up(true);
            !ring.is_empty()
        });
        let (gate, ring) = &*shared;
        ring.push(item(1)).unwrap();
        let wakes = gate.wants_spinner();
        let seen = spinner.join().unwrap();
        assert!(seen || wakes, "the work lies there, and nobody knows");
    });
}

#[test]
fn two_adders_start_one_spinner() {
    explore(3, || {
        let gate = Arc::new(Gate::new(AtomicUsize::new(2), AtomicUsize::new(0)));
        let theirs = Arc::clone(&gate);
        let other = thread::spawn(move || theirs.wants_spinner());
        let mine = gate.wants_spinner();
        assert!(mine != other.join().unwrap());
        assert_eq!(gate.spinning(), 1);
    });
}

#[test]
fn a_task_is_waited_for_and_freed_once() {
    explore(4, || {
        let shared = Arc::new((Done::new(), UnsafeCell::new(0_u32), Mutex::new(0)));
        let theirs = Arc::clone(&shared);
        let task = thread::spawn(move || {
            let (done, result, _) = &*theirs;
            // SAFETY: the other side reads it after the end; loom complains if not.
            unsafe { result.with_mut(|value| *value = 7) };
            done.finish()
        });
        let (done, result, _) = &*shared;
        let waits = done.wait(1024);
        if !waits {
            assert!(done.is_ended());
            // SAFETY: the task has ended.
            unsafe { result.with(|value| assert_eq!(*value, 7)) };
        }
        let woken = task.join().unwrap();
        assert_eq!(woken, if waits { Finish::Waiter(1024) } else { Finish::Nobody });
        assert!(done.is_ended());
    });
}

#[test]
fn who_comes_second_frees() {
    explore(4, || {
        let done = Arc::new(Done::new());
        let theirs = Arc::clone(&done);
        let task = thread::spawn(move || theirs.finish() == Finish::Left);
        let mine = done.leave();
        assert!(mine != task.join().unwrap());
    });
}

/// A task that changes its waker, while somebody tells it: the one it left last is called, and told it
/// may drop the slot.
#[test]
fn the_last_waker_is_told() {
    explore(4, || {
        let slot = WakerSlot::new(UnsafeCell::new(None), AtomicU32::new(0));
        slot.begin(1_u32);
        let slot = Arc::new(slot);
        let theirs = Arc::clone(&slot);
        // SAFETY: the slot is there, a wait has begun, and nobody else tells.
        let teller = thread::spawn(move || unsafe { WakerSlot::tell(&raw const *theirs) });
        let mut last = 1;
        let mut told = false;
        for n in 2..=3 {
            told = slot.renew(n);
            if told {
                break;
            }
            last = n;
        }
        let called = teller.join().unwrap();
        if told {
            assert_eq!(called, last, "who was told before it left another");
        } else {
            assert_eq!(called, 3);
        }
        slot.settle();
        // SAFETY of the next wait: nobody else reaches the slot any more; loom complains if not.
        slot.begin(4);
    });
}
