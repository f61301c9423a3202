//! One small program for each kind of bug.
//!
//! Invariant: new programs go to the end, so that the lines of the others, and with them their
//! goldens, stay where they are.

use selvedge::cell::{Plain, UnsafeCell};
use selvedge::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use selvedge::sync::{Arc, Condvar, Mutex, RawMutex, RwLock, WaitGroup};
use selvedge::time::Duration;
use selvedge::{chan, go, go_named, select, thread};

pub(crate) fn deadlock() {
    let ledger = Arc::new(Mutex::new(0));
    let (tx, _rx) = chan(0);
    let wg = WaitGroup::new();
    wg.add(2);
    let held = ledger.lock().unwrap();
    let done = wg.clone();
    go(move || {
        tx.send(7);
        done.done();
    });
    let (shared, done) = (Arc::clone(&ledger), wg.clone());
    go(move || {
        *shared.lock().unwrap() += 1;
        done.done();
    });
    wg.wait();
    drop(held);
}

pub(crate) fn lock_cycle() {
    let shelf = Arc::new(Mutex::new(0));
    let truck = Arc::new(Mutex::new(0));
    let (s, t) = (Arc::clone(&shelf), Arc::clone(&truck));
    let loader = go_named("loader", move || {
        let from = s.lock().unwrap();
        let mut to = t.lock().unwrap();
        *to += *from;
    });
    {
        let to = truck.lock().unwrap();
        let mut from = shelf.lock().unwrap();
        *from -= *to;
    }
    loader.join().unwrap();
}

pub(crate) fn self_deadlock() {
    let cache = Mutex::new(1);
    let first = cache.lock().unwrap();
    let second = cache.lock().unwrap();
    assert_eq!(*first, *second);
}

pub(crate) fn read_twice() {
    let config = Arc::new(RwLock::new(1));
    let c = Arc::clone(&config);
    let writer = go(move || *c.write().unwrap() += 1);
    let a = config.read().unwrap();
    let b = config.read().unwrap();
    assert_eq!(*a, *b);
    drop((a, b));
    writer.join().unwrap();
}

pub(crate) fn leaked_sender() {
    let (answers, first) = chan(0);
    for n in 0..2 {
        let answers = answers.clone();
        go(move || answers.send(n));
    }
    first.recv();
}

pub(crate) fn leaked_receiver() {
    let (jobs, todo) = chan::<u32>(2);
    let worker = jobs.clone();
    go_named("worker", move || while todo.recv().is_some() {});
    worker.send(1);
    worker.send(2);
}

pub(crate) fn leaked_select() {
    let (_quit, done) = chan::<()>(0);
    let (ticks, clock) = chan::<u32>(0);
    go(move || {
        loop {
            select! {
                recv(clock) -> _ => {}
                recv(done) -> _ => return,
            }
        }
    });
    ticks.send(1);
}

pub(crate) fn leaked_nil() {
    let results = chan::Chan::<u32>::nil();
    go(move || results.send(1));
}

pub(crate) fn join_cycle() {
    let (tx, rx) = chan(0);
    let h = go(move || rx.recv());
    h.join().unwrap();
    tx.send(1);
}

pub(crate) fn partial_deadlock() {
    let left = Arc::new(Mutex::new(0));
    let right = Arc::new(Mutex::new(0));
    for (a, b) in [(&left, &right), (&right, &left)] {
        let (a, b) = (Arc::clone(a), Arc::clone(b));
        go(move || {
            let _a = a.lock().unwrap();
            let _b = b.lock().unwrap();
        });
    }
    let (tx, rx) = chan(1);
    for n in 0..4000 {
        tx.send(n);
        rx.recv();
    }
}

pub(crate) fn data_race() {
    let count = Arc::new(Plain::new(0));
    let wg = WaitGroup::new();
    for _ in 0..2 {
        let count = Arc::clone(&count);
        wg.go(move || count.set(count.get() + 1));
    }
    wg.wait();
}

pub(crate) fn cell_race() {
    let slot = Arc::new(UnsafeCell::new(0));
    let guard = Arc::new(Mutex::new(()));
    let (s, g) = (Arc::clone(&slot), Arc::clone(&guard));
    let h = go(move || {
        let _g = g.lock().unwrap();
        // SAFETY: the model runs one goroutine at a time.
        s.with_mut(|p| unsafe { *p += 1 });
    });
    // SAFETY: as above.
    slot.with(|p| unsafe { assert!(*p < 2) });
    h.join().unwrap();
}

pub(crate) fn relaxed_flag() {
    let data = Arc::new(Plain::new(0));
    let ready = Arc::new(AtomicBool::new(false));
    let (d, r) = (Arc::clone(&data), Arc::clone(&ready));
    let h = go(move || {
        d.set(42);
        r.store(true, Relaxed);
    });
    if ready.load(Acquire) {
        assert_eq!(data.get(), 42);
    }
    h.join().unwrap();
}

pub(crate) fn lost_update() {
    let n = Arc::new(AtomicUsize::new(0));
    let other = Arc::clone(&n);
    let h = go(move || {
        let v = other.load(SeqCst);
        other.store(v + 1, SeqCst);
    });
    let v = n.load(SeqCst);
    n.store(v + 1, SeqCst);
    h.join().unwrap();
    assert_eq!(n.load(SeqCst), 2);
}

pub(crate) fn panic_in_goroutine() {
    let (tx, rx) = chan(1);
    go_named("clerk", move || {
        let order: Option<u32> = rx.recv();
        order.expect("an order");
    });
    tx.close();
    thread::sleep(Duration::from_millis(1));
}

pub(crate) fn returned_error() {
    let stock = Arc::new(Mutex::new(1));
    let s = Arc::clone(&stock);
    let buyer = go(move || {
        let seen = *s.lock().unwrap();
        *s.lock().unwrap() = seen - 1;
    });
    let seen = *stock.lock().unwrap();
    if seen > 0 {
        *stock.lock().unwrap() = seen - 1;
    }
    buyer.join().unwrap();
    let left: i32 = *stock.lock().unwrap();
    assert!(left < 0, "sold {} of {}:\n  the shelf still has {left}", 2, 1);
}

pub(crate) fn send_on_closed() {
    let (tx, rx) = chan(1);
    let sender = tx.clone();
    let h = go(move || sender.send(1));
    tx.close();
    h.join().unwrap();
    drop(rx);
}

pub(crate) fn close_of_closed() {
    let (tx, _rx) = chan::<u32>(0);
    let wg = WaitGroup::new();
    for _ in 0..2 {
        let tx = tx.clone();
        wg.go(move || tx.close());
    }
    wg.wait();
}

pub(crate) fn close_of_nil() {
    let events = chan::Chan::<u32>::nil();
    events.close();
}

pub(crate) fn unlock_of_unlocked() {
    let door = Arc::new(RawMutex::new());
    door.lock();
    let d = Arc::clone(&door);
    let h = go(move || d.unlock());
    door.unlock();
    h.join().unwrap();
}

pub(crate) fn negative_wait_group() {
    let wg = WaitGroup::new();
    wg.add(1);
    for _ in 0..2 {
        let wg = wg.clone();
        go(move || wg.done());
    }
    wg.wait();
}

pub(crate) fn wait_group_misuse() {
    let wg = WaitGroup::new();
    wg.add(1);
    let (a, b) = (wg.clone(), wg.clone());
    go(move || a.done());
    let second = go(move || {
        b.add(1);
        b.done();
    });
    wg.wait();
    second.join().unwrap();
}

pub(crate) fn lost_notify() {
    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let p = Arc::clone(&pair);
    go(move || p.1.notify_one());
    let guard = pair.0.lock().unwrap();
    let _guard = pair.1.wait(guard).unwrap();
}

pub(crate) fn lost_unpark() {
    let ready = Arc::new(AtomicBool::new(false));
    let r = Arc::clone(&ready);
    let main = thread::current();
    thread::spawn(move || {
        r.store(true, SeqCst);
        main.unpark();
    });
    thread::park();
    while !ready.load(SeqCst) {}
    thread::park();
}

pub(crate) fn endless_spin() {
    let flag = Arc::new(AtomicBool::new(false));
    let f = Arc::clone(&flag);
    let h = go(move || f.store(false, Release));
    while !flag.load(Acquire) {
        thread::yield_now();
    }
    h.join().unwrap();
}

pub(crate) fn busy_select() {
    let (tx, rx) = chan::<u32>(0);
    let (_stop, quit) = chan::<()>(0);
    tx.close();
    loop {
        select! {
            recv(rx) -> _ => {}
            recv(quit) -> _ => return,
        }
    }
}

/// The deadlock is only predicted: that a flag keeps the two apart, and not chance, nobody can know who
/// looks at locks alone.
pub(crate) fn lock_order() {
    let left = Arc::new(Mutex::new(0));
    let right = Arc::new(Mutex::new(0));
    let over = Arc::new(Mutex::new(false));
    let (l, r, o) = (Arc::clone(&left), Arc::clone(&right), Arc::clone(&over));
    let h = go(move || {
        let _l = l.lock().unwrap();
        let _r = r.lock().unwrap();
        *o.lock().unwrap() = true;
    });
    if *over.lock().unwrap() {
        let _r = right.lock().unwrap();
        let _l = left.lock().unwrap();
    }
    h.join().unwrap();
}

pub(crate) fn send_races_close() {
    let (tx, rx) = chan(1);
    let sender = tx.clone();
    let h = go(move || {
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sender.send(1)));
    });
    tx.close();
    h.join().unwrap();
    assert!(rx.recv() != Some(2));
}

pub(crate) fn add_races_wait() {
    let wg = WaitGroup::new();
    let inner = wg.clone();
    let h = go(move || {
        inner.add(1);
        inner.done();
    });
    wg.wait();
    h.join().unwrap();
}

pub(crate) fn closed_by_receiver() {
    let lines = chan::Chan::<u32>::new(1);
    let reader = lines.clone();
    let h = go(move || {
        reader.recv();
        reader.close();
    });
    lines.send(1);
    h.join().unwrap();
}

pub(crate) fn premature_exit() {
    let seen = Arc::new(AtomicUsize::new(0));
    go(move || {
        seen.fetch_add(1, Relaxed);
    });
}

pub(crate) fn stuck_loop() {
    let h = go_named("poller", || {
        loop {
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
    });
    h.join().unwrap();
}

pub(crate) fn stuck_std_mutex() {
    let table = std::sync::Arc::new(std::sync::Mutex::new(0));
    let t = std::sync::Arc::clone(&table);
    let (tx, rx) = chan(0);
    go(move || {
        let guard = t.lock();
        tx.send(1);
        drop(guard);
    });
    thread::yield_now();
    let guard = table.lock();
    rx.recv();
    drop(guard);
}

pub(crate) fn not_deterministic() {
    static CALLS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let call = CALLS.fetch_add(1, SeqCst);
    let (tx, rx) = chan(2);
    go(move || tx.send(call));
    if call.is_multiple_of(2) {
        thread::yield_now();
    }
    assert_ne!(rx.recv(), Some(2), "the third call");
}

pub(crate) fn passes() {
    let (tx, rx) = chan(0);
    go(move || tx.send(1));
    assert_eq!(rx.recv(), Some(1));
}

pub(crate) fn stack_overflow() {
    #[expect(unconditional_recursion, reason = "that is the bug")]
    fn dig(deep: &[u8; 512]) -> u8 {
        let deeper = std::hint::black_box(*deep);
        dig(&deeper) + deeper[0]
    }
    go_named("digger", || dig(&[1; 512])).join().unwrap();
}

pub(crate) fn uncontrolled_thread() {
    let (tx, rx) = chan::<u32>(1);
    let h = std::thread::spawn(move || tx.send(1));
    let _ = h.join();
    rx.try_recv().ok();
}

pub(crate) fn leaked_timer() {
    let (_tx, rx) = chan::<u32>(0);
    go_named("heartbeat", move || while rx.recv_timeout(Duration::from_secs(1)).is_err() {});
}

pub(crate) fn lost_cancel() {
    let (_ctx, cancel) = selvedge::context::with_cancel(&selvedge::context::background());
    drop(cancel);
}

pub(crate) fn semaphore_starved() {
    let permits = Arc::new(selvedge::sync::Semaphore::new(2));
    let wg = WaitGroup::new();
    for _ in 0..2 {
        let permits = Arc::clone(&permits);
        wg.go(move || {
            permits.acquire(1);
            permits.acquire(1);
            permits.release(2);
        });
    }
    wg.wait();
}

pub(crate) fn producer_consumer() {
    let queue = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
    let wg = WaitGroup::new();
    for n in 0..2 {
        let queue = Arc::clone(&queue);
        wg.go(move || {
            let mut items = queue.0.lock().unwrap();
            if items.is_empty() {
                items = queue.1.wait(items).unwrap();
            }
            items.pop().expect("an item");
            drop(items);
            let _ = n;
        });
    }
    for n in 0..2 {
        queue.0.lock().unwrap().push(n);
        queue.1.notify_all();
    }
    wg.wait();
}

pub(crate) fn borrowed_thread_local() {
    thread_local! {
        static NAMES: std::cell::RefCell<Vec<u32>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    let (tx, rx) = chan(0);
    for rx in [rx.clone(), rx] {
        go(move || NAMES.with(|names| names.borrow_mut().extend(rx.recv())));
    }
    tx.send(1);
    tx.send(2);
}

pub(crate) fn select_arms() {
    let (jobs, todo) = chan(1);
    let (news, hears) = chan(0);
    let (_stop, quit) = chan::<()>(0);
    let mut seen = Vec::new();
    for round in 0..4 {
        if round == 2 {
            let news = news.clone();
            go(move || news.send(20));
        }
        select! {
            recv(quit) -> _ => return,
            recv(todo) -> job => seen.extend(job),
            recv(hears) -> word => seen.extend(word),
            default(Duration::from_secs(1)) => seen.push(0),
        }
        select! {
            send(jobs, round) => {}
            default => seen.push(100),
        }
    }
    select! {
        recv(quit) -> _ => return,
        default => seen.push(9),
    }
    assert_eq!(seen, [0; 0], "every way a select can go");
}

pub(crate) fn select_sends_on_closed() {
    let (left, _l) = chan(0);
    let (right, _r) = chan(0);
    right.close();
    select! {
        send(left, 1) => {}
        send(right, 2) => {}
    }
}

pub(crate) fn left_locked() {
    let ledger = Arc::new(selvedge::sync::RawMutex::new());
    let theirs = Arc::clone(&ledger);
    let fails = go(move || {
        theirs.lock();
        Err::<(), &str>("returned before the unlock")
    });
    assert!(fails.join().unwrap().is_err());
    ledger.lock();
}

pub(crate) fn old_message() {
    let (message, sent) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (m, s) = (Arc::clone(&message), Arc::clone(&sent));
    go(move || {
        m.store(7, Relaxed);
        s.store(true, Relaxed);
    });
    if sent.load(Acquire) {
        assert_eq!(message.load(Relaxed), 7, "the message was sent");
    }
}

pub(crate) fn old_ticket() {
    let (ticket, sold) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (t, s) = (Arc::clone(&ticket), Arc::clone(&sold));
    go(move || {
        t.store(1, Relaxed);
        s.store(true, Relaxed);
    });
    if sold.load(Acquire) {
        assert_eq!(ticket.compare_exchange(1, 2, Relaxed, Relaxed), Ok(1), "the ticket was sold");
    }
}
