//! From text to a record.
//!
//! Invariant: nothing is taken over that another line contradicts; an error names the line, counted
//! from 1, what is wrong and what was expected.

use super::{Header, Line, Record, VERSION};
use crate::ids::Gid;
use crate::trace::Trace;
use std::fmt;

/// A damaged count must not ask for gigabytes; a hundred times the default limit of steps is enough.
const MAX_DECISIONS: usize = 10_000_000;

/// Why a text is no record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// The line, from 1; 0 for the text as a whole.
    pub line: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a text that should be a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// There is nothing in it.
    Empty,
    /// The first line is no header.
    NoHeader,
    /// A second header.
    SecondHeader,
    /// It was written by a newer version, with this number.
    Version(u32),
    /// A line is not what its kind says, in the words of the JSON reader.
    Line(String),
    /// Goroutines are numbered from 0 in their order.
    Goroutine {
        /// The number that was to come.
        expected: u32,
        /// The number that came.
        found: u32,
    },
    /// An event is of a goroutine that there is not.
    NoGoroutine(u32),
    /// More decisions than an execution has.
    TooMany,
    /// Lines are missing, or there are too many.
    Count {
        /// Of what.
        what: &'static str,
        /// How many the header promises.
        expected: usize,
        /// How many there are.
        found: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.problem),
            line => write!(f, "line {line}: {}", self.problem),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Empty => f.write_str("the file is empty; expected a trace"),
            Problem::NoHeader => {
                f.write_str("this is no trace; expected a first line with `\"kind\":\"trace\"`")
            }
            Problem::SecondHeader => f.write_str("a second trace begins; expected one"),
            Problem::Version(version) => {
                write!(f, "version {version} is newer than this program, which reads up to {VERSION}")
            }
            Problem::Line(why) => f.write_str(why),
            Problem::Goroutine { expected, found } => {
                write!(f, "goroutine {found}; expected number {expected}, they come in their order")
            }
            Problem::NoGoroutine(g) => write!(f, "an event of goroutine {g}, which is not listed"),
            Problem::TooMany => write!(f, "expected at most {MAX_DECISIONS} decisions"),
            Problem::Count { what, expected, found } => {
                write!(f, "expected {expected} {what}, found {found}: the file is incomplete")
            }
        }
    }
}

impl std::error::Error for Error {}

/// The record that a text holds.
///
/// # Errors
/// If the text is not what [`write()`](super::write()) writes, in this version or an older one.
pub fn read(text: &str) -> Result<Record, Error> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let at = |line: usize| move |problem| Error { line: line + 1, problem };
    let (first, line) = lines.next().ok_or(Error { line: 0, problem: Problem::Empty })?;
    let header = header(line).map_err(at(first))?;
    let mut record = Record {
        test: header.test.clone(),
        command: header.command.clone(),
        token: header.token.clone(),
        package: header.package.clone(),
        ..Record::default()
    };
    for (nth, line) in lines {
        take(&mut record, line).map_err(at(nth))?;
    }
    complete(&record, &header)?;
    Ok(record)
}

fn header(line: &str) -> Result<Header, Problem> {
    // Of a newer version nothing is known but its number.
    let value: serde_json::Value = serde_json::from_str(line).map_err(|_| Problem::NoHeader)?;
    if value.get("kind").and_then(|kind| kind.as_str()) != Some("trace") {
        return Err(Problem::NoHeader);
    }
    let header: Header = serde_json::from_value(value).map_err(|error| Problem::Line(error.to_string()))?;
    match header.version {
        1..=VERSION => Ok(header),
        0 => Err(Problem::NoHeader),
        newer => Err(Problem::Version(newer)),
    }
}

fn take(record: &mut Record, line: &str) -> Result<(), Problem> {
    let Trace { goroutines, objects, events } = &mut record.trace;
    match serde_json::from_str(line).map_err(|error| Problem::Line(told(&error)))? {
        Line::Trace(_) => return Err(Problem::SecondHeader),
        Line::Goroutine(g) if g.id.index() != goroutines.len() => {
            return Err(Problem::Goroutine { expected: goroutines.len() as u32, found: g.id.0 });
        }
        Line::Goroutine(g) => goroutines.push(g),
        Line::Object(object) => objects.push(object),
        Line::Event(e) if e.g != Gid::CLOCK && e.g.index() >= goroutines.len() => {
            return Err(Problem::NoGoroutine(e.g.0));
        }
        Line::Event(event) => events.push(event),
        Line::Finding(finding) => record.findings.push(finding),
        Line::Repair(verified) => record.repairs.push(verified),
        Line::Statistics(statistics) => record.statistics = statistics,
        Line::Decisions(decisions) => {
            for (goroutine, alternative, times) in decisions.runs {
                if times as usize > MAX_DECISIONS - record.decisions.len() {
                    return Err(Problem::TooMany);
                }
                record.decisions.extend(std::iter::repeat_n((goroutine, alternative), times as usize));
            }
        }
        Line::Other => {}
    }
    Ok(())
}

/// What the JSON reader says, without its line, which is always the first.
fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&end) {
        Some(what) if error.column() > 0 => format!("column {}: {what}", error.column()),
        _ => text,
    }
}

fn complete(record: &Record, header: &Header) -> Result<(), Error> {
    let counts = [
        ("goroutines", header.goroutines, record.trace.goroutines.len()),
        ("objects", header.objects, record.trace.objects.len()),
        ("events", header.events, record.trace.events.len()),
        ("decisions", header.decisions, record.decisions.len()),
    ];
    match counts.into_iter().find(|(_, expected, found)| expected != found) {
        Some((what, expected, found)) => {
            Err(Error { line: 0, problem: Problem::Count { what, expected, found } })
        }
        None => Ok(()),
    }
}
