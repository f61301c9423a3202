//! The rows on OS threads, with the channels people use there.
//!
//! Invariant: with one processor the process is held on one, as far as the system can.

use super::Row;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Instant;

pub(super) fn has(row: Row, channels: &str) -> bool {
    match row {
        Row::SpawnJoin | Row::Yield | Row::MutexContended | Row::Mutex1 | Row::Mutex2 => channels == "std",
        Row::PingPong | Row::Spsc => true,
        Row::Mpmc | Row::Pool => channels != "std",
        _ => false,
    }
}

fn per(count: u64, f: impl FnOnce()) -> f64 {
    let start = Instant::now();
    f();
    start.elapsed().as_nanos() as f64 / count as f64
}

/// Any of the channels.
trait Send_: Send + Clone + 'static {
    fn send(&self, value: u64);
}

trait Receive: Send + 'static {
    fn receive(&self) -> Option<u64>;
}

macro_rules! channel {
    ($tx:ty, $rx:ty) => {
        impl Send_ for $tx {
            fn send(&self, value: u64) {
                <$tx>::send(self, value).expect("somebody receives");
            }
        }

        impl Receive for $rx {
            fn receive(&self) -> Option<u64> {
                self.recv().ok()
            }
        }
    };
}

channel!(mpsc::SyncSender<u64>, mpsc::Receiver<u64>);
channel!(crossbeam_channel::Sender<u64>, crossbeam_channel::Receiver<u64>);
channel!(flume::Sender<u64>, flume::Receiver<u64>);
channel!(kanal::Sender<u64>, kanal::Receiver<u64>);

pub(super) fn sample(row: Row, channels: &str, procs: usize) -> f64 {
    if procs == 1 {
        hold_on_one();
    }
    match (row, channels) {
        (Row::SpawnJoin, _) => {
            const N: u64 = 20_000;
            per(N, || (0..N).for_each(|_| thread::spawn(|| ()).join().unwrap()))
        }
        (Row::Yield, _) => {
            const N: u64 = 1_000_000;
            per(N, || (0..N).for_each(|_| thread::yield_now()))
        }
        (Row::Mutex1, _) => mutex(1),
        (Row::Mutex2, _) => mutex(2),
        (Row::MutexContended, _) => mutex(8),
        (Row::PingPong, "std") => ping_pong(mpsc::sync_channel),
        (Row::PingPong, "crossbeam") => ping_pong(crossbeam_channel::bounded),
        (Row::PingPong, "flume") => ping_pong(flume::bounded),
        (Row::PingPong, "kanal") => ping_pong(kanal::bounded),
        (Row::Spsc, "std") => spsc(mpsc::sync_channel),
        (Row::Spsc, "crossbeam") => spsc(crossbeam_channel::bounded),
        (Row::Spsc, "flume") => spsc(flume::bounded),
        (Row::Spsc, "kanal") => spsc(kanal::bounded),
        (Row::Mpmc, "crossbeam") => mpmc(crossbeam_channel::bounded),
        (Row::Mpmc, "flume") => mpmc(flume::bounded),
        (Row::Mpmc, "kanal") => mpmc(kanal::bounded),
        (Row::Pool, "crossbeam") => pool(crossbeam_channel::bounded),
        (Row::Pool, "flume") => pool(flume::bounded),
        (Row::Pool, "kanal") => pool(kanal::bounded),
        _ => f64::NAN,
    }
}

fn ping_pong<S: Send_, R: Receive>(channel: fn(usize) -> (S, R)) -> f64 {
    const N: u64 = 100_000;
    let ((to, from), (back, answer)) = (channel(0), channel(0));
    per(N, || {
        let other = thread::spawn(move || (0..N).for_each(|_| back.send(from.receive().unwrap())));
        for i in 0..N {
            to.send(i);
            answer.receive();
        }
        other.join().unwrap();
    })
}

fn spsc<S: Send_, R: Receive>(channel: fn(usize) -> (S, R)) -> f64 {
    const N: u64 = 1_000_000;
    let (tx, rx) = channel(128);
    per(N, || {
        let sender = thread::spawn(move || (0..N).for_each(|i| tx.send(i)));
        (0..N).for_each(|_| _ = rx.receive());
        sender.join().unwrap();
    })
}

fn mpmc<S: Send_, R: Receive + Clone>(channel: fn(usize) -> (S, R)) -> f64 {
    const N: u64 = 1_000_000;
    let (tx, rx) = channel(128);
    per(N, || {
        let all: Vec<_> = (0..4)
            .flat_map(|_| {
                let (tx, rx) = (tx.clone(), rx.clone());
                [
                    thread::spawn(move || (0..N / 4).for_each(|i| tx.send(i))),
                    thread::spawn(move || (0..N / 4).for_each(|_| _ = rx.receive())),
                ]
            })
            .collect();
        all.into_iter().for_each(|t| t.join().unwrap());
    })
}

fn pool<S: Send_, R: Receive + Clone>(channel: fn(usize) -> (S, R)) -> f64 {
    const N: u64 = 200_000;
    let ((jobs, work), (done, results)) = (channel(128), channel(128));
    per(N, || {
        for _ in 0..8 {
            let (work, done) = (work.clone(), done.clone());
            thread::spawn(move || {
                while let Some(n) = work.receive() {
                    done.send(n + 1);
                }
            });
        }
        let sender = thread::spawn(move || (0..N).for_each(|i| jobs.send(i)));
        (0..N).for_each(|_| _ = results.receive());
        sender.join().unwrap();
    })
}

fn hold_on_one() {
    #[cfg(target_os = "linux")]
    // SAFETY: all zeroes is an empty set; the call reads it and changes this process only.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(0, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
}

fn mutex(threads: u64) -> f64 {
    const N: u64 = 2_000_000;
    let count = Arc::new(Mutex::new(0_u64));
    per(N, || {
        let all: Vec<_> = (0..threads)
            .map(|_| {
                let count = Arc::clone(&count);
                thread::spawn(move || (0..N / threads).for_each(|_| *count.lock().unwrap() += 1))
            })
            .collect();
        all.into_iter().for_each(|t| t.join().unwrap());
    })
}
