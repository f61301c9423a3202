//! `list`, `show`, `diff` and `export`: what failing tests left behind, without running anything.
//!
//! Invariant: the sources are those of this workspace as it is now; where a file is not there, the report
//! names the place without showing it.

use crate::args::{Diff, Export, Form, List, Show};
use crate::code::Code;
use crate::place::{Kept, Place};
use selvedge::harness::terminal;
use selvedge::report::{Replay, Report, Roots, Style};
use selvedge_checkers::record::{self, Record};
use selvedge_checkers::trace::{Event, Outcome};
use serde_json::json;
use std::io::{self, Write};
use std::path::Path;

/// Say what was wrong with what was typed.
pub(crate) fn refused(problem: &str) -> io::Result<Code> {
    eprintln!("error: {problem}");
    Ok(Code::Usage)
}

pub(crate) fn list(list: &List) -> io::Result<Code> {
    let all = Place::here().all();
    let mut out = io::stdout().lock();
    let longest = all.iter().map(|kept| kept.record.test.chars().count()).max().unwrap_or(0);
    for kept in &all {
        let Record { test, token, findings, statistics, .. } = &kept.record;
        let found: Vec<&str> = findings.iter().map(|f| f.slug.text()).collect();
        if list.json {
            let line = json!({
                "version": 1, "kind": "failure", "test": test, "findings": found, "token": token,
                "executions": statistics.executions, "failing": statistics.failing, "file": kept.file,
            });
            writeln!(out, "{line}")?;
        } else {
            let line = format!("{test:longest$}  {:17}  {token}", found.first().unwrap_or(&"passes"));
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    if all.is_empty() && !list.json {
        eprintln!("no failing test has left an execution");
    }
    Ok(Code::Clean)
}

/// Give a renderer the report of a record.
fn with_report<R>(
    place: &Place,
    record: &Record,
    timeline: Option<String>,
    f: impl FnOnce(&Report<'_>) -> R,
) -> R {
    let roots = Roots { workspace: place.workspace.clone(), package: place.workspace.join(&record.package) };
    let replay = Replay { timeline, ..Replay::of_record(record) };
    f(&Report::of_record(record, &replay, &roots))
}

/// The terminal as it is.
fn style() -> Style {
    terminal::style(&io::stdout())
}

pub(crate) fn show(show: &Show) -> io::Result<Code> {
    let place = Place::here();
    let kept = match place.find(show.what.as_deref()) {
        Ok(kept) => kept,
        Err(problem) => return refused(&problem),
    };
    if let Some(file) = &show.html {
        if let Err(problem) = put(Some(file), &render(&place, &kept, Form::Html)) {
            return unwritten(problem);
        }
        if !file.as_os_str().eq("-") {
            println!("{}", file.display());
        }
        return Ok(Code::Clean);
    }
    let timeline = kept.file.with_file_name("timeline.html");
    let timeline = timeline.is_file().then(|| timeline.display().to_string());
    let text = match (show.steps, show.json) {
        (true, _) => with_report(&place, &kept.record, None, |report| report.steps(&style())),
        (_, true) => render(&place, &kept, Form::Json),
        _ if kept.record.findings.is_empty() => {
            return refused("this execution passes, there is no report of it; --steps shows what it did");
        }
        _ => with_report(&place, &kept.record, timeline, |report| report.render(&style())),
    };
    put(None, &text)?;
    Ok(Code::Clean)
}

/// Write to a file, or to standard output.
fn put(file: Option<&Path>, text: &str) -> io::Result<()> {
    match file.filter(|file| !file.as_os_str().eq("-")) {
        Some(file) => std::fs::write(file, text)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display()))),
        None => io::stdout().lock().write_all(text.as_bytes()),
    }
}

/// A file that cannot be written was named wrongly; whoever does not read on has seen enough.
fn unwritten(problem: io::Error) -> io::Result<Code> {
    if problem.kind() == io::ErrorKind::BrokenPipe { Err(problem) } else { refused(&problem.to_string()) }
}

fn render(place: &Place, kept: &Kept, form: Form) -> String {
    let passing = kept.passing.as_ref().map(|passing| &passing.trace);
    with_report(place, &kept.record, None, |report| match form {
        Form::Chrome => report.chrome(),
        Form::Shiviz => report.shiviz(),
        Form::Svg => report.svg(),
        Form::Html => report.html(&kept.record.test, passing),
        Form::Json => report.json(),
        Form::Github => report.github(),
        Form::Jsonl => record::write(&kept.record),
    })
}

pub(crate) fn export(export: &Export) -> io::Result<Code> {
    let place = Place::here();
    match place.find(export.what.as_deref()) {
        Ok(kept) => match put(export.output.as_deref(), &render(&place, &kept, export.form)) {
            Ok(()) => Ok(Code::Clean),
            Err(problem) => unwritten(problem),
        },
        Err(problem) => refused(&problem),
    }
}

pub(crate) fn diff(diff: &Diff) -> io::Result<Code> {
    let place = Place::here();
    let sides = place.find(Some(&diff.left)).and_then(|left| {
        let right = match &diff.right {
            Some(right) => place.find(Some(right))?.record,
            None => {
                left.passing.clone().ok_or("no passing execution was kept beside it; name another trace")?
            }
        };
        Ok((left.record, right))
    });
    let (left, right) = match sides {
        Ok(sides) => sides,
        Err(problem) => return refused(&problem),
    };
    let (a, b) = (steps(&left.trace.events), steps(&right.trace.events));
    let common = a.iter().zip(&b).take_while(|(a, b)| same(a, b)).count();
    let mut out = io::stdout().lock();
    if diff.json {
        let line = json!({
            "version": 1, "kind": "diff", "common": common, "equal": common == a.len().max(b.len()),
            "left": a.get(common).copied(), "right": b.get(common).copied(),
        });
        writeln!(out, "{line}")?;
        return Ok(Code::Clean);
    }
    if common == a.len() && common == b.len() {
        writeln!(out, "the two are the same, {common} steps")?;
        return Ok(Code::Clean);
    }
    writeln!(out, "the first {common} steps are the same; then")?;
    for (sign, record, steps) in [("-", &left, &a), ("+", &right, &b)] {
        let told = with_report(&place, record, None, |report| report.steps(&Style::default()));
        let told: Vec<&str> = told.lines().collect();
        // The steps come last, one a line.
        let first = told.len() - record.trace.events.len().min(told.len());
        for event in steps.iter().skip(common).take(diff.lines) {
            let nth = record.trace.events.iter().position(|e| std::ptr::eq(e, *event)).unwrap_or(0);
            writeln!(out, "{sign} {}", told.get(first + nth).unwrap_or(&"").trim_end())?;
        }
    }
    Ok(Code::Clean)
}

/// The steps; to begin to wait is none.
fn steps(events: &[Event]) -> Vec<&Event> {
    events.iter().filter(|e| e.outcome != Outcome::Blocks).collect()
}

fn same(a: &Event, b: &Event) -> bool {
    (a.g, a.op, a.object, &a.site, &a.outcome) == (b.g, b.op, b.object, &b.site, &b.outcome)
}
