//! The timeline: one HTML file that opens from disk and asks no network for anything.
//!
//! Invariants: the page is `page.html` with the style, the script and the data put in; all text from
//! the user's program travels as JSON in which `<`, `>` and `&` are escaped, and reaches the page as
//! text nodes only, so nothing in it can end an element or start a script. The same execution gives the
//! same bytes.

use std::collections::BTreeMap;

use selvedge_checkers::finding::Evidence;
use selvedge_checkers::ids::{Gid, Site};
use selvedge_checkers::trace::{Event, Outcome, Trace};
use serde_json::{Value, json};

use super::focus::Focus;
use super::links::links;
use super::scene::Scene;
use super::source::is_users;
use super::states::{Tone, states};
use super::{Report, table, text, words};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page for a report; `passing` is an execution to compare with.
pub(super) fn render(report: &Report<'_>, test: &str, passing: Option<&Trace>) -> String {
    let scene = Scene::new(report.trace, report.sources);
    let mut files = Files::default();
    let mut runs = vec![run(&scene, &Focus::new(report.finding, &scene), &mut files)];
    if let Some(passing) = passing {
        let scene = Scene::new(passing, report.sources);
        runs.push(run(&scene, &Focus::default(), &mut files));
        let differs = first_difference(&report.trace.events, &passing.events);
        for (run, at) in runs.iter_mut().zip(differs.into_iter().flatten()) {
            run["differs"] = json!(at);
        }
    }
    let numbers = match report.statistics.executions {
        0 => Vec::new(),
        _ => vec![words::figures(report.statistics), words::search(report.statistics)],
    };
    let data = json!({
        "test": test,
        "slug": report.finding.slug.text(),
        "severity": super::short::severity(report.finding),
        "headline": report.headline(),
        "relation": relation(report, &scene),
        "help": report.remedies(&scene),
        "others": report.others.iter().map(|f| text::one_line(&words::headline(f, &scene))).collect::<Vec<_>>(),
        "numbers": numbers,
        "replay": replay(report),
        "files": files.told(&scene),
        "runs": runs,
    });
    let title = format!("{} – {}", report.finding.slug.text(), test);
    let data = in_script(&data);
    fill(|name| match name {
        "style" => STYLE.to_owned(),
        "script" => SCRIPT.to_owned(),
        "title" => escaped(&title),
        _ => data.clone(),
    })
}

/// The page with its placeholders filled; what is put in is not looked at again.
fn fill(part: impl Fn(&str) -> String) -> String {
    let mut pieces = PAGE.split("{{");
    let mut page = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").unwrap_or((piece, ""));
        page.push_str(&part(name));
        page.push_str(rest);
    }
    page
}

/// Who waits for whom, or which order is missing.
fn relation(report: &Report<'_>, scene: &Scene<'_>) -> String {
    let line = match &report.finding.evidence {
        Evidence::Stuck { blocked, cycle, .. } => words::cycle_line(blocked, cycle, scene),
        evidence => words::order_line(evidence, scene),
    };
    line.unwrap_or_default()
}

fn replay(report: &Report<'_>) -> String {
    match report.replay.token.as_str() {
        "" => String::new(),
        token => format!("SELVEDGE_REPLAY={token} {}", text::one_line(&report.replay.command)),
    }
}

/// Text for between tags.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// JSON that cannot end the script element it stands in.
fn in_script(data: &Value) -> String {
    data.to_string().replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

/// Where in each of two executions the first step is that differs. To begin to wait is no step of its own.
fn first_difference(a: &[Event], b: &[Event]) -> Option<[usize; 2]> {
    let steps = |events: &[Event]| {
        let steps = events.iter().enumerate().filter(|(_, e)| e.outcome != Outcome::Blocks);
        steps.map(|(at, _)| at).collect::<Vec<_>>()
    };
    let same = |a: &Event, b: &Event| {
        (a.g, a.op, a.object, &a.site, &a.outcome) == (b.g, b.op, b.object, &b.site, &b.outcome)
    };
    let (ours, theirs) = (steps(a), steps(b));
    let common = ours.iter().zip(&theirs).take_while(|(i, k)| same(&a[**i], &b[**k])).count();
    Some([*ours.get(common)?, *theirs.get(common)?])
}

/// The source files that events name, each told once.
#[derive(Default)]
struct Files(BTreeMap<String, usize>);

impl Files {
    /// The number of a file; -1 for one that is not the user's.
    fn number(&mut self, site: &Site) -> i64 {
        if !is_users(&site.file) {
            return -1;
        }
        let next = self.0.len();
        *self.0.entry(site.file.clone()).or_insert(next) as i64
    }

    fn told(&self, scene: &Scene<'_>) -> Vec<Value> {
        let mut files: Vec<(&usize, &String)> = self.0.iter().map(|(file, nth)| (nth, file)).collect();
        files.sort();
        let told = |file: &String| {
            let source = scene.library.get(file);
            json!({
                "name": scene.library.shown(file),
                "text": source.map(|source| source.text.clone()),
            })
        };
        files.into_iter().map(|(_, file)| told(file)).collect()
    }
}

/// What becomes of an event: it goes on, it waits for good, or it went wrong.
fn mark(at: usize, focus: &Focus) -> u8 {
    match () {
        () if focus.stops_at(at) => 2,
        () if focus.names(at) => 1,
        () => 0,
    }
}

fn run(scene: &Scene<'_>, focus: &Focus, files: &mut Files) -> Value {
    let trace = scene.trace;
    let mut rows: Vec<Gid> = trace.goroutines.iter().map(|g| g.id).collect();
    if trace.events.iter().any(|e| e.g == Gid::CLOCK) {
        rows.push(Gid::CLOCK);
    }
    let row = |g: Gid| rows.iter().position(|r| *r == g);
    let goroutines = rows.iter().map(|g| {
        let info = trace.goroutine(*g);
        let place = scene.spawned(*g).map_or_else(String::new, |site| scene.library.place(site));
        json!({
            "name": scene.names.goroutine(*g),
            "place": place,
            "ended": info.is_none_or(|info| info.exited),
        })
    });
    let object_rows: BTreeMap<_, _> =
        trace.objects.iter().enumerate().rev().map(|(i, o)| (o.id, i)).collect();
    let events = trace.events.iter().enumerate().map(|(at, e)| {
        json!([
            e.step,
            row(e.g),
            e.object.and_then(|o| object_rows.get(&o)),
            files.number(&e.site),
            e.site.line,
            e.site.col,
            table::told(at, focus, scene),
            mark(at, focus),
            u8::from(e.outcome == Outcome::Blocks),
        ])
    });
    let events: Vec<Value> = events.collect();
    let links = links(trace);
    let states = states(trace, &scene.names);
    let tone = |tone| match tone {
        Tone::Idle => 0,
        Tone::Busy => 1,
        Tone::Over => 2,
    };
    let objects = trace.objects.iter().zip(states).map(|(o, changes)| {
        let changes: Vec<Value> =
            changes.iter().map(|c| json!([c.at, c.text, tone(c.tone), c.level])).collect();
        json!({
            "name": scene.names.cell(o.id),
            "noun": o.kind.noun(),
            "place": scene.library.place(&o.created),
            "end": text::one_line(&o.state),
            "changes": changes,
        })
    });
    json!({
        "goroutines": goroutines.collect::<Vec<_>>(),
        "objects": objects.collect::<Vec<_>>(),
        "events": events,
        "links": links.iter().map(|l| json!([l.from, l.to, l.why.text()])).collect::<Vec<_>>(),
        "cause": focus.cause(scene),
        "differs": Value::Null,
    })
}
