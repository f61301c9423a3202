//! Programs that are looked into: dumps, deadlocks that are named, leaks.
//!
//! Invariant: as in `programs`.

use crate::programs::{Program, fatal, fine};
use selvedge::runtime::{gosched, num_goroutine};
use selvedge::sync::{Barrier, Mutex};
use selvedge::{Goroutine, chan, debug, go, go_named, leak, select, time};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(crate) const PROGRAMS: &[Program] = &[
    fine("a_dump_shows_where_everybody_is", a_dump_shows_where_everybody_is),
    fine("dumps_in_the_middle_of_everything", dumps_in_the_middle_of_everything),
    fine("two_dump_at_once", two_dump_at_once),
    fine("dumps_among_panics", dumps_among_panics),
    Program { procs: &[2], ..fine("profiles", profiles) },
    fine("tasks_are_in_dumps", tasks_are_in_dumps),
    fine("the_leaks_of_a_tree", the_leaks_of_a_tree),
    fatal(
        "a_circle_of_joins",
        a_circle_of_joins,
        &[
            "fatal error: all goroutines are asleep - deadlock!",
            "They wait for each other:",
            "\"first\" [join] at ",
            "\"second\" [join] at ",
            "waits_for_the_other(...)\n\t",
            "created by go in goroutine 1\n\t",
        ],
    ),
    fatal(
        "a_stranded_receiver",
        a_stranded_receiver,
        &["nobody holds the other end any more: it waits for ever"],
    ),
    fatal(
        "strict_receiver",
        strict_receiver,
        &[
            "fatal error: goroutine leak: goroutine ",
            "\"reader\" waits for a message that nobody can send; the last sender was dropped in ",
            "strict_receiver, ",
            "[chan receive]:\n",
            "help: dropping senders does not close a channel",
        ],
    ),
    fatal(
        "strict_receiver_that_comes_late",
        strict_receiver_that_comes_late,
        &["a message that nobody can send\n"],
    ),
    fatal(
        "strict_sender",
        strict_sender,
        &["\"writer\" has a message that nobody can receive; the last receiver was dropped in "],
    ),
    fatal(
        "strict_select",
        strict_select,
        &["waits in a select none of whose arms can ever be ready; the last handle"],
    ),
    Program {
        procs: &[2],
        says: &["selvedge: goroutine leak: goroutine ", "It is number 10 of those", "named \"lost\""],
        ..fine("leaks_are_told_and_counted", leaks_are_told_and_counted)
    },
    Program { procs: &[2], ..fine("innocent_waits", innocent_waits) },
    Program { procs: &[1, 2], ..fine("innocent_end", innocent_end) },
    fatal(
        "quit_by_signal",
        quit_by_signal,
        &["SIGQUIT: quit\n", "goroutine 1 [sleep]:", "quit_by_signal(...)"],
    ),
    fatal("a_hog_at_quit", a_hog_at_quit, &["SIGQUIT: quit\n", "[running]:\n", "[chan receive]:\n"]),
    fatal(
        "two_locks_in_both_orders",
        two_locks_in_both_orders,
        &[
            "They wait for each other:\n",
            "[sync.Mutex.Lock] at tests/scheduler/inside.rs:",
            "waits for the mutex 0x",
            "held by goroutine ",
            "takes_both(...)",
        ],
    ),
    Program { says: &["it goes on", "nobody joins it: boom"], ..fine("isolated_panics", isolated_panics) },
    Program {
        says: &[
            "SCHED ",
            "gomaxprocs=2 idleprocs=",
            " schedticks=[",
            "\n  P1: status=",
            "\n  M0: p=",
            "\n  G1: status=4(sleep) m=nil lockedm=",
        ],
        procs: &[2],
        ..fine("schedtrace", schedtrace)
    },
];

/// Writes what it profiled where `PROFILES` says, for a look with pprof.
fn profiles() {
    debug::set_block_profile_rate(1);
    debug::set_mutex_profile_fraction(1);
    let (tx, rx) = chan::<u32>(0);
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let rx = rx.clone();
            go(move || deep_inside(&rx))
        })
        .collect();
    let (_, never) = chan::<u32>(0);
    go(move || deep_inside(&never));
    let lock = Arc::new(Mutex::new(0));
    let held = lock.lock().unwrap();
    let waiting = {
        let lock = Arc::clone(&lock);
        go(move || *lock.lock().unwrap() += 1)
    };
    until(1, "sync.Mutex.Lock");
    until(4, "chan receive");
    let (all, leaks) = (debug::goroutine_profile(), debug::leak_profile());
    drop(held);
    waiting.join().unwrap();
    (0..3).for_each(|n| tx.send(n));
    readers.into_iter().for_each(|g| _ = g.join().unwrap());
    let files = [
        ("goroutine", all),
        ("leak", leaks),
        ("block", debug::block_profile()),
        ("mutex", debug::mutex_profile()),
    ];
    for (name, file) in files {
        assert!(file.len() > 100, "{name} has {} bytes", file.len());
        if let Ok(folder) = std::env::var("PROFILES") {
            std::fs::write(format!("{folder}/{name}.pb.gz"), file).unwrap();
        }
    }
}

fn isolated_panics() {
    // Some of the threads are the process's own or the monitor's.
    drop(go(|| panic!("boom")));
    let named = go(|| std::thread::current().name().map(str::to_owned)).join().unwrap();
    assert!(matches!(named.as_deref(), Some("worker" | "main")), "{named:?}");
    // It is gone only after it was told of.
    while debug::goroutines().len() > 1 {
        gosched();
    }
    eprintln!("it goes on");
}

fn schedtrace() {
    time::sleep(Duration::from_millis(100));
}

#[inline(never)]
fn deep_inside(rx: &selvedge::chan::Receiver<u32>) -> Option<u32> {
    let got = rx.recv();
    std::hint::black_box(got)
}

/// Wait until so many goroutines are in `state`; give everybody.
fn until(count: usize, state: &str) -> Vec<debug::Goroutine> {
    loop {
        let all = debug::goroutines();
        if all.iter().filter(|g| g.state() == state).count() == count {
            return all;
        }
        gosched();
    }
}

fn a_dump_shows_where_everybody_is() {
    let (tx, rx) = chan::<u32>(0);
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let rx = rx.clone();
            go_named("reader", move || deep_inside(&rx))
        })
        .collect();
    let all = until(3, "chan receive");
    assert_eq!(all.len(), 4);
    for g in all.iter().filter(|g| g.name() == Some("reader")) {
        assert!(g.frames()[0].function().ends_with("inside::deep_inside"), "{:?}", g.frames());
        assert!(g.frames()[0].file().unwrap().ends_with("tests/scheduler/inside.rs"));
        assert_eq!(g.parent(), Some(1));
        let others = |f: &debug::Frame| f.function().ends_with("a_dump_shows_where_everybody_is");
        assert!(!g.frames().iter().any(others), "not where who looks is: {:?}", g.frames());
        let object = g.object().unwrap();
        assert_eq!(object.kind(), "channel");
        assert!(object.created_at().file().ends_with("inside.rs"));
        assert!(!g.is_stranded());
    }
    let main = all.iter().find(|g| g.id() == 1).unwrap();
    assert_eq!(main.state(), "running");
    assert!(main.frames().iter().any(|f| f.function().ends_with("a_dump_shows_where_everybody_is")));
    // To have been looked at changes nothing.
    (0..3).for_each(|n| tx.send(n));
    let mut got: Vec<_> = readers.into_iter().map(|g| g.join().unwrap().unwrap()).collect();
    got.sort_unstable();
    assert_eq!(got, [0, 1, 2]);
}

/// Goroutines that pass messages, sleep, yield, start others and compute, for as long as the flag is up.
fn commotion(on: &Arc<AtomicBool>) -> Vec<Goroutine<()>> {
    let (tx, rx) = chan::<u32>(0);
    let mut all = Vec::new();
    for nth in 0..8_u32 {
        let (on, tx, rx) = (Arc::clone(on), tx.clone(), rx.clone());
        all.push(go(move || {
            while on.load(Ordering::Relaxed) {
                match nth % 4 {
                    0 => _ = tx.try_send(nth),
                    1 => _ = rx.try_recv(),
                    2 => time::sleep(Duration::from_micros(50)),
                    _ => go(gosched).join().unwrap(),
                }
                gosched();
            }
        }));
    }
    for _ in 0..2 {
        let (on, tx, rx) = (Arc::clone(on), tx.clone(), rx.clone());
        all.push(go(move || {
            let echo = go(move || rx.iter().for_each(drop));
            while on.load(Ordering::Relaxed) {
                tx.send(7);
            }
            // The other may be faster, and the one that still sends panics.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| tx.close()));
            echo.join().unwrap();
        }));
    }
    all
}

fn dumps_in_the_middle_of_everything() {
    std::panic::set_hook(Box::new(|_| {}));
    let on = Arc::new(AtomicBool::new(true));
    let all = commotion(&on);
    let mut seen = 0;
    for _ in 0..60 {
        let everybody = debug::goroutines();
        assert!(everybody.len() >= all.len(), "{}", everybody.len());
        seen += everybody.iter().filter(|g| !g.frames().is_empty()).count();
        gosched();
    }
    assert!(seen > 60, "stacks are seen: {seen}");
    on.store(false, Ordering::Relaxed);
    all.into_iter().for_each(|g| _ = g.join());
}

/// Panics that are joined, of goroutines that wait while they unwind or not.
fn dumps_among_panics() {
    let on = Arc::new(AtomicBool::new(true));
    let all: Vec<_> = (0..6)
        .map(|nth: u32| {
            let on = Arc::clone(&on);
            go(move || {
                while on.load(Ordering::Relaxed) {
                    let inner = go(move || {
                        if nth.is_multiple_of(2) {
                            gosched();
                        }
                        std::panic::resume_unwind(Box::new(nth));
                    });
                    assert_eq!(*inner.join().unwrap_err().downcast::<u32>().unwrap(), nth);
                }
            })
        })
        .collect();
    for _ in 0..60 {
        assert!(debug::goroutines().len() > all.len());
        gosched();
    }
    on.store(false, Ordering::Relaxed);
    all.into_iter().for_each(|g| g.join().unwrap());
}

fn two_dump_at_once() {
    std::panic::set_hook(Box::new(|_| {}));
    let on = Arc::new(AtomicBool::new(true));
    let all = commotion(&on);
    let dumpers: Vec<_> =
        (0..3).map(|_| go(|| (0..15).map(|_| debug::dump().len()).min().unwrap())).collect();
    let outside = std::thread::spawn(|| (0..15).map(|_| debug::dump().len()).min().unwrap());
    dumpers.into_iter().for_each(|g| assert!(g.join().unwrap() > 500));
    assert!(outside.join().unwrap() > 500);
    on.store(false, Ordering::Relaxed);
    all.into_iter().for_each(|g| _ = g.join());
}

fn tasks_are_in_dumps() {
    use selvedge::future;
    let notify = Arc::new(future::Notify::new());
    let start = |_| {
        let notify = Arc::clone(&notify);
        future::spawn(async move { notify.notified().await })
    };
    let all: Vec<_> = (0..3).map(start).collect();
    while debug::tasks().len() < 3 {
        gosched();
    }
    let task = debug::tasks().remove(0);
    assert_eq!((task.parent(), task.created_at().file()), (Some(1), file!()));
    let text = debug::dump();
    assert!(text.contains("[await]:\ncreated by future::spawn in goroutine 1\n\t"), "{text}");
    assert!(text.contains("and 2 more like it\n"), "{text}");
    all[0].abort();
    notify.notify_waiters();
    all.into_iter().for_each(|task| _ = task.join());
    // What is left of a task that has ended waits for nothing.
    assert!(debug::tasks().is_empty());
    let dropped = future::spawn(std::future::pending::<()>());
    while debug::tasks().is_empty() {
        gosched();
    }
    drop(dropped);
}

fn the_leaks_of_a_tree() {
    let (tx, rx) = chan::<u32>(0);
    leak::assert_none();
    let server = go_named("server", move || {
        let worker = go_named("worker", move || deep_inside(&rx));
        worker.join().unwrap()
    });
    until(1, "chan receive");
    let leaks = leak::Check::new().patience(Duration::from_millis(1)).find().unwrap_err();
    assert_eq!(leaks.goroutines().len(), 2, "{leaks}");
    let text = leaks.to_string();
    assert!(text.starts_with("found 2 unexpected goroutines of this test:\n\ngoroutine "), "{text}");
    assert!(text.contains("inside::deep_inside(...)\n"), "{text}");
    let quick = || leak::Check::new().patience(Duration::from_millis(1));
    let left = quick().ignore_top_function("inside::deep_inside").find().unwrap_err();
    assert_eq!(left.goroutines()[0].name(), Some("server"));
    quick().ignore_named("server").ignore_any_function("deep_inside").find().unwrap();
    quick().ignore_created_at("scheduler/inside.rs").find().unwrap();
    quick().ignore_current().find().unwrap();
    tx.send(1);
    assert_eq!(server.join().unwrap(), Some(1));
    leak::assert_none();
    assert_eq!(num_goroutine(), 1);
}

#[inline(never)]
fn waits_for_the_other(handles: &selvedge::chan::Receiver<Goroutine<()>>) {
    let other = handles.recv().unwrap();
    let ended = other.join();
    std::hint::black_box(ended).unwrap();
}

fn a_circle_of_joins() {
    let ((to_a, a), (to_b, b)) = (chan(1), chan(1));
    let first = go_named("first", move || waits_for_the_other(&a));
    let second = go_named("second", move || waits_for_the_other(&b));
    to_a.send(second);
    to_b.send(first);
    let (_never, rx) = chan::<()>(0);
    rx.recv();
}

#[inline(never)]
fn takes_both(first: &Mutex<u32>, second: &Mutex<u32>, both: &Barrier) {
    let held = first.lock().unwrap();
    both.wait();
    let sum = *second.lock().unwrap() + *held;
    std::hint::black_box(sum);
}

fn two_locks_in_both_orders() {
    let (a, b, both) = (Arc::new(Mutex::new(1)), Arc::new(Mutex::new(2)), Arc::new(Barrier::new(2)));
    let other = {
        let (a, b, both) = (Arc::clone(&a), Arc::clone(&b), Arc::clone(&both));
        go(move || takes_both(&b, &a, &both))
    };
    takes_both(&a, &b, &both);
    other.join().unwrap();
}

fn a_stranded_receiver() {
    let (tx, rx) = chan::<u32>(0);
    drop(tx);
    rx.recv();
}

/// The report ends the program.
fn wait_for_the_end() -> ! {
    loop {
        time::sleep(Duration::from_secs(3600));
    }
}

fn strict_receiver() {
    let (tx, rx) = chan::<u32>(3);
    tx.send(1);
    let _reader = go_named("reader", move || rx.iter().for_each(drop));
    until(1, "chan receive");
    drop(tx);
    wait_for_the_end()
}

fn strict_receiver_that_comes_late() {
    let (tx, rx) = chan::<u32>(0);
    drop(tx);
    let _reader = go(move || rx.recv());
    wait_for_the_end()
}

fn strict_sender() {
    let (tx, rx) = chan::<u32>(1);
    let _writer = go_named("writer", move || (0..3).for_each(|n| tx.send(n)));
    until(1, "chan send");
    drop(rx);
    wait_for_the_end()
}

fn strict_select() {
    let ((tx, rx), (other_tx, other)) = (chan::<u32>(0), chan::<u32>(0));
    let _worker = go(move || {
        select! {
            recv(rx) -> _ => {}
            send(other_tx, 1) => {}
        }
    });
    until(1, "select");
    drop(tx);
    // One arm can still be ready.
    time::sleep(Duration::from_millis(100));
    drop(other);
    wait_for_the_end()
}

fn leaks_are_told_and_counted() {
    for _ in 0..10 {
        let (_, rx) = chan::<u32>(0);
        drop(go_named("lost", move || rx.recv()));
    }
    // Told in fifty milliseconds or so.
    time::sleep(Duration::from_secs(3));
}

/// Waits that look like those of who can never go on.
fn innocent_waits() {
    let (tx, rx) = chan::<u32>(0);
    let (_, nobody) = chan::<u32>(0);
    let (mute, nobody_sends) = chan::<u32>(0);
    // The handle is alive, in whoever's hands, and be it in nobody's.
    std::mem::forget(mute);
    let clone = tx.clone();
    let all = [
        go(move || selvedge::chan::nil::<u32>().1.recv().map_or((), drop)),
        go(|| select! {}),
        go(move || _ = nobody.recv_timeout(Duration::from_secs(3600))),
        go(move || select! { recv(nobody_sends) -> _ => {} }),
        go(move || select! { recv(time::after(Duration::from_secs(3600))) -> _ => {} }),
        go(move || _ = rx.recv()),
        // Sends in the end.
        go(move || {
            time::sleep(Duration::from_millis(200));
            clone.send(1);
        }),
    ];
    until(2, "select");
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        drop(tx);
    });
    time::sleep(Duration::from_millis(400));
    drop(all);
}

/// What main drops at its end strands nobody who minds.
fn innocent_end() {
    let (tx, rx) = chan::<u32>(0);
    drop(go(move || rx.iter().for_each(drop)));
    tx.send(1);
}

/// What the shell does for Ctrl-\.
fn quit() {
    let id = std::process::id().to_string();
    std::process::Command::new("kill").args(["-QUIT", &id]).status().unwrap();
}

fn quit_by_signal() {
    go(quit);
    time::sleep(Duration::from_secs(3600));
}

fn a_hog_at_quit() {
    go(|| {
        let mut x = 0_u64;
        loop {
            x = std::hint::black_box(x.wrapping_add(1));
        }
    });
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_millis(20));
        quit();
    });
    let (_tx, rx) = chan::<u32>(0);
    rx.recv();
}
