//! Stack overflow: the finding names the goroutine and the remedy, and everything goes on.

use crate::{explorer, message, slug, still_works};
use selvedge::{Evidence, Explorer, Outcome, Slug, chan, go};

#[inline(never)]
fn dive(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    if depth == u64::MAX { 0 } else { dive(depth + 1) + frame[depth as usize % 64] }
}

/// Recursion through visible operations: the overflow may hit anywhere between user code and engine.
#[inline(never)]
fn dive_operating(tx: &selvedge::chan::Sender<u64>, rx: &selvedge::chan::Receiver<u64>, depth: u64) -> u64 {
    let mut frame = [depth; 16];
    tx.send(depth);
    frame[0] = rx.recv().unwrap();
    std::hint::black_box(&mut frame);
    let below = if frame[1] == u64::MAX { 0 } else { dive_operating(tx, rx, depth + 1) };
    below + frame[0]
}

fn small(jobs: usize) -> Explorer {
    explorer().stack(128 << 10).jobs(jobs)
}

/// The finding names the goroutine with this number, and the remedy.
#[track_caller]
fn overflowed(outcome: &Outcome, who: u32) {
    assert_eq!(slug(outcome), Some(Slug::Panic), "{outcome}");
    assert!(message(outcome).starts_with("stack overflow: "), "{outcome}");
    let Some(Evidence::Panic { side, .. }) = outcome.failure().map(|f| &f.evidence) else { unreachable!() };
    assert_eq!(side.g.0, who, "{outcome}");
    assert!(outcome.report.contains("stack = "), "{outcome}");
    still_works();
}

#[test]
fn of_main() {
    for jobs in [1, 2] {
        overflowed(&small(jobs).run(|| assert!(dive(0) > 0)), 0);
    }
}

#[test]
fn of_a_goroutine() {
    for jobs in [1, 2] {
        let outcome = small(jobs).run(|| drop(go(|| dive(0)).join()));
        overflowed(&outcome, 1);
    }
}

#[test]
fn while_others_are_blocked() {
    let outcome = small(1).run(|| {
        let (tx, rx) = chan::<u64>(0);
        for _ in 0..5 {
            let rx = rx.clone();
            drop(go(move || rx.recv()));
        }
        drop(go(|| dive(0)));
        tx.send(1);
    });
    overflowed(&outcome, 6);
}

#[test]
fn with_operations_in_each_frame() {
    for _ in 0..3 {
        let outcome = small(1).run(|| {
            let (tx, rx) = chan(1);
            drop(go(move || dive_operating(&tx, &rx, 0)));
        });
        overflowed(&outcome, 1);
    }
}

#[test]
fn again_and_again() {
    // Each overflow costs a thread: they must not add up to more than the process can have.
    for _ in 0..30 {
        let outcome = small(1).run(|| assert!(dive(0) > 0));
        assert_eq!(slug(&outcome), Some(Slug::Panic), "{outcome}");
    }
    still_works();
}

#[test]
fn a_larger_stack_is_the_remedy() {
    #[inline(never)]
    fn deep(n: u32) -> u32 {
        let frame = std::hint::black_box([n; 64]);
        if n == 0 { 0 } else { deep(n - 1) + frame[0] - n }
    }
    let with = |bytes| explorer().stack(bytes).run(|| assert_eq!(deep(1000), 0));
    assert_eq!(slug(&with(64 << 10)), Some(Slug::Panic));
    assert!(with(4 << 20).is_clean());
}
