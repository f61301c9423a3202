//! The rows on tokio's multi-thread scheduler, as far as it has the means: its channels know no
//! rendezvous, so "unbuffered" has room for one; those of many receivers are kanal's.
//!
//! Invariant: every row runs inside a task of the runtime.

use super::{CONNECTIONS, REQUEST, REQUESTS, Row};
use ::tokio::io::{AsyncReadExt, AsyncWriteExt};
use ::tokio::net::{TcpListener, TcpStream};
use ::tokio::sync::{Mutex, mpsc};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) fn has(row: Row) -> bool {
    !matches!(
        row,
        Row::PingPong1 | Row::Ring | Row::Select8 | Row::Hogs | Row::Hogs8 | Row::Hogs32 | Row::Blocked32
    )
}

pub(super) fn sample(row: Row, procs: usize) -> f64 {
    let runtime = ::tokio::runtime::Builder::new_multi_thread().worker_threads(procs).enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async { ::tokio::spawn(measure(row)).await }).expect("the row does not panic")
}

async fn per(count: u64, f: impl Future<Output = ()>) -> f64 {
    let start = Instant::now();
    f.await;
    start.elapsed().as_nanos() as f64 / count as f64
}

async fn measure(row: Row) -> f64 {
    match row {
        Row::SpawnAll => {
            const N: u64 = 1_000_000;
            per(N, async {
                let all: Vec<_> = (0..N).map(|_| ::tokio::spawn(async {})).collect();
                for task in all {
                    task.await.unwrap();
                }
            })
            .await
        }
        Row::SpawnJoin => {
            const N: u64 = 1_000_000;
            per(N, async {
                for _ in 0..N {
                    ::tokio::spawn(async {}).await.unwrap();
                }
            })
            .await
        }
        Row::SpawnBatch => {
            const N: u64 = 1_000_000;
            per(N, async {
                for _ in 0..N / 10_000 {
                    let all: Vec<_> = (0..10_000).map(|_| ::tokio::spawn(async {})).collect();
                    for task in all {
                        task.await.unwrap();
                    }
                }
            })
            .await
        }
        Row::PingPong => {
            const N: u64 = 1_000_000;
            let ((to, mut from), (back, mut answer)) = (mpsc::channel(1), mpsc::channel(1));
            per(N, async {
                ::tokio::spawn(async move {
                    for _ in 0..N {
                        back.send(from.recv().await.unwrap()).await.unwrap();
                    }
                });
                for i in 0..N {
                    to.send(i).await.unwrap();
                    answer.recv().await;
                }
            })
            .await
        }
        Row::Spsc => {
            const N: u64 = 2_000_000;
            let (tx, mut rx) = mpsc::channel(128);
            per(N, async {
                ::tokio::spawn(async move {
                    for i in 0..N {
                        tx.send(i).await.unwrap();
                    }
                });
                for _ in 0..N {
                    rx.recv().await;
                }
            })
            .await
        }
        Row::SameTask => {
            const N: u64 = 5_000_000;
            let (tx, mut rx) = mpsc::channel(128);
            per(N, async {
                for i in 0..N {
                    tx.send(i).await.unwrap();
                    rx.recv().await;
                }
            })
            .await
        }
        Row::Mpmc => {
            const N: u64 = 1_000_000;
            let (tx, rx) = kanal::bounded_async(128);
            per(N, async {
                let mut all = Vec::new();
                for _ in 0..4 {
                    let (tx, rx) = (tx.clone(), rx.clone());
                    all.push(::tokio::spawn(async move {
                        for i in 0..N / 4 {
                            tx.send(i).await.unwrap();
                        }
                    }));
                    all.push(::tokio::spawn(async move {
                        for _ in 0..N / 4 {
                            rx.recv().await.unwrap();
                        }
                    }));
                }
                for task in all {
                    task.await.unwrap();
                }
            })
            .await
        }
        Row::Pool => {
            const N: u64 = 500_000;
            let ((jobs, work), (done, results)) = (kanal::bounded_async(128), kanal::bounded_async(128));
            per(N, async {
                for _ in 0..8 {
                    let (work, done) = (work.clone(), done.clone());
                    ::tokio::spawn(async move {
                        while let Ok(n) = work.recv().await {
                            let n: u64 = n;
                            if done.send(n + 1).await.is_err() {
                                return;
                            }
                        }
                    });
                }
                ::tokio::spawn(async move {
                    for i in 0..N {
                        jobs.send(i).await.unwrap();
                    }
                });
                for _ in 0..N {
                    results.recv().await.unwrap();
                }
            })
            .await
        }
        Row::Yield => {
            const N: u64 = 5_000_000;
            per(N, async {
                for _ in 0..N {
                    ::tokio::task::yield_now().await;
                }
            })
            .await
        }
        Row::YieldMany => {
            const N: u64 = 5_000_000;
            per(N, async {
                let one = || async {
                    for _ in 0..N / 1000 {
                        ::tokio::task::yield_now().await;
                    }
                };
                let all: Vec<_> = (0..1000).map(|_| ::tokio::spawn(one())).collect();
                for task in all {
                    task.await.unwrap();
                }
            })
            .await
        }
        Row::Select2 => {
            const N: u64 = 500_000;
            let ((a, mut ra), (b, mut rb)) = (mpsc::channel(1), mpsc::channel(1));
            per(N, async {
                for tx in [a, b] {
                    ::tokio::spawn(async move {
                        for i in 0..N / 2 {
                            tx.send(i).await.unwrap();
                        }
                    });
                }
                for _ in 0..N {
                    ::tokio::select! {
                        Some(_) = ra.recv() => {}
                        Some(_) = rb.recv() => {}
                        else => break,
                    }
                }
            })
            .await
        }
        Row::Sieve => {
            let start = Instant::now();
            let (tx, mut rx) = mpsc::channel(1);
            ::tokio::spawn(async move {
                for i in 2_u64.. {
                    if tx.send(i).await.is_err() {
                        return;
                    }
                }
            });
            for _ in 0..2000 {
                let prime = rx.recv().await.unwrap();
                let (tx, next) = mpsc::channel(1);
                let mut from = std::mem::replace(&mut rx, next);
                ::tokio::spawn(async move {
                    while let Some(n) = from.recv().await {
                        if n % prime != 0 && tx.send(n).await.is_err() {
                            return;
                        }
                    }
                });
            }
            start.elapsed().as_secs_f64() * 1e3
        }
        Row::Mutex1 => mutex(1).await,
        Row::Mutex2 => mutex(2).await,
        Row::MutexContended => mutex(8).await,
        Row::Timers => {
            const N: u64 = 100_000;
            let before = super::cpu_time();
            let late = |i| ::tokio::time::sleep(Duration::from_micros(1000 + i * 7 % 50_000));
            let all: Vec<_> = (0..N).map(|i| ::tokio::spawn(late(i))).collect();
            for task in all {
                task.await.unwrap();
            }
            (super::cpu_time() - before).as_secs_f64() * 1e6 / N as f64
        }
        Row::Echo => echo().await,
        Row::Skynet => {
            let start = Instant::now();
            skynet(0, 1_000_000).await;
            start.elapsed().as_nanos() as f64 / 1e6
        }
        Row::Memory => {
            const N: u64 = 1_000_000;
            let before = super::resident();
            let all: Vec<_> = (0..N).map(|_| ::tokio::spawn(std::future::pending::<()>())).collect();
            ::tokio::time::sleep(Duration::from_millis(500)).await;
            let grown = super::resident() - before;
            drop(all);
            grown as f64 / N as f64
        }
        Row::PingPong1 | Row::Ring | Row::Select8 | Row::Hogs | Row::Hogs8 | Row::Hogs32 | Row::Blocked32 => {
            f64::NAN
        }
    }
}

/// Requests and answers over TCP, within this process.
async fn echo() -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    ::tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            ::tokio::spawn(async move {
                stream.set_nodelay(true).unwrap();
                let mut buffer = [0; REQUEST];
                while stream.read_exact(&mut buffer).await.is_ok() && stream.write_all(&buffer).await.is_ok()
                {
                }
            });
        }
    });
    let client = move || async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut buffer = [7; REQUEST];
        for _ in 0..REQUESTS {
            stream.write_all(&buffer).await.unwrap();
            stream.read_exact(&mut buffer).await.unwrap();
        }
    };
    per(CONNECTIONS * REQUESTS, async {
        let all: Vec<_> = (0..CONNECTIONS).map(|_| ::tokio::spawn(client())).collect();
        for task in all {
            task.await.unwrap();
        }
    })
    .await
}

async fn mutex(tasks: u64) -> f64 {
    const N: u64 = 2_000_000;
    let count = Arc::new(Mutex::new(0_u64));
    per(N, async {
        let one = || {
            let count = Arc::clone(&count);
            async move {
                for _ in 0..N / tasks {
                    *count.lock().await += 1;
                }
            }
        };
        let all: Vec<_> = (0..tasks).map(|_| ::tokio::spawn(one())).collect();
        for task in all {
            task.await.unwrap();
        }
    })
    .await
}

fn skynet(first: u64, size: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if size == 1 {
            return first;
        }
        let part = size / 10;
        let parts: Vec<_> = (0..10).map(|i| ::tokio::spawn(skynet(first + i * part, part))).collect();
        let mut sum = 0;
        for part in parts {
            sum += part.await.unwrap();
        }
        sum
    })
}
