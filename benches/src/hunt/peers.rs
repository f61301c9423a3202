//! The columns of the peers, on the patterns that they can express: `benches/peers` has the same files over
//! their types.
//!
//! What a peer finds is what it panics with. A panic in which it gives up, because an execution is too long or has
//! no choice in it, is no finding. Where it reports the fixed twin as well, what it finds says nothing about the
//! bug, and the pattern is not among its. shuttle's memory is sequentially consistent, so weak patterns are not among its. All executions count, also the first, in which some strategies of shuttle take a
//! program's measure. loom is exhaustive: its order is the same for every seed.

use super::{Column, Effort, Figures, Hunt};
use selvedge_fixtures::Fixture;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler, UrwRandomScheduler};
use shuttle::{Config, FailurePersistence};
use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Words in the panics of a peer that gives up.
const GIVES_UP: [&str; 3] = ["exceeded", "exercise any concurrency", "not supported"];

/// A strategy explores `body` from a seed, at most so many executions.
type Explore = fn(body: Arc<dyn Fn() + Send + Sync>, seed: u64, executions: usize);

/// The program with the bug, and the one without.
type Twins = (fn(), fn());

struct Peer {
    column: Column,
    explore: Explore,
    seeds: fn(Effort) -> u64,
    program: fn(&Fixture) -> Option<Twins>,
}

const PEERS: [Peer; 4] = [
    shuttle("random", |body, seed, n| launch(RandomScheduler::new_from_seed(seed, n), body)),
    shuttle("pct3", |body, seed, n| launch(PctScheduler::new_from_seed(seed, 3, n), body)),
    shuttle("urw", |body, seed, n| launch(UrwRandomScheduler::new_from_seed(seed, n), body)),
    Peer {
        column: Column { engine: "loom", strategy: "exhaustive" },
        explore: |body, _, n| {
            let mut builder = loom::model::Builder::new();
            builder.max_branches = 10_000;
            // It looks at its limit only at a checkpoint, and before the execution of that number.
            builder.max_permutations = Some(n + 1);
            builder.checkpoint_interval = n + 1;
            builder.check(move || body());
        },
        seeds: |_| 1,
        program: |fixture| find(selvedge_corpus_loom::all(), fixture.name),
    },
];

const fn shuttle(strategy: &'static str, explore: Explore) -> Peer {
    Peer {
        column: Column { engine: "shuttle", strategy },
        explore,
        seeds: |effort| effort.seeds,
        program: |fixture| find(selvedge_corpus_shuttle::all().filter(|_| !fixture.weak), fixture.name),
    }
}

fn launch<S: Scheduler + 'static>(scheduler: S, body: Arc<dyn Fn() + Send + Sync>) {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    config.silence_warnings = true;
    shuttle::Runner::new(scheduler, config).run(move || body());
}

fn find(mut all: impl Iterator<Item = (&'static str, fn(), fn())>, name: &str) -> Option<Twins> {
    all.find(|&(other, ..)| other == name).map(|(_, buggy, fixed)| (buggy, fixed))
}

/// The columns, in the order of their figures.
pub(super) fn columns() -> impl Iterator<Item = Column> {
    PEERS.iter().map(|peer| peer.column)
}

/// What the peers come to on a pattern: each in a process of its own, because some end it when they find
/// something while a destructor runs. A peer that does has no figures.
pub(super) fn figures(fixture: &Fixture, effort: Effort) -> Vec<Option<Figures>> {
    let of_peer = |(nth, peer): (usize, &Peer)| {
        (peer.program)(fixture)?;
        let seeds = (peer.seeds)(effort).to_string();
        let program = env::current_exe().expect("the path of this program");
        let mut child = Command::new(program);
        child.args([COMMAND, fixture.name, &nth.to_string(), &seeds, &effort.cap.to_string()]);
        let output = child.stderr(Stdio::null()).output().expect("this program can be run again");
        let told = String::from_utf8(output.stdout).expect("it prints numbers");
        let hunts: Vec<Hunt> = told.lines().map(parse).collect();
        (output.status.success() && !hunts.is_empty()).then(|| Figures::of(&hunts))
    };
    PEERS.iter().enumerate().map(of_peer).collect()
}

/// The command by which this program runs itself for [`figures`].
pub(crate) const COMMAND: &str = "hunt-beside";

/// The other process: a line with executions and seconds for each seed, `-` if nothing was found; none at all
/// if the peer reports the fixed twin, too.
pub(crate) fn run(arguments: &[String]) {
    let [name, numbers @ ..] = arguments else { panic!("{COMMAND} is for this program itself") };
    let numbers: Vec<u64> = numbers.iter().map(|n| n.parse().expect("a number")).collect();
    let &[nth, seeds, cap] = &numbers[..] else { panic!("{COMMAND} is for this program itself") };
    let peer = &PEERS[nth as usize];
    let fixture = super::all().find(|fixture| fixture.name == name).expect("a pattern");
    let (buggy, fixed) = (peer.program)(fixture).expect("one that the peer can express");
    if reports(peer, fixed) {
        return;
    }
    for seed in 1..=seeds {
        let Hunt { executions, seconds } = hunt(peer, buggy, seed, cap);
        println!("{} {seconds}", executions.map_or_else(|| "-".to_owned(), |n| n.to_string()));
    }
}

fn parse(line: &str) -> Hunt {
    let (executions, seconds) = line.split_once(' ').expect("two numbers");
    Hunt { executions: executions.parse().ok(), seconds: seconds.parse().expect("seconds") }
}

/// Whether the peer takes a program without a bug for one with.
fn reports(peer: &Peer, fixed: fn()) -> bool {
    hunt(peer, fixed, 1, 100).executions.is_some()
}

fn hunt(peer: &Peer, program: fn(), seed: u64, cap: u64) -> Hunt {
    let ran = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&ran);
    let body = Arc::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        program();
    });
    let start = Instant::now();
    let limit = usize::try_from(cap).expect("a cap fits in memory");
    let explored = panic::catch_unwind(AssertUnwindSafe(|| (peer.explore)(body, seed, limit)));
    let seconds = start.elapsed().as_secs_f64();
    let is_found = explored.is_err_and(|payload| {
        let message = crate::measure::message(payload.as_ref());
        !GIVES_UP.iter().any(|words| message.contains(words))
    });
    Hunt { executions: is_found.then(|| ran.load(Ordering::Relaxed)), seconds }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// loom takes sequentially consistent accesses for acquiring and releasing ones, and its `unpark` before
    /// a `park` may be lost to one that waits for something else.
    const LOOM_REPORTS: [&str; 7] = [
        "pk_token_consumed",
        "pk_unpark_before_register",
        "wm_bakery_relaxed",
        "wm_eventcount_relaxed",
        "wm_peterson_acqrel",
        "wm_rcu_no_grace",
        "wm_store_buffering",
    ];

    #[test]
    fn the_peers_find_nothing_in_the_programs_without_the_bug_but_where_it_is_known() {
        crate::silence_panics();
        let (loom, shuttle) = (&PEERS[3], &PEERS[..3]);
        let by_loom = selvedge_corpus_loom::all().filter(|&(.., fixed)| reports(loom, fixed));
        let mut by_loom: Vec<&str> = by_loom.map(|(name, ..)| name).collect();
        by_loom.sort_unstable();
        let by_shuttle = selvedge_corpus_shuttle::all()
            .filter(|&(.., fixed)| shuttle.iter().any(|peer| reports(peer, fixed)));
        let by_shuttle: Vec<&str> = by_shuttle.map(|(name, ..)| name).collect();
        drop(panic::take_hook());
        assert_eq!((by_loom, by_shuttle), (LOOM_REPORTS.to_vec(), Vec::new()));
    }
}
