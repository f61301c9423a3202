//! The builder for those who dislike macros, and what the macro builds on.

use super::config::{Config, LeakPolicy, MemoryModel, ReportMode, StrategySpec, TimerPolicy};
use super::file;
use super::identity::{Identity, Test};
use super::outcome::Outcome;
use super::trial;
use crate::explore::plan::{Body, Observed, Observer, Sought};
use crate::report::Style;
use selvedge_checkers::finding::Finding;
use selvedge_checkers::ids::SiteRef;
use std::panic::Location;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Explores a program's interleavings.
///
/// # Examples
/// ```
/// use selvedge::{Explorer, chan, go};
/// let outcome = Explorer::new().executions(100).run(|| {
///     let (tx, rx) = chan(0);
///     go(move || tx.send(1));
///     assert_eq!(rx.recv(), Some(1));
/// });
/// assert!(outcome.is_clean(), "{outcome}");
/// ```
#[derive(Clone, Debug)]
pub struct Explorer {
    pub(super) config: Config,
    pub(super) site: SiteRef,
}

/// Explore a program with the default budget and panic, with a report, if it has a bug.
///
/// # Panics
/// If an execution fails.
#[track_caller]
pub fn check(f: impl Fn() + Send + Sync + 'static) {
    Explorer::new().check(f);
}

impl Default for Explorer {
    #[track_caller]
    fn default() -> Explorer {
        Explorer::new()
    }
}

impl Explorer {
    /// The defaults: a mix of strategies, 1000 executions, leaks denied. The base seed depends on
    /// the file of this call and not on its line, so that CI is stable from commit to commit.
    #[track_caller]
    pub fn new() -> Explorer {
        let site = Location::caller();
        Explorer { config: Config::of_test(site.file()), site }
    }

    /// Explore at most so many executions.
    pub fn executions(mut self, n: u64) -> Explorer {
        self.config.executions = n;
        self
    }

    /// Explore for at most so long.
    pub fn time(mut self, limit: Duration) -> Explorer {
        self.config.time = Some(limit);
        self.config.lift_default_executions();
        self
    }

    /// Who makes the decisions.
    pub fn strategy(mut self, strategy: StrategySpec) -> Explorer {
        self.config.strategy = strategy;
        self
    }

    /// Every behaviour there is, each once.
    pub fn exhaustive(mut self) -> Explorer {
        self.config.exhaustive = true;
        self.config.strategy = self.config.searching();
        self.config.lift_default_executions();
        self
    }

    /// Only behaviour that takes at most so many preemptions, switches away from a goroutine that could have gone
    /// on: the optimal search, unless a strategy was chosen.
    ///
    /// # Panics
    /// Running, with a strategy other than `optimal`, `frontier` and `dfs`.
    pub fn preemptions(mut self, most: u32) -> Explorer {
        self.config.bound_preemptions(most);
        self
    }

    /// Only executions in which a scheduler that lets each goroutine go on for as long as it can, and then the
    /// next by number, round and round, is made to pass over a goroutine at most so many times: *delay-bounded
    /// scheduling* (Emmi, Qadeer, Rakamarić 2011). It is `dfs` that walks them, each once. With
    /// [`preemptions`](Explorer::preemptions) both bounds hold.
    ///
    /// # Panics
    /// Running, with a strategy other than `dfs`.
    ///
    /// # Examples
    /// ```
    /// use selvedge::sync::atomic::{AtomicU64, Ordering::SeqCst};
    /// use selvedge::{Explorer, go};
    /// use std::sync::Arc;
    /// let counts = || {
    ///     let n = Arc::new(AtomicU64::new(0));
    ///     let add = |n: Arc<AtomicU64>| move || n.store(n.load(SeqCst) + 1, SeqCst);
    ///     let both = [go(add(n.clone())), go(add(n.clone()))];
    ///     both.into_iter().for_each(|h| h.join().unwrap());
    ///     assert_eq!(n.load(SeqCst), 2);
    /// };
    /// assert!(Explorer::new().exhaustive().delays(0).run(counts).is_clean());
    /// // Once the first one has loaded, the second comes before its store.
    /// assert!(!Explorer::new().exhaustive().delays(1).run(counts).is_clean());
    /// ```
    pub fn delays(mut self, most: u32) -> Explorer {
        self.config.bound_delays(most);
        self
    }

    /// The base seed.
    pub fn seed(mut self, seed: u64) -> Explorer {
        self.config.seed = seed;
        self
    }

    /// How many threads explore.
    pub fn jobs(mut self, n: usize) -> Explorer {
        self.config.jobs = n.max(1);
        self
    }

    /// Keep an exhaustive search in this folder, in a file named after the test: written every ten seconds
    /// and when the budget ends, it is where the next run goes on. A search that is over leaves no file.
    ///
    /// # Panics
    /// Running, if the file is damaged, or of another version, test or settings: the message names it.
    ///
    /// # Examples
    /// ```
    /// use selvedge::sync::atomic::{AtomicU64, Ordering::SeqCst};
    /// use selvedge::{Explorer, go};
    /// use std::sync::Arc;
    /// let folder = std::env::temp_dir().join(format!("selvedge-doc-{}", std::process::id()));
    /// let search = Explorer::new().exhaustive().checkpoint(&folder).executions(1);
    /// let program = || {
    ///     let n = Arc::new(AtomicU64::new(0));
    ///     let other = n.clone();
    ///     let h = go(move || other.store(1, SeqCst));
    ///     n.load(SeqCst);
    ///     h.join().unwrap();
    /// };
    /// assert!(!search.run(program).exhausted);
    /// let outcome = search.run(program);
    /// assert!(outcome.exhausted && outcome.executions == 2);
    /// ```
    pub fn checkpoint(mut self, folder: impl Into<PathBuf>) -> Explorer {
        self.config.checkpoint = Some(folder.into());
        self
    }

    /// How many nodes the tree of an exhaustive search may have, at some 150 bytes each; a search that needs
    /// more ends without a proof, and says so. The default is 4 194 304.
    pub fn nodes(mut self, most: usize) -> Explorer {
        self.config.nodes = most;
        self
    }

    /// Do only part `k` of `n`, counted from 1: of the executions of a strategy that samples, or of a round
    /// of an exhaustive search that is kept in a folder.
    ///
    /// # Panics
    /// If `k` is 0 or greater than `n`.
    pub fn shard(mut self, k: u32, n: u32) -> Explorer {
        assert!((1..=n).contains(&k), "shard {k} of {n}: expected 1 to {n}");
        self.config.shard = Some((k - 1, n));
        self
    }

    /// The step limit of an execution.
    pub fn steps(mut self, n: u32) -> Explorer {
        self.config.steps = n;
        self
    }

    /// How many waits of each goroutine may end, and weak exchanges fail, without a cause.
    pub fn spurious(mut self, n: u32) -> Explorer {
        self.config.spurious = n;
        self
    }

    /// What atomic loads may read.
    pub fn memory(mut self, model: MemoryModel) -> Explorer {
        self.config.memory = model;
        self
    }

    /// When timers fire.
    pub fn timers(mut self, policy: TimerPolicy) -> Explorer {
        self.config.timers = policy;
        self
    }

    /// What goroutines left blocked at the end mean.
    pub fn leaks(mut self, policy: LeakPolicy) -> Explorer {
        self.config.leaks = policy;
        self
    }

    /// The stack of each goroutine, in bytes.
    pub fn stack(mut self, bytes: usize) -> Explorer {
        self.config.stack = bytes;
        self
    }

    /// How long a goroutine may run without a visible operation.
    pub fn watchdog(mut self, limit: Duration) -> Explorer {
        self.config.watchdog = limit;
        self
    }

    /// Run exactly what a token says, or what the file of regressions at this path says.
    ///
    /// # Panics
    /// Running, if it is neither.
    pub fn replay(mut self, what: &str) -> Explorer {
        self.config.replay = Some(what.to_owned());
        self
    }

    /// Whether small changes of a program that fails are tried out, and those told of with which nothing
    /// fails ([`Outcome::repairs`]). [`check`](Explorer::check) and tests do it unless told otherwise,
    /// [`run`](Explorer::run) does not.
    ///
    /// # Examples
    /// ```
    /// use selvedge::{Explorer, chan, go};
    /// let outcome = Explorer::new().repairs(true).run(|| {
    ///     let (tx, _rx) = chan(0);
    ///     go(move || tx.send("nobody receives this"));
    /// });
    /// assert!(outcome.report.contains("help: with capacity 1 for `tx` the leak disappears in all"));
    /// ```
    pub fn repairs(mut self, tried: bool) -> Explorer {
        self.config.repairs = Some(tried);
        self
    }

    pub(super) fn identity(&self) -> Identity<'static> {
        Identity { test: None, site: self.site, kept: false }
    }

    /// How the report looks. Otherwise [`check`](Explorer::check) and tests make it as the terminal can show
    /// it, and [`run`](Explorer::run) makes it plain and 100 columns wide.
    pub fn style(mut self, style: Style) -> Explorer {
        self.config.style = Some(style);
        self
    }

    /// Which report is made; a test that passes has one, too, in the full form.
    pub fn report(mut self, mode: ReportMode) -> Explorer {
        self.config.report = mode;
        self
    }

    /// Explore, and say what came of it.
    pub fn run(&self, f: impl Fn() + Send + Sync + 'static) -> Outcome {
        let body: Body = Arc::new(f);
        trial::run(&self.config, &body, &self.identity())
    }

    /// Explore the whole budget and tell `observer` after each execution what it found. It runs on
    /// the exploring thread, between executions.
    #[doc(hidden)]
    pub fn observe(
        &self,
        f: impl Fn() + Send + Sync + 'static,
        observer: impl Fn(&Observed<'_>) + Send + Sync + 'static,
    ) -> Outcome {
        let body: Body = Arc::new(f);
        let identity = self.identity();
        trial::observe(&self.config, &body, &identity, Observer(Arc::new(observer)))
    }

    /// Explore until an execution shows a finding that is `sought`, and no further: nothing is shrunk, kept
    /// or reported. The numbers are those of the search for it; the findings are that execution's.
    #[doc(hidden)]
    pub fn seek(
        &self,
        f: impl Fn() + Send + Sync + 'static,
        sought: impl Fn(&Finding) -> bool + Send + Sync + 'static,
    ) -> Outcome {
        let body: Body = Arc::new(f);
        trial::seek(&self.config, &body, &self.identity(), Sought(Arc::new(sought)))
    }

    /// Explore, and panic with a report if an execution fails. The environment's `SELVEDGE_*` variables
    /// come before what the builder says, as they do for a test.
    ///
    /// # Panics
    /// If an execution fails, or none was explored.
    pub fn check(&self, f: impl Fn() + Send + Sync + 'static) {
        let mut config = self.config.clone();
        let notices = config.apply_environment(super::env::variables());
        for notice in notices.unwrap_or_else(|error| panic!("selvedge: {error}")) {
            super::once_a_process(&notice.to_string());
        }
        let body: Body = Arc::new(f);
        let identity = Identity { kept: true, ..self.identity() };
        let outcome = trial::run(&config, &body, &identity);
        trial::judge(&config, &identity, outcome);
    }
}

/// What `#[selvedge::test]` expands to.
///
/// # Panics
/// If an execution fails, none was explored, or the configuration makes no sense.
#[doc(hidden)]
#[track_caller]
pub fn run_attribute<R: TestResult>(test: &'static Test, arguments: &[(&str, &str)], body: fn() -> R) -> R {
    let identity = Identity { test: Some(test), site: Location::caller(), kept: true };
    let roots = identity.roots();
    let path = file::find(&roots.package, &roots.workspace);
    let resolved = path.map(|path| file::read(&path, &roots.workspace)).transpose();
    let resolved = resolved.and_then(|file| super::env::resolve(test.path, file.as_ref(), arguments));
    let resolved = resolved.unwrap_or_else(|error| trial::refuse(&error.to_string()));
    for notice in &resolved.notices {
        super::once_a_process(&notice.to_string());
    }
    if resolved.config.production {
        return super::production::run(&resolved.config, &identity, body);
    }
    let body: Body = Arc::new(move || body().verify());
    let outcome = trial::run(&resolved.config, &body, &identity);
    trial::judge(&resolved.config, &identity, outcome);
    R::passed()
}

/// What a test function may return.
#[doc(hidden)]
pub trait TestResult: 'static {
    /// What a test gives that passes.
    fn passed() -> Self;

    /// Panic if it is an error.
    fn verify(self);
}

impl TestResult for () {
    fn passed() {}

    fn verify(self) {}
}

impl<E: std::fmt::Debug + 'static> TestResult for Result<(), E> {
    fn passed() -> Self {
        Ok(())
    }

    #[track_caller]
    fn verify(self) {
        if let Err(error) = self {
            panic!("the test returned an error: {error:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_is_that_of_the_file() {
        let here = Explorer::new();
        let further_down = Explorer::new();
        assert_ne!(here.site.line(), further_down.site.line());
        assert_eq!(here.config.seed, further_down.config.seed);
        assert_ne!(here.config.seed, Config::of_test("another.rs").seed);
    }
}
