//! `cargo selvedge`: the command beside `cargo test`.
//!
//! Invariants: what it prints on standard output is the result and nothing else; progress goes to
//! standard error, and only if somebody watches; every way to end is a [`Code`].

mod args;
mod cargo;
mod code;
mod config;
mod estimate;
mod explain;
mod hunt;
mod merge;
mod offline;
mod place;
mod progress;
mod run;
mod shrink;
mod step;
mod target;
mod watch;
mod words;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use code::Code;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(args::own(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => return Code::of_clap(&error).into(),
    };
    let result = match &cli.command {
        Command::Hunt(hunt) => hunt::run(hunt),
        Command::Test(test) => run::test(test),
        Command::Replay(replay) => run::replay(replay),
        Command::Step(step) => step::run(step),
        Command::List(list) => offline::list(list),
        Command::Show(show) => offline::show(show),
        Command::Diff(diff) => offline::diff(diff),
        Command::Shrink(shrink) => shrink::run(shrink),
        Command::Estimate(estimate) => estimate::run(estimate),
        Command::Export(export) => offline::export(export),
        Command::Merge(merge) => merge::run(merge),
        Command::Explain(explain) => explain::run(explain),
        Command::Config(config) => config::run(config),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "cargo-selvedge", &mut std::io::stdout());
            Ok(Code::Clean)
        }
    };
    match result {
        Ok(code) => code.into(),
        // Whoever reads has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Code::Clean.into(),
        Err(error) => {
            eprintln!("error: {error}");
            Code::Internal.into()
        }
    }
}
