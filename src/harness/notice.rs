//! What the configuration has to say: why there is none, or what the user should know about it.
//!
//! Invariants: every sentence names the setting it is about, and what to do instead.

use core::fmt;

use super::shard::ShardSource;
use crate::explore::spec::StrategySpec;

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The attribute, or the builder.
    Argument,
    /// The environment.
    Variable,
}

/// Why there is no configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// A value its setting does not take.
    Value {
        /// Where it comes from.
        source: Source,
        /// The argument or variable.
        name: String,
        /// What it holds.
        value: String,
        /// What it should look like.
        expected: String,
    },
    /// A file that says something it cannot.
    File {
        /// Which.
        path: String,
        /// Where in it; 0 where it is about the whole file.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// `SELVEDGE_SHARD=auto`, and the scheduler's variables contradict each other.
    Shard(String),
    /// A bound to which the strategy does not keep.
    Bound {
        /// Its argument.
        bound: &'static str,
        /// Its value.
        value: u32,
        /// The strategy.
        strategy: StrategySpec,
        /// Strategies that do.
        expected: &'static str,
    },
    /// An argument this version of the library does not know: the attribute's crate is newer.
    UnknownArgument(String),
}

impl ConfigError {
    /// A value its setting does not take.
    pub(super) fn value(source: Source, name: &str, value: &str, expected: &str) -> ConfigError {
        let [name, value, expected] = [name, value, expected].map(str::to_owned);
        ConfigError::Value { source, name, value, expected }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Value { source: Source::Variable, name, value, expected } => {
                write!(f, "{name}={value}: expected {expected}")
            }
            ConfigError::Value { source: Source::Argument, name, value, expected } => {
                write!(f, "argument `{name}` = {value:?}: expected {expected}")
            }
            ConfigError::File { path, line: 0, problem } => write!(f, "{path}: {problem}"),
            ConfigError::File { path, line, problem } => write!(f, "{path}:{line}: {problem}"),
            ConfigError::Shard(what) => write!(f, "SELVEDGE_SHARD=auto: {what}"),
            ConfigError::Bound { bound, value, strategy, expected } => write!(
                f,
                "`{bound}` = {value} with the strategy `{strategy}`, which keeps to no such bound: expected {expected}"
            ),
            ConfigError::UnknownArgument(name) => write!(
                f,
                "unknown argument `{name}`: selvedge-macros is newer than selvedge; run `cargo update`"
            ),
        }
    }
}

impl core::error::Error for ConfigError {}

/// What the user should hear although nothing is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// What `SELVEDGE_SHARD=auto` read.
    Shard(ShardSource),
    /// Variables with our prefix that mean nothing, each with the known one closest to it.
    UnknownVariables(Vec<(String, &'static str)>),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Shard(source) => source.fmt(f),
            Notice::UnknownVariables(list) => {
                for (index, (name, closest)) in list.iter().enumerate() {
                    let separator = if index > 0 { "; " } else { "" };
                    write!(f, "{separator}unknown variable {name} is ignored; did you mean {closest}?")?;
                }
                Ok(())
            }
        }
    }
}
