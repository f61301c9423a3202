//! Tests of `mpsc`, on plain threads and in a model.

use super::{RecvTimeoutError, TryRecvError, TrySendError, channel, sync_channel};
use crate::thread;
use std::sync::Arc;
use std::time::Duration;

fn drains_then_disconnects() {
    let (tx, rx) = channel();
    let tx2 = tx.clone();
    let a = thread::spawn(move || (0..2).for_each(|i| tx.send(i).unwrap()));
    let b = thread::spawn(move || tx2.send(9).unwrap());
    let mut all: Vec<i32> = rx.iter().collect();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 9]);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    a.join().unwrap();
    b.join().unwrap();
}

fn sends_fail_without_a_receiver() {
    let (tx, rx) = channel();
    tx.send(1).unwrap();
    drop(rx);
    assert_eq!(tx.send(2).unwrap_err().0, 2);
    let (tx, rx) = sync_channel(1);
    tx.send(1).unwrap();
    assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    // This one waits for room, and then the receiver hangs up.
    let waits = thread::spawn(move || tx.send(3).map_err(|e| e.0));
    drop(rx);
    assert_eq!(waits.join().unwrap(), Err(3));
    let (tx, rx) = sync_channel(0);
    assert_eq!(tx.try_send(1), Err(TrySendError::Full(1)));
    let waits = thread::spawn(move || tx.send(2).map_err(|e| e.0));
    drop(rx);
    assert_eq!(waits.join().unwrap(), Err(2));
}

fn a_rendezvous_hands_over() {
    let (tx, rx) = sync_channel(0);
    let sender = thread::spawn(move || (0..3).for_each(|i| tx.send(i).unwrap()));
    assert_eq!(rx.into_iter().collect::<Vec<i32>>(), [0, 1, 2]);
    sender.join().unwrap();
}

fn the_receiver_drops_what_it_did_not_take() {
    let (tx, rx) = channel();
    let value = Arc::new(());
    for _ in 0..3 {
        tx.send(Arc::clone(&value)).unwrap();
    }
    drop(rx.recv());
    assert_eq!(Arc::strong_count(&value), 3);
    drop(rx);
    assert_eq!(Arc::strong_count(&value), 1);
    assert!(tx.send(Arc::clone(&value)).is_err());
    assert_eq!(Arc::strong_count(&value), 1);
}

fn timeouts() {
    let (tx, rx) = channel::<()>();
    assert_eq!(rx.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    assert!(rx.try_iter().next().is_none());
    drop(tx);
    assert_eq!(rx.recv_timeout(Duration::from_secs(100)), Err(RecvTimeoutError::Disconnected));
}

const ALL: [fn(); 5] = [
    drains_then_disconnects,
    sends_fail_without_a_receiver,
    a_rendezvous_hands_over,
    the_receiver_drops_what_it_did_not_take,
    timeouts,
];

#[test]
fn as_std_on_threads() {
    ALL.iter().for_each(|f| f());
}

#[test]
fn bounds_are_those_of_std() {
    fn send<T: Send>() {}
    fn both<T: Send + Sync>() {}
    both::<super::Sender<std::cell::Cell<u8>>>();
    both::<super::SyncSender<std::cell::Cell<u8>>>();
    send::<super::Receiver<std::cell::Cell<u8>>>();
}

#[cfg(feature = "check")]
mod in_a_model {
    use super::{ALL, TryRecvError, channel, sync_channel, thread};
    use crate::cell::Plain;
    use crate::trial_tests::{clean, outcomes, slug};
    use selvedge_checkers::finding::Slug;
    use std::sync::Arc;

    #[test]
    fn as_std_in_a_model() {
        for f in ALL {
            clean(300, f);
        }
    }

    #[test]
    fn dropping_the_last_sender_is_seen_or_not() {
        let seen = outcomes(300, || {
            let (tx, rx) = channel();
            let sender = thread::spawn(move || {
                tx.send(1).unwrap();
                drop(tx);
            });
            assert_eq!(rx.recv(), Ok(1));
            let then = rx.try_recv().unwrap_err();
            sender.join().unwrap();
            then == TryRecvError::Disconnected
        });
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn dropping_the_receiver_races_with_a_send() {
        let seen = outcomes(300, || {
            let (tx, rx) = channel();
            let sender = thread::spawn(move || tx.send(1).is_ok());
            drop(rx);
            sender.join().unwrap()
        });
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn what_the_receiver_drops_was_sent_before() {
        struct Looks(Arc<Plain<i32>>);
        impl Drop for Looks {
            fn drop(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }
        clean(300, || {
            let x = Arc::new(Plain::new(0));
            let (tx, rx) = channel();
            let y = Arc::clone(&x);
            let sender = thread::spawn(move || {
                y.set(1);
                let _ = tx.send(Looks(y));
            });
            drop(rx);
            sender.join().unwrap();
            assert_eq!(x.get(), 2);
        });
    }

    #[test]
    fn a_receive_nobody_answers_is_a_deadlock() {
        let found = slug(10, || {
            let (_tx, rx) = sync_channel::<()>(1);
            let _ = rx.recv();
        });
        assert_eq!(found, Some(Slug::Deadlock));
    }
}
