//! One source text for three libraries, and what each finds in it.

use super::{by_loom, by_shuttle, ours, set};

/// The programs, in terms of one library. All atomics are sequentially consistent.
macro_rules! programs {
    ($library:ident) => {
        mod $library {
            use super::super::Outcome;
            use std::sync::Arc;
            use $library::sync::atomic::{AtomicUsize, Ordering::SeqCst};
            use $library::sync::{Condvar, Mutex, RwLock, mpsc};
            use $library::thread;

            fn vars<const N: usize>() -> [Arc<AtomicUsize>; N] {
                std::array::from_fn(|_| Arc::new(AtomicUsize::new(0)))
            }

            /// Two writes, each followed by a read of the other's variable.
            pub(super) fn store_buffering() -> Outcome {
                let [x, y] = vars();
                let (a, b) = (x.clone(), y.clone());
                let other = thread::spawn(move || {
                    a.store(1, SeqCst);
                    b.load(SeqCst)
                });
                y.store(1, SeqCst);
                let mine = x.load(SeqCst);
                vec![other.join().unwrap(), mine]
            }

            /// Data, then a flag.
            pub(super) fn message_passing() -> Outcome {
                let [data, flag] = vars();
                let (d, f) = (data.clone(), flag.clone());
                let sender = thread::spawn(move || {
                    d.store(1, SeqCst);
                    f.store(1, SeqCst);
                });
                let seen = vec![flag.load(SeqCst), data.load(SeqCst)];
                sender.join().unwrap();
                seen
            }

            /// Three threads with two increments each: what each found.
            pub(super) fn increments() -> Outcome {
                let [x] = vars();
                let body = |x: Arc<AtomicUsize>| move || [x.fetch_add(1, SeqCst), x.fetch_add(1, SeqCst)];
                let a = thread::spawn(body(x.clone()));
                let b = thread::spawn(body(x.clone()));
                let mut all = body(x)().to_vec();
                all.extend(a.join().unwrap());
                all.extend(b.join().unwrap());
                all
            }

            /// Who takes the lock when.
            pub(super) fn lock_order() -> Outcome {
                let turns = Arc::new(Mutex::new(Vec::new()));
                let shared = turns.clone();
                let other = thread::spawn(move || {
                    shared.lock().unwrap().push(1);
                    shared.lock().unwrap().push(1);
                });
                turns.lock().unwrap().push(0);
                turns.lock().unwrap().push(0);
                other.join().unwrap();
                let all = turns.lock().unwrap().clone();
                all
            }

            /// A queue of one place under a lock and a condition variable.
            pub(super) fn queue() -> Outcome {
                let place = Arc::new((Mutex::new(None), Condvar::new()));
                let shared = place.clone();
                let producer = thread::spawn(move || {
                    for i in 0..2 {
                        let mut slot = shared.0.lock().unwrap();
                        while slot.is_some() {
                            slot = shared.1.wait(slot).unwrap();
                        }
                        *slot = Some(i);
                        shared.1.notify_all();
                    }
                });
                let mut waits = 0;
                let mut take = || {
                    let mut slot = place.0.lock().unwrap();
                    while slot.is_none() {
                        waits += 1;
                        slot = place.1.wait(slot).unwrap();
                    }
                    place.1.notify_all();
                    slot.take().unwrap()
                };
                let taken = [take(), take()];
                producer.join().unwrap();
                vec![taken[0], taken[1], waits]
            }

            /// Two senders, one receiver.
            pub(super) fn messages() -> Outcome {
                let (tx, rx) = mpsc::channel();
                let also = tx.clone();
                let a = thread::spawn(move || also.send(1).unwrap());
                let b = thread::spawn(move || tx.send(2).unwrap());
                let got = vec![rx.recv().unwrap(), rx.recv().unwrap()];
                a.join().unwrap();
                b.join().unwrap();
                got
            }

            /// A writer between two readers.
            pub(super) fn readers() -> Outcome {
                let value = Arc::new(RwLock::new(0));
                let (a, b) = (value.clone(), value.clone());
                let writer = thread::spawn(move || *a.write().unwrap() += 1);
                let reader = thread::spawn(move || *b.read().unwrap());
                let mine = *value.read().unwrap();
                writer.join().unwrap();
                vec![mine, reader.join().unwrap()]
            }

            /// A read before the only write: tokio-rs/loom#392.
            pub(super) fn read_then_write() -> Outcome {
                let [x] = vars();
                let shared = x.clone();
                let other = thread::spawn(move || {
                    shared.load(SeqCst);
                    shared.store(1, SeqCst);
                });
                let seen = x.load(SeqCst);
                other.join().unwrap();
                vec![seen]
            }

            /// Reads whose values nobody uses.
            pub(super) fn unused_read() -> Outcome {
                let [x, y] = vars();
                let (a, b) = (x.clone(), y.clone());
                let first = thread::spawn(move || {
                    b.load(SeqCst);
                    a.store(1, SeqCst);
                });
                let (a, b) = (x.clone(), y.clone());
                let second = thread::spawn(move || {
                    a.load(SeqCst);
                    b.store(1, SeqCst);
                    a.load(SeqCst)
                });
                y.load(SeqCst);
                let mine = x.load(SeqCst);
                first.join().unwrap();
                vec![mine, second.join().unwrap()]
            }

            /// The access that matters is not the last one before.
            pub(super) fn earlier_access() -> Outcome {
                let [x, y] = vars();
                let (a, b, c) = (x.clone(), x.clone(), y.clone());
                let first = thread::spawn(move || a.load(SeqCst));
                let second = thread::spawn(move || {
                    b.load(SeqCst);
                    c.store(1, SeqCst);
                });
                let third = thread::spawn(move || {
                    if y.load(SeqCst) == 1 {
                        x.store(1, SeqCst);
                    }
                });
                second.join().unwrap();
                third.join().unwrap();
                vec![first.join().unwrap()]
            }

            /// A yield is not a promise that others go on first.
            pub(super) fn yields() -> Outcome {
                let [x] = vars();
                let shared = x.clone();
                let other = thread::spawn(move || {
                    thread::yield_now();
                    shared.store(1, SeqCst);
                });
                let seen = x.load(SeqCst);
                other.join().unwrap();
                vec![seen]
            }
        }
    };
}

programs!(selvedge);
programs!(shuttle);
programs!(loom);

/// All three agree on a program.
macro_rules! all_agree {
    ($($program:ident)*) => {$(
        #[test]
        fn $program() {
            let found = ours(selvedge::$program);
            assert!(found.len() > 1, "a program with a choice: {found:?}");
            assert_eq!(found, by_shuttle(shuttle::$program), "shuttle");
            assert_eq!(found, by_loom(loom::$program), "loom");
        }
    )*};
}

all_agree!(message_passing increments lock_order queue messages readers unused_read);

/// Loom misses some of these outcomes, or has one too many; shuttle agrees with us.
macro_rules! loom_is_wrong {
    ($($program:ident $right:expr;)*) => {$(
        #[test]
        fn $program() {
            let right = set($right);
            assert_eq!(ours(selvedge::$program), right);
            assert_eq!(by_shuttle(shuttle::$program), right, "shuttle");
            let theirs = by_loom(loom::$program);
            assert_ne!(theirs, right, "loom is right now: compare with it, too");
        }
    )*};
}

loom_is_wrong! {
    store_buffering &[&[0, 1], &[1, 0], &[1, 1]];
    read_then_write &[&[0], &[1]];
    earlier_access &[&[0], &[1]];
    yields &[&[0], &[1]];
}
