//! The steps of the execution, a column a goroutine, folded to what the finding is about.
//!
//! Invariants: rows are in step order and each holds one goroutine's steps; the number of steps
//! folded away is always said; the sign on the step at which a goroutine stops for good is text and
//! does not depend on colour. Where the columns would not fit, the same rows are a list.

use std::cmp::Reverse;

use selvedge_checkers::ids::{Gid, ObjId};
use selvedge_checkers::op::OpKind;
use selvedge_checkers::trace::{Event, Outcome};

use super::focus::{Focus, is_noise};
use super::scene::Scene;
use super::style::{Ink, Style};
use super::text::{clip, one_line, pad, width, wrap};
use super::words;

/// Every block of the report is indented by this much.
const INDENT: usize = 3;
/// The blanks between columns.
const GAP: usize = 2;
/// The narrowest column of a goroutine that is still readable.
const MIN_COLUMN: usize = 12;
/// Neighbouring small steps of one goroutine share a row up to this width.
const MERGED: usize = 22;
/// Headers longer than this lose the place of the spawn.
const MAX_HEADER: usize = 26;

struct Row {
    step: u32,
    g: Gid,
    text: String,
    /// The goroutine stops here for good.
    stops: bool,
    /// The row may not share its line with others.
    alone: bool,
    /// It was asked for earlier than the row says: what it waits for was taken after that.
    late: bool,
}

/// The folded table with at most `limit` steps; empty where there is nothing to show.
pub(super) fn folded(
    focus: &Focus,
    limit: usize,
    out_dir: Option<&str>,
    scene: &Scene<'_>,
    style: &Style,
) -> Vec<String> {
    let events = &scene.trace.events;
    let steps: Vec<usize> = (0..events.len()).filter(|&i| !is_noise(&events[i])).collect();
    let weight = |i: &usize| focus.weight(*i, &events[*i]);
    let mut chosen = steps.clone();
    if steps.len() > limit {
        chosen.retain(|i| weight(i) > 0);
        // Of equally important steps the late ones are kept: they lead to the finding.
        chosen.sort_by_cached_key(|i| Reverse((weight(i), *i)));
        chosen.truncate(limit);
        chosen.sort_unstable();
    }
    if chosen.is_empty() {
        return Vec::new();
    }
    let hidden = steps.len() - chosen.len();
    let mut rows: Vec<Row> = chosen.into_iter().map(|i| row(i, focus, scene, style)).collect();
    // Who stops for good asked before others came first, and is told of after them.
    rows.sort_by_key(|row| (row.step, row.late));
    let rows = merge(rows, steps.len() > limit);
    let mut lines = columns(&rows, scene, style).unwrap_or_else(|| as_list(&rows, scene, style));
    if hidden > 0 {
        let (indent, hang) = (" ".repeat(INDENT + 4 + GAP), "  ");
        let text = style.spell(&words::folded(hidden, out_dir)).into_owned();
        let parts = wrap(&text, style.columns() - width(&indent) - hang.len());
        for (nth, part) in parts.iter().enumerate() {
            lines.push(format!("{indent}{}{part}", if nth == 0 { "" } else { hang }));
        }
    }
    lines
}

/// All goroutines, all objects and every step with its place: the contents of `trace.txt`.
pub(super) fn full(focus: &Focus, scene: &Scene<'_>, style: &Style) -> Vec<String> {
    let goroutines = scene.trace.goroutines.iter().map(|g| {
        let parent = g.parent.map_or_else(String::new, |p| words::created_by(p, scene));
        let end = words::ended(g.exited);
        [
            String::new(),
            scene.names.goroutine(g.id),
            format!("{end}{parent}"),
            scene.library.place(&g.spawned),
        ]
    });
    let objects = scene.trace.objects.iter().map(|o| {
        let name = format!("{} {}", o.kind.noun(), scene.names.cell(o.id));
        [format!("#{}", o.id.0), name, one_line(&o.state), scene.library.place(&o.created)]
    });
    let steps = scene.trace.events.iter().enumerate().map(|(i, e)| {
        let r = row(i, focus, scene, style);
        [r.step.to_string(), scene.names.goroutine(r.g), r.text, scene.library.place(&e.site)]
    });
    let parts: [Vec<[String; 4]>; 3] = [goroutines.collect(), objects.collect(), steps.collect()];
    let filled: Vec<Vec<String>> = parts.iter().filter(|p| !p.is_empty()).map(|p| aligned(p)).collect();
    filled.join(&[String::new()][..])
}

/// The cells under each other, the first ones flush right.
fn aligned(rows: &[[String; 4]]) -> Vec<String> {
    let widest = |i: usize| rows.iter().map(|r| width(&r[i])).max().unwrap_or(0);
    let (who_width, what_width) = (widest(1), widest(2));
    let line = |[nth, who, what, place]: &[String; 4]| {
        format!("{nth:>6}  {}  {}  {place}", pad(who, who_width), pad(what, what_width))
    };
    rows.iter().map(line).collect()
}

/// What the event is in words, without what the end of the execution adds.
pub(super) fn told(i: usize, focus: &Focus, scene: &Scene<'_>) -> String {
    one_line(&action(i, focus.stops_at(i), scene))
}

fn row(i: usize, focus: &Focus, scene: &Scene<'_>, style: &Style) -> Row {
    let e = &scene.trace.events[i];
    let stops = focus.stops_at(i);
    let mut text = action(i, stops, scene);
    let mut step = e.step;
    let mark = focus.mark(i);
    if stops {
        text.push_str(" ✋");
        if let Some(o) = scene.object(e.object) {
            let mine = e.op == OpKind::ReadLock && o.holders.iter().any(|(g, _)| *g == e.g);
            let others = || o.holders.iter().filter(|_| !mine);
            step = others().map(|(_, taken)| *taken).fold(step, u32::max);
            let holders = others().map(|(g, taken)| format!("{}@{taken}", scene.names.goroutine(*g)));
            let holders: Vec<String> = holders.take(3).collect();
            match holders.is_empty() {
                true if mine => {}
                true => text.push_str(&format!(" {}", o.state)),
                false => text.push_str(&format!(" held by {}", holders.join(", "))),
            }
        }
    } else if !mark.is_empty() && e.outcome != Outcome::Misuse {
        text.push_str(&format!(" {mark}"));
    }
    let text = style.spell(text.trim_end()).into_owned();
    Row { step, g: e.g, text, stops, alone: focus.names(i), late: step > e.step }
}

/// `send tx 7`: verb, object, value and outcome of a step.
fn action(i: usize, stops: bool, scene: &Scene<'_>) -> String {
    let e = &scene.trace.events[i];
    let mut text = e.op.verb().to_owned();
    if let (OpKind::WaitGroupAdd, Outcome::Value(now)) = (e.op, &e.outcome) {
        return added(&scene.names.cell(e.object.unwrap_or(ObjId::NIL)), scene.counter_before(i), *now);
    }
    if let Some(taken) = selected(e, scene) {
        return taken;
    }
    if (e.op, &e.outcome) == (OpKind::WaitGroupAdd, &Outcome::Misuse) {
        // Only taking away can be wrong.
        text = "done".to_owned();
    }
    if let Some(obj) = e.object {
        text.push_str(&format!(" {}", scene.names.cell(obj)));
    }
    if let Some(peer) = e.peer.map(|peer| scene.names.goroutine(peer)) {
        match e.op {
            OpKind::Spawn | OpKind::Join | OpKind::Unpark => text.push_str(&format!(" {peer}")),
            OpKind::Receive | OpKind::TryReceive => text.push_str(&format!(" from {peer}")),
            OpKind::Send | OpKind::TrySend => text.push_str(&format!(" to {peer}")),
            OpKind::NotifyOne | OpKind::NotifyAll => text.push_str(&format!(" → {peer}")),
            _ => {}
        }
    }
    text.push_str(&result(e));
    if matches!(e.outcome, Outcome::Old(_))
        && let Some(newer) = newest_store(i, scene)
    {
        text.push_str(&format!(" ({newer})"));
    }
    if e.outcome == Outcome::Blocks && !stops && !words::is_wait(e.op) {
        text.push_str(" waits");
    }
    text
}

/// `old: g1 stored 1 at step 7`: what a load did not read.
fn newest_store(i: usize, scene: &Scene<'_>) -> Option<String> {
    let object = scene.trace.events[i].object;
    let stores = |e: &&Event| {
        let writes = matches!(e.op, OpKind::Store | OpKind::Update | OpKind::CompareExchange);
        writes && e.object == object && matches!(e.outcome, Outcome::Value(_))
    };
    let newest = scene.trace.events[..i].iter().rev().find(stores)?;
    let (g, step) = (scene.names.goroutine(newest.g), newest.step);
    Some(match newest.outcome {
        Outcome::Value(v) if newest.op == OpKind::Store => format!("old: {g} stored {v} at step {step}"),
        _ => format!("old: {g} changed it at step {step}"),
    })
}

/// `select → receive from jobs (arm 1 of 2)`: which way a select went.
fn selected(e: &Event, scene: &Scene<'_>) -> Option<String> {
    let taken = match &e.outcome {
        Outcome::Arm { arm, of, sends } => {
            let channel = scene.names.cell(e.object.unwrap_or(ObjId::NIL));
            let nth = if *of > 1 { format!(" (arm {} of {of})", arm + 1) } else { String::new() };
            format!("{} {channel}{nth}", if *sends { "send on" } else { "receive from" })
        }
        Outcome::Default => "default".to_owned(),
        Outcome::TimedOut if e.op == OpKind::Select => "timed out".to_owned(),
        _ => return None,
    };
    Some(format!("{} → {taken}", e.op.verb()))
}

/// What came of a step, for its cell.
fn result(e: &Event) -> String {
    let gives = matches!(
        e.op,
        OpKind::Load | OpKind::Read | OpKind::Receive | OpKind::TryReceive | OpKind::Len | OpKind::Choose
    );
    match &e.outcome {
        Outcome::Done | Outcome::Blocks => String::new(),
        Outcome::Value(v) | Outcome::Old(v) if matches!(e.op, OpKind::Update | OpKind::CompareExchange) => {
            format!(": was {v}")
        }
        Outcome::Old(v) => format!(" = {v}"),
        Outcome::Value(v) if gives => format!(" = {v}"),
        Outcome::Value(v) => format!(" {v}"),
        Outcome::Failed if matches!(e.op, OpKind::NotifyOne | OpKind::NotifyAll) => {
            ": nobody waits".to_owned()
        }
        // Whether it ran already when it was started says nothing.
        Outcome::Failed if e.op == OpKind::TimerStart => String::new(),
        Outcome::Failed => " fails".to_owned(),
        Outcome::Closed => " closed".to_owned(),
        Outcome::TimedOut => " timed out".to_owned(),
        Outcome::Default | Outcome::Arm { .. } => String::new(),
        Outcome::Spurious => " spuriously".to_owned(),
        Outcome::Misuse => " ✗".to_owned(),
    }
}

/// `add wg +2 = 2`, `done wg = 1`: Go's word for taking one away.
fn added(name: &str, before: u64, now: u64) -> String {
    match now.wrapping_sub(before) as i64 {
        -1 => format!("done {name} = {now}"),
        delta => format!("add {name} {delta:+} = {now}"),
    }
}

/// Joins neighbouring rows of one goroutine that are short and unremarkable: always those of one
/// step, others only where room is needed.
fn merge(rows: Vec<Row>, tight: bool) -> Vec<Row> {
    let mut out: Vec<Row> = Vec::new();
    for row in rows {
        match out.last_mut() {
            Some(last)
                if last.g == row.g
                    && (tight || last.step == row.step)
                    && !last.alone
                    && !row.alone
                    && width(&last.text) + 2 + width(&row.text) <= MERGED =>
            {
                last.text.push_str("; ");
                last.text.push_str(&row.text);
            }
            _ => out.push(row),
        }
    }
    out
}

/// The rows under a column a goroutine, or `None` where the columns do not fit.
fn columns(rows: &[Row], scene: &Scene<'_>, style: &Style) -> Option<Vec<String>> {
    let mut who: Vec<Gid> = rows.iter().map(|r| r.g).collect();
    who.sort();
    who.dedup();
    let room = style.columns().saturating_sub(INDENT + 4 + GAP);
    let widest = |g: Gid| rows.iter().filter(|r| r.g == g).map(|r| width(&r.text)).max().unwrap_or(0);
    let headers = |full: bool| who.iter().map(|g| header(*g, full, scene)).collect::<Vec<_>>();
    // Each row has one cell, so a long cell may run on to the right: first with room for every
    // cell, then with room for the headers only.
    let (long, short) = (headers(true), headers(false));
    let natural: Vec<usize> = who.iter().zip(&long).map(|(g, h)| width(h).max(widest(*g))).collect();
    let roomy: Vec<usize> = long.iter().map(|h| width(h).max(MIN_COLUMN)).collect();
    let tight: Vec<usize> = short.iter().map(|h| width(h).max(MIN_COLUMN)).collect();
    let total = |w: &[usize]| w.iter().sum::<usize>() + GAP * w.len().saturating_sub(1);
    let (headers, widths) =
        [(&long, natural), (&long, roomy), (&short, tight)].into_iter().find(|(_, w)| total(w) <= room)?;
    let starts: Vec<usize> = (0..who.len()).map(|i| widths[..i].iter().sum::<usize>() + GAP * i).collect();
    let sticks_out = |r: &Row| {
        let start = who.iter().position(|g| *g == r.g).map_or(0, |i| starts[i]);
        start + width(&r.text) > room
    };
    if rows.iter().any(sticks_out) {
        return None;
    }
    let heads: Vec<String> = headers.iter().zip(&widths).map(|(h, w)| pad(h, *w + GAP)).collect();
    let label = style.paint(Ink::Label, "step");
    let mut lines = vec![format!("{}{label}{}{}", " ".repeat(INDENT), " ".repeat(GAP), heads.concat())];
    for (nth, r) in rows.iter().enumerate() {
        let start = who.iter().position(|g| *g == r.g).map_or(0, |i| starts[i]);
        lines.push(format!("{}{}", pad(&step(rows, nth), INDENT + 4 + GAP + start), painted(r, style)));
    }
    Some(lines.iter().map(|l| l.trim_end().to_owned()).collect())
}

/// The rows with the goroutine's name in front of each.
fn as_list(rows: &[Row], scene: &Scene<'_>, style: &Style) -> Vec<String> {
    let names: Vec<String> = rows.iter().map(|r| header(r.g, false, scene)).collect();
    let who = names.iter().map(|n| width(n)).max().unwrap_or(0);
    let mut lines = vec![format!("{}{}", " ".repeat(INDENT), style.paint(Ink::Label, "step"))];
    for (nth, (r, name)) in rows.iter().zip(&names).enumerate() {
        let line =
            format!("{}{}  {}", pad(&step(rows, nth), INDENT + 4 + GAP), pad(name, who), painted(r, style));
        lines.push(clip(&line, style.columns(), style.ellipsis()));
    }
    lines
}

/// The number of a row's step, unless it is that of the row above.
fn step(rows: &[Row], nth: usize) -> String {
    let n = rows[nth].step;
    match nth.checked_sub(1) {
        Some(above) if rows[above].step == n => " ".repeat(INDENT + 4),
        _ => format!("{}{n:>4}", " ".repeat(INDENT)),
    }
}

fn painted(r: &Row, style: &Style) -> String {
    if r.stops { style.paint(Ink::Alarm, &r.text) } else { r.text.clone() }
}

/// `g2 (billing.rs:9)`, or the name alone.
fn header(g: Gid, with_place: bool, scene: &Scene<'_>) -> String {
    let name = clip(&scene.names.goroutine(g), MAX_HEADER, "~");
    match scene.spawned(g).filter(|_| with_place) {
        Some(site) => {
            let long = format!("{name} ({})", scene.library.brief(site));
            if width(&long) <= MAX_HEADER { long } else { name }
        }
        None => name,
    }
}
