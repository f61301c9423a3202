//! Time outside of a model, in short real durations, and inside, where it is exact.

use super::{
    Duration, HOUR, Instant, MILLISECOND, MINUTE, SECOND, Ticker, Timer, after, after_func, sleep, tick,
};
use crate::chan::{RecvTimeoutError, TryRecvError};
use crate::trial_tests::{first, panics_with, silent};
use crate::{chan, go, select};
use selvedge_checkers::finding::Slug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

#[test]
fn instants_behave_like_those_of_std() {
    let start = Instant::now();
    let later = start + SECOND;
    assert_eq!(later - start, SECOND);
    assert_eq!(start - later, Duration::ZERO);
    assert_eq!(start.checked_duration_since(later), None);
    assert_eq!(later.checked_sub(SECOND), Some(start));
    assert_eq!(start.checked_add(Duration::MAX), None);
    assert!(start.saturating_add(Duration::MAX) > later);
    assert!(start.checked_sub(24 * HOUR).is_some(), "a young world has a past");
    assert!(Instant::now() >= start);
}

#[test]
fn timers_work_on_real_threads() {
    let start = Instant::now();
    sleep(Duration::ZERO);
    sleep(2 * MILLISECOND);
    assert!(start.elapsed() >= 2 * MILLISECOND);
    let fired = after(2 * MILLISECOND).recv().unwrap();
    assert!(fired >= start + 4 * MILLISECOND && fired <= Instant::now());

    let timer = Timer::new(HOUR);
    assert_eq!((timer.c().cap(), timer.c().len()), (0, 0));
    assert!(timer.stop() && !timer.stop());
    assert!(!timer.reset(MILLISECOND));
    assert!(timer.c().recv().is_some());
    assert!(!timer.reset(MILLISECOND));
    sleep(20 * MILLISECOND);
    assert_eq!(timer.c().len(), 0);
    assert!(timer.stop(), "fired, but nobody received");
    assert_eq!(timer.c().try_recv(), Err(TryRecvError::Empty));

    let ticker = Ticker::new(MILLISECOND);
    assert!(ticker.c().recv() < ticker.c().recv());
    ticker.stop();
    assert_eq!(ticker.c().recv_timeout(5 * MILLISECOND), Err(RecvTimeoutError::Timeout));
}

#[test]
fn functions_run_on_real_threads_even_if_their_timer_is_dropped() {
    let (tx, rx) = chan::chan(1);
    let held = Arc::new(());
    let used = Arc::clone(&held);
    drop(after_func(MILLISECOND, move || {
        let _used = &used;
        tx.send(1);
    }));
    assert_eq!(rx.recv(), Some(1));
    let deadline = Instant::now() + 10 * SECOND;
    while Arc::strong_count(&held) > 1 && Instant::now() < deadline {
        sleep(MILLISECOND);
    }
    assert_eq!(Arc::strong_count(&held), 1, "what the function owns goes when it has run");

    let never = after_func(HOUR, || unreachable!());
    assert!(never.stop() && !never.stop());
    assert!(never.c().is_nil());
}

#[test]
#[should_panic(expected = "non-positive interval for NewTicker")]
fn a_ticker_needs_a_period() {
    drop(Ticker::new(Duration::ZERO));
}

#[test]
fn virtual_time_is_exact() {
    silent(|| {
        let start = Instant::now();
        sleep(HOUR);
        assert_eq!(start.elapsed(), HOUR);
        let at = after(MINUTE).recv();
        assert_eq!(at, Some(start + HOUR + MINUTE));
        assert!(tick(Duration::ZERO).is_nil());
        let ticks: Vec<_> = tick(SECOND).iter().take(3).map(|t| t - start - HOUR - MINUTE).collect();
        assert_eq!(ticks, [SECOND, 2 * SECOND, 3 * SECOND]);
    });
}

#[test]
fn a_tick_carries_the_time_it_was_sent_at_and_slow_receivers_lose_some() {
    silent(|| {
        let start = Instant::now();
        let ticker = Ticker::new(SECOND);
        sleep(3 * SECOND + MILLISECOND);
        assert_eq!(ticker.c().recv(), Some(start + SECOND), "the first of three, the others are lost");
        assert_eq!(ticker.c().recv(), Some(start + 4 * SECOND));
        ticker.reset(MINUTE);
        assert_eq!(ticker.c().recv(), Some(start + 4 * SECOND + MINUTE));
        sleep(MINUTE);
        ticker.stop();
        assert!(ticker.c().try_recv().is_err(), "no tick after stop");
    });
}

#[test]
fn stop_and_reset_leave_no_stale_tick() {
    silent(|| {
        let start = Instant::now();
        let timer = Timer::new(SECOND);
        sleep(2 * SECOND);
        assert_eq!(timer.c().len(), 0);
        assert!(timer.reset(SECOND), "fired but not received");
        assert_eq!(timer.c().recv(), Some(start + 3 * SECOND));
        assert!(!timer.stop(), "received");
        assert!(!timer.reset(SECOND));
        assert!(timer.stop());
        assert!(timer.c().try_recv().is_err());
    });
}

#[test]
fn stop_after_receive_then_drain_blocks_for_ever() {
    assert_eq!(
        first(|| {
            let timer = Timer::new(SECOND);
            timer.c().recv();
            if !timer.stop() {
                timer.c().recv();
            }
        }),
        Some(Slug::Deadlock)
    );
}

#[test]
fn equal_deadlines_fire_in_any_order() {
    let race = || {
        let (tx, rx) = chan::chan(2);
        let other = tx.clone();
        drop(after_func(SECOND, move || tx.send(1)));
        drop(after_func(SECOND, move || other.send(2)));
        assert_eq!(rx.recv(), Some(1));
        rx.recv();
    };
    assert!(panics_with("assertion", race));
    assert!(panics_with("late", || {
        let timers = (after(SECOND), after(SECOND));
        select! {
            recv(timers.0) -> _ => {}
            recv(timers.1) -> _ => panic!("late"),
        }
    }));
}

#[test]
fn a_function_runs_again_after_reset_and_not_after_stop() {
    silent(|| {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let timer = after_func(SECOND, move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        sleep(2 * SECOND);
        assert_eq!(runs.load(Ordering::Relaxed), 1);
        assert!(!timer.reset(SECOND));
        sleep(2 * SECOND);
        assert!(!timer.stop());
        timer.reset(SECOND);
        assert!(timer.stop());
        sleep(2 * SECOND);
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn a_dropped_channel_never_fires_and_keeps_nobody_waiting() {
    silent(|| {
        let start = Instant::now();
        drop(after(SECOND));
        drop(Timer::new(SECOND));
        drop(Ticker::new(SECOND));
        let (tx, rx) = chan::chan(0);
        go(move || tx.send(()));
        rx.recv();
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_goroutine_that_lives_on_a_ticker_is_a_leaked_timer() {
    assert_eq!(
        first(|| {
            go(|| for _ in tick(SECOND).iter() {});
        }),
        Some(Slug::LeakedTimer)
    );
}

#[test]
fn starting_a_timer_happens_before_its_function() {
    silent(|| {
        let x = Arc::new(crate::cell::Plain::new(0));
        let (tx, rx) = chan::chan(0);
        x.set(1);
        let y = Arc::clone(&x);
        drop(after_func(SECOND, move || {
            y.set(2);
            tx.send(());
        }));
        rx.recv();
        assert_eq!(x.get(), 2);
    });
}
