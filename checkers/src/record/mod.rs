//! A recorded execution as text: the frozen format of traces.
//!
//! One JSON object a line, each with its `"kind"`; the first is the header, with the version. What an
//! execution consists of is named as in [`crate::trace`] and [`crate::finding`], in kebab case.
//!
//! **Invariants.** What [`write()`] writes, [`read`] reads back as the same record. The meaning of a field
//! never changes within a version, and fields and kinds of lines are only ever added: a reader skips
//! those it does not know. Whatever text comes in, the reader gives a record or an error with the line;
//! it needs no more memory than a multiple of the text. A golden test keeps the format where it is.

mod read;
mod slug;
#[cfg(test)]
mod tests;

use crate::finding::Finding;
use crate::repair::Verified;
use crate::statistics::Statistics;
use crate::trace::{Event, GoroutineInfo, ObjectInfo, Trace};
use serde::{Deserialize, Serialize};

pub use read::{Error, Problem, read};

/// The version of the format that is written, and the newest that is read.
pub const VERSION: u32 = 1;

/// An execution with what was found in it and how to see it again.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Record {
    /// The test: its path without the crate.
    pub test: String,
    /// The command that runs it.
    pub command: String,
    /// The value of `SELVEDGE_REPLAY` for this execution; empty where there is none.
    pub token: String,
    /// The folder of the test's package, from the root of the workspace; empty if it is the root.
    pub package: String,
    /// The execution.
    pub trace: Trace,
    /// What it shows; the first is what the report is about. Empty for an execution that passes.
    pub findings: Vec<Finding>,
    /// Small changes with which nothing fails.
    pub repairs: Vec<Verified>,
    /// The numbers of the search.
    pub statistics: Statistics,
    /// The exact decisions, as (goroutine, alternative).
    pub decisions: Vec<(u32, u32)>,
}

/// What the lines are.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Line {
    Trace(Header),
    Goroutine(GoroutineInfo),
    Object(ObjectInfo),
    Event(Event),
    Finding(Finding),
    Repair(Verified),
    Statistics(Statistics),
    Decisions(Decisions),
    /// A kind that a later version added.
    #[serde(other)]
    Other,
}

/// The first line. The counts tell a file that was cut off.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Header {
    version: u32,
    test: String,
    command: String,
    token: String,
    package: String,
    goroutines: usize,
    objects: usize,
    events: usize,
    decisions: usize,
}

/// Decisions in their order, each with how many times it comes in a row.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Decisions {
    /// (goroutine, alternative, times)
    runs: Vec<(u32, u32, u32)>,
}

/// The record as text, ending in a line break.
pub fn write(record: &Record) -> String {
    let trace = &record.trace;
    let header = Header {
        version: VERSION,
        test: record.test.clone(),
        command: record.command.clone(),
        token: record.token.clone(),
        package: record.package.clone(),
        goroutines: trace.goroutines.len(),
        objects: trace.objects.len(),
        events: trace.events.len(),
        decisions: record.decisions.len(),
    };
    let mut out = String::new();
    let mut line = |line: Line| {
        // No key of ours is anything but a string, and no writer of strings fails.
        out.push_str(&serde_json::to_string(&line).unwrap_or_default());
        out.push('\n');
    };
    line(Line::Trace(header));
    trace.goroutines.iter().cloned().map(Line::Goroutine).for_each(&mut line);
    trace.objects.iter().cloned().map(Line::Object).for_each(&mut line);
    trace.events.iter().cloned().map(Line::Event).for_each(&mut line);
    record.findings.iter().cloned().map(Line::Finding).for_each(&mut line);
    record.repairs.iter().cloned().map(Line::Repair).for_each(&mut line);
    line(Line::Statistics(record.statistics.clone()));
    if !record.decisions.is_empty() {
        let runs = record.decisions.chunk_by(|a, b| a == b);
        let run = |run: &[(u32, u32)]| (run[0].0, run[0].1, run.len() as u32);
        line(Line::Decisions(Decisions { runs: runs.map(run).collect() }));
    }
    out
}
