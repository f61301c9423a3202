//! The rows on may's coroutines, as far as it has the means: its channels have no bound.
//!
//! Invariant: every row runs inside a coroutine.

use super::{CONNECTIONS, REQUEST, REQUESTS, Row};
use ::may::net::{TcpListener, TcpStream};
use ::may::sync::{Mutex, mpsc};
use ::may::{coroutine, go};
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Instant;

pub(super) fn has(row: Row) -> bool {
    matches!(
        row,
        Row::SpawnJoin
            | Row::PingPong
            | Row::Spsc
            | Row::Yield
            | Row::YieldMany
            | Row::Mutex1
            | Row::Mutex2
            | Row::MutexContended
            | Row::Echo
    )
}

pub(super) fn sample(row: Row, procs: usize) -> f64 {
    ::may::config().set_workers(procs);
    go!(move || measure(row)).join().expect("the row does not panic")
}

fn per(count: u64, f: impl FnOnce()) -> f64 {
    let start = Instant::now();
    f();
    start.elapsed().as_nanos() as f64 / count as f64
}

fn measure(row: Row) -> f64 {
    match row {
        Row::SpawnJoin => {
            const N: u64 = 100_000;
            per(N, || (0..N).for_each(|_| go!(|| ()).join().unwrap()))
        }
        Row::PingPong => {
            const N: u64 = 1_000_000;
            let ((to, from), (back, answer)) = (mpsc::channel(), mpsc::channel());
            per(N, || {
                go!(move || (0..N).for_each(|_| back.send(from.recv().unwrap()).unwrap()));
                for i in 0..N {
                    to.send(i).unwrap();
                    answer.recv().unwrap();
                }
            })
        }
        Row::Spsc => {
            const N: u64 = 2_000_000;
            let (tx, rx) = mpsc::channel();
            per(N, || {
                go!(move || (0..N).for_each(|i| tx.send(i).unwrap()));
                (0..N).for_each(|_| _ = rx.recv());
            })
        }
        Row::Yield => {
            const N: u64 = 5_000_000;
            per(N, || (0..N).for_each(|_| coroutine::yield_now()))
        }
        Row::YieldMany => {
            const N: u64 = 5_000_000;
            per(N, || {
                let one = || (0..N / 1000).for_each(|_| coroutine::yield_now());
                let all: Vec<_> = (0..1000).map(|_| go!(one)).collect();
                all.into_iter().for_each(|co| co.join().unwrap());
            })
        }
        Row::Mutex1 => mutex(1),
        Row::Mutex2 => mutex(2),
        Row::MutexContended => mutex(8),
        Row::Echo => echo(),
        _ => f64::NAN,
    }
}

/// Requests and answers over TCP, within this process.
fn echo() -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    go!(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            go!(move || {
                stream.set_nodelay(true).unwrap();
                let mut buffer = [0; REQUEST];
                while stream.read_exact(&mut buffer).is_ok() && stream.write_all(&buffer).is_ok() {}
            });
        }
    });
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
        let all: Vec<_> = (0..CONNECTIONS).map(|_| go!(client)).collect();
        all.into_iter().for_each(|co| co.join().unwrap());
    })
}

fn mutex(coroutines: u64) -> f64 {
    const N: u64 = 2_000_000;
    let count = Arc::new(Mutex::new(0_u64));
    per(N, || {
        let all: Vec<_> = (0..coroutines)
            .map(|_| {
                let count = Arc::clone(&count);
                go!(move || (0..N / coroutines).for_each(|_| *count.lock().unwrap() += 1))
            })
            .collect();
        all.into_iter().for_each(|t| t.join().unwrap());
    })
}
