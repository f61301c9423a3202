//! Programs that look suspicious and are right: nothing may be said about them.

use super::silent;
use selvedge::cell::Plain;
use selvedge::chan::Chan;
use selvedge::sync::atomic::{AtomicUsize, Ordering, Ordering::SeqCst};
use selvedge::sync::{Arc, Condvar, Mutex, Once, RawMutex, RwLock, WaitGroup};
use selvedge::{chan, choose, context, go, select, time};
use std::time::Duration;

#[test]
fn unlock_by_other_goroutine() {
    silent(|| {
        let lock = Arc::new(RawMutex::new());
        lock.lock();
        let shared = Arc::clone(&lock);
        let other = go(move || shared.unlock());
        lock.lock();
        lock.unlock();
        other.join().unwrap();
    });
}

#[test]
fn select_nil_case_disabled() {
    silent(|| {
        let (tx, rx) = chan::<i32>(0);
        let none = Chan::<i32>::nil();
        let sender = go(move || tx.send(1));
        select! {
            recv(none) -> _ => unreachable!("a nil channel is never ready"),
            recv(rx) -> v => assert_eq!(v, Some(1)),
        }
        sender.join().unwrap();
    });
}

/// A signal with room for one needs nobody who waits.
#[test]
fn cap1_signal_without_receiver() {
    silent(|| {
        let (tx, rx) = chan::<()>(1);
        let worker = go(move || tx.send(()));
        worker.join().unwrap();
        if choose(2) == 1 {
            rx.recv();
        }
    });
}

/// Both sides may close; the once sees to it that one does.
#[test]
fn close_once_guarded() {
    silent(|| {
        let (tx, rx) = chan::<()>(0);
        let once = Arc::new(Once::new());
        let (also, shared) = (tx.clone(), Arc::clone(&once));
        let other = go(move || shared.call_once(|| also.close()));
        once.call_once(|| tx.close());
        assert_eq!(rx.recv(), None);
        other.join().unwrap();
    });
}

/// The sender expects that the channel may be closed, and says so.
#[test]
fn send_recovered_by_design() {
    silent(|| {
        let (tx, _rx) = chan::<i32>(1);
        tx.close();
        let sender = go(move || tx.send(1));
        assert!(sender.join().is_err());
    });
}

#[test]
fn hb_unbuffered() {
    silent(|| {
        let x = Arc::new(Plain::new(0));
        let (tx, rx) = chan::<()>(0);
        let shared = Arc::clone(&x);
        let reader = go(move || {
            rx.recv();
            shared.get()
        });
        x.set(1);
        tx.send(());
        assert_eq!(reader.join().unwrap(), 1);
    });
}

/// A full buffer is a lock: the receive that makes room comes before the send that fills it.
#[test]
fn hb_buffered_k_plus_c() {
    silent(|| {
        let x = Arc::new(Plain::new(0));
        let (tx, rx) = chan::<()>(1);
        let (shared, enter, leave) = (Arc::clone(&x), tx.clone(), rx.clone());
        let other = go(move || {
            enter.send(());
            shared.set(shared.get() + 1);
            leave.recv();
        });
        tx.send(());
        x.set(x.get() + 1);
        rx.recv();
        other.join().unwrap();
        assert_eq!(x.get(), 2);
    });
}

#[test]
fn hb_close() {
    silent(|| {
        let x = Arc::new(Plain::new(0));
        let (tx, rx) = chan::<()>(0);
        let shared = Arc::clone(&x);
        let writer = go(move || {
            shared.set(1);
            tx.close();
        });
        rx.recv();
        assert_eq!(x.get(), 1);
        writer.join().unwrap();
    });
}

#[test]
fn hb_waitgroup() {
    silent(|| {
        let x = Arc::new(Plain::new(0));
        let wg = WaitGroup::new();
        let shared = Arc::clone(&x);
        wg.go(move || shared.set(1));
        wg.wait();
        assert_eq!(x.get(), 1);
    });
}

#[test]
fn hb_once() {
    silent(|| {
        let state = Arc::new((Once::new(), Plain::new(0)));
        let shared = Arc::clone(&state);
        let init = |state: &(Once, Plain<i32>)| {
            state.0.call_once(|| state.1.set(1));
            state.1.get()
        };
        let other = go(move || init(&shared));
        assert_eq!(init(&state) + other.join().unwrap(), 2);
    });
}

#[test]
fn hb_cond() {
    silent(|| {
        let state = Arc::new((Mutex::new(false), Condvar::new(), Plain::new(0)));
        let shared = Arc::clone(&state);
        let writer = go(move || {
            shared.2.set(1);
            *shared.0.lock().unwrap() = true;
            shared.1.notify_one();
        });
        let ready = state.1.wait_while(state.0.lock().unwrap(), |ready| !*ready).unwrap();
        drop(ready);
        assert_eq!(state.2.get(), 1);
        writer.join().unwrap();
    });
}

#[test]
fn hb_mutex_handoff() {
    silent(|| {
        let state = Arc::new((RawMutex::new(), Plain::new(0)));
        state.0.lock();
        let shared = Arc::clone(&state);
        let other = go(move || {
            shared.0.lock();
            assert_eq!(shared.1.get(), 1);
            shared.0.unlock();
        });
        state.1.set(1);
        state.0.unlock();
        other.join().unwrap();
    });
}

/// Each raises its flag and goes in only if the other's is down.
#[test]
fn seqcst_dekker() {
    silent(|| {
        let state = Arc::new(([AtomicUsize::new(0), AtomicUsize::new(0)], Plain::new(0)));
        let enter = |state: &([AtomicUsize; 2], Plain<i32>), me: usize| {
            state.0[me].store(1, SeqCst);
            if state.0[1 - me].load(SeqCst) == 0 {
                state.1.set(me as i32);
            }
        };
        let shared = Arc::clone(&state);
        let other = go(move || enter(&shared, 1));
        enter(&state, 0);
        other.join().unwrap();
    });
}

/// Readers look before and after; what they read in between are atomics.
#[test]
fn seqlock_correct() {
    silent(|| {
        let state = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0)]);
        let shared = Arc::clone(&state);
        let writer = go(move || {
            let [seq, a, b] = &*shared;
            seq.store(1, SeqCst);
            a.store(1, Ordering::Relaxed);
            b.store(1, Ordering::Relaxed);
            seq.store(2, SeqCst);
        });
        let [seq, a, b] = &*state;
        let before = seq.load(SeqCst);
        let seen = (a.load(Ordering::Relaxed), b.load(Ordering::Relaxed));
        if before.is_multiple_of(2) && seq.load(SeqCst) == before {
            assert_eq!(seen.0, seen.1, "torn");
        }
        writer.join().unwrap();
    });
}

#[test]
fn rwmutex_reader_parallel() {
    silent(|| {
        let value = Arc::new(RwLock::new(0));
        let (tx, rx) = chan::<()>(0);
        let shared = Arc::clone(&value);
        // The two must be inside together, or neither would get out.
        let other = go(move || {
            let value = shared.read().unwrap();
            tx.send(());
            *value
        });
        let mine = value.read().unwrap();
        rx.recv();
        assert_eq!(*mine + other.join().unwrap(), 0);
    });
}

#[test]
fn retry_with_virtual_deadline() {
    silent(|| {
        let ready = Arc::new(AtomicUsize::new(0));
        let (ctx, cancel) = context::with_timeout(&context::background(), Duration::from_secs(5));
        let shared = Arc::clone(&ready);
        let worker = go(move || {
            time::sleep(Duration::from_secs(2));
            shared.store(1, SeqCst);
        });
        while ready.load(SeqCst) == 0 && ctx.err().is_none() {
            time::sleep(Duration::from_secs(1));
        }
        cancel.cancel();
        worker.join().unwrap();
    });
}

#[test]
fn worker_parked_on_global_channel_until_shutdown() {
    silent(|| {
        let (jobs, queue) = chan::<i32>(0);
        let worker = go(move || queue.iter().sum::<i32>());
        if choose(2) == 1 {
            jobs.send(1);
        }
        jobs.close();
        worker.join().unwrap();
    });
}

/// A daemon on a ticker that is told to stop at the end of the program.
#[test]
fn daemon_ticker_allow_listed() {
    silent(|| {
        let (stop, stopped) = chan::<()>(0);
        let daemon = go(move || {
            let ticks = time::Ticker::new(Duration::from_secs(1));
            loop {
                select! {
                    recv(ticks.c()) -> _ => {}
                    recv(stopped) -> _ => break,
                }
            }
        });
        time::sleep(Duration::from_secs(3));
        stop.close();
        daemon.join().unwrap();
    });
}

// `abba_behind_gate_lock` and `abba_phases_joined` are `locks::behind_a_gate` and
// `locks::in_joined_phases`.
