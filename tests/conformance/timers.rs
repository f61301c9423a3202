//! Timers, as of Go 1.23.

use crate::Program;
use selvedge::chan;
use selvedge::time::{Instant, MILLISECOND, Ticker, Timer, after, after_func, sleep};

pub(crate) const ALL: &[Program] = &[
    ("nothing fires early", early),
    ("a timer's channel looks unbuffered, and stop forgets what fired", stop),
    ("a reset timer has no tick of before", reset),
    ("a ticker drops ticks for who is slow", slow),
    ("a function runs by itself, once", function),
];

fn early() {
    let start = Instant::now();
    after(2 * MILLISECOND).recv();
    sleep(MILLISECOND);
    assert!(start.elapsed() >= 3 * MILLISECOND);
}

fn stop() {
    let timer = Timer::new(MILLISECOND);
    sleep(5 * MILLISECOND);
    assert_eq!((timer.c().len(), timer.c().cap()), (0, 0));
    assert!(timer.stop(), "nobody has received what fired");
    assert!(timer.c().try_recv().is_err() && !timer.stop());
}

fn reset() {
    let timer = Timer::new(MILLISECOND);
    sleep(5 * MILLISECOND);
    let again = Instant::now();
    timer.reset(3 * MILLISECOND);
    timer.c().recv();
    assert!(again.elapsed() >= 3 * MILLISECOND);
    assert!(!timer.stop());
}

fn slow() {
    let ticker = Ticker::new(MILLISECOND);
    sleep(20 * MILLISECOND);
    let start = Instant::now();
    (0..5).for_each(|_| _ = ticker.c().recv());
    // One was there; twenty would not have taken any time.
    assert!(start.elapsed() >= 2 * MILLISECOND);
    ticker.stop();
    assert!(ticker.c().try_recv().is_err());
}

fn function() {
    let (tx, rx) = chan(1);
    let timer = after_func(MILLISECOND, move || tx.send(1));
    assert_eq!(rx.recv(), Some(1));
    assert!(!timer.stop());
}
