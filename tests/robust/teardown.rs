//! The end of an execution: whoever is still blocked, in whichever operation, is unwound, and what
//! it owns is dropped exactly once.

use crate::{Census, explorer, slug, still_works};
use selvedge::harness::config::LeakPolicy;
use selvedge::sync::{Arc, Barrier, Condvar, Mutex, Once, RawMutex, RwLock, Semaphore, WaitGroup};
use selvedge::{Select, Slug, chan, context, go, select, thread, time};
use std::time::Duration;

/// Leave a goroutine blocked in `body` and look whether its values are dropped, in executions that
/// pass (leaks allowed) and in one that fails.
#[track_caller]
fn unwinds(census: &'static Census, body: fn(&'static Census)) {
    let program = move || {
        let here = census.value();
        drop(go(move || {
            let _there = here;
            body(census);
            unreachable!("the goroutine is blocked for ever");
        }));
    };
    let passing = explorer().leaks(LeakPolicy::Allow).run(program);
    assert!(passing.is_clean(), "{passing}");
    assert_eq!(passing.executions, 20);
    census.settle();
    let failing = explorer().jobs(2).run(program);
    assert_eq!(slug(&failing), Some(Slug::LeakedGoroutine), "{failing}");
    census.settle();
}

macro_rules! blocked_in {
    ($($name:ident: $body:expr;)*) => {$(
        #[test]
        fn $name() {
            static CENSUS: Census = Census::new();
            unwinds(&CENSUS, $body);
        }
    )*};
}

blocked_in! {
    send: |census| {
        let (tx, _rx) = chan(0);
        tx.send(census.value());
    };
    send_to_a_full_buffer: |census| {
        let (tx, _rx) = chan(2);
        (0..3).for_each(|_| tx.send(census.value()));
    };
    send_on_nil: |census| {
        let (tx, _rx) = selvedge::chan::nil();
        tx.send(census.value());
    };
    receive: |_| {
        let (_tx, rx) = chan::<()>(0);
        rx.recv();
    };
    receive_after_messages: |census| {
        let (tx, rx) = chan(4);
        (0..4).for_each(|_| tx.send(census.value()));
        (0..5).for_each(|_| drop(rx.recv()));
    };
    select_with_send_arms: |census| {
        let ((a, _ra), (b, _rb), (_tc, c)) = (chan(0), chan(0), chan::<()>(0));
        select! {
            send(a, census.value()) => {},
            send(b, census.value()) => {},
            recv(c) -> _ => {},
        }
    };
    select_of_a_dynamic_set: |census| {
        let channels: Vec<_> = (0..8).map(|_| chan(0)).collect();
        let mut select = Select::new();
        for (tx, rx) in &channels {
            select.send(tx, census.value());
            select.recv(rx);
        }
        // An arm may meet its own goroutine's other arm on no channel: it waits.
        select.wait();
    };
    select_without_arms: |_| { Select::new().wait(); };
    lock_held_by_oneself: |census| {
        let mutex = Mutex::new(census.value());
        let _first = mutex.lock();
        let _second = mutex.lock();
    };
    condition: |census| {
        let (mutex, condvar) = (Mutex::new(census.value()), Condvar::new());
        let mut guard = mutex.lock().unwrap();
        loop {
            guard = condvar.wait(guard).unwrap();
        }
    };
    write_lock_behind_a_reader: |census| {
        let lock = RwLock::new(census.value());
        let _read = lock.read();
        let _write = lock.write();
    };
    read_lock_behind_a_writer: |census| {
        let lock = RwLock::new(census.value());
        let _write = lock.write();
        let _read = lock.read();
    };
    wait_group: |_| {
        let wg = WaitGroup::new();
        wg.add(1);
        wg.wait();
    };
    semaphore: |_| {
        let semaphore = Semaphore::new(2);
        semaphore.acquire(1);
        semaphore.acquire(2);
    };
    once_inside_itself: |census| {
        static AGAIN: std::sync::OnceLock<()> = std::sync::OnceLock::new();
        let _ = AGAIN.set(());
        let once = Once::new();
        let kept = census.value();
        once.call_once(|| {
            let _kept = &kept;
            once.call_once(|| {});
        });
    };
    barrier: |_| { Barrier::new(2).wait(); };
    park: |_| loop { thread::park() };
    join_of_itself_by_proxy: |census| {
        let (tx, rx) = chan::<()>(0);
        let kept = census.value();
        let blocked = go(move || { let _kept = kept; rx.recv() });
        let _ = blocked.join();
        drop(tx);
    };
    scope_with_a_blocked_thread: |census| {
        let (_tx, rx) = chan::<()>(0);
        let local = census.value();
        thread::scope(|s| {
            s.spawn(|| { let _borrowed = &local; rx.recv() });
            s.spawn(|| { let _borrowed = &local; rx.recv() });
        });
    };
    context_never_cancelled: |census| {
        let (ctx, cancel) = context::with_cancel(&context::background());
        let _kept = (census.value(), cancel.clone());
        ctx.done().recv();
    };
    raw_mutex_locked_by_another: |_| {
        let mutex = Arc::new(RawMutex::new());
        mutex.lock();
        mutex.lock();
    };
    ranging_over_a_channel: |census| {
        let (tx, rx) = chan(1);
        tx.send(census.value());
        for value in &rx {
            drop(value);
        }
    };
}

#[test]
fn sleepers_and_timers_after_a_panic() {
    static CENSUS: Census = Census::new();
    let outcome = explorer().run(|| {
        let (ctx, cancel) = context::with_timeout(&context::background(), Duration::from_secs(60));
        for _ in 0..4 {
            let (kept, ctx) = (CENSUS.value(), ctx.clone());
            drop(go(move || {
                let _kept = kept;
                select! {
                    recv(ctx.done()) -> _ => {},
                    recv(time::after(Duration::from_secs(90))) -> _ => {},
                }
            }));
        }
        let kept = CENSUS.value();
        drop(go(move || {
            time::sleep(Duration::from_secs(30));
            drop(kept);
        }));
        let kept = CENSUS.value();
        let _timer = time::after_func(Duration::from_secs(5), move || _ = &kept);
        let _cancel = cancel;
        panic!("the end");
    });
    assert_eq!(slug(&outcome), Some(Slug::Panic), "{outcome}");
    CENSUS.settle();
    still_works();
}

#[test]
fn goroutines_that_never_began() {
    static CENSUS: Census = Census::new();
    let outcome = explorer().run(|| {
        for _ in 0..10 {
            let kept = CENSUS.value();
            drop(go(move || drop(kept)));
        }
        panic!("before them");
    });
    assert_eq!(slug(&outcome), Some(Slug::Panic), "{outcome}");
    CENSUS.settle();
}

#[test]
fn messages_nobody_received() {
    static CENSUS: Census = Census::new();
    let outcome = explorer().run(|| {
        let (tx, rx) = chan(10);
        (0..10).for_each(|_| tx.send(CENSUS.value()));
        drop((tx, rx));
        let (tx, _rx) = chan(10);
        (0..10).for_each(|_| tx.send(CENSUS.value()));
        tx.close();
    });
    assert!(outcome.is_clean(), "{outcome}");
    CENSUS.settle();
}
