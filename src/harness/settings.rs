//! Every setting by name: what its values look like and what they change.
//!
//! Invariants: [`SETTINGS`] is the only list of names, so a name unknown here is unknown; a value is
//! taken over whole or not at all. The order of the list is the order they are taken over in: a
//! budget before `executions`, which a budget may lift; bounds before what chooses a strategy, which may have to
//! keep to them; `exhaustive` before `strategy`, which may end it.

use std::path::PathBuf;

use super::config::{Config, DEFAULT_EXECUTIONS, ProgressMode, RegressionMode, ReportMode, StrategySpec};
use super::grammar::{self, parse_count};
use super::notice::{ConfigError, Notice, Source};
use crate::explore::base32;

/// Which part of the work is this machine's.
pub(super) const SHARD: &str = "SELVEDGE_SHARD";
/// What to run again.
pub(super) const REPLAY: &str = "SELVEDGE_REPLAY";
/// Read by [`super::shard::detect`].
pub(super) const SHARDS: &str = "SELVEDGE_SHARDS";

/// Read by the scheduler.
const OF_THE_SCHEDULER: [&str; 2] = ["SELVEDGE_SCHEDTRACE", "SELVEDGE_STACK_GUARDS"];

/// A setting by its names, and what its value does.
pub(super) struct Setting {
    /// The argument of the attribute, if there is one.
    pub(super) argument: Option<&'static str>,
    /// The environment variable, if there is one.
    pub(super) variable: Option<&'static str>,
    /// What a value looks like.
    pub(super) expected: &'static str,
    /// Takes a value over, or refuses it.
    set: fn(&mut Config, &str) -> Option<()>,
}

const fn both(
    argument: &'static str,
    variable: &'static str,
    expected: &'static str,
    set: fn(&mut Config, &str) -> Option<()>,
) -> Setting {
    Setting { argument: Some(argument), variable: Some(variable), expected, set }
}

const fn argument(
    name: &'static str,
    expected: &'static str,
    set: fn(&mut Config, &str) -> Option<()>,
) -> Setting {
    Setting { argument: Some(name), variable: None, expected, set }
}

const fn variable(
    name: &'static str,
    expected: &'static str,
    set: fn(&mut Config, &str) -> Option<()>,
) -> Setting {
    Setting { argument: None, variable: Some(name), expected, set }
}

const EXPECTED_FLAG: &str = "`true` or `false`";

/// Every setting there is. `SELVEDGE_SHARD` and `SELVEDGE_REPLAY` have more to them than a value.
pub(super) const SETTINGS: &[Setting] = &[
    both("time", "SELVEDGE_TIME", grammar::EXPECTED_DURATION, |config, text| {
        config.time = Some(grammar::parse_duration(text)?);
        config.lift_default_executions();
        Some(())
    }),
    both("delays", "SELVEDGE_DELAYS", grammar::EXPECTED_COUNT, |config, text| {
        config.bound_delays(small(text, 0)?);
        Some(())
    }),
    both("preemptions", "SELVEDGE_PREEMPTIONS", grammar::EXPECTED_COUNT, |config, text| {
        config.bound_preemptions(small(text, 0)?);
        Some(())
    }),
    argument("exhaustive", EXPECTED_FLAG, |config, text| {
        config.exhaustive = text.parse().ok()?;
        if config.exhaustive {
            config.strategy = config.searching();
            config.lift_default_executions();
        }
        Some(())
    }),
    both("strategy", "SELVEDGE_STRATEGY", StrategySpec::EXPECTED, |config, text| {
        config.strategy = StrategySpec::parse(text)?;
        // A strategy from the environment beats an attribute's `exhaustive`, which few serve.
        if config.exhaustive && !config.strategy.is_exhaustive() {
            config.exhaustive = false;
            if config.executions == u64::MAX && config.time.is_none() {
                config.executions = DEFAULT_EXECUTIONS;
            }
        }
        Some(())
    }),
    both("executions", "SELVEDGE_EXECUTIONS", grammar::EXPECTED_POSITIVE, |config, text| {
        config.executions = parse_count(text).filter(|&count| count > 0)?;
        Some(())
    }),
    both("leaks", "SELVEDGE_LEAKS", grammar::EXPECTED_LEAKS, |config, text| {
        config.leaks = grammar::parse_leaks(text)?;
        Some(())
    }),
    both("seed", "SELVEDGE_SEED", grammar::EXPECTED_SEED, |config, text| {
        config.seed = base32::decode(text)?;
        Some(())
    }),
    both("jobs", "SELVEDGE_JOBS", grammar::EXPECTED_POSITIVE, |config, text| {
        config.jobs = usize::try_from(small(text, 1)?).ok()?;
        Some(())
    }),
    both("steps", "SELVEDGE_STEPS", grammar::EXPECTED_POSITIVE, |config, text| {
        config.steps = small(text, 1)?;
        Some(())
    }),
    argument("spurious", grammar::EXPECTED_COUNT, |config, text| {
        config.spurious = small(text, 0)?;
        Some(())
    }),
    both("memory", "SELVEDGE_MEMORY", grammar::EXPECTED_MEMORY, |config, text| {
        config.memory = grammar::parse_memory(text)?;
        Some(())
    }),
    argument("timers", grammar::EXPECTED_TIMERS, |config, text| {
        config.timers = grammar::parse_timers(text)?;
        Some(())
    }),
    argument("stack", grammar::EXPECTED_STACK, |config, text| {
        config.stack = grammar::parse_stack(text)?;
        Some(())
    }),
    argument("production", EXPECTED_FLAG, |config, text| {
        config.production = text.parse().ok()?;
        Some(())
    }),
    variable("SELVEDGE_WATCHDOG", grammar::EXPECTED_DURATION, |config, text| {
        config.watchdog = grammar::parse_duration(text)?;
        Some(())
    }),
    variable("SELVEDGE_REPORT", "`short`, `full`, `json`, `github` or `off`", |config, text| {
        config.report = match text {
            "short" => ReportMode::Short,
            "full" => ReportMode::Full,
            "json" => ReportMode::Json,
            "github" => ReportMode::Github,
            "off" => ReportMode::Off,
            _ => return None,
        };
        Some(())
    }),
    variable("SELVEDGE_NODES", grammar::EXPECTED_POSITIVE, |config, text| {
        config.nodes = usize::try_from(parse_count(text)?).ok().filter(|&nodes| nodes > 0)?;
        Some(())
    }),
    variable("SELVEDGE_CHECKPOINT", "a directory", |config, text| {
        config.checkpoint = Some(PathBuf::from(text));
        Some(())
    }),
    variable("SELVEDGE_OUT", "a directory", |config, text| {
        config.out = Some(PathBuf::from(text));
        Some(())
    }),
    variable("SELVEDGE_REPAIRS", "`on` or `off`", |config, text| {
        config.repairs = Some(match text {
            "on" => true,
            "off" => false,
            _ => return None,
        });
        Some(())
    }),
    variable("SELVEDGE_SHRINK", EXPECTED_FLAG, |config, text| {
        config.shrink = text.parse().ok()?;
        Some(())
    }),
    variable("SELVEDGE_STEP", "a file", |config, text| {
        config.step = Some(PathBuf::from(text));
        Some(())
    }),
    variable("SELVEDGE_SUMMARY", "a file", |config, text| {
        config.summary = Some(PathBuf::from(text));
        Some(())
    }),
    variable("SELVEDGE_PROGRESS", "`line`, `json` or `off`", |config, text| {
        config.progress = match text {
            "line" => ProgressMode::Line,
            "json" => ProgressMode::Json,
            "off" => ProgressMode::Off,
            _ => return None,
        };
        Some(())
    }),
    variable("SELVEDGE_REGRESSIONS", "`replay`, `write` or `off`", |config, text| {
        config.regressions = match text {
            "replay" => RegressionMode::Replay,
            "write" => RegressionMode::Write,
            "off" => RegressionMode::Off,
            _ => return None,
        };
        Some(())
    }),
];

fn small(text: &str, least: u32) -> Option<u32> {
    u32::try_from(parse_count(text)?).ok().filter(|&count| count >= least)
}

impl Setting {
    /// Takes a value over, or says why not.
    pub(super) fn apply(
        &self,
        config: &mut Config,
        source: Source,
        name: &str,
        value: &str,
    ) -> Result<(), ConfigError> {
        (self.set)(config, value).ok_or_else(|| ConfigError::value(source, name, value, self.expected))
    }
}

/// One notice for all unknown variables of ours together.
pub(super) fn unknown_variables(variables: &[(String, String)]) -> Option<Notice> {
    let known: Vec<&'static str> = SETTINGS
        .iter()
        .filter_map(|setting| setting.variable)
        .chain([SHARD, REPLAY, SHARDS])
        .chain(OF_THE_SCHEDULER)
        .collect();
    let mut unknown: Vec<(String, &'static str)> = variables
        .iter()
        .filter(|(name, _)| name.starts_with("SELVEDGE_") && !known.contains(&name.as_str()))
        .filter_map(|(name, _)| Some((name.clone(), closest(name, known.iter().copied())?)))
        .collect();
    // The environment has no order of its own, and a notice should read the same every time.
    unknown.sort_unstable();
    (!unknown.is_empty()).then_some(Notice::UnknownVariables(unknown))
}

/// The name that is meant by a wrong one, most likely.
pub(super) fn closest<T: AsRef<str>>(name: &str, known: impl Iterator<Item = T>) -> Option<T> {
    known.min_by_key(|k| distance(name, k.as_ref()))
}

/// How many characters must be added, dropped or changed to get from one name to another
/// (Levenshtein's distance, one row at a time).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in to.iter().enumerate() {
            let change = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}
