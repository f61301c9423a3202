//! What can be typed.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Model-check Rust programs that are written like Go.
#[derive(Parser, Debug)]
#[command(name = "cargo-selvedge", bin_name = "cargo selvedge", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run the corpus of known bugs; print what was found and how fast
    Hunt(Hunt),
    /// Run the project's tests, with nextest if it is installed, and sum up what was explored
    Test(Box<Test>),
    /// Run one failing execution again, and print its whole report
    Replay(Replay),
    /// Make every decision of one execution by hand: on the keyboard, or by a program
    Step(Step),
    /// List the failures whose executions were kept
    List(List),
    /// Show a kept failure: its report, every step, or the timeline
    Show(Show),
    /// Where two executions begin to differ: by default a failing one and the nearest that passes
    Diff(Diff),
    /// Find the shortest schedule that fails as a token or a trace does
    Shrink(Shrink),
    /// Say how many executions a test has in all, and how long all of them would take
    Estimate(Estimate),
    /// Write a kept failure in a form that other tools read
    Export(Export),
    /// Merge what shards found into one verdict; of an exhaustive search, also write the next round
    Merge(Merge),
    /// Print the page of a finding; without one, list them
    Explain(Explain),
    /// Print the settings that tests start from here: `selvedge.toml`, the environment, the defaults
    Config(Config),
    /// Print the completions of a shell
    Completions {
        /// For this shell
        shell: clap_complete::Shell,
    },
}

/// Settings of the tests, as their variables.
#[derive(Args, Debug, Default)]
pub(crate) struct Flags {
    /// Executions of each test, at most
    #[arg(long, value_name = "N")]
    pub(crate) executions: Option<String>,
    /// How long each test may explore: 30s, 5m
    #[arg(long, value_name = "TIME")]
    pub(crate) time: Option<String>,
    /// Who chooses: mix, random, pct:3, optimal …
    #[arg(long, value_name = "STRATEGY")]
    pub(crate) strategy: Option<String>,
    /// Only executions with at most so many preemptions
    #[arg(long, value_name = "N")]
    pub(crate) preemptions: Option<String>,
    /// Only executions with at most so many delays
    #[arg(long, value_name = "N")]
    pub(crate) delays: Option<String>,
    /// The base seed
    #[arg(long, value_name = "SEED")]
    pub(crate) seed: Option<String>,
    /// Threads that explore a test
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<String>,
    /// This machine's part: K/N, or auto
    #[arg(long, value_name = "K/N")]
    pub(crate) shard: Option<String>,
    /// What atomic loads may read: c11 or sc
    #[arg(long, value_name = "MODEL")]
    pub(crate) memory: Option<String>,
    /// What goroutines left blocked mean: deny, warn or allow
    #[arg(long, value_name = "POLICY")]
    pub(crate) leaks: Option<String>,
    /// The form of the reports: short, full, json, github or off
    #[arg(long, value_name = "FORM")]
    pub(crate) report: Option<String>,
    /// Where the files of failing tests go
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<String>,
}

impl Flags {
    /// The variables that say the same.
    pub(crate) fn variables(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("SELVEDGE_EXECUTIONS", &self.executions),
            ("SELVEDGE_TIME", &self.time),
            ("SELVEDGE_STRATEGY", &self.strategy),
            ("SELVEDGE_PREEMPTIONS", &self.preemptions),
            ("SELVEDGE_DELAYS", &self.delays),
            ("SELVEDGE_SEED", &self.seed),
            ("SELVEDGE_JOBS", &self.jobs),
            ("SELVEDGE_SHARD", &self.shard),
            ("SELVEDGE_MEMORY", &self.memory),
            ("SELVEDGE_LEAKS", &self.leaks),
            ("SELVEDGE_REPORT", &self.report),
            ("SELVEDGE_OUT", &self.out),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }
}

#[derive(Args, Debug)]
pub(crate) struct Test {
    #[command(flatten)]
    pub(crate) flags: Flags,
    /// Use `cargo test` even if nextest is installed
    #[arg(long)]
    pub(crate) no_nextest: bool,
    /// Sum up as JSON lines, one a test
    #[arg(long)]
    pub(crate) json: bool,
    /// Arguments for cargo: packages, features, names of tests
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    pub(crate) args: Vec<String>,
}

/// One schedule of one test.
#[derive(Args, Debug)]
pub(crate) struct Scheduled {
    /// A token, a trace or a regressions file
    #[arg(value_name = "TOKEN|FILE")]
    pub(crate) what: String,
    /// The test it belongs to, if nothing in the workspace tells
    #[arg(long, value_name = "NAME")]
    pub(crate) test: Option<String>,
    /// More arguments for `cargo test`
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) args: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) run: Scheduled,
    /// Open the timeline afterwards
    #[arg(long)]
    pub(crate) open: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Step {
    /// The whole name of a test; or a token, a trace or a regressions file, whose schedule is then what each
    /// first choice follows
    #[arg(value_name = "TEST|TOKEN|FILE")]
    pub(crate) what: String,
    /// The test that a token belongs to, if nothing in the workspace tells
    #[arg(long, value_name = "NAME")]
    pub(crate) test: Option<String>,
    /// Print each choice as a line of JSON, and read an index a line
    #[arg(long)]
    pub(crate) json: bool,
    /// More arguments for `cargo test`
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) args: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct List {
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Show {
    /// A file, a test or a token; if left out, the only failure there is
    #[arg(value_name = "FILE|TEST|TOKEN")]
    pub(crate) what: Option<String>,
    /// Write the timeline to this file; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["steps", "json"])]
    pub(crate) html: Option<PathBuf>,
    /// Print every step
    #[arg(long, conflicts_with = "json")]
    pub(crate) steps: bool,
    /// Print the findings as JSON lines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Diff {
    /// A file, a test or a token
    #[arg(value_name = "LEFT")]
    pub(crate) left: String,
    /// What to compare it with; if left out, the passing execution that was kept beside it
    #[arg(value_name = "RIGHT")]
    pub(crate) right: Option<String>,
    /// How many steps to show of each
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) lines: usize,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Shrink {
    #[command(flatten)]
    pub(crate) run: Scheduled,
    /// Print one JSON object; the report is a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Estimate {
    /// The whole name of the test
    #[arg(value_name = "TEST")]
    pub(crate) test: String,
    /// How long to look
    #[arg(long, value_name = "TIME", default_value = "5s")]
    pub(crate) time: String,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// More arguments for `cargo test`
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) args: Vec<String>,
}

/// What other tools read.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// Perfetto and chrome://tracing
    Chrome,
    /// A log for ShiViz
    Shiviz,
    /// A picture for documents
    Svg,
    /// The timeline
    Html,
    /// The findings as JSON lines
    Json,
    /// Annotations of a GitHub workflow
    Github,
    /// The trace in its own format
    Jsonl,
}

#[derive(Args, Debug)]
pub(crate) struct Export {
    /// A file, a test or a token; if left out, the only failure there is
    #[arg(value_name = "FILE|TEST|TOKEN")]
    pub(crate) what: Option<String>,
    /// The form
    #[arg(long = "as", value_enum, value_name = "FORM")]
    pub(crate) form: Form,
    /// Where to write it, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// The name of a finding, as reports print it
    #[arg(value_name = "FINDING")]
    pub(crate) finding: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Config {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Hunt {
    /// Patterns to run: those whose name contains one of these; all if none is given
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,

    /// Only this section of the corpus
    #[arg(long, value_name = "SECTION")]
    pub(crate) section: Option<String>,

    /// Only patterns whose bug is found under this name, and their fixed twins
    #[arg(long, value_name = "FINDING")]
    pub(crate) slug: Option<String>,

    /// Executions to explore, at most, for each program
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) executions: u64,

    /// Print one JSON object a line, first the programs and last the summary
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Merge {
    /// What the shards wrote with `SELVEDGE_SUMMARY`: the files, or folders with them; or the folder of a round,
    /// the shards' `SELVEDGE_CHECKPOINT`
    #[arg(value_name = "FILE|DIR", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Sum up as JSON lines, one a test
    #[arg(long)]
    pub(crate) json: bool,
}

/// Our own arguments: cargo calls `cargo-selvedge selvedge …` for `cargo selvedge …`.
pub(crate) fn own(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|arg| arg == "selvedge") {
        args.remove(1);
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Hunt, clap::Error> {
        let args = line.split_whitespace().map(OsString::from);
        match Cli::try_parse_from(own(args))?.command {
            Command::Hunt(hunt) => Ok(hunt),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn cargo_and_people_call_it_differently() {
        for line in ["cargo-selvedge selvedge hunt leak", "cargo-selvedge hunt leak"] {
            assert_eq!(parse(line).unwrap().names, ["leak"]);
        }
    }

    #[test]
    fn everything_can_be_narrowed() {
        let hunt =
            parse("cargo-selvedge hunt --section seeds --slug deadlock --executions 7 --json").unwrap();
        assert_eq!(hunt.section.as_deref(), Some("seeds"));
        assert_eq!(hunt.slug.as_deref(), Some("deadlock"));
        assert_eq!((hunt.executions, hunt.json), (7, true));
    }

    #[test]
    fn what_does_not_exist_yet_is_refused() {
        for line in [
            "cargo-selvedge step",
            "cargo-selvedge",
            "cargo-selvedge replay",
            "cargo-selvedge hunt --executions 0",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
