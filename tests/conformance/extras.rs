//! Packages `golang.org/x/sync/errgroup`, `golang.org/x/sync/singleflight` and `golang.org/x/time/rate`.

use crate::Program;
use selvedge::rate::{self, Limiter, WaitError};
use selvedge::sync::{Arc, Barrier, ErrGroup, SingleFlight, WaitGroup};
use selvedge::time::{HOUR, Instant, MILLISECOND, MINUTE};
use selvedge::{chan, context, go, thread};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) const ALL: &[Program] = &[
    ("the first error of a group counts", first_error),
    ("the first error ends the group's context, with itself as cause", error_ends_context),
    ("to wait ends the group's context too", wait_ends_context),
    ("a limit holds back those beyond it", limited),
    ("one who asks while another works gets the other's answer", shared_answer),
    ("an answer is not kept", not_kept),
    ("a forgotten key is asked for anew", forgotten),
    ("who asks by channel gets the answer there", by_channel),
    ("a panic of who works is one of all who ask", panics_for_all),
    ("a full bucket allows a burst", burst),
    ("who waits for a token waits as long as it takes", waits),
    ("waits that cannot succeed fail at once", hopeless),
    ("a reservation that is cancelled gives its tokens back", reservations),
    ("a wait that is cancelled gives its tokens back", cancelled_wait),
];

fn first_error() {
    let group = ErrGroup::new();
    let (failed, fails) = chan::chan::<()>(0);
    group.go(move || {
        fails.recv();
        Err("second")
    });
    let first = group.clone();
    group.go(move || {
        first.go(|| Ok(()));
        Err("first")
    });
    // The other one fails only when the first has, or may be the first.
    thread::yield_now();
    failed.close();
    assert!(matches!(group.wait(), Err("first" | "second")));
    assert_eq!(group.wait(), Ok(()), "it is given once");
}

fn error_ends_context() {
    let (group, ctx) = ErrGroup::with_context(&context::background());
    let seen = ctx.clone();
    group.go(move || {
        seen.done().recv();
        Err("told to stop")
    });
    group.go(|| Err("broken"));
    assert_eq!(group.wait(), Err("broken"));
    assert_eq!(ctx.err().unwrap().to_string(), "context canceled");
    assert_eq!(context::cause(&ctx).unwrap().to_string(), "broken");
}

fn wait_ends_context() {
    let (group, ctx) = ErrGroup::<&str>::with_context(&context::background());
    group.go(|| Ok(()));
    assert_eq!(group.wait(), Ok(()));
    assert!(ctx.err().is_some());
}

fn limited() {
    let group = ErrGroup::<()>::new();
    group.set_limit(2);
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..4 {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        group.go(move || {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::yield_now();
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        });
    }
    group.wait().unwrap();
    assert!(most.load(Ordering::SeqCst) <= 2);
    group.set_limit(1);
    let (tx, rx) = chan::chan::<()>(0);
    group.go(move || {
        rx.recv();
        Ok(())
    });
    assert!(!group.try_go(|| Ok(())));
    tx.close();
    group.wait().unwrap();
    assert!(group.try_go(|| Ok(())));
    group.wait().unwrap();
}

fn shared_answer() {
    let flights = SingleFlight::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let wg = WaitGroup::new();
    for _ in 0..3 {
        let (flights, calls) = (flights.clone(), Arc::clone(&calls));
        wg.go(move || {
            let work = || {
                calls.fetch_add(1, Ordering::SeqCst);
                thread::yield_now();
                42
            };
            assert_eq!(flights.run("key", work).0, 42);
        });
    }
    wg.wait();
    assert!((1..=3).contains(&calls.load(Ordering::SeqCst)));

    // One that surely asks while the other works.
    let (begun, begins) = chan::chan(0);
    let (end, ends) = chan::chan(0);
    let leads = flights.clone();
    let leader = go(move || {
        leads.run("other", || {
            begun.send(());
            ends.recv();
            1
        })
    });
    begins.recv();
    let answer = flights.run_chan("other", || unreachable!("somebody works already"));
    end.send(());
    assert_eq!(answer.recv(), Some((1, true)));
    assert_eq!(leader.join().unwrap(), (1, true));
}

fn not_kept() {
    let flights = SingleFlight::new();
    assert_eq!(flights.run(1, || "one"), ("one", false));
    assert_eq!(flights.run(1, || "another"), ("another", false));
}

fn forgotten() {
    let flights = SingleFlight::new();
    let inside = flights.clone();
    let answer = flights.run("key", move || {
        inside.forget(&"key");
        // It would wait for itself otherwise.
        inside.run("key", || 2).0 + 1
    });
    assert_eq!(answer, (3, false));
}

fn by_channel() {
    let flights = SingleFlight::new();
    let answer = flights.run_chan("key", || 7);
    assert_eq!(answer.recv().map(|(n, _)| n), Some(7));
}

fn panics_for_all() {
    let flights: SingleFlight<&str, i32> = SingleFlight::new();
    let (begun, begins) = chan::chan(0);
    let (end, ends) = chan::chan::<()>(0);
    let (leads, follows) = (flights.clone(), flights);
    let leader = go(move || {
        let work = || {
            begun.send(());
            ends.recv();
            resume_unwind(Box::new("no answer".to_owned()))
        };
        catch_unwind(AssertUnwindSafe(|| leads.run("key", work))).is_err()
    });
    begins.recv();
    let follower = go(move || {
        let ask = || follows.run("key", || 1);
        catch_unwind(AssertUnwindSafe(ask)).map_or(true, |(answer, _)| answer == 1)
    });
    end.send(());
    assert!(leader.join().unwrap() && follower.join().unwrap());
}

fn burst() {
    let limiter = Limiter::new(rate::every(HOUR), 3);
    assert!(limiter.allow_n(2) && limiter.allow() && !limiter.allow());
    assert!(!limiter.allow_n(4) && !limiter.reserve_n(4).is_ok());
    assert!(Limiter::new(rate::INF, 0).allow_n(1000));
}

fn waits() {
    let limiter = Limiter::new(rate::every(MILLISECOND), 1);
    let start = Instant::now();
    for _ in 0..4 {
        limiter.wait(&context::background()).unwrap();
    }
    assert!(start.elapsed() >= 3 * MILLISECOND - MILLISECOND / 1000);
}

fn hopeless() {
    let limiter = Limiter::new(rate::every(HOUR), 3);
    let error = limiter.wait_n(&context::background(), 5).unwrap_err();
    assert_eq!(error.to_string(), "rate: Wait(n=5) exceeds limiter's burst 3");
    assert!(limiter.allow_n(3));
    let (ctx, cancel) = context::with_timeout(&context::background(), MINUTE);
    let error = limiter.wait(&ctx).unwrap_err();
    assert_eq!(error.to_string(), "rate: Wait(n=1) would exceed context deadline");
    cancel.cancel();
    let error = limiter.wait(&ctx).unwrap_err();
    assert!(matches!(error, WaitError::Context(_)), "{error}");
}

fn reservations() {
    let limiter = Limiter::new(rate::every(HOUR), 2);
    assert!(limiter.allow());
    let (now, later) = (limiter.reserve(), limiter.reserve());
    assert!(now.delay().is_zero() && !later.delay().is_zero());
    assert!(limiter.tokens() < 0.0);
    later.cancel();
    assert!(limiter.tokens() >= 0.0 && !limiter.allow());
}

fn cancelled_wait() {
    let limiter = Arc::new(Limiter::new(rate::every(HOUR), 1));
    let entered = Arc::new(Barrier::new(2));
    assert!(limiter.allow());
    let (ctx, cancel) = context::with_cancel(&context::background());
    let (theirs, inside) = (Arc::clone(&limiter), Arc::clone(&entered));
    let waits = go(move || {
        inside.wait();
        theirs.wait(&ctx)
    });
    entered.wait();
    cancel.cancel();
    assert!(matches!(waits.join().unwrap(), Err(WaitError::Context(_))));
    assert!(limiter.tokens() >= 0.0);
}
