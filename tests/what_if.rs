//! Small changes that are said to help: written by hand, each gives a program that does not fail in exactly as
//! many executions as the report says.

use selvedge::context::{background, with_cancel};
use selvedge::sync::{Arc, Mutex, RwLock, WaitGroup};
use selvedge::{Explorer, Outcome, Repair, chan, go, select};

fn explore(program: impl Fn() + Send + Sync + 'static) -> Outcome {
    Explorer::new().exhaustive().repairs(true).run(program)
}

/// The program with its bug has one repair; the one that is written like that is explored to its end in as many
/// executions.
#[track_caller]
fn helps(buggy: impl Fn() + Send + Sync + 'static, mended: impl Fn() + Send + Sync + 'static) -> Repair {
    let outcome = explore(buggy);
    let [verified] = &outcome.repairs[..] else { panic!("{:?} in\n{outcome}", outcome.repairs) };
    let words: Vec<&str> = outcome.report.split_whitespace().collect();
    assert!(words.join(" ").contains(" disappears in "), "{outcome}");
    let by_hand = explore(mended);
    assert!(by_hand.is_clean() && by_hand.exhausted && verified.exhausted, "{by_hand}");
    assert_eq!(verified.executions, by_hand.executions, "{outcome}");
    verified.repair.clone()
}

#[test]
fn room_for_the_answers_nobody_waits_for() {
    fn first_answer(room: usize) {
        let (tx, rx) = chan(room);
        for n in 0..3 {
            let tx = tx.clone();
            go(move || tx.send(n));
        }
        assert!(rx.recv().is_some());
    }
    let repair = helps(|| first_answer(0), || first_answer(2));
    assert!(matches!(repair, Repair::Capacity { capacity: 2, .. }), "{repair:?}");
}

#[test]
fn a_close_at_the_end_of_who_sends() {
    fn all_jobs(closes: bool) {
        let (tx, rx) = chan(0);
        let sender = go(move || {
            (0..2).for_each(|n| tx.send(n));
            if closes {
                tx.close();
            }
        });
        let worker = go(move || rx.iter().sum::<i32>());
        sender.join().unwrap();
        assert_eq!(worker.join().unwrap(), 1);
    }
    let repair = helps(|| all_jobs(false), || all_jobs(true));
    assert!(matches!(repair, Repair::CloseAtEnd { .. }), "{repair:?}");
}

#[test]
fn a_close_before_main_waits() {
    fn workers(closes: bool) {
        let (tx, rx) = chan(2);
        let wg = WaitGroup::new();
        wg.go(move || assert_eq!(rx.iter().count(), 2));
        tx.send(1);
        tx.send(2);
        if closes {
            tx.close();
        }
        wg.wait();
    }
    let repair = helps(|| workers(false), || workers(true));
    assert!(matches!(repair, Repair::CloseBefore { .. }), "{repair:?}");
}

#[test]
fn a_context_that_is_cancelled() {
    fn watcher(cancels: bool) {
        let (ctx, cancel) = with_cancel(&background());
        go(move || ctx.done().recv());
        if cancels {
            cancel.cancel();
        }
    }
    let repair = helps(|| watcher(false), || watcher(true));
    assert!(matches!(repair, Repair::Cancel { .. }), "{repair:?}");
}

/// Takes the lock with the first number, then the other.
fn both(locks: &[Mutex<u32>], first: usize, second: usize) {
    let mut first = locks[first].lock().unwrap();
    let mut second = locks[second].lock().unwrap();
    (*first, *second) = (*second, *first);
}

fn in_orders<const N: usize>(orders: [(usize, usize); N]) {
    let locks: Arc<[Mutex<u32>]> = (0..N as u32).map(Mutex::new).collect();
    let (last, others) = orders.split_last().unwrap();
    let others: Vec<_> = others
        .iter()
        .map(|&(first, second)| {
            let locks = Arc::clone(&locks);
            go(move || both(&locks, first, second))
        })
        .collect();
    both(&locks, last.0, last.1);
    others.into_iter().for_each(|other| other.join().unwrap());
}

#[test]
fn two_locks_in_the_other_order() {
    let repair = helps(|| in_orders([(0, 1), (1, 0)]), || in_orders([(0, 1), (0, 1)]));
    assert!(matches!(repair, Repair::LockOrder { .. }), "{repair:?}");
}

#[test]
fn one_philosopher_is_left_handed() {
    let repair = helps(|| in_orders([(0, 1), (1, 2), (2, 0)]), || in_orders([(0, 1), (1, 2), (0, 2)]));
    assert!(matches!(repair, Repair::LockOrder { .. }), "{repair:?}");
}

#[test]
fn the_order_of_locks_of_two_kinds() {
    fn price_and_stock(in_order: bool) {
        let shop = Arc::new((RwLock::new(1), Mutex::new(2)));
        let theirs = Arc::clone(&shop);
        let other = go(move || {
            let mut price = theirs.0.write().unwrap();
            *price += *theirs.1.lock().unwrap();
        });
        if in_order {
            let price = shop.0.read().unwrap();
            *shop.1.lock().unwrap() += *price;
        } else {
            let mut stock = shop.1.lock().unwrap();
            *stock += *shop.0.read().unwrap();
        }
        other.join().unwrap();
    }
    // The guard of the price lives longer where that is locked first: there is less to explore by hand.
    let outcome = explore(|| price_and_stock(false));
    let by_hand = explore(|| price_and_stock(true));
    let [verified] = &outcome.repairs[..] else { panic!("{outcome}") };
    assert!(matches!(verified.repair, Repair::LockOrder { .. }) && verified.exhausted, "{outcome}");
    assert!(by_hand.is_clean() && by_hand.exhausted, "{by_hand}");
}

#[test]
fn room_for_who_sends_in_a_select() {
    fn answers(room: usize) {
        let (tx, rx) = chan(room);
        let (_stop, stopped) = chan::<()>(0);
        go(move || {
            select! {
                send(tx, 1) => {},
                recv(stopped) -> _ => {},
            }
        });
        drop(rx);
    }
    let outcome = explore(|| answers(0));
    let capacity = outcome.repairs.iter().find(|v| matches!(v.repair, Repair::Capacity { capacity: 1, .. }));
    let by_hand = explore(|| answers(1));
    assert!(by_hand.is_clean() && by_hand.exhausted, "{by_hand}");
    assert_eq!(capacity.map(|v| (v.executions, v.exhausted)), Some((by_hand.executions, true)), "{outcome}");
}

#[test]
fn a_close_for_who_receives_in_a_select() {
    fn worker(stops: bool) {
        let (jobs, todo) = chan::<u32>(0);
        let (stop, stopped) = chan::<()>(0);
        let wg = WaitGroup::new();
        wg.go(move || {
            loop {
                select! {
                    recv(todo) -> job => assert_eq!(job, Some(1)),
                    recv(stopped) -> _ => break,
                }
            }
        });
        jobs.send(1);
        if stops {
            stop.close();
        }
        wg.wait();
    }
    let repair = helps(|| worker(false), || worker(true));
    assert!(matches!(repair, Repair::CloseBefore { .. }), "{repair:?}");
}

#[test]
fn main_closes_what_it_made_itself_and_nothing_else_of_that_place() {
    fn pair() -> (selvedge::chan::Sender<u32>, selvedge::chan::Receiver<u32>) {
        chan(1)
    }
    fn relay(closes: bool) {
        let (tx, rx) = pair();
        let wg = WaitGroup::new();
        wg.go(move || {
            let (own_tx, own_rx) = pair();
            own_tx.send(1);
            assert_eq!(own_rx.recv(), Some(1));
        });
        wg.go(move || assert_eq!(rx.iter().count(), 1));
        tx.send(7);
        if closes {
            tx.close();
        }
        wg.wait();
    }
    let repair = helps(|| relay(false), || relay(true));
    assert!(matches!(repair, Repair::CloseBefore { .. }), "{repair:?}");
}

/// What goroutines lock, one after the other: a lock, and perhaps another one inside. Main is the first.
type Locking = Vec<Vec<(usize, Option<usize>)>>;

fn lock_all(what: &[(usize, Option<usize>)], locks: &[Mutex<u32>]) {
    for &(outer, inner) in what {
        let one = locks[outer].lock().unwrap();
        let other = inner.map(|inner| locks[inner].lock().unwrap());
        // Let go of in an order that does not depend on the one in which they were taken.
        if inner.is_some_and(|inner| inner < outer) {
            drop(other);
            drop(one);
        } else {
            drop(one);
            drop(other);
        }
    }
}

fn run_all(program: &Locking) {
    let locks: Arc<[Mutex<u32>]> = (0..3).map(Mutex::new).collect();
    let start = |what: &Vec<(usize, Option<usize>)>| {
        let (what, locks) = (what.clone(), Arc::clone(&locks));
        go(move || lock_all(&what, &locks))
    };
    let others: Vec<_> = program[1..].iter().map(start).collect();
    lock_all(&program[0], &locks);
    others.into_iter().for_each(|other| other.join().unwrap());
}

fn drawn(seed: u64) -> Locking {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) % n
    };
    let goroutines = 2 + below(2);
    let mut item = || {
        let (outer, other) = (below(3), 1 + below(2));
        (outer as usize, (below(4) > 0).then_some(((outer + other) % 3) as usize))
    };
    (0..goroutines).map(|g| (0..1 + (seed + g) % 2).map(|_| item()).collect()).collect()
}

/// The lock that a goroutine acquires as the `nth`, from 1.
fn acquired(program: &Locking, (g, nth): (selvedge_checkers::ids::Gid, u32)) -> usize {
    let all = program[g.index()].iter().flat_map(|(outer, inner)| [Some(*outer), *inner]).flatten();
    all.clone().nth(nth as usize - 1).expect("it acquires so many")
}

#[test]
fn another_order_is_the_program_that_is_written_like_that() {
    let (mut repaired, mut deadlocks) = (0, 0);
    for seed in 0..200 {
        let program = drawn(seed);
        let buggy = program.clone();
        let outcome = explore(move || run_all(&buggy));
        deadlocks += u32::from(!outcome.is_clean());
        for verified in &outcome.repairs {
            let Repair::LockOrder { g, sooner, later } = &verified.repair else { panic!("{outcome}") };
            let (sooner, later) = (acquired(&program, sooner.uses[0]), acquired(&program, later.uses[0]));
            let mut mended = program.clone();
            for item in mended[g.index()].iter_mut().filter(|item| **item == (later, Some(sooner))) {
                *item = (sooner, Some(later));
            }
            assert_ne!(mended, program, "{outcome}");
            // At that place the other lock is always taken first, also where it turns out not to be needed.
            let takes_more = mended[g.index()].contains(&(later, None));
            let by_hand = explore(move || run_all(&mended));
            assert!(by_hand.is_clean() && by_hand.exhausted && verified.exhausted, "{program:?}\n{by_hand}");
            if !takes_more {
                assert_eq!(verified.executions, by_hand.executions, "{program:?}\n{outcome}");
                repaired += 1;
            }
        }
    }
    assert!(
        deadlocks > 30 && repaired > 20,
        "{deadlocks} programs deadlock, {repaired} of them are repaired"
    );
}

#[test]
fn what_is_explored_is_the_same_however_slow_the_program() {
    let slow = || {
        let (tx, rx) = chan(0);
        for n in 0..4 {
            let tx = tx.clone();
            go(move || tx.send(n));
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
        rx.recv();
    };
    let repairs = || Explorer::new().executions(700).jobs(2).repairs(true).run(slow).repairs;
    let first = repairs();
    assert_eq!(first.len(), 1);
    assert!(first[0].executions >= 1);
    assert_eq!(first, repairs());
}

#[test]
fn one_close_of_several() {
    let outcome = explore(|| {
        let (tx, _rx) = chan::<()>(0);
        for _ in 0..2 {
            let tx = tx.clone();
            go(move || tx.close());
        }
    });
    let [verified] = &outcome.repairs[..] else { panic!("{:?}", outcome.repairs) };
    assert!(matches!(verified.repair, Repair::CloseOnce { .. }) && verified.exhausted, "{outcome}");
}

#[test]
fn nothing_is_said_to_help_that_does_not() {
    // Room lets the first send through; somebody sends for ever.
    let outcome = explore(|| {
        let (tx, _rx) = chan(0);
        go(move || (0..100).for_each(|n| tx.send(n)));
    });
    assert!(!outcome.is_clean() && outcome.repairs.is_empty(), "{outcome}");
    // A close would be too early for whoever is slower.
    let outcome = explore(|| {
        let (tx, rx) = chan(2);
        for n in 0..2 {
            let tx = tx.clone();
            go(move || tx.send(n));
        }
        let more = tx.clone();
        go(move || {
            assert_eq!(rx.iter().count(), 2);
            drop(more);
        });
        drop(tx);
    });
    assert!(!outcome.is_clean() && outcome.repairs.is_empty(), "{outcome}");
}

#[test]
fn a_program_is_left_alone_unless_somebody_wants_to_know() {
    let leak = || {
        let (tx, _rx) = chan(0);
        go(move || tx.send(1));
    };
    assert!(Explorer::new().run(leak).repairs.is_empty());
    assert_eq!(Explorer::new().repairs(true).run(leak).repairs.len(), 1);
}
