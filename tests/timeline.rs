//! What a failing test leaves behind: the files, where they cannot be written, and the programs that
//! `tests/browser/run` opens in a browser.

use selvedge::sync::{Arc, Mutex, WaitGroup};
use selvedge::thread::Builder;
use selvedge::{chan, go, time};

#[selvedge::test]
#[ignore = "fails: its timeline is opened in a browser"]
fn small() {
    let ledger = Arc::new(Mutex::new(0));
    let wg = WaitGroup::new();
    let (tx, rx) = chan(1);
    for order in 1..=2 {
        let (ledger, tx) = (Arc::clone(&ledger), tx.clone());
        wg.go(move || {
            tx.send(order);
            *ledger.lock().unwrap() += order;
        });
    }
    rx.recv();
    let total = ledger.lock().unwrap();
    rx.recv();
    wg.wait();
    assert_eq!(*total, 3);
}

#[selvedge::test(executions = 1, strategy = "round-robin")]
#[ignore = "fails: its timeline is opened in a browser"]
fn large() {
    let (tx, rx) = chan(3);
    go(move || (0..10_000).for_each(|n| tx.send(n)));
    for _ in 0..10_000 {
        rx.recv();
    }
    panic!("</script><script>alert(1)</script>");
}

#[selvedge::test(executions = 1, strategy = "round-robin")]
#[ignore = "fails: its exports are read in a browser"]
fn exported() {
    let (tx, rx) = chan(2);
    let stop = time::after(time::SECOND);
    for order in 1..=2 {
        let tx = tx.clone();
        Builder::new().name(format!("a \"<{{&}}>\" {order}")).spawn(move || tx.send(order)).unwrap();
    }
    rx.recv();
    stop.recv();
    panic!("<&\"'> ]]> \u{7} \u{1f9f5}\n{{\"main\":1}}");
}

#[path = "timeline/files.rs"]
mod files;
