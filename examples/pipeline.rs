//! Readings of several sensors, in stages that hold each other back: `cargo run --example pipeline`.
//!
//! Sources send into one channel whose buffer is small: who is faster than the stages behind it waits. Counters tell
//! how far it is while it runs. Cancelled, every stage ends, whether it sends or receives.

use selvedge::chan::{Receiver, Sender};
use selvedge::context::{self, Context};
use selvedge::sync::atomic::{AtomicU64, Ordering};
use selvedge::sync::{Arc, WaitGroup};
use selvedge::time::{self, Duration, Ticker};
use selvedge::{chan, go, select};

const SOURCES: u64 = 3;
const WORKERS: usize = 2;
const ROOM: usize = 4;

/// What can be watched.
#[derive(Default)]
pub(crate) struct Metrics {
    pub(crate) ingested: AtomicU64,
    pub(crate) processed: AtomicU64,
}

#[selvedge::main]
fn main() {
    let (ctx, cancel) = context::with_timeout(&context::background(), Duration::from_millis(500));
    let _cancel = cancel.defer();
    let metrics = Arc::new(Metrics::default());
    let (stop, monitor) = watch(Arc::clone(&metrics));
    let sum = run(&ctx, &metrics, u64::MAX);
    stop.close();
    monitor.wait();
    println!("sum {sum}, {} readings", metrics.processed.load(Ordering::Relaxed));
}

/// Print the counters ten times a second.
fn watch(metrics: Arc<Metrics>) -> (Sender<()>, WaitGroup) {
    let (stop, stopped) = chan::<()>(0);
    let monitor = WaitGroup::new();
    monitor.go(move || {
        let ticker = Ticker::new(Duration::from_millis(100));
        loop {
            select! {
                recv(ticker.c()) -> _ => {}
                recv(stopped) -> _ => return,
            }
            let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            println!("{} ingested, {} processed", of(&metrics.ingested), of(&metrics.processed));
        }
    });
    (stop, monitor)
}

/// Run until each source has sent so many readings, or the context is done; the sum of what came through.
pub(crate) fn run(ctx: &Context, metrics: &Arc<Metrics>, readings: u64) -> u64 {
    let processed = process(ctx, metrics, &ingest(ctx, metrics, readings));
    processed.iter().sum()
}

/// The sources, merged.
fn ingest(ctx: &Context, metrics: &Arc<Metrics>, readings: u64) -> Receiver<u64> {
    let (merged, output) = chan(ROOM);
    let sources = WaitGroup::new();
    for source in 0..SOURCES {
        let (ctx, metrics, merged) = (ctx.clone(), Arc::clone(metrics), merged.clone());
        sources.go(move || {
            for n in 0..readings {
                if !deliver(&ctx, &merged, SOURCES * n + source) {
                    return;
                }
                metrics.ingested.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    close_after(sources, merged);
    output
}

/// The slow stage, several goroutines wide.
fn process(ctx: &Context, metrics: &Arc<Metrics>, input: &Receiver<u64>) -> Receiver<u64> {
    let (results, output) = chan(ROOM);
    let workers = WaitGroup::new();
    for _ in 0..WORKERS {
        let (ctx, metrics) = (ctx.clone(), Arc::clone(metrics));
        let (input, results) = (input.clone(), results.clone());
        workers.go(move || {
            for reading in input {
                time::sleep(Duration::from_micros(200));
                if !deliver(&ctx, &results, reading) {
                    return;
                }
                metrics.processed.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    close_after(workers, results);
    output
}

/// Close a channel when the last of its senders is through.
fn close_after(senders: WaitGroup, output: Sender<u64>) {
    go(move || {
        senders.wait();
        output.close();
    });
}

/// Hand a value on; false if nobody wants any more.
fn deliver(ctx: &Context, output: &Sender<u64>, value: u64) -> bool {
    select! {
        send(output, value) => true,
        recv(ctx.done()) -> _ => false,
    }
}
