//! `cargo selvedge hunt`: every program of the corpus, and whether what is found is what is there.
//!
//! Invariants: programs run one after the other in the order of the catalogue; the verdict on a program is that
//! of the test of the corpus: the findings' names and places, who is stuck and in what.

mod json;
mod select;
mod table;
mod verdict;

use crate::args::Hunt;
use crate::code::Code;
use selvedge::Explorer;
use selvedge::harness::terminal;
use selvedge_fixtures::Fixture;
use std::io::{self, Write};
use verdict::{Result, Summary};

/// Where results go while they come in.
trait Printer {
    fn result(&mut self, out: &mut dyn Write, result: &Result) -> io::Result<()>;
    fn summary(&mut self, out: &mut dyn Write, summary: &Summary) -> io::Result<()>;
}

/// Run what was asked for.
pub(crate) fn run(hunt: &Hunt) -> io::Result<Code> {
    match hunt_and_print(hunt) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Code::Clean),
        result => result,
    }
}

fn hunt_and_print(hunt: &Hunt) -> io::Result<Code> {
    let fixtures = match select::fixtures(hunt) {
        Ok(fixtures) => fixtures,
        Err(reason) => {
            eprintln!("error: {reason}");
            return Ok(Code::Usage);
        }
    };
    let mut printer: Box<dyn Printer> =
        if hunt.json { Box::new(json::Json) } else { Box::new(table::Table::of(&fixtures)) };
    let mut out = io::stdout().lock();
    let mut summary = Summary::default();
    let watched = terminal::is_watched(&io::stderr());
    for (done, fixture) in fixtures.iter().enumerate() {
        progress(watched, done, fixtures.len(), fixture.name);
        let result = explore(fixture, hunt.executions);
        progress(watched, done, fixtures.len(), "");
        printer.result(&mut out, &result)?;
        summary.count(&result);
    }
    printer.summary(&mut out, &summary)?;
    Ok(if summary.is_clean() { Code::Clean } else { Code::Findings })
}

fn explore(fixture: &'static Fixture, executions: u64) -> Result {
    // The seed is that of no other place, so that a hunt finds today what it found yesterday.
    let outcome = Explorer::new().seed(1).executions(executions).run(fixture.run);
    Result::new(fixture, &outcome)
}

/// One line on the terminal that the next one overwrites.
fn progress(watched: bool, done: usize, all: usize, what: &str) {
    if watched {
        match what {
            "" => eprint!("\r\x1b[K"),
            name => eprint!("\r\x1b[K{}/{all} {name}", done + 1),
        }
    }
}
