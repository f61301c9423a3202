//! Measures this library beside loom and shuttle, on the same programs in the same process. Only the
//! report goes to stdout; the exit code is 1 when an argument is not understood or a program fails.

mod measure;
mod ours;
mod peers;
mod programs;
mod table;

use measure::{Effort, Figures, Row};
use programs::Program;
use std::io::IsTerminal;
use std::panic;
use std::process::ExitCode;

const USAGE: &str = "\
usage: selvedge-bench model [--json] [--rounds N] [--quick] [--only NAME]

  --json       one JSON object a line instead of the table
  --rounds N   samples of each row, at least 1
  --quick      tiny samples: shows that every row runs, measures nothing
  --only NAME  only the program NAME, or those whose name contains it";

struct Options {
    json: bool,
    effort: Effort,
    programs: Vec<Program>,
}

impl Options {
    fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut args = args.into_iter();
        match args.next() {
            Some(command) if command == "model" => {}
            Some(command) => return Err(format!("unknown command `{command}`\n{USAGE}")),
            None => return Err(format!("a command is missing\n{USAGE}")),
        }
        let (mut json, mut quick, mut rounds, mut only) = (false, false, None, None);
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("`{arg}` needs a value\n{USAGE}"));
            match arg.as_str() {
                "--json" => json = true,
                "--quick" => quick = true,
                "--rounds" => rounds = Some(parse_rounds(&value()?)?),
                "--only" => only = Some(value()?),
                _ => return Err(format!("unknown argument `{arg}`\n{USAGE}")),
            }
        }
        let mut effort = if quick { Effort::QUICK } else { Effort::FULL };
        effort.rounds = rounds.unwrap_or(effort.rounds);
        Ok(Options { json, effort, programs: select(only.as_deref())? })
    }
}

fn parse_rounds(value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(rounds) if rounds >= 1 => Ok(rounds),
        _ => Err(format!("`--rounds` needs a number of at least 1, not `{value}`")),
    }
}

/// The program named `only`, or else all whose name contains it; naming none is an error that lists
/// them all.
fn select(only: Option<&str>) -> Result<Vec<Program>, String> {
    let wanted = only.unwrap_or_default();
    if let Some(program) = Program::ALL.into_iter().find(|program| program.name() == wanted) {
        return Ok(vec![program]);
    }
    let programs: Vec<Program> =
        Program::ALL.into_iter().filter(|program| program.name().contains(wanted)).collect();
    if programs.is_empty() {
        let names: Vec<&str> = Program::ALL.iter().map(|program| program.name()).collect();
        return Err(format!("no program is named like `{wanted}`; there are {}", names.join(", ")));
    }
    Ok(programs)
}

/// Silences the panic hook. Both peers install a hook of their own at their first run and chain it
/// to what they find, and loom ends each thread by a panic; so they run once before, and ours is the
/// last. A failing program is reported from the payload of its panic.
fn silence_panics() {
    peers::loom::prime();
    peers::shuttle::prime();
    panic::set_hook(Box::new(|_| {}));
}

fn rows(program: Program) -> Vec<Row> {
    let mut rows = ours::rows(program);
    rows.extend(peers::shuttle::rows(program));
    rows.extend(peers::loom::rows(program));
    rows
}

fn measure(options: &Options) -> Result<Vec<Figures>, String> {
    silence_panics();
    let progress = std::io::stderr().is_terminal();
    let mut figures = Vec::new();
    for &program in &options.programs {
        if progress {
            eprintln!("measuring {}", program.name());
        }
        figures.extend(measure::measure(rows(program), &options.effort)?);
    }
    // The default hook again: from here on a panic is ours.
    drop(panic::take_hook());
    Ok(figures)
}

fn main() -> ExitCode {
    let report = Options::parse(std::env::args().skip(1)).and_then(|options| {
        let figures = measure(&options)?;
        Ok(if options.json { table::json(&figures) } else { table::text(&figures) })
    });
    match report {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("selvedge-bench: {message}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn options_are_read_in_any_order() {
        let options = parse("model --only condvar --rounds 3 --quick --json").unwrap();
        assert!(options.json);
        assert_eq!(options.effort.rounds, 3);
        assert_eq!(options.programs, [Program::Condvar1, Program::Condvar2, Program::Condvar3]);
        assert_eq!(parse("model --only spawn-join-1").unwrap().programs, [Program::Spawn1]);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, named) in [
            ("", "command is missing"),
            ("run", "`run`"),
            ("model --fast", "`--fast`"),
            ("model --rounds", "`--rounds`"),
            ("model --rounds 0", "`0`"),
            ("model --only nothing", "`nothing`"),
        ] {
            let message = parse(line).err().unwrap();
            assert!(message.contains(named), "{line}: {message}");
        }
    }
}
