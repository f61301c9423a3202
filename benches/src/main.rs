//! Measures this library beside loom and shuttle, on the same programs in the same process. Only the
//! report goes to stdout; the exit code is 1 when an argument is not understood, a program fails, an
//! exhaustive search does not run each trace once, or a bug of the corpus is missed or taken for another.

mod exhaust;
mod hunt;
mod measure;
mod ours;
mod peers;
mod programs;
mod table;

use measure::{Effort, Figures, Row};
use programs::Program;
use selvedge_fixtures::Fixture;
use std::io::IsTerminal;
use std::panic;
use std::process::{self, ExitCode};

const USAGE: &str = "\
usage: selvedge-bench model   [--json] [--rounds N] [--quick] [--only NAME]
       selvedge-bench exhaust [--json] [--quick] [--only NAME]
       selvedge-bench hunt    [--json] [--quick] [--only NAME]
       selvedge-bench runtime [--json] [--rounds N] [--cpu LIST] [--only NAME]

model      executions per second of every strategy, beside the peers
exhaust    executions of the exhaustive search against the number of traces, beside the peers
hunt       executions and time of every strategy to the bugs of the corpus, beside the peers
runtime    goroutines and channels outside of a model, beside Go, tokio, may and threads: runs the package
           selvedge-bench-runtime, which is built without the feature `check`

  --json       one JSON object a line instead of the table
  --rounds N   samples of each row, at least 1
  --quick      tiny samples: shows that every row runs, measures nothing; of exhaust the small programs,
               of hunt one seed
  --only NAME  only the program NAME, or those whose name contains it";

/// What is asked for.
enum Job {
    Model { effort: Effort, programs: Vec<Program> },
    Exhaust { effort: exhaust::Effort, programs: Vec<&'static exhaust::Program> },
    Hunt { effort: hunt::Effort, programs: Vec<&'static Fixture> },
}

/// The commands.
#[derive(Clone, Copy, PartialEq)]
enum Command {
    Model,
    Exhaust,
    Hunt,
}

struct Options {
    json: bool,
    job: Job,
}

impl Options {
    fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut args = args.into_iter();
        let command = match args.next() {
            Some(command) if command == "model" => Command::Model,
            Some(command) if command == "exhaust" => Command::Exhaust,
            Some(command) if command == "hunt" => Command::Hunt,
            Some(command) => return Err(format!("unknown command `{command}`\n{USAGE}")),
            None => return Err(format!("a command is missing\n{USAGE}")),
        };
        let (mut json, mut quick, mut rounds, mut only) = (false, false, None, String::new());
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("`{arg}` needs a value\n{USAGE}"));
            match arg.as_str() {
                "--json" => json = true,
                "--quick" => quick = true,
                "--rounds" if command == Command::Model => rounds = Some(parse_rounds(&value()?)?),
                "--only" => only = value()?,
                _ => return Err(format!("unknown argument `{arg}`\n{USAGE}")),
            }
        }
        let job = match command {
            Command::Exhaust => {
                let effort = if quick { exhaust::Effort::QUICK } else { exhaust::Effort::FULL };
                let all = exhaust::all().filter(|program| effort.covers(program));
                Job::Exhaust { effort, programs: select(all, |program| program.name, &only)? }
            }
            Command::Hunt => Job::Hunt {
                effort: if quick { hunt::Effort::QUICK } else { hunt::Effort::FULL },
                programs: select(hunt::all(), |program| program.name, &only)?,
            },
            Command::Model => {
                let mut effort = if quick { Effort::QUICK } else { Effort::FULL };
                effort.rounds = rounds.unwrap_or(effort.rounds);
                let programs = select(Program::ALL.into_iter(), |program| program.name(), &only)?;
                Job::Model { effort, programs }
            }
        };
        Ok(Options { json, job })
    }
}

fn parse_rounds(value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(rounds) if rounds >= 1 => Ok(rounds),
        _ => Err(format!("`--rounds` needs a number of at least 1, not `{value}`")),
    }
}

/// The program named `wanted`, or else all whose name contains it; naming none is an error that lists
/// them all.
fn select<P: Copy>(
    all: impl Iterator<Item = P>,
    name: impl Fn(P) -> &'static str,
    wanted: &str,
) -> Result<Vec<P>, String> {
    let all: Vec<P> = all.collect();
    if let Some(&program) = all.iter().find(|&&program| name(program) == wanted) {
        return Ok(vec![program]);
    }
    let programs: Vec<P> = all.iter().copied().filter(|&program| name(program).contains(wanted)).collect();
    if programs.is_empty() {
        let names: Vec<&str> = all.into_iter().map(name).collect();
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

/// Says on a terminal what is being measured.
fn tell(name: &str) {
    if std::io::stderr().is_terminal() {
        eprintln!("measuring {name}");
    }
}

/// Measures one program after another, and gives back the rows of all. What `line` says of them, JSON, is
/// printed as soon as it is known.
fn each<P: Copy, R>(
    programs: &[P],
    name: impl Fn(P) -> &'static str,
    rows: impl Fn(P) -> Result<Vec<R>, String>,
    line: Option<fn(&[R]) -> String>,
) -> Result<Vec<R>, String> {
    let mut all = Vec::new();
    for &program in programs {
        tell(name(program));
        let rows = rows(program)?;
        if let Some(line) = line {
            print!("{}", line(&rows));
        }
        all.extend(rows);
    }
    Ok(all)
}

/// Measures and reports, and gives back what is wrong.
fn run(options: &Options) -> Result<Vec<String>, String> {
    silence_panics();
    let json = options.json;
    // What is left to print: JSON of the rows is printed by now, but for what sums them up.
    let table = |text: String| if json { String::new() } else { text };
    let (report, wrong) = match &options.job {
        Job::Model { effort, programs } => {
            let measured = |program| measure::measure(rows(program), effort);
            let figures: Vec<Figures> =
                each(programs, Program::name, measured, json.then_some(table::json as _))?;
            (table(table::text(&figures)), Vec::new())
        }
        Job::Exhaust { effort, programs } => {
            let measured = |program| Ok(exhaust::rows(program, *effort));
            let rows = each(programs, |program| program.name, measured, json.then_some(exhaust::json as _))?;
            let wrong = rows.iter().filter(|row| !row.is_right()).map(exhaust::Row::name).collect();
            (table(exhaust::text(&rows)), wrong)
        }
        Job::Hunt { effort, programs } => {
            let measured = |program| Ok(vec![hunt::row(program, *effort)]);
            let rows = each(programs, |program| program.name, measured, None)?;
            let report = if json { hunt::json(&rows) } else { hunt::text(&rows) };
            (report, rows.iter().filter_map(hunt::Row::objection).collect())
        }
    };
    // The default hook again: from here on a panic is ours.
    drop(panic::take_hook());
    print!("{report}");
    Ok(wrong)
}

/// The scheduler's rows, by a package of its own: this one has the feature `check`, which none that is
/// built together with it could be without.
fn runtime(arguments: &[String]) -> ExitCode {
    let mut cargo = process::Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["run", "--quiet", "--release", "-p", "selvedge-bench-runtime", "--"]).args(arguments);
    match cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("selvedge-bench: cannot run cargo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "runtime") {
        return runtime(&arguments[1..]);
    }
    if arguments.first().is_some_and(|first| first == hunt::peers::COMMAND) {
        silence_panics();
        hunt::peers::run(&arguments[1..]);
        return ExitCode::SUCCESS;
    }
    let options = Options::parse(arguments);
    match options.and_then(|options| run(&options)) {
        Ok(wrong) => {
            for name in &wrong {
                eprintln!("selvedge-bench: {name} is not as expected");
            }
            if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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

    fn names(line: &str) -> Vec<&'static str> {
        match parse(line).unwrap().job {
            Job::Model { programs, .. } => programs.iter().map(|program| program.name()).collect(),
            Job::Exhaust { programs, .. } => programs.iter().map(|program| program.name).collect(),
            Job::Hunt { programs, .. } => programs.iter().map(|program| program.name).collect(),
        }
    }

    #[test]
    fn options_are_read_in_any_order() {
        let options = parse("model --only condvar --rounds 3 --quick --json").unwrap();
        assert!(options.json);
        assert!(matches!(options.job, Job::Model { effort, .. } if effort.rounds == 3));
        assert_eq!(names("model --only condvar"), ["condvar-queue-1", "condvar-queue-2", "condvar-queue-3"]);
        assert_eq!(names("model --only spawn-join-1"), ["spawn-join-1"]);
        assert_eq!(names("exhaust --only ainc(7)"), ["ainc(7)"]);
        assert_eq!(names("hunt --only lo_abba"), ["lo_abba"]);
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
            ("exhaust --only nothing", "`nothing`"),
            ("exhaust --quick --only big0", "`big0`"),
            ("exhaust --rounds 2", "`--rounds`"),
            ("hunt --only nothing", "`nothing`"),
        ] {
            let message = parse(line).err().unwrap();
            assert!(message.contains(named), "{line}: {message}");
        }
    }
}
