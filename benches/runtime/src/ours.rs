//! The rows on this library: goroutines and channels, in the mode in which goroutines change threads, or in the
//! safe one.
//!
//! Invariant: a row runs inside the main goroutine, and what it measures begins and ends there.

use super::{CONNECTIONS, REQUEST, REQUESTS, Row};
use selvedge::chan::Sender;
use selvedge::net::{TcpListener, TcpStream};
use selvedge::runtime::{Runtime, gosched};
use selvedge::sync::{Arc, Mutex, WaitGroup};
use selvedge::{chan, go, select, time};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// Measure a row with so many processors.
pub(super) fn sample(row: Row, procs: usize, migrates: bool) -> f64 {
    let builder = Runtime::builder().procs(procs);
    // SAFETY: the rows keep nothing that belongs to a thread across a wait.
    let builder = if migrates { unsafe { builder.migrate() } } else { builder };
    builder.run(|| measure(row)).expect("nothing was started before")
}

fn per(count: u64, f: impl FnOnce()) -> f64 {
    let start = Instant::now();
    f();
    start.elapsed().as_nanos() as f64 / count as f64
}

fn measure(row: Row) -> f64 {
    match row {
        Row::SpawnAll => {
            const N: u64 = 1_000_000;
            per(N, || {
                let all: Vec<_> = (0..N).map(|_| go(|| ())).collect();
                all.into_iter().for_each(|g| g.join().unwrap());
            })
        }
        Row::SpawnJoin => {
            const N: u64 = 1_000_000;
            per(N, || (0..N).for_each(|_| go(|| ()).join().unwrap()))
        }
        Row::SpawnBatch => {
            const N: u64 = 1_000_000;
            per(N, || {
                for _ in 0..N / 10_000 {
                    let all: Vec<_> = (0..10_000).map(|_| go(|| ())).collect();
                    all.into_iter().for_each(|g| g.join().unwrap());
                }
            })
        }
        Row::Yield => {
            const N: u64 = 5_000_000;
            per(N, || (0..N).for_each(|_| gosched()))
        }
        Row::YieldMany => {
            const N: u64 = 5_000_000;
            per(N, || {
                let all: Vec<_> = (0..1000).map(|_| go(|| (0..N / 1000).for_each(|_| gosched()))).collect();
                all.into_iter().for_each(|g| g.join().unwrap());
            })
        }
        Row::PingPong => ping_pong(0),
        Row::PingPong1 => ping_pong(1),
        Row::SameTask => {
            const N: u64 = 5_000_000;
            let (tx, rx) = chan(128);
            per(N, || {
                for i in 0..N {
                    tx.send(i);
                    rx.recv();
                }
            })
        }
        Row::Ring => ring(),
        Row::Spsc => {
            const N: u64 = 2_000_000;
            let (tx, rx) = chan(128);
            per(N, || {
                let sender = go(move || (0..N).for_each(|i| tx.send(i)));
                (0..N).for_each(|_| _ = rx.recv());
                sender.join().unwrap();
            })
        }
        Row::Mpmc => {
            const N: u64 = 1_000_000;
            let (tx, rx) = chan(128);
            per(N, || {
                let all: Vec<_> = (0..4)
                    .flat_map(|_| {
                        let (tx, rx) = (tx.clone(), rx.clone());
                        [
                            go(move || (0..N / 4).for_each(|i| tx.send(i))),
                            go(move || (0..N / 4).for_each(|_| _ = rx.recv())),
                        ]
                    })
                    .collect();
                all.into_iter().for_each(|g| g.join().unwrap());
            })
        }
        Row::Select2 => {
            const N: u64 = 500_000;
            let ((a, ra), (b, rb)) = (chan(0), chan(0));
            feed([a, b], N, || {
                select! {
                    recv(ra) -> v => _ = v,
                    recv(rb) -> v => _ = v,
                }
            })
        }
        Row::Select8 => {
            const N: u64 = 400_000;
            let (to, from): (Vec<_>, Vec<_>) = (0..8).map(|_| chan(0)).unzip();
            let [a, b, c, d, e, f, g, h] = &from[..] else { unreachable!() };
            feed(to, N, || {
                select! {
                    recv(a) -> v => _ = v,
                    recv(b) -> v => _ = v,
                    recv(c) -> v => _ = v,
                    recv(d) -> v => _ = v,
                    recv(e) -> v => _ = v,
                    recv(f) -> v => _ = v,
                    recv(g) -> v => _ = v,
                    recv(h) -> v => _ = v,
                }
            })
        }
        Row::Mutex1 => mutex(1),
        Row::Mutex2 => mutex(2),
        Row::MutexContended => mutex(8),
        Row::Echo => echo(),
        Row::Skynet => {
            let start = Instant::now();
            assert_eq!(go(|| skynet(0, 1_000_000)).join().unwrap(), 499_999_500_000);
            start.elapsed().as_nanos() as f64 / 1e6
        }
        Row::Sieve => {
            let start = Instant::now();
            let (tx, mut rx) = chan(0);
            drop(go(move || (2..u64::MAX).for_each(|i| tx.send(i))));
            for _ in 0..2000 {
                let prime = rx.recv().unwrap();
                let (tx, next) = chan(0);
                let from = std::mem::replace(&mut rx, next);
                drop(go(move || from.iter().filter(|n| n % prime != 0).for_each(|n| tx.send(n))));
            }
            start.elapsed().as_secs_f64() * 1e3
        }
        Row::Pool => {
            const N: u64 = 500_000;
            let ((jobs, work), (done, results)) = (chan(128), chan(128));
            per(N, || {
                for _ in 0..8 {
                    let (work, done) = (work.clone(), done.clone());
                    drop(go(move || work.iter().for_each(|n: u64| done.send(n + 1))));
                }
                drop(go(move || {
                    (0..N).for_each(|i| jobs.send(i));
                    jobs.close();
                }));
                (0..N).for_each(|_| _ = results.recv());
            })
        }
        Row::Timers => {
            const N: u64 = 100_000;
            let before = super::cpu_time();
            let wg = WaitGroup::new();
            for i in 0..N {
                wg.go(move || time::sleep(Duration::from_micros(1000 + i * 7 % 50_000)));
            }
            wg.wait();
            (super::cpu_time() - before).as_secs_f64() * 1e6 / N as f64
        }
        Row::Memory => {
            const N: u64 = 1_000_000;
            let before = super::resident();
            for _ in 0..N {
                drop(go(|| time::sleep(Duration::from_secs(3600))));
                // It runs to its sleep.
                gosched();
            }
            time::sleep(Duration::from_millis(200));
            (super::resident() - before) as f64 / N as f64
        }
        Row::Hogs => behind(selvedge::runtime::gomaxprocs(0), compute),
        Row::Hogs8 => behind(8, compute),
        Row::Hogs32 => behind(32, compute),
        Row::Blocked32 => behind(32, || std::thread::sleep(Duration::from_secs(3600))),
    }
}

fn compute() {
    loop {
        std::hint::spin_loop();
    }
}

/// How late a sleep is while so many goroutines are busy.
fn behind(goroutines: usize, busy: fn()) -> f64 {
    (0..goroutines).for_each(|_| drop(go(busy)));
    super::oversleep(|duration| time::sleep(duration))
}

fn ping_pong(cap: usize) -> f64 {
    const N: u64 = 1_000_000;
    let ((to, from), (back, answer)) = (chan(cap), chan(cap));
    per(N, || {
        let other = go(move || (0..N).for_each(|_| back.send(from.recv().unwrap())));
        for i in 0..N {
            to.send(i);
            answer.recv();
        }
        other.join().unwrap();
    })
}

/// `n` messages through a select, as many from each sender.
fn feed(to: impl IntoIterator<Item = Sender<u64>>, n: u64, mut receive: impl FnMut()) -> f64 {
    per(n, || {
        let to: Vec<_> = to.into_iter().collect();
        let share = n / to.len() as u64;
        let senders: Vec<_> =
            to.into_iter().map(|tx| go(move || (0..share).for_each(|i| tx.send(i)))).collect();
        (0..n).for_each(|_| receive());
        senders.into_iter().for_each(|g| g.join().unwrap());
    })
}

fn mutex(goroutines: u64) -> f64 {
    const N: u64 = 2_000_000;
    let count = Arc::new(Mutex::new(0_u64));
    per(N, || {
        let all: Vec<_> = (0..goroutines)
            .map(|_| {
                let count = Arc::clone(&count);
                go(move || (0..N / goroutines).for_each(|_| *count.lock().unwrap() += 1))
            })
            .collect();
        all.into_iter().for_each(|g| g.join().unwrap());
    })
}

/// Requests and answers over TCP, within this process.
fn echo() -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(go(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            drop(go(move || {
                stream.set_nodelay(true).unwrap();
                let mut buffer = [0; REQUEST];
                while stream.read_exact(&mut buffer).is_ok() && stream.write_all(&buffer).is_ok() {}
            }));
        }
    }));
    let client = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut buffer = [7; REQUEST];
        for _ in 0..REQUESTS {
            stream.write_all(&buffer).unwrap();
            stream.read_exact(&mut buffer).unwrap();
        }
    };
    per(CONNECTIONS * REQUESTS, || {
        let all: Vec<_> = (0..CONNECTIONS).map(|_| go(client)).collect();
        all.into_iter().for_each(|g| g.join().unwrap());
    })
}

/// Messages around a ring of a thousand.
fn ring() -> f64 {
    const ROUNDS: u64 = 1000;
    let (start, mut from) = chan(0);
    for _ in 1..1000 {
        let (tx, next) = chan(0);
        let before = std::mem::replace(&mut from, next);
        drop(go(move || before.iter().for_each(|n: u64| tx.send(n))));
    }
    per(ROUNDS * 1000, || {
        for i in 0..ROUNDS {
            start.send(i);
            from.recv();
        }
    })
}

fn skynet(first: u64, size: u64) -> u64 {
    if size == 1 {
        return first;
    }
    let part = size / 10;
    let parts: Vec<_> = (0..10).map(|i| go(move || skynet(first + i * part, part))).collect();
    parts.into_iter().map(|g| g.join().unwrap()).sum()
}
