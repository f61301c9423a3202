//! What happens without a cause has a budget of each goroutine.

use super::programs::Run;
use crate::explore::bounds::Bounds;
use crate::explore::plan::Body;
use crate::explore::strategies::Dfs;
use crate::model::Limits;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use crate::time::{MILLISECOND, sleep};
use crate::{go, thread};
use selvedge_checkers::finding::Slug;

/// Whether so many goroutines, which do something so many times, may all get through it before main has done
/// one step.
fn all_may_come_first(limits: Limits, (goroutines, times): (usize, usize), act: fn(&AtomicUsize)) -> bool {
    let body: Body = std::sync::Arc::new(move || {
        let (through, value) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for _ in 0..goroutines {
            let (through, value) = (through.clone(), value.clone());
            drop(go(move || {
                (0..times).for_each(|_| act(&value));
                through.fetch_add(1, SeqCst);
            }));
        }
        assert!(through.load(SeqCst) < goroutines);
    });
    let mut run = Run::with(Box::new(Dfs::new(Bounds::default())), Limits { weak: false, ..limits });
    let all = (0..100_000).map_while(|index| run.next(index, &body));
    let is_panic = |slug: Slug| slug == Slug::Panic;
    all.into_iter().any(|report| report.findings.iter().any(|f| is_panic(f.slug)))
}

/// With a budget of one for each: two goroutines once each, and one goroutine twice.
fn spent_by_each_alone(budget: fn(u32) -> Limits, act: fn(&AtomicUsize)) {
    assert!(!all_may_come_first(budget(0), (1, 1), act));
    assert!(all_may_come_first(budget(1), (2, 1), act));
    assert!(!all_may_come_first(budget(1), (1, 2), act));
    assert!(all_may_come_first(budget(2), (1, 2), act));
}

#[test]
fn of_waits() {
    spent_by_each_alone(|spurious| Limits { spurious, ..Limits::default() }, |_| thread::park());
}

#[test]
fn of_weak_exchanges() {
    let fail = |value: &AtomicUsize| {
        // Whoever gets on here has failed.
        if value.compare_exchange_weak(0, 0, SeqCst, SeqCst).is_ok() {
            let nobody = crate::sync::RawMutex::new();
            nobody.lock();
            nobody.lock();
        }
    };
    spent_by_each_alone(|spurious| Limits { spurious, ..Limits::default() }, fail);
}

#[test]
fn of_early_timers() {
    let budget = |early_timers| Limits { early_timers, spurious: 0, ..Limits::default() };
    spent_by_each_alone(budget, |_| sleep(MILLISECOND));
}
