//! Native channels: against the abstract ones in order, and under load from goroutines and threads.

use crate::chan::{Receiver, Sender};
use crate::objects::chan as abstraction;
use crate::objects::{Arm, Op, Ret, State, Step, World};
use crate::{Select, chan, go, select, time};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use selvedge_checkers::ids::Gid;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::time::Duration;

/// Counts how many of it there are.
struct Counted {
    n: usize,
    /// More than a select keeps in its arm.
    _bulk: [usize; 6],
    alive: Arc<AtomicIsize>,
}

impl Counted {
    fn new(n: usize, alive: &Arc<AtomicIsize>) -> Counted {
        alive.fetch_add(1, Ordering::SeqCst);
        Counted { n, _bulk: [n; 6], alive: Arc::clone(alive) }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        assert!(self.alive.fetch_sub(1, Ordering::SeqCst) > 0, "dropped twice");
    }
}

/// A goroutine or a thread: `n` decides.
enum Running {
    Goroutine(crate::Goroutine<()>),
    Thread(std::thread::JoinHandle<()>),
}

fn run(n: usize, f: impl FnOnce() + Send + 'static) -> Running {
    if n % 3 == 2 { Running::Thread(std::thread::spawn(f)) } else { Running::Goroutine(go(f)) }
}

fn join(all: Vec<Running>) {
    for one in all {
        match one {
            Running::Goroutine(g) => g.join().unwrap(),
            Running::Thread(t) => t.join().unwrap(),
        }
    }
}

#[derive(Clone, Debug)]
enum Step_ {
    TrySend,
    TryReceive,
    Len,
    Close,
    /// A select with a default over arms: which channel, and whether it sends.
    Select(Vec<(bool, bool)>),
}

/// The same operations, none of which waits, give the same results as the state machines of a model.
#[test]
fn one_after_the_other_it_does_what_the_abstract_channel_does() {
    let step = prop_oneof![
        4 => Just(Step_::TrySend),
        4 => Just(Step_::TryReceive),
        1 => Just(Step_::Len),
        1 => Just(Step_::Close),
        3 => prop::collection::vec((any::<bool>(), any::<bool>()), 1..4).prop_map(Step_::Select),
    ];
    let steps = prop::collection::vec((any::<bool>(), step), 0..40);
    let mut runner = TestRunner::new(Config::with_cases(300));
    runner
        .run(&((0u32..4, 0u32..4), steps), |(caps, steps)| {
            agree(caps, &steps);
            Ok(())
        })
        .unwrap();
}

fn agree(caps: (u32, u32), steps: &[(bool, Step_)]) {
    let site = Location::caller();
    let mut world = World::default();
    world.add_goroutine(None, Gid(0));
    let abstracts =
        [caps.0, caps.1].map(|cap| world.create(State::Chan(abstraction::ChanState::new(cap)), site));
    let natives = [caps.0, caps.1].map(|cap| chan::<u32>(cap as usize));
    let mut ticket = 0;
    for (first, step) in steps {
        let (ch, native) = (abstracts[usize::from(*first)], &natives[usize::from(*first)]);
        ticket += 1;
        let mut run = |op: Op, alternative| match world.step(Gid(0), &op, alternative) {
            Step::Done(ret) => ret,
            Step::Next(_) => panic!("nothing here waits"),
        };
        match step {
            Step_::TrySend => {
                let got = catch_unwind(AssertUnwindSafe(|| native.0.try_send(ticket)));
                match run(Op::TrySend { ch, ticket }, 0) {
                    Ret::Misuse(_) => assert!(got.is_err()),
                    Ret::WouldBlock => assert_eq!(got.unwrap().unwrap_err().0, ticket),
                    _ => got.unwrap().unwrap(),
                }
            }
            Step_::TryReceive => {
                let expected = match run(Op::TryReceive(ch), 0) {
                    Ret::Message(ticket) => Ok(ticket),
                    Ret::Closed => Err(super::TryRecvError::Closed),
                    _ => Err(super::TryRecvError::Empty),
                };
                assert_eq!(native.1.try_recv(), expected);
            }
            Step_::Len => {
                let Ret::Value(n) = run(Op::Len(ch), 0) else { panic!("a length") };
                assert_eq!(native.1.len() as u64, n);
            }
            Step_::Close => {
                let got = catch_unwind(AssertUnwindSafe(|| native.0.close()));
                assert_eq!(got.is_err(), matches!(run(Op::Close(ch), 0), Ret::Misuse(_)));
            }
            Step_::Select(arms) => select_agrees(&mut world, abstracts, &natives, arms, &mut ticket),
        }
    }
}

/// A biased select, so that there is one answer.
fn select_agrees(
    world: &mut World,
    abstracts: [selvedge_checkers::ids::ObjId; 2],
    natives: &[(Sender<u32>, Receiver<u32>); 2],
    arms: &[(bool, bool)],
    ticket: &mut u32,
) {
    let select = &mut world.goroutines[0].select;
    select.clear();
    (select.default, select.biased) = (true, true);
    let mut native = Select::new();
    native.biased();
    for &(second, sends) in arms {
        *ticket += 1;
        let (ch, ends) = (abstracts[usize::from(second)], &natives[usize::from(second)]);
        world.goroutines[0].select.arms.push(if sends { Arm::Send(ch, *ticket) } else { Arm::Receive(ch) });
        if sends {
            native.send(&ends.0, *ticket)
        } else {
            native.recv(&ends.1)
        };
    }
    let Step::Done(expected) = world.step(Gid(0), &Op::Select { deadline: None }, 0) else {
        panic!("a select with a default does not wait")
    };
    let got = catch_unwind(AssertUnwindSafe(|| {
        native.try_now().map(|mut done| {
            let (second, sends) = arms[done.index()];
            let message = if sends { None } else { done.recv(&natives[usize::from(second)].1) };
            (done.index() as u32, message)
        })
    }));
    match expected {
        Ret::Misuse(_) => assert!(got.is_err()),
        Ret::Arm { arm, ticket } => assert_eq!(got.unwrap(), Some((arm, ticket))),
        _ => assert_eq!(got.unwrap(), None),
    }
}

#[test]
fn messages_are_dropped_once_and_arrive_in_order() {
    for cap in [0, 1, 3, 128] {
        let alive = Arc::new(AtomicIsize::new(0));
        let (tx, rx) = chan(cap);
        let received = Arc::new(AtomicUsize::new(0));
        let senders: Vec<_> = (0..6)
            .map(|s| {
                let (tx, alive) = (tx.clone(), Arc::clone(&alive));
                run(s, move || {
                    for i in 0..500 {
                        let mut message = Counted::new(s * 1_000 + i, &alive);
                        match i % 4 {
                            0 => tx.send(message),
                            1 => {
                                while let Err(back) = tx.try_send(message) {
                                    message = back.0;
                                    std::thread::yield_now();
                                }
                            }
                            2 => {
                                while let Err(back) = tx.send_timeout(message, Duration::from_micros(50)) {
                                    message = back.0;
                                }
                            }
                            _ => select! { send(tx, message) => {} },
                        }
                    }
                })
            })
            .collect();
        let receivers: Vec<_> = (0..6)
            .map(|r| {
                let (rx, received) = (rx.clone(), Arc::clone(&received));
                run(r, move || {
                    let mut last = [0; 6];
                    loop {
                        let message = match received.load(Ordering::Relaxed) % 3 {
                            0 => rx.recv(),
                            1 => match rx.recv_timeout(Duration::from_micros(50)) {
                                Ok(message) => Some(message),
                                Err(super::RecvTimeoutError::Timeout) => continue,
                                Err(super::RecvTimeoutError::Closed) => None,
                            },
                            _ => select! { recv(rx) -> message => message },
                        };
                        let Some(message) = message else { return };
                        let (sender, nth) = (message.n / 1_000, message.n % 1_000);
                        assert!(last[sender] <= nth, "out of order");
                        last[sender] = nth;
                        received.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        join(senders);
        tx.close();
        join(receivers);
        assert_eq!(received.load(Ordering::Relaxed), 3_000);
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn selects_of_both_kinds_lose_nothing() {
    let alive = Arc::new(AtomicIsize::new(0));
    let channels: Arc<Vec<(Sender<Counted>, Receiver<Counted>)>> =
        Arc::new([0, 0, 2].into_iter().map(chan).collect());
    let (quit, stop) = chan::<()>(0);
    let (sent, received) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let all = (0..6)
        .map(|n| {
            let (channels, alive, stop) = (Arc::clone(&channels), Arc::clone(&alive), stop.clone());
            let (sent, received) = (Arc::clone(&sent), Arc::clone(&received));
            run(n, move || {
                for i in 0.. {
                    // Everybody sends on one and receives from the others, whoever is there.
                    let mut select = Select::new();
                    select.recv(&stop);
                    let from = [&channels[(n + i) % 3].1, &channels[(n + i + 1) % 3].1];
                    from.iter().for_each(|from| _ = select.recv(from));
                    select.send(&channels[(n + i + 2) % 3].0, Counted::new(i, &alive));
                    let done = if i % 5 == 0 {
                        select.wait_timeout(Duration::from_micros(20))
                    } else {
                        Some(select.wait())
                    };
                    let Some(mut done) = done else { continue };
                    match done.index() {
                        0 => return,
                        3 => _ = sent.fetch_add(1, Ordering::SeqCst),
                        // Sometimes nobody takes the message out.
                        arm => {
                            received.fetch_add(1, Ordering::SeqCst);
                            if i % 7 > 0 {
                                done.recv(from[arm - 1]).unwrap();
                            }
                        }
                    }
                }
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    quit.close();
    join(all);
    let left = channels.iter().map(|(tx, _)| tx.len()).sum::<usize>();
    assert_eq!(sent.load(Ordering::SeqCst), received.load(Ordering::SeqCst) + left);
    assert!(sent.load(Ordering::SeqCst) > 0);
    assert_eq!(alive.load(Ordering::SeqCst), left as isize);
    drop(channels);
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

#[test]
fn a_close_wakes_everybody() {
    for _ in 0..200 {
        let (tx, rx) = chan::<u32>(0);
        let receivers = (0..4)
            .map(|n| {
                let rx = rx.clone();
                run(n, move || match n {
                    0 => assert!(rx.recv_timeout(time::HOUR).is_err()),
                    1 => select! { recv(rx) -> none => assert_eq!(none, None) },
                    _ => assert_eq!(rx.recv(), None),
                })
            })
            .collect();
        tx.close();
        join(receivers);
        let (tx, rx) = chan::<Box<u32>>(1);
        tx.send(Box::new(0));
        let senders = (0..3)
            .map(|n| {
                let tx = tx.clone();
                run(n, move || {
                    let sent = catch_unwind(AssertUnwindSafe(|| match n {
                        0 => _ = tx.send_timeout(Box::new(1), time::HOUR),
                        1 => select! { send(tx, Box::new(2)) => {} },
                        _ => tx.send(Box::new(3)),
                    }));
                    let told = sent.unwrap_err();
                    assert_eq!(told.downcast_ref::<String>().unwrap(), "send on closed channel");
                })
            })
            .collect();
        tx.close();
        join(senders);
        assert_eq!(rx.recv().as_deref(), Some(&0));
        assert_eq!(rx.recv(), None);
    }
}

#[test]
fn arms_that_are_ready_are_taken_alike() {
    let channels: Vec<_> = (0..3).map(|_| chan(1)).collect();
    let mut taken = [0; 3];
    for _ in 0..3_000 {
        channels.iter().for_each(|(tx, _)| _ = tx.try_send(()));
        select! {
            recv(channels[0].1) -> _ => taken[0] += 1,
            recv(channels[1].1) -> _ => taken[1] += 1,
            recv(channels[2].1) -> _ => taken[2] += 1,
        }
    }
    assert!(taken.iter().all(|&n| (800..1_200).contains(&n)), "{taken:?}");
}

#[test]
fn timers_are_stopped_and_reset_while_they_fire() {
    let all = (0..6)
        .map(|n| {
            run(n, move || {
                let timer = time::Timer::new(Duration::from_micros(30));
                let other = timer.clone();
                for i in 0..200 {
                    if timer.stop() {
                        assert!(timer.c().try_recv().is_err(), "a tick from before the stop");
                    }
                    timer.reset(Duration::from_micros(i % 60));
                    if i % 3 == 0 {
                        assert!(timer.c().recv().is_some());
                        assert!(!other.stop());
                    } else {
                        _ = timer.c().recv_timeout(Duration::from_micros(i % 50));
                    }
                }
                drop(timer);
                let ticker = time::Ticker::new(Duration::from_micros(100));
                (0..20).for_each(|_| assert!(ticker.c().recv().is_some()));
                for _ in 0..100 {
                    select! {
                        recv(time::after(Duration::from_micros(20))) -> _ => {}
                        recv(time::after(Duration::from_micros(25))) -> _ => {}
                    }
                }
            })
        })
        .collect();
    join(all);
}
