//! What the goroutines are doing, as text in Go's form.
//!
//! ```text
//! goroutine 7 [chan receive, 2 minutes]:
//! app::worker(...)
//!         src/worker.rs:12
//!         waits for the channel 0x7f… made at src/main.rs:3, of which nobody holds the other end any more
//! created by go in goroutine 1
//!         src/main.rs:23
//! ```
//! Invariants: the lines that Go prints are as Go prints them, so that tools that read its dumps read these;
//! what Go does not know stands on lines that begin with a tab. Goroutines in a circle of waits are told
//! before all others.
//!
//! Source: Go's `runtime/traceback.go`.

use super::census::{Census, Portrait};
use super::clock::Nanos;
use super::symbols::{Frame, Symbols};
use super::tasks::{self, TaskPortrait};
use selvedge_checkers::ids::SiteRef;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const MINUTE: u64 = 60_000_000_000;

/// All of them; whoever of them is `first` comes first.
pub(crate) fn text(census: &Census, first: u64) -> String {
    let mut text = String::new();
    let mut symbols = Symbols::new();
    if !census.still {
        text.push_str(
            "\nThe goroutines did not stand still: there are no stacks, and not all is of one moment.\n",
        );
    }
    let circle = circle(&census.all);
    tell_circle(&circle, census, &mut text);
    let tasks = tasks::waiting();
    let (before, after): (Vec<_>, Vec<_>) = census.all.iter().partition(|p| p.id == first);
    for portrait in before.into_iter().chain(after) {
        text.push('\n');
        describe(portrait, census.taken, &mut symbols, &mut text);
    }
    tell_tasks(&tasks, census.taken, &mut text);
    text
}

/// Async tasks that wait; those that have a name and a place in common as one.
pub(crate) fn tell_tasks(tasks: &[TaskPortrait], now: Nanos, text: &mut String) {
    let mut groups: BTreeMap<_, Vec<&TaskPortrait>> = BTreeMap::new();
    for task in tasks {
        let place = (task.created.file(), task.created.line(), task.created.column());
        groups.entry((place, &task.name)).or_default().push(task);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| group[0].id);
    for group in groups {
        let task = group[0];
        let _ = write!(text, "\ntask {} [await", task.id);
        let minutes = now.saturating_sub(task.since) / MINUTE;
        if minutes > 0 {
            let _ = write!(text, ", {minutes} minutes");
        }
        text.push_str("]:\n");
        if let Some(name) = &task.name {
            let _ = writeln!(text, "\tnamed {name:?}");
        }
        tell_origin("future::spawn", task.parent, task.created, text);
        match group.len() - 1 {
            0 => {}
            1 => _ = writeln!(text, "and task {}, which is like it", group[1].id),
            more => _ = writeln!(text, "and {more} more like it"),
        }
    }
}

fn tell_origin(how: &str, parent: u64, created: SiteRef, text: &mut String) {
    let by = if parent == 0 { String::new() } else { format!(" in goroutine {parent}") };
    let _ = writeln!(text, "created by {how}{by}\n\t{}:{}", created.file(), created.line());
}

/// What stands in brackets.
pub(crate) fn state(portrait: &Portrait) -> &'static str {
    match (&portrait.waits, portrait.running) {
        (Some(wait), _) => wait.reason.text(),
        (None, true) => "running",
        (None, false) => "runnable",
    }
}

/// A goroutine, as Go's dumps write it.
pub(crate) fn describe(portrait: &Portrait, now: Nanos, symbols: &mut Symbols, text: &mut String) {
    let _ = write!(text, "goroutine {} [{}", portrait.id, state(portrait));
    let minutes = portrait.waits.map_or(0, |wait| now.saturating_sub(wait.since) / MINUTE);
    if minutes > 0 {
        let _ = write!(text, ", {minutes} minutes");
    }
    if portrait.unwinding {
        text.push_str(", unwinding");
    }
    if portrait.locked {
        text.push_str(", locked to thread");
    }
    text.push_str("]:\n");
    let frames = symbols.of(&portrait.trace);
    frames.iter().for_each(|frame| tell_frame(frame, text));
    match portrait.waits.and_then(|wait| wait.site) {
        Some(site) if frames.is_empty() => _ = writeln!(text, "\t{}:{}", site.file(), site.line()),
        None if portrait.running && frames.is_empty() => {
            text.push_str("\tgoroutine running on other thread; stack unavailable\n");
        }
        None if !portrait.begun => text.push_str("\tit has not begun\n"),
        _ => {}
    }
    if let Some(name) = &portrait.name {
        let _ = writeln!(text, "\tnamed {name:?}");
    }
    tell_object(portrait, text);
    if let Some(created) = portrait.created.filter(|_| portrait.id != 1) {
        tell_origin("go", portrait.parent, created, text);
    }
}

fn tell_frame(frame: &Frame, text: &mut String) {
    let _ = writeln!(text, "{}(...)", frame.function);
    if let Some(file) = &frame.file {
        let _ = writeln!(text, "\t{}:{}", file.display(), frame.line.unwrap_or(0));
    }
}

fn tell_object(portrait: &Portrait, text: &mut String) {
    let Some(wait) = portrait.waits else { return };
    let mut what = match portrait.object {
        Some((address, kind, created)) => {
            format!("the {} {address:#x} made at {}:{}", kind.noun(), created.file(), created.line())
        }
        None if wait.object != 0 => format!("the object {:#x}", wait.object),
        None => String::new(),
    };
    if let [holder, others @ ..] = &portrait.holders[..] {
        let many = if others.is_empty() { String::new() } else { format!(" and {} others", others.len()) };
        let goroutines = format!("goroutine {holder}{many}");
        what = if what.is_empty() { goroutines } else { format!("{what}, held by {goroutines}") };
    }
    if portrait.stranded {
        let why = "nobody holds the other end any more: it waits for ever";
        what = if what.is_empty() { format!("what never comes: {why}") } else { format!("{what}; {why}") };
    }
    if !what.is_empty() {
        let _ = writeln!(text, "\twaits for {what}");
    }
}

/// Goroutines each of which waits for the next, and the last for the first; empty if there are none.
pub(crate) fn circle(all: &[Portrait]) -> Vec<u64> {
    let next = |id: u64| {
        let at = all.binary_search_by_key(&id, |portrait| portrait.id).ok()?;
        // Where one of several may act nothing is sure.
        match all[at].holders[..] {
            [only] => Some(only),
            _ => None,
        }
    };
    for portrait in all {
        let mut path = vec![portrait.id];
        while let Some(id) = next(path[path.len() - 1]) {
            if let Some(start) = path.iter().position(|&known| known == id) {
                return path.split_off(start);
            }
            path.push(id);
        }
    }
    Vec::new()
}

fn tell_circle(circle: &[u64], census: &Census, text: &mut String) {
    let [first, ..] = circle else { return };
    text.push_str("\nThey wait for each other:\n");
    for (nth, id) in circle.iter().enumerate() {
        let then = circle.get(nth + 1).unwrap_or(first);
        let Some(portrait) = census.all.iter().find(|portrait| portrait.id == *id) else { continue };
        let site = portrait.waits.and_then(|wait| wait.site);
        let at = site.map_or(String::new(), |site| format!(" at {}:{}", site.file(), site.line()));
        let name = portrait.name.as_ref().map_or(String::new(), |name| format!(" {name:?}"));
        let _ = writeln!(text, "\tgoroutine {id}{name} [{}]{at} waits for goroutine {then}", state(portrait));
    }
}
