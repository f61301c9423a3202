//! The execution as a trace of Chrome's, which Perfetto and `chrome://tracing` open: a track a goroutine,
//! flow arrows for what made what possible, a counter for each channel and wait group.
//!
//! Invariant: time is logical. The n-th event begins at n microseconds and lasts one, or as long as the
//! goroutine waits.

use selvedge_checkers::ids::Gid;
use selvedge_checkers::op::ObjKind;
use selvedge_checkers::trace::Outcome;
use serde_json::{Value, json};

use super::Report;
use super::focus::Focus;
use super::links::links;
use super::scene::Scene;
use super::states::states;
use super::table;

/// One JSON object, as the "Trace Event Format" has it.
pub(super) fn render(report: &Report<'_>) -> String {
    let scene = Scene::new(report.trace, report.sources);
    let mut events = tracks(&scene);
    events.extend(steps(report, &scene));
    events.extend(arrows(&scene));
    events.extend(counters(&scene));
    let all = json!({
        "displayTimeUnit": "ns",
        "otherData": { "version": 1, "finding": report.finding.slug.text(), "headline": report.headline() },
        "traceEvents": events,
    });
    format!("{all}\n")
}

/// Every goroutine is a thread of one process, and so is the clock, if it fires.
fn tracks(scene: &Scene<'_>) -> Vec<Value> {
    let name = |g: u32, name: String| json!({ "ph": "M", "pid": 1, "tid": g, "name": "thread_name", "args": { "name": name } });
    let order = |g: u32| json!({ "ph": "M", "pid": 1, "tid": g, "name": "thread_sort_index", "args": { "sort_index": g } });
    let clock = scene.trace.events.iter().any(|e| e.g == Gid::CLOCK).then_some(Gid::CLOCK);
    let all = scene.trace.goroutines.iter().map(|g| g.id).chain(clock);
    let process =
        json!({ "ph": "M", "pid": 1, "tid": 1, "name": "process_name", "args": { "name": "goroutines" } });
    let all = all.flat_map(|g| [name(track(g), scene.names.goroutine(g)), order(track(g))]);
    std::iter::once(process).chain(all).collect()
}

/// The number of a goroutine's track: from 1, since thread 0 is nobody's to some readers, and in 31 bits.
fn track(g: Gid) -> u32 {
    if g == Gid::CLOCK { i32::MAX as u32 } else { g.0 + 1 }
}

fn steps<'a>(report: &'a Report<'_>, scene: &'a Scene<'_>) -> impl Iterator<Item = Value> + 'a {
    let events = &scene.trace.events;
    let focus = Focus::new(report.finding, scene);
    let mut next: Vec<usize> = vec![events.len(); events.len()];
    let mut seen = std::collections::BTreeMap::new();
    for (at, e) in events.iter().enumerate().rev() {
        next[at] = seen.insert(e.g, at).unwrap_or(events.len());
    }
    events.iter().enumerate().map(move |(at, e)| {
        let lasts = if e.outcome == Outcome::Blocks { next[at] - at } else { 1 };
        json!({
            "ph": "X", "pid": 1, "tid": track(e.g), "ts": at, "dur": lasts,
            "cat": if focus.names(at) { "finding" } else { "step" },
            "name": table::told(at, &focus, scene),
            "args": { "step": e.step, "site": scene.library.place(&e.site) },
        })
    })
}

fn arrows(scene: &Scene<'_>) -> Vec<Value> {
    let end = |ph: &str, id: usize, at: usize, why: &str| {
        let tid = track(scene.trace.events[at].g);
        json!({ "ph": ph, "bp": "e", "pid": 1, "tid": tid, "ts": at, "id": id, "cat": "order", "name": why })
    };
    // A flow goes forward in time; a receive that is told before its send has none.
    let links = links(scene.trace).into_iter().enumerate().filter(|(_, l)| l.from < l.to);
    links.flat_map(|(id, l)| [end("s", id, l.from, l.why.text()), end("f", id, l.to, l.why.text())]).collect()
}

fn counters(scene: &Scene<'_>) -> Vec<Value> {
    let mut all = Vec::new();
    for (object, changes) in scene.trace.objects.iter().zip(states(scene.trace, &scene.names)) {
        if !matches!(object.kind, ObjKind::Chan | ObjKind::WaitGroup) {
            continue;
        }
        let name = format!("{} {}", object.kind.noun(), scene.names.cell(object.id));
        all.extend(
            changes.iter().map(
                |c| json!({ "ph": "C", "pid": 1, "ts": c.at, "name": name, "args": { "level": c.level } }),
            ),
        );
    }
    all
}
