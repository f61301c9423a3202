//! How a test explores: the defaults, what `selvedge.toml` says, its attribute, the environment.
//!
//! Invariants: a pure function of its inputs, the process environment is read elsewhere; the order of
//! precedence is replay, environment, attribute, file, default; an unknown variable of ours is never
//! ignored in silence.

use std::path::PathBuf;
use std::time::Duration;

use super::file::File;
use super::settings::{REPLAY, SETTINGS, SHARD, unknown_variables};
use super::{seed, shard};
use crate::explore::token::Token;
use crate::report::Style;

pub use super::grammar::{LeakPolicy, MemoryModel, TimerPolicy, parse_duration};
pub use super::notice::{ConfigError, Notice, Source};
pub use crate::explore::spec::StrategySpec;

/// How one test explores.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// At most so many executions. A time limit or `exhaustive` lifts the default, since "for ten
    /// minutes" and "until done" are budgets already; a number someone chose stays.
    pub executions: u64,
    /// At most so much wall time, if limited.
    pub time: Option<Duration>,
    /// Who chooses the next decision.
    pub strategy: StrategySpec,
    /// Only executions with at most so many preemptions.
    pub preemptions: Option<u32>,
    /// Only executions with at most so many delays.
    pub delays: Option<u32>,
    /// How many nodes the tree of an exhaustive search may have, at some 150 bytes each.
    pub nodes: usize,
    /// Go on until no other execution exists; ending earlier is then a failure of its own.
    pub exhaustive: bool,
    /// What goroutines left blocked at the end mean.
    pub leaks: LeakPolicy,
    /// The base seed: execution `i` runs under part `i` of its stream.
    pub seed: u64,
    /// How many workers share the exploration.
    pub jobs: usize,
    /// The step limit of one execution; reaching it is a livelock.
    pub steps: u32,
    /// At most so many spurious wake-ups of each goroutine.
    pub spurious: u32,
    /// What atomic loads may read.
    pub memory: MemoryModel,
    /// When timers fire.
    pub timers: TimerPolicy,
    /// The stack of each goroutine, in bytes.
    pub stack: usize,
    /// How long one step may run on the wall clock before the test counts as stuck.
    pub watchdog: Duration,
    /// This machine's part of the executions: its index from zero, and the number of parts.
    pub shard: Option<(u32, u32)>,
    /// The folder in which an exhaustive search keeps what it knows, to go on where it stopped.
    pub checkpoint: Option<PathBuf>,
    /// Which report is printed.
    pub report: ReportMode,
    /// How it looks, if not as the terminal can show it.
    pub style: Option<Style>,
    /// Where artefacts go, if not to their usual place under `target`.
    pub out: Option<PathBuf>,
    /// The socket at whose other end somebody makes every decision of one execution.
    pub step: Option<PathBuf>,
    /// The file to which the test adds a line of JSON that says what came of it.
    pub summary: Option<PathBuf>,
    /// Who is told how far a long exploration is.
    pub progress: ProgressMode,
    /// Say on standard error that the test panicked, as std does: nextest makes the message of a failure in its
    /// JUnit file of what follows.
    pub panic_line: bool,
    /// What happens with the regressions file.
    pub regressions: RegressionMode,
    /// A token, or the file with one: run exactly this.
    pub replay: Option<String>,
    /// Shrink what is replayed, if it fails.
    pub shrink: bool,
    /// Whether small changes of a failing program are tried out, if not only for those who read the report.
    pub repairs: Option<bool>,
    /// Run on the real scheduler instead of the model.
    pub production: bool,
}

/// Which report is printed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ReportMode {
    /// The full report of a failure, nothing for a test that passes.
    #[default]
    Default,
    /// A few lines for a failure.
    Short,
    /// The full report, and a line for a test that passes.
    Full,
    /// JSON lines.
    Json,
    /// Annotations as GitHub's workflows read them.
    Github,
    /// Nothing; the test still fails.
    Off,
}

/// Who is told how far a long exploration is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ProgressMode {
    /// Whoever sits at the terminal, if there is one.
    #[default]
    Line,
    /// A program that reads standard error.
    Json,
    /// Nobody.
    Off,
}

/// What happens with the regressions file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum RegressionMode {
    /// Its entries are replayed first.
    Replay,
    /// Its entries are replayed first, and a new failure is added.
    #[default]
    Write,
    /// It is not touched.
    Off,
}

/// How many executions a test gets that says nothing about its budget.
pub const DEFAULT_EXECUTIONS: u64 = 1_000;

impl Default for Config {
    fn default() -> Config {
        Config {
            executions: DEFAULT_EXECUTIONS,
            time: None,
            strategy: StrategySpec::default(),
            preemptions: None,
            delays: None,
            nodes: 4 << 20,
            exhaustive: false,
            leaks: LeakPolicy::default(),
            seed: 0,
            jobs: 1,
            steps: 100_000,
            spurious: 1,
            memory: MemoryModel::default(),
            timers: TimerPolicy::default(),
            stack: 256 << 10,
            watchdog: Duration::from_secs(10),
            shard: None,
            checkpoint: None,
            report: ReportMode::default(),
            style: None,
            out: None,
            step: None,
            summary: None,
            progress: ProgressMode::default(),
            panic_line: false,
            regressions: RegressionMode::default(),
            replay: None,
            shrink: false,
            repairs: None,
            production: false,
        }
    }
}

/// A configuration, and what the user should hear about how it came about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    /// The configuration.
    pub config: Config,
    /// In the order of their importance; each is worth one line, once a process.
    pub notices: Vec<Notice>,
}

/// The configuration of a test from its path, the file for it, its attribute's arguments and the
/// environment.
pub fn resolve(
    test_path: &str,
    file: Option<&File>,
    attribute: &[(&str, &str)],
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Resolved, ConfigError> {
    let mut config = Config::of_test(test_path);
    if let Some(file) = file {
        config.apply_file(file)?;
    }
    config.apply_attribute(attribute)?;
    let notices = config.apply_environment(environment)?;
    config.check_bounds()?;
    Ok(Resolved { config, notices })
}

impl Config {
    /// The defaults, with the base seed that belongs to the test's path.
    pub fn of_test(path: &str) -> Config {
        Config { seed: seed::of_path(path), ..Config::default() }
    }

    /// Whether this process does its share of a round of an exhaustive search.
    pub(super) fn is_in_rounds(&self) -> bool {
        self.strategy == StrategySpec::Optimal && self.shard.is_some() && self.checkpoint.is_some()
    }

    /// Only a search can keep to a bound, so a bound asks for one.
    pub(super) fn bound_preemptions(&mut self, most: u32) {
        self.preemptions = Some(most);
        if self.strategy == StrategySpec::Mix {
            self.strategy = self.searching();
        }
    }

    /// The same; the search of an exhaustive test is one that can keep to it.
    pub(super) fn bound_delays(&mut self, most: u32) {
        self.delays = Some(most);
        if matches!(self.strategy, StrategySpec::Mix | StrategySpec::Optimal) {
            self.strategy = self.searching();
        }
    }

    /// The strategy that comes to an end, and keeps to the bounds there are.
    pub(super) fn searching(&self) -> StrategySpec {
        if self.delays.is_some() { StrategySpec::Dfs } else { StrategySpec::Optimal }
    }

    /// Whether the strategy keeps to the bounds that were asked for.
    pub(super) fn check_bounds(&self) -> Result<(), ConfigError> {
        let strategy = self.strategy;
        let wrong = |bound, value, expected| Err(ConfigError::Bound { bound, value, strategy, expected });
        match (self.preemptions, self.delays) {
            (_, Some(n)) if !strategy.keeps_delays() => wrong("delays", n, "`dfs`"),
            (Some(n), _) if !strategy.keeps_preemptions() => {
                wrong("preemptions", n, "`optimal`, `frontier` or `dfs`")
            }
            _ => Ok(()),
        }
    }

    /// Another budget than a number of executions is given, so the default number is no limit.
    pub(super) fn lift_default_executions(&mut self) {
        if self.executions == DEFAULT_EXECUTIONS {
            self.executions = u64::MAX;
        }
    }

    /// Takes over the arguments of an attribute.
    pub fn apply_attribute(&mut self, arguments: &[(&str, &str)]) -> Result<(), ConfigError> {
        // In the order of the settings and not of the arguments, which must not matter.
        for setting in SETTINGS {
            let Some(name) = setting.argument else { continue };
            if let Some((_, value)) = arguments.iter().find(|(argument, _)| *argument == name) {
                setting.apply(self, Source::Argument, name, value)?;
            }
        }
        let says = |name: &str| arguments.iter().any(|(argument, _)| *argument == name);
        if says("strategy") {
            self.lift_bounds(!says("preemptions"), !says("delays"));
        }
        let unknown = |name: &str| !SETTINGS.iter().any(|setting| setting.argument == Some(name));
        match arguments.iter().find(|(name, _)| unknown(name)) {
            Some((name, _)) => Err(ConfigError::UnknownArgument((*name).to_owned())),
            None => Ok(()),
        }
    }

    /// Takes over the environment. Variables that are not ours are looked at only where we say so:
    /// `CI`, `NEXTEST`, and those of the schedulers that `SELVEDGE_SHARD=auto` knows. An empty value counts as
    /// unset, since many CI systems cannot express anything else.
    pub fn apply_environment(
        &mut self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Vec<Notice>, ConfigError> {
        let variables: Vec<(String, String)> =
            environment.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect();
        let get = |name: &str| {
            variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim().to_owned())
        };
        let mut notices = Vec::new();
        if get("CI").is_some_and(|value| value != "false" && value != "0") {
            self.regressions = RegressionMode::Replay;
        }
        self.panic_line = get("NEXTEST").is_some();
        for setting in SETTINGS {
            let Some(name) = setting.variable else { continue };
            if let Some(value) = get(name) {
                setting.apply(self, Source::Variable, name, &value)?;
            }
        }
        if get("SELVEDGE_STRATEGY").is_some() {
            self.lift_bounds(get("SELVEDGE_PREEMPTIONS").is_none(), get("SELVEDGE_DELAYS").is_none());
        }
        if let Some(value) = get(SHARD) {
            notices.extend(self.apply_shard(&value, &get)?);
        }
        if let Some(value) = get(REPLAY) {
            self.apply_replay(&value)?;
        }
        notices.extend(unknown_variables(&variables));
        Ok(notices)
    }

    /// A strategy beats bounds that come from further away, the environment's an attribute's and that one's the file's:
    /// of these bounds, those that it does not keep to.
    fn lift_bounds(&mut self, preemptions: bool, delays: bool) {
        if preemptions && !self.strategy.keeps_preemptions() {
            self.preemptions = None;
        }
        if delays && !self.strategy.keeps_delays() {
            self.delays = None;
        }
    }

    fn apply_shard(
        &mut self,
        value: &str,
        get: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Notice>, ConfigError> {
        if value == "auto" {
            let source = shard::detect(get).map_err(ConfigError::Shard)?;
            self.shard = source.shard;
            return Ok(Some(Notice::Shard(source)));
        }
        let wrong = || ConfigError::value(Source::Variable, SHARD, value, shard::EXPECTED);
        self.shard = Some(shard::parse(value).ok_or_else(wrong)?);
        Ok(None)
    }

    /// A replay is one execution that is already decided: whatever would choose, share out or end
    /// it otherwise is set aside.
    fn apply_replay(&mut self, value: &str) -> Result<(), ConfigError> {
        let is_token = value.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("sv1"));
        if is_token && !value.contains(['/', '\\', '.']) {
            Token::decode(value).map_err(|error| {
                ConfigError::value(Source::Variable, REPLAY, value, &format!("a token or a file; {error}"))
            })?;
        }
        self.replay = Some(value.to_owned());
        self.executions = 1;
        self.time = None;
        self.exhaustive = false;
        self.preemptions = None;
        self.delays = None;
        self.strategy = StrategySpec::default();
        self.jobs = 1;
        self.shard = None;
        self.regressions = RegressionMode::Off;
        Ok(())
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
