//! `cargo selvedge`: the command beside `cargo test`.
//!
//! Invariants: what it prints on standard output is the result and nothing else; progress goes to
//! standard error, and only if somebody watches; every way to end is a [`Code`].

mod args;
mod code;
mod hunt;
mod merge;

use args::{Cli, Command};
use clap::Parser;
use code::Code;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(args::own(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => return Code::of_clap(&error).into(),
    };
    let result = match &cli.command {
        Command::Hunt(hunt) => hunt::run(hunt),
        Command::Merge(merge) => merge::run(merge),
    };
    match result {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("error: {error}");
            Code::Internal.into()
        }
    }
}
