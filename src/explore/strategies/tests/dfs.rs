//! Exact numbers of executions, with the interleavings written down.

use super::{Dfs, Nondeterminism};
use crate::explore::bounds::Bounds;
use crate::explore::plan::Body;
use crate::explore::strategies::Random;
use crate::explore::strategies::tests::programs::{self, Run};
use crate::model::Limits;
use crate::model::Strategy;
use crate::sync::{Arc, Mutex};
use std::any::Any;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Who goes in each execution with at most so many preemptions, main left out; each exactly once.
fn orders(body: &Body, preemptions: Option<u32>) -> Vec<String> {
    orders_within(body, Bounds { preemptions, delays: None })
}

/// The same within any bounds.
fn orders_within(body: &Body, bounds: Bounds) -> Vec<String> {
    let mut run = Run::with(Box::new(Dfs::new(bounds)), Limits { spurious: 0, ..Limits::default() });
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    while let Some(report) = run.next(found.len() as u64, body) {
        assert!(seen.insert(report.fingerprint), "an execution came twice");
        let goroutines = report.decisions.iter().map(|d| d.goroutine.0).filter(|&g| g != 0);
        found.push(goroutines.map(|g| g.to_string()).collect::<String>());
        assert!(found.len() < 20_000);
    }
    let dfs: Box<dyn Any> = run.strategy();
    let dfs = dfs.downcast::<Dfs>().unwrap();
    assert!(dfs.survey().exhausted && dfs.survey().nondeterminism.is_none());
    found
}

fn body(f: impl Fn() + Send + Sync + 'static) -> Body {
    std::sync::Arc::new(f)
}

#[test]
fn one_store_each() {
    assert_eq!(orders(&programs::stores(2), None), ["12", "21"]);
    // Whoever ends hands over without a preemption.
    assert_eq!(orders(&programs::stores(2), Some(0)), ["12", "21"]);
    assert_eq!(orders(&programs::stores(3), None), ["123", "132", "213", "231", "312", "321"]);
}

#[test]
fn a_load_and_a_store_each() {
    let increments = programs::increments(2, 1);
    // Preemptions:                           0       2       1       1       2       0
    assert_eq!(orders(&increments, None), ["1122", "1212", "1221", "2211", "2121", "2112"].sorted());
    assert_eq!(orders(&increments, Some(0)), ["1122", "2211"]);
    assert_eq!(orders(&increments, Some(1)), ["1122", "1221", "2112", "2211"].sorted());
    assert_eq!(orders(&increments, Some(2)).len(), 6);
}

#[test]
fn one_store_and_three() {
    let uneven = programs::uneven_stores();
    assert_eq!(orders(&uneven, None), ["1222", "2122", "2212", "2221"].sorted());
    assert_eq!(orders(&uneven, Some(0)), ["1222", "2221"]);
    assert_eq!(orders(&uneven, Some(1)).len(), 4);
}

#[test]
fn delays_are_who_is_passed_over() {
    let delays = |most| Bounds { preemptions: None, delays: Some(most) };
    let stores = programs::stores(3);
    // Without a delay the scheduler decides. To begin with goroutine 3 passes over two; behind goroutine 2 comes 3.
    assert_eq!(orders_within(&stores, delays(0)), ["123"]);
    assert_eq!(orders_within(&stores, delays(1)), ["123", "132", "231"]);
    assert_eq!(orders_within(&stores, delays(2)), ["123", "132", "231", "213", "312"]);
    assert_eq!(orders_within(&stores, delays(3)).len(), 6);
    let increments = programs::increments(2, 1);
    assert_eq!(orders_within(&increments, delays(0)), ["1122"]);
    // One delay: before the first step, after it, or after the second, where nobody is left to be passed over.
    assert_eq!(orders_within(&increments, delays(1)), ["1122", "1221", "2211"]);
    assert_eq!(orders_within(&increments, delays(2)), ["1122", "1221", "1212", "2211", "2112"]);
    // Both bounds hold.
    let both = Bounds { preemptions: Some(0), delays: Some(1) };
    assert_eq!(orders_within(&increments, both), ["1122", "2211"]);
}

#[test]
fn the_blocked_are_no_choice() {
    // Lock and unlock twice each. Whoever holds the lock is alone, so sections interleave whole:
    // 6 orders of 4 sections; after each unlock but a goroutine's last one may be preempted.
    let sections = body(|| {
        let m = Arc::new(Mutex::new(()));
        let section = |m: &Arc<Mutex<()>>| {
            let m = m.clone();
            move || {
                for _ in 0..2 {
                    drop(m.lock());
                }
            }
        };
        let hs = [crate::go(section(&m)), crate::go(section(&m))];
        hs.into_iter().for_each(|h| h.join().unwrap());
    });
    let all = ["11112222", "11221122", "11222211", "22112211", "22111122", "22221111"].sorted();
    assert_eq!(orders(&sections, None), all);
    // A switch away from a goroutine about to lock is a preemption: one in 11222211, two in 11221122.
    assert_eq!(orders(&sections, Some(0)), ["11112222", "22221111"]);
    assert_eq!(orders(&sections, Some(1)), ["11112222", "11222211", "22111122", "22221111"].sorted());
}

#[test]
fn alternatives_multiply() {
    let choices = |n: usize, goroutines: usize| {
        body(move || {
            let hs: Vec<_> = (0..goroutines).map(|_| crate::go(move || crate::choose(n))).collect();
            hs.into_iter().for_each(|h| assert!(h.join().is_ok()));
        })
    };
    assert_eq!(orders(&choices(3, 1), None), ["1", "1", "1"]);
    // Two orders, and four pairs of values in each.
    assert_eq!(orders(&choices(2, 2), None), ["12", "12", "12", "12", "21", "21", "21", "21"]);
    // Five goroutines: 5! orders of 2^5 values; by hand up to here.
    assert_eq!(orders(&choices(2, 5), None).len(), 120 * 32);
}

#[test]
fn what_chance_finds_is_there() {
    let mut checked = 0;
    for program in programs::all() {
        let mut run = Run::with(
            Box::new(Dfs::new(Bounds::default())),
            Limits { early_timers: 1, ..programs::limits() },
        );
        let mut seen = BTreeSet::new();
        let mut complete = false;
        let mut progress = 0.0;
        for index in 0..20_000 {
            let Some(report) = run.next(index, &program.body) else {
                complete = true;
                break;
            };
            assert!(seen.insert(report.fingerprint), "{}: an execution came twice", program.name);
        }
        let dfs: Box<dyn Any> = run.strategy();
        let dfs = dfs.downcast::<Dfs>().unwrap();
        assert!(dfs.survey().nondeterminism.is_none(), "{}: {:?}", program.name, dfs.survey().nondeterminism);
        assert!(dfs.survey().progress.unwrap() > progress && dfs.survey().progress.unwrap() <= 1.0);
        progress = dfs.survey().progress.unwrap();
        assert_eq!(complete, dfs.survey().exhausted && progress == 1.0, "{}: {progress}", program.name);
        if !complete {
            continue;
        }
        checked += 1;
        let mut run = Run::with(Box::new(Random::new(2)), Limits { early_timers: 1, ..programs::limits() });
        for index in 0..500 {
            let report = run.one(index, &program.body);
            assert!(seen.contains(&report.fingerprint), "{}: {:?}", program.name, report.decisions);
        }
    }
    assert!(checked >= 5, "only {checked} programs are small enough to walk");
}

#[test]
fn a_program_that_does_not_repeat_itself_is_noticed() {
    let round = std::sync::Arc::new(AtomicUsize::new(0));
    let counter = round.clone();
    let fickle = body(move || {
        // In the fourth execution there is a goroutine more.
        let n = if counter.fetch_add(1, Ordering::Relaxed) == 3 { 3 } else { 2 };
        let x = Arc::new(crate::sync::atomic::AtomicUsize::new(0));
        let hs: Vec<_> = (0..n)
            .map(|_| {
                let x = x.clone();
                crate::go(move || {
                    x.store(1, Ordering::SeqCst);
                    x.store(2, Ordering::SeqCst);
                })
            })
            .collect();
        hs.into_iter().for_each(|h| h.join().unwrap());
    });
    let mut run = Run::new(Box::new(Dfs::new(Bounds::default())));
    let mut index = 0;
    while run.next(index, &fickle).is_some() {
        index += 1;
        assert!(index < 1000);
    }
    let dfs: Box<dyn Any> = run.strategy();
    let found = dfs.downcast::<Dfs>().unwrap().survey().nondeterminism;
    assert_eq!(found, Some(Nondeterminism { step: 0, expected: 2, found: 3 }));
}

/// Strings in the order of the canonical walk: goroutines by id, the current one first.
trait Sorted {
    fn sorted(self) -> Vec<&'static str>;
}

impl<const N: usize> Sorted for [&'static str; N] {
    fn sorted(self) -> Vec<&'static str> {
        let key = |order: &str| {
            let mut last = 0;
            let rank = |c: u8| {
                let first = u8::from(c != last);
                last = c;
                (first, c)
            };
            order.bytes().map(rank).collect::<Vec<(u8, u8)>>()
        };
        let mut orders = self.to_vec();
        orders.sort_by_key(|order| key(order));
        orders
    }
}
