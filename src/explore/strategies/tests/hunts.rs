//! Programs with bugs that few schedules show, and how many executions each strategy needs for them.
//!
//! `cargo test --release --lib hunts -- --ignored --nocapture` prints the table of decision 0018.

use super::{make_named, profile, programs};
use crate::chan;
use crate::explore::bounds::Bounds;
use crate::explore::plan::Body;
use crate::explore::spec::StrategySpec::{self, Flip, Frontier, Mix, Pct, Pos, Random, Surw};
use crate::model::Limits;
use crate::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use crate::sync::{Arc, Mutex};
use programs::{Program, Run, together};
use std::sync::Arc as StdArc;

type Job = Box<dyn FnOnce() + Send>;

/// One of `n` goroutines looks at a pair that the others set.
fn reorder(n: usize) -> Body {
    StdArc::new(move || {
        let (a, b) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let setter = |_| {
            let (a, b) = (a.clone(), b.clone());
            Box::new(move || {
                a.store(1, SeqCst);
                b.store(9, SeqCst);
            }) as Job
        };
        let mut jobs: Vec<Job> = (1..n).map(setter).collect();
        jobs.push(Box::new(move || {
            let unset = a.load(SeqCst) == 0 && b.load(SeqCst) == 0;
            assert!(unset || a.load(SeqCst) == 1 && b.load(SeqCst) == 9);
        }));
        together(jobs);
    })
}

/// One of `n` goroutines looks between the two stages of the others.
fn twostage(n: usize) -> Body {
    StdArc::new(move || {
        let (one, two) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
        let writer = |_| {
            let (one, two) = (one.clone(), two.clone());
            Box::new(move || {
                *one.lock().unwrap() = 1;
                *two.lock().unwrap() = 2;
            }) as Job
        };
        let mut jobs: Vec<Job> = (1..n).map(writer).collect();
        jobs.push(Box::new(move || {
            let first = *one.lock().unwrap();
            if first != 0 {
                assert_eq!(*two.lock().unwrap(), first + 1);
            }
        }));
        together(jobs);
    })
}

/// Two goroutines increment, `n` others do 30 operations each on things of their own.
fn needle(n: usize) -> Body {
    StdArc::new(move || {
        let x = Arc::new(AtomicUsize::new(0));
        let mut jobs: Vec<Job> = Vec::new();
        for _ in 0..n {
            let mine = Arc::new(AtomicUsize::new(0));
            jobs.push(Box::new(move || (0..30).for_each(|_| _ = mine.fetch_add(1, SeqCst))));
        }
        for _ in 0..2 {
            let x = x.clone();
            jobs.push(Box::new(move || {
                let seen = x.load(SeqCst);
                x.store(seen + 1, SeqCst);
            }));
        }
        together(jobs);
        assert_eq!(x.load(SeqCst), 2);
    })
}

/// Locks in both orders, after long lives.
fn late_abba(n: usize) -> Body {
    StdArc::new(move || {
        let (a, b) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
        let job = |first: &Arc<Mutex<i32>>, second: &Arc<Mutex<i32>>| {
            let (mine, first, second) = (Arc::new(AtomicUsize::new(0)), first.clone(), second.clone());
            Box::new(move || {
                (0..n).for_each(|_| _ = mine.fetch_add(1, SeqCst));
                let _first = first.lock();
                let _second = second.lock();
            }) as Job
        };
        together(vec![job(&a, &b), job(&b, &a)]);
    })
}

/// A value goes back and forth `n` times only if the two take turns exactly.
fn pingpong(n: usize) -> Body {
    StdArc::new(move || {
        let x = Arc::new(AtomicUsize::new(0));
        let side = |odd: usize| {
            let x = x.clone();
            Box::new(move || {
                for i in 0..n {
                    if x.load(SeqCst) == 2 * i + odd {
                        x.store(2 * i + odd + 1, SeqCst);
                    }
                }
            }) as Job
        };
        together(vec![side(0), side(1)]);
        assert_ne!(x.load(SeqCst), 2 * n);
    })
}

/// Some take the wrong lock.
fn wronglock(n: usize) -> Body {
    StdArc::new(move || {
        let (a, b) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
        let x = Arc::new(AtomicUsize::new(0));
        let job = |nth: usize| {
            let (lock, x) = (if nth == 0 { a.clone() } else { b.clone() }, x.clone());
            Box::new(move || {
                let _guard = lock.lock();
                let seen = x.load(SeqCst);
                x.store(seen + 1, SeqCst);
            }) as Job
        };
        together((0..n).map(job).collect());
        assert_eq!(x.load(SeqCst), n);
    })
}

/// A driver stops while somebody is just on the way in.
fn bluetooth() -> Body {
    StdArc::new(|| {
        let (pending, stopping) = (Arc::new(AtomicUsize::new(1)), Arc::new(AtomicUsize::new(0)));
        let stopped = Arc::new(AtomicUsize::new(0));
        let (p, s, d) = (pending.clone(), stopping.clone(), stopped.clone());
        let adder: Job = Box::new(move || {
            if s.load(SeqCst) == 0 {
                p.fetch_add(1, SeqCst);
                assert_eq!(d.load(SeqCst), 0);
                p.fetch_sub(1, SeqCst);
            }
        });
        let stopper: Job = Box::new(move || {
            stopping.store(1, SeqCst);
            if pending.fetch_sub(1, SeqCst) == 1 {
                stopped.store(1, SeqCst);
            }
        });
        together(vec![adder, stopper]);
    })
}

/// All increments but one are lost.
fn all_lost(n: usize) -> Body {
    StdArc::new(move || {
        let x = Arc::new(AtomicUsize::new(0));
        let job = |_| {
            let x = x.clone();
            Box::new(move || {
                for _ in 0..2 {
                    let seen = x.load(SeqCst);
                    x.store(seen + 1, SeqCst);
                }
            }) as Job
        };
        together((0..n).map(job).collect());
        assert_ne!(x.load(SeqCst), 2);
    })
}

/// The first of many messages come in one order of many.
fn messages(n: usize) -> Body {
    StdArc::new(move || {
        let (tx, rx) = chan::chan(n);
        let job = |i: usize| {
            let tx = tx.clone();
            Box::new(move || tx.send(i)) as Job
        };
        together((0..n).map(job).collect());
        let first: Vec<usize> = (0..3).map(|_| rx.recv().unwrap()).collect();
        assert_ne!(first, [n - 1, n - 2, n - 3]);
    })
}

/// The programs of the table.
pub(crate) fn all() -> Vec<Program> {
    let p = |name, body| Program { name, buggy: true, body };
    let mut hunts = vec![
        p("reorder_5", reorder(5)),
        p("reorder_10", reorder(10)),
        p("reorder_20", reorder(20)),
        p("twostage_2", twostage(2)),
        p("twostage_20", twostage(20)),
        p("wronglock_4", wronglock(4)),
        p("needle, 8 others", needle(8)),
        p("ABBA after 20", late_abba(20)),
        p("bluetooth", bluetooth()),
        p("pingpong_3", pingpong(3)),
        p("pingpong_5", pingpong(5)),
        p("all_lost_2", all_lost(2)),
        p("all_lost_3", all_lost(3)),
        p("messages_5", messages(5)),
        p("messages_8", messages(8)),
    ];
    hunts.extend(programs::all().into_iter().filter(|p| p.buggy));
    hunts
}

/// The first execution that finds something, counted from 1, and how many there were.
fn first(spec: StrategySpec, program: &Program, seed: u64, most: u64) -> Option<u64> {
    let limits = Limits { spurious: 0, ..Limits::default() };
    let mut run = Run::with(make_named(spec, seed, profile(program, seed), Bounds::default()), limits);
    for i in 0..most {
        if programs::failed(&run.next(i, &program.body)?) {
            return Some(i + 1);
        }
    }
    None
}

#[test]
#[ignore = "it measures"]
fn executions_to_the_first_failure() {
    const SPECS: [StrategySpec; 8] = [Mix, Random, Pct(2), Pct(3), Pos, Surw, Frontier, Flip];
    const SEEDS: u64 = 20;
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |n| n.parse().unwrap());
    let most = number("SELVEDGE_MOST", 3000);
    let header: Vec<String> = SPECS.iter().map(ToString::to_string).collect();
    println!("| program | {} |", header.join(" | "));
    for program in all() {
        let cell = |&spec: &StrategySpec| {
            let found: Vec<u64> = (0..SEEDS).filter_map(|seed| first(spec, &program, seed, most)).collect();
            let mean = found.iter().sum::<u64>() as f64 / found.len() as f64;
            match found.len() as u64 {
                0 => "–".to_owned(),
                SEEDS => format!("{mean:.1}"),
                n => format!("{mean:.0} ({n})"),
            }
        };
        let row: Vec<String> = SPECS.iter().map(cell).collect();
        println!("| {} | {} |", program.name, row.join(" | "));
    }
}

/// The same for the whole explorer: the lane of the mix, and predictions.
#[test]
#[ignore = "it measures"]
fn executions_to_the_first_failure_of_a_test() {
    use crate::explore::explorer;
    use crate::explore::plan::{Leaks, Plan};
    const SEEDS: u64 = 20;
    println!("| program | found | executions | seconds |");
    for program in all() {
        let mut found = Vec::new();
        let mut seconds = 0.0;
        for seed in 0..SEEDS {
            let plan = Plan {
                limits: Limits { spurious: 0, ..Limits::default() },
                strategy: Mix,
                seed,
                executions: 3000,
                time: None,
                bounds: Bounds::default(),
                jobs: 1,
                shard: None,
                leaks: Leaks::Deny,
                watchdog: std::time::Duration::from_secs(60),
                census: 0,
                work: u64::MAX,
                observer: None,
                sought: None,
                nodes: usize::MAX,
            };
            let explored = explorer::explore(&plan, &program.body, std::panic::Location::caller());
            found.extend(explored.first.map(|_| explored.executions));
            seconds += explored.seconds;
        }
        let mean = found.iter().sum::<u64>() as f64 / found.len() as f64;
        println!("| {} | {} | {mean:.1} | {:.3} |", program.name, found.len(), seconds / SEEDS as f64);
    }
}
