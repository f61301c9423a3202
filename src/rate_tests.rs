//! The token bucket, in virtual time, to the nanosecond.

use super::{INF, Limiter, WaitError, every};
use crate::context::{ContextError, background, with_cancel, with_timeout};
use crate::go;
use crate::time::{Duration, Instant, MILLISECOND, SECOND, sleep};
use crate::trial_tests::silent;

#[test]
fn limits_and_bursts_outside_of_a_model() {
    let limiter = Limiter::new(0.0, 2);
    assert!(limiter.allow_n(2) && !limiter.allow());
    assert!(!limiter.reserve_n(3).is_ok());
    let limiter = Limiter::new(INF, 0);
    assert!(limiter.allow_n(1000));
    assert_eq!(limiter.wait_n(&background(), 5), Ok(()));
    assert_eq!(every(Duration::ZERO), INF);
    let limiter = Limiter::new(every(MILLISECOND), 1);
    let start = Instant::now();
    for _ in 0..4 {
        limiter.wait(&background()).unwrap();
    }
    assert!(start.elapsed() >= 2 * MILLISECOND);
}

#[test]
fn events_keep_their_distance() {
    silent(|| {
        let start = Instant::now();
        let limiter = Limiter::new(every(100 * MILLISECOND), 3);
        let times: Vec<_> = (0..6)
            .map(|_| {
                limiter.wait(&background()).unwrap();
                start.elapsed().as_millis()
            })
            .collect();
        assert_eq!(times, [0, 0, 0, 100, 200, 300]);
        sleep(10 * SECOND);
        assert_eq!(limiter.tokens(), 3.0);
        assert!(limiter.allow_n(3) && !limiter.allow());
        limiter.set_burst(1);
        limiter.set_limit(1.0);
        sleep(5 * SECOND);
        assert_eq!((limiter.tokens(), limiter.burst(), limiter.limit()), (1.0, 1, 1.0));
    });
}

#[test]
fn waiting_in_vain_fails_at_once() {
    silent(|| {
        let start = Instant::now();
        let limiter = Limiter::new(1.0, 3);
        let error = limiter.wait_n(&background(), 5).unwrap_err();
        assert_eq!(error.to_string(), "rate: Wait(n=5) exceeds limiter's burst 3");
        assert!(limiter.allow_n(3));
        let (ctx, cancel) = with_timeout(&background(), 500 * MILLISECOND);
        let error = limiter.wait(&ctx).unwrap_err();
        assert_eq!(error.to_string(), "rate: Wait(n=1) would exceed context deadline");
        cancel.cancel();
        assert_eq!(limiter.wait(&ctx), Err(WaitError::Context(ContextError::Canceled)));
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_cancelled_wait_gives_its_token_back() {
    silent(|| {
        let limiter = Limiter::new(1.0, 1);
        assert!(limiter.allow());
        let (ctx, cancel) = with_cancel(&background());
        let h = go(move || {
            sleep(250 * MILLISECOND);
            cancel.cancel();
        });
        assert_eq!(limiter.wait(&ctx), Err(WaitError::Context(ContextError::Canceled)));
        assert_eq!(limiter.tokens(), 0.25);
        h.join().unwrap();
    });
}

#[test]
fn reservations_give_back_what_nobody_built_upon() {
    silent(|| {
        let limiter = Limiter::new(1.0, 4);
        assert!(limiter.allow_n(4));
        let first = limiter.reserve_n(2);
        let second = limiter.reserve_n(1);
        assert_eq!((first.delay(), second.delay()), (2 * SECOND, 3 * SECOND));
        assert_eq!(limiter.tokens(), -3.0);
        first.cancel();
        assert_eq!(limiter.tokens(), -2.0, "one of the two is what the second waits for");
        second.cancel();
        assert_eq!(limiter.tokens(), -1.0);
        let late = limiter.reserve();
        sleep(10 * SECOND);
        late.cancel();
        assert_eq!(limiter.tokens(), 4.0);
    });
}
