//! The program by which the look of reports was designed.

use selvedge::sync::{Mutex, WaitGroup};
use selvedge::{chan, go};

#[rustfmt::skip]
pub(crate) fn orders_are_billed() {
    let ledger: &_ = Box::leak(Box::new(Mutex::new(0)));
    let wg: &_ = Box::leak(Box::new(WaitGroup::new()));
    let (tx, rx) = chan(0);
    wg.add(2);
    go(move || { tx.send(7); wg.done(); });
    go(move || {
        let mut l = ledger.lock().unwrap();
        *l += rx.recv().unwrap();
        wg.done();
    });
    let l = ledger.lock().unwrap();
    wg.wait();
    assert_eq!(*l, 7);
}
