//! Many goroutines, many steps, many objects: in bounded memory, and with a clear word at the limits.

use crate::{Explorer, explorer, message, slug, still_works};
use selvedge::sync::WaitGroup;
use selvedge::{Slug, chan, go, runtime, time};
use std::sync::Mutex;
use std::time::Duration;

/// Tests here look at the memory of the whole process: one at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(|e| e.into_inner())
}

/// Megabytes of memory in use by this process.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    (pages * 4096) >> 20
}

#[track_caller]
fn one(steps: u32) -> Explorer {
    explorer().executions(1).steps(steps)
}

#[test]
fn a_thousand_goroutines_that_yield() {
    let _alone = alone();
    let outcome = explorer().executions(3).run(|| {
        let wg = WaitGroup::new();
        for _ in 0..1_000 {
            wg.go(|| (0..20).for_each(|_| runtime::gosched()));
        }
        wg.wait();
    });
    assert!(outcome.is_clean(), "{outcome}");
}

#[test]
fn twenty_thousand_goroutines_a_hundred_at_a_time() {
    let _alone = alone();
    let before = resident();
    let outcome = one(2_000_000).run(|| {
        for _ in 0..200 {
            let batch: Vec<_> = (0..100).map(|i| go(move || i)).collect();
            let sum: u32 = batch.into_iter().map(|g| g.join().unwrap()).sum();
            assert_eq!(sum, 4950);
        }
    });
    assert!(outcome.is_clean(), "{outcome}");
    let grown = resident().saturating_sub(before);
    assert!(grown < 100, "{grown} MB more");
}

#[test]
fn more_goroutines_than_the_limit() {
    let _alone = alone();
    let outcome = one(2_000_000).run(|| {
        let (_tx, rx) = chan::<()>(0);
        for _ in 0..1_000_000 {
            let rx = rx.clone();
            drop(go(move || rx.recv()));
        }
    });
    assert_eq!(slug(&outcome), Some(Slug::Panic), "{outcome}");
    assert!(message(&outcome).contains("goroutines live at once"), "{}", message(&outcome));
    still_works();
}

#[test]
fn a_million_steps() {
    let _alone = alone();
    let before = resident();
    let outcome = one(2_000_000).run(|| {
        let (tx, rx) = chan(1);
        let echo = go(move || rx.iter().count());
        for i in 0..400_000 {
            tx.send(i);
        }
        tx.close();
        assert_eq!(echo.join().unwrap(), 400_000);
    });
    assert!(outcome.is_clean(), "{outcome}");
    assert!(outcome.steps > 800_000, "{}", outcome.steps);
    let grown = resident().saturating_sub(before);
    assert!(grown < 100, "{grown} MB more");
}

#[test]
fn an_object_a_step() {
    let _alone = alone();
    let before = resident();
    let outcome = one(2_000_000).run(|| {
        for i in 0..150_000 {
            let (tx, rx) = chan(1);
            tx.send(i);
            assert_eq!(rx.recv(), Some(i));
            let timer = time::Timer::new(Duration::from_secs(1));
            assert!(timer.stop());
        }
    });
    assert!(outcome.is_clean(), "{outcome}");
    let grown = resident().saturating_sub(before);
    assert!(grown < 100, "{grown} MB more");
}

#[test]
fn timers_that_fire() {
    let _alone = alone();
    let outcome = one(2_000_000).run(|| {
        for _ in 0..50_000 {
            time::sleep(Duration::from_millis(1));
            time::after(Duration::from_millis(1)).recv();
        }
    });
    assert!(outcome.is_clean(), "{outcome}");
}

#[test]
fn the_step_limit_cuts() {
    let _alone = alone();
    let outcome = one(1_000).run(|| {
        let mut next = 0_u64;
        loop {
            next += selvedge::choose(2) as u64;
            if next > 1 << 40 {
                break;
            }
        }
    });
    assert_eq!(outcome.truncated, 1, "{outcome}");
    still_works();
}
