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
    /// A million goroutines at once, spawned and joined, each.
    SpawnAll,
    /// The same, ten thousand at a time.
    SpawnBatch,
    /// One spawned and joined, again and again.
    SpawnJoin,
    /// A round trip over two channels without room.
    PingPong,
    /// The same with room for one message.
    PingPong1,
    /// A message of one sender to one receiver, room for 128.
    Spsc,
    /// The same, four to four.
    Mpmc,
    /// A send and a receive by one goroutine.
    SameTask,
    /// A yield of a goroutine that is alone.
    Yield,
    /// A yield of one among a thousand.
    YieldMany,
    /// A message through a select over two channels without room.
    Select2,
    /// The same over eight.
    Select8,
    /// A hop around a ring of a thousand goroutines.
    Ring,
    /// The first 2000 primes by a chain of filters.
    Sieve,
    /// A job through eight workers.
    Pool,
    /// Lock and unlock, by one goroutine.
    Mutex1,
    /// The same, by two.
    Mutex2,
    /// The same, by eight.
    MutexContended,
    /// CPU time of a sleep of some milliseconds, of 100 000.
    Timers,
    /// A request and its answer over TCP, each way 64 bytes, of 64 connections at a time.
    Echo,
    /// A leaf of a tree of a million goroutines.
    Skynet,
    /// What a parked goroutine needs, of a million.
    Memory,
    /// By how much a sleep is late, in the middle, while every processor computes.
    Hogs,
    /// The same behind so many that compute.
    Hogs8,
    Hogs32,
    /// The same behind so many system calls that block.
    Blocked32,
}

impl Row {
    const ALL: &[Row] = &[
        Row::SpawnAll,
        Row::SpawnBatch,
        Row::SpawnJoin,
        Row::PingPong,
        Row::PingPong1,
        Row::Spsc,
        Row::Mpmc,
        Row::SameTask,
        Row::Yield,
        Row::YieldMany,
        Row::Select2,
        Row::Select8,
        Row::Ring,
        Row::Sieve,
        Row::Pool,
        Row::Mutex1,
        Row::Mutex2,
        Row::MutexContended,
        Row::Timers,
        Row::Echo,
        Row::Skynet,
        Row::Memory,
        Row::Hogs,
        Row::Hogs8,
        Row::Hogs32,
        Row::Blocked32,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Row::SpawnAll => "spawn-all",
            Row::SpawnBatch => "spawn-batch",
            Row::SpawnJoin => "spawn-join",
            Row::PingPong => "ping-pong",
            Row::PingPong1 => "ping-pong-cap-1",
            Row::Spsc => "spsc",
            Row::Mpmc => "mpmc",
            Row::SameTask => "same-task",
            Row::Yield => "yield",
            Row::YieldMany => "yield-1000",
            Row::Select2 => "select-2",
            Row::Select8 => "select-8",
            Row::Ring => "ring-1000",
            Row::Sieve => "sieve",
            Row::Pool => "pool",
            Row::Mutex1 => "mutex-1",
            Row::Mutex2 => "mutex-2",
            Row::MutexContended => "mutex-8",
            Row::Timers => "timers",
            Row::Echo => "tcp-echo",
            Row::Skynet => "skynet",
            Row::Memory => "memory",
            Row::Hogs => "hogs",
            Row::Hogs8 => "hogs-8",
            Row::Hogs32 => "hogs-32",
            Row::Blocked32 => "blocked-32",
        }
    }

    /// The unit of its figures, and the key they have in JSON.
    fn unit(self) -> &'static str {
        match self {
            Row::Sieve => "ms",
            Row::Timers | Row::Hogs | Row::Hogs8 | Row::Hogs32 | Row::Blocked32 => "us",
            Row::Memory => "bytes",
            _ => "ns",
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
            Peer::Selvedge => true,
            // What is bound to the thread that runs a hog waits for the hog.
            Peer::Bound => !matches!(row, Row::Hogs | Row::Hogs8 | Row::Hogs32),
            Peer::Go => go::is_there(),
            Peer::Tokio => tokio::has(row),
            Peer::May => may::has(row),
            Peer::Std | Peer::Crossbeam | Peer::Flume | Peer::Kanal => threads::has(row, self.name()),
        }
    }
}

const USAGE: &str = "\
usage: selvedge-bench runtime [--json] [--rounds N] [--cpu LIST] [--only NAME]

  --json       a JSON object for each figure instead of the table: bench, procs, peer, and the figure
               under its unit (ns, us, ms or bytes); null where a peer failed or took too long
  --rounds N   samples of each figure, at least 1; without, 5
  --cpu LIST   numbers of processors, as in 1,2,4; without, 1 and 2
  --only NAME  only the row NAME, or those whose name contains it";

/// What is asked for.
struct Options {
    json: bool,
    rounds: usize,
    procs: Vec<usize>,
    rows: Vec<Row>,
}

impl Options {
    fn parse(args: impl IntoIterator<Item = String>) -> Result<Options, String> {
        let mut args = args.into_iter();
        let mut options = Options { json: false, rounds: 5, procs: vec![1, 2], rows: Row::ALL.to_vec() };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("`{arg}` needs a value\n{USAGE}"));
            match arg.as_str() {
                "--json" => options.json = true,
                "--rounds" => options.rounds = positive(&value()?, "--rounds")?,
                "--cpu" | "-cpu" => {
                    options.procs =
                        value()?.split(',').map(|n| positive(n, "--cpu")).collect::<Result<_, _>>()?;
                }
                "--only" => options.rows = rows_like(&value()?)?,
                _ => return Err(format!("unknown argument `{arg}`\n{USAGE}")),
            }
        }
        Ok(options)
    }
}

fn positive(value: &str, of: &str) -> Result<usize, String> {
    match value.trim().parse() {
        Ok(n) if n >= 1 => Ok(n),
        _ => Err(format!("`{of}` needs numbers of at least 1, not `{value}`")),
    }
}

/// The row named `wanted`, or else all whose name contains it.
fn rows_like(wanted: &str) -> Result<Vec<Row>, String> {
    if let Some(&row) = Row::ALL.iter().find(|row| row.name() == wanted) {
        return Ok(vec![row]);
    }
    let rows: Vec<Row> = Row::ALL.iter().copied().filter(|row| row.name().contains(wanted)).collect();
    if rows.is_empty() {
        let names: Vec<&str> = Row::ALL.iter().map(|row| row.name()).collect();
        return Err(format!("no row is named like `{wanted}`; there are {}", names.join(", ")));
    }
    Ok(rows)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "sample") {
        return sample(&arguments[1..]);
    }
    match Options::parse(arguments) {
        Ok(options) => {
            run(&options);
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("selvedge-bench: {message}");
            ExitCode::FAILURE
        }
    }
}

/// A sample may take so long.
const LIMIT: Duration = Duration::from_secs(60);

/// Measure and report.
fn run(options: &Options) {
    report::head(options.json);
    for &row in &options.rows {
        for &procs in &options.procs {
            let peers: Vec<Peer> = Peer::ALL.into_iter().filter(|peer| peer.has(row)).collect();
            let mut samples = vec![Vec::new(); peers.len()];
            for _ in 0..options.rounds {
                for (peer, samples) in peers.iter().zip(&mut samples) {
                    samples.extend(sample_elsewhere(*peer, row, procs));
                }
            }
            let medians: Vec<_> =
                peers.iter().zip(samples).map(|(peer, s)| (peer.name(), median(s))).collect();
            report::row(row, procs, &medians, options.json);
        }
    }
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
            command.args(["sample", peer.name(), row.name()]);
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
fn sample(arguments: &[String]) -> ExitCode {
    let [peer, row, procs] = arguments else { return ExitCode::FAILURE };
    let row = Row::ALL.iter().copied().find(|r| r.name() == row);
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

/// Connections of the echo row, requests of each, and bytes of a request.
const CONNECTIONS: u64 = 64;
const REQUESTS: u64 = 3_000;
const REQUEST: usize = 64;

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

#[cfg(test)]
mod tests {
    use super::{Options, Row};

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn options_are_read() {
        let options = parse("--json --rounds 2 --cpu 1,2,4 --only yield").unwrap();
        assert!(options.json && options.rounds == 2 && options.rows == [Row::Yield]);
        assert_eq!(options.procs, [1, 2, 4]);
        for (line, named) in [("--fast", "`--fast`"), ("--cpu 0", "`0`"), ("--only nothing", "`nothing`")] {
            let message = parse(line).err().unwrap();
            assert!(message.contains(named), "{line}: {message}");
        }
    }
}
