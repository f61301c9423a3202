//! The scheduler beside Go, tokio, may and threads with other channels.
//!
//! Every sample is a process of its own; the peers take turns within a round, so that a change of the
//! machine's mood meets all of them. A figure is the median of its samples. Invariant: only this
//! process prints the report; the processes it starts print one number.

mod go;
mod may;
mod ours;
mod report;
mod threads;
mod tokio;

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// What is measured, in the order of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Row {
    SpawnJoin,
    SpawnBatch,
    PingPong,
    Spsc,
    Mpmc,
    Yield,
    YieldMany,
    Select2,
    Sieve,
    Pool,
    MutexContended,
    Timers,
    Skynet,
    Memory,
    Hogs,
}

impl Row {
    pub(crate) const ALL: [Row; 15] = [
        Row::SpawnJoin,
        Row::SpawnBatch,
        Row::PingPong,
        Row::Spsc,
        Row::Mpmc,
        Row::Yield,
        Row::YieldMany,
        Row::Select2,
        Row::Sieve,
        Row::Pool,
        Row::MutexContended,
        Row::Timers,
        Row::Skynet,
        Row::Memory,
        Row::Hogs,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Row::SpawnJoin => "spawn-join",
            Row::SpawnBatch => "spawn-batch",
            Row::PingPong => "ping-pong",
            Row::Spsc => "spsc",
            Row::Mpmc => "mpmc",
            Row::Yield => "yield",
            Row::YieldMany => "yield-1000",
            Row::Select2 => "select-2",
            Row::Sieve => "sieve",
            Row::Pool => "pool",
            Row::MutexContended => "mutex-8",
            Row::Timers => "timers",
            Row::Skynet => "skynet",
            Row::Memory => "memory",
            Row::Hogs => "hogs",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Row::SpawnJoin | Row::SpawnBatch => "ns/goroutine",
            Row::PingPong => "ns/round trip",
            Row::Spsc | Row::Mpmc | Row::Select2 => "ns/message",
            Row::Yield | Row::YieldMany => "ns/yield",
            Row::Sieve => "ms",
            Row::Pool => "ns/job",
            Row::MutexContended => "ns/lock",
            Row::Timers => "us of CPU/sleep",
            Row::Skynet => "ns/leaf",
            Row::Memory => "bytes/parked",
            Row::Hogs => "us late, median",
        }
    }
}

/// Who is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Peer {
    Selvedge,
    Bound,
    Go,
    Tokio,
    May,
    Std,
    Crossbeam,
    Flume,
    Kanal,
}

impl Peer {
    const ALL: [Peer; 9] = [
        Peer::Selvedge,
        Peer::Bound,
        Peer::Go,
        Peer::Tokio,
        Peer::May,
        Peer::Std,
        Peer::Crossbeam,
        Peer::Flume,
        Peer::Kanal,
    ];

    fn name(self) -> &'static str {
        match self {
            Peer::Selvedge => "selvedge",
            Peer::Bound => "selvedge-bound",
            Peer::Go => "go",
            Peer::Tokio => "tokio",
            Peer::May => "may",
            Peer::Std => "std",
            Peer::Crossbeam => "crossbeam",
            Peer::Flume => "flume",
            Peer::Kanal => "kanal",
        }
    }

    /// Whether it has the means for a row.
    fn has(self, row: Row) -> bool {
        match self {
            Peer::Selvedge | Peer::Bound => true,
            Peer::Go => go::is_there(),
            Peer::Tokio => tokio::has(row),
            Peer::May => may::has(row),
            Peer::Std | Peer::Crossbeam | Peer::Flume | Peer::Kanal => threads::has(row, self.name()),
        }
    }
}

/// How much to measure.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) json: bool,
}

/// A sample may take so long.
const LIMIT: Duration = Duration::from_secs(60);

/// Measure and report.
pub(crate) fn run(rows: &[Row], effort: Effort) -> ExitCode {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let counts: &[usize] = if processors > 1 { &[1, 2] } else { &[1] };
    report::head(effort.json);
    for &row in rows {
        for &procs in counts {
            let peers: Vec<Peer> = Peer::ALL.into_iter().filter(|peer| peer.has(row)).collect();
            let mut samples = vec![Vec::new(); peers.len()];
            for _ in 0..effort.rounds {
                for (peer, samples) in peers.iter().zip(&mut samples) {
                    samples.extend(sample_elsewhere(*peer, row, procs));
                }
            }
            let medians: Vec<_> =
                peers.iter().zip(samples).map(|(peer, s)| (peer.name(), median(s))).collect();
            report::row(row, procs, &medians, effort.json);
        }
    }
    ExitCode::SUCCESS
}

fn median(mut samples: Vec<f64>) -> Option<f64> {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied()
}

/// A sample in a process of its own; none if it fails or takes too long.
fn sample_elsewhere(peer: Peer, row: Row, procs: usize) -> Option<f64> {
    let mut command = match peer {
        Peer::Go => go::command(row)?,
        _ => {
            let mut command = Command::new(std::env::current_exe().ok()?);
            command.args(["runtime-sample", peer.name(), row.name()]);
            command.arg(procs.to_string());
            command
        }
    };
    command.env("GOMAXPROCS", procs.to_string());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let start = Instant::now();
    while child.try_wait().ok()?.is_none() {
        if start.elapsed() > LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// What a process started by [`sample_elsewhere`] does.
pub(crate) fn sample(arguments: &[String]) -> ExitCode {
    let [peer, row, procs] = arguments else { return ExitCode::FAILURE };
    let row = Row::ALL.into_iter().find(|r| r.name() == row);
    let peer = Peer::ALL.into_iter().find(|p| p.name() == peer);
    let (Some(peer), Some(row), Ok(procs)) = (peer, row, procs.parse()) else { return ExitCode::FAILURE };
    let figure = match peer {
        Peer::Selvedge => ours::sample(row, procs, true),
        Peer::Bound => ours::sample(row, procs, false),
        Peer::Tokio => tokio::sample(row, procs),
        Peer::May => may::sample(row, procs),
        Peer::Go => return ExitCode::FAILURE,
        _ => threads::sample(row, peer.name(), procs),
    };
    println!("{figure}");
    // Goroutines that never end do not keep the process.
    std::process::exit(0)
}

/// CPU time of this process so far.
fn cpu_time() -> Duration {
    // SAFETY: all zeroes is a valid `rusage`, which the call fills.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let part = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    part(usage.ru_utime) + part(usage.ru_stime)
}

/// Bytes of memory this process has.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}

/// By how many microseconds a sleep of a millisecond is late, in the middle, while others compute.
fn oversleep(sleep: impl Fn(Duration)) -> f64 {
    // What computes must have begun.
    sleep(Duration::from_millis(200));
    let mut late: Vec<f64> = (0..500)
        .map(|_| {
            let start = Instant::now();
            sleep(Duration::from_millis(1));
            (start.elapsed().as_secs_f64() - 1e-3) * 1e6
        })
        .collect();
    late.sort_by(f64::total_cmp);
    late[late.len() / 2]
}
