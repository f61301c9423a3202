//! What Go panics or dies of, with its texts.
//!
//! In a model each is found under some schedule, outside it is what the goroutine panics with.

use selvedge::chan::{self, Chan};
use selvedge::sync::{Arc, ErrGroup, RawMutex, RawRwLock, Semaphore, WaitGroup};
use selvedge::{Explorer, go, select, thread};
use std::time::Duration;

/// A program that panics, with its text.
type Misuse = (&'static str, fn());

const ALL: &[Misuse] = &[
    ("send on closed channel", || {
        let (tx, _rx) = chan::chan(1);
        tx.close();
        tx.send(1);
    }),
    ("send on closed channel", || {
        let (tx, _rx) = chan::chan(1);
        tx.close();
        _ = tx.try_send(1);
    }),
    ("send on closed channel", || {
        let (tx, _rx) = chan::chan(0);
        let closes = tx.clone();
        // It waits, most of the time, when the channel is closed.
        drop(go(move || {
            thread::yield_now();
            closes.close();
        }));
        tx.send(1);
    }),
    ("send on closed channel", || {
        let (tx, _rx) = chan::chan(0);
        tx.close();
        select! {
            send(tx, 1) => {}
        }
    }),
    ("send on closed channel", || {
        let (tx, _rx) = chan::chan(0);
        tx.close();
        selvedge::future::block_on(tx.send_async(1));
    }),
    ("close of closed channel", || {
        let (tx, _rx) = chan::chan::<()>(0);
        tx.close();
        tx.close();
    }),
    ("close of nil channel", || Chan::<()>::nil().close()),
    ("makechan: size out of range", || _ = chan::chan::<u8>(1 << 33)),
    ("sync: negative WaitGroup counter", || WaitGroup::new().done()),
    ("sync: negative WaitGroup counter", || {
        let wg = WaitGroup::new();
        wg.add(1);
        wg.add(-2);
    }),
    ("sync: unlock of unlocked mutex", || RawMutex::new().unlock()),
    ("sync: RUnlock of unlocked RWMutex", || RawRwLock::new().read_unlock()),
    ("sync: RUnlock of unlocked RWMutex", || {
        let lock = RawRwLock::new();
        lock.lock();
        lock.read_unlock();
    }),
    ("sync: Unlock of unlocked RWMutex", || {
        let lock = RawRwLock::new();
        lock.read_lock();
        lock.unlock();
    }),
    ("semaphore: released more than held", || {
        let semaphore = Semaphore::new(2);
        semaphore.acquire(1);
        semaphore.release(2);
    }),
    ("errgroup: modify limit while 1 goroutines in the group are still active", || {
        let group = ErrGroup::<()>::new();
        group.set_limit(1);
        let (tx, rx) = chan::chan::<()>(0);
        group.go(move || {
            rx.recv();
            Ok(())
        });
        let _close = Closes(tx);
        group.set_limit(2);
    }),
    ("sync: WaitGroup is reused before previous Wait has returned", || {
        let wg = WaitGroup::new();
        wg.add(1);
        let mut waits = Box::pin(wg.wait_async());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        _ = std::future::Future::poll(waits.as_mut(), &mut context);
        wg.done();
        wg.add(1);
        _ = std::future::Future::poll(waits.as_mut(), &mut context);
    }),
];

/// Lets a goroutine end that waits for a close, also by a panic.
struct Closes(chan::Sender<()>);

impl Drop for Closes {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[test]
fn misuse_is_found_by_the_model() {
    for &(text, program) in ALL {
        let outcome = Explorer::new().executions(100).run(program);
        let found = format!("{:?}", outcome.findings);
        assert!(!outcome.is_clean() && found.contains(text), "{text}: {found}");
    }
}

#[test]
fn misuse_panics_outside_of_models() {
    for &(text, program) in ALL {
        let payloads =
            [go(program).join().expect_err(text), std::thread::spawn(program).join().expect_err(text)];
        for payload in payloads {
            let told = payload.downcast_ref::<&str>().copied();
            let told = told.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            assert_eq!(told, Some(text));
        }
    }
}

/// Adding to a group while somebody waits at zero is told where it is met, which takes luck.
#[test]
fn a_group_is_raised_while_somebody_is_let_go() {
    let raise = || {
        let wg = Arc::new(WaitGroup::new());
        wg.add(1);
        let theirs = Arc::clone(&wg);
        let waits = go(move || theirs.wait());
        std::thread::sleep(Duration::from_micros(50));
        wg.done();
        wg.add(1);
        wg.done();
        waits.join()
    };
    for _ in 0..50 {
        let told = std::panic::catch_unwind(raise);
        let payload = match told {
            Ok(Ok(())) => continue,
            Ok(Err(payload)) | Err(payload) => payload,
        };
        let text = payload.downcast_ref::<String>().expect("a text");
        assert!(
            text == "sync: WaitGroup is reused before previous Wait has returned"
                || text == "sync: WaitGroup misuse: Add called concurrently with Wait",
            "{text}"
        );
    }
}
