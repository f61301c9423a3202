//! What can be typed.

use clap::{Args, Parser, Subcommand};
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
    /// Merge what the shards of a round of an exhaustive search found, and write the next round
    Merge(Merge),
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
    /// The folder of the round: the shards' `SELVEDGE_CHECKPOINT`
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
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
        for line in ["cargo-selvedge replay sv1-X", "cargo-selvedge", "cargo-selvedge hunt --executions 0"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
