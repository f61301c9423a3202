//! The steps of a short execution as a picture for documents: a row a goroutine, a row an object.
//!
//! Invariants: it follows the reader's light or dark theme; all text is escaped; of a long execution the
//! last [`MOST`] events are drawn, which is said.

use std::fmt::Write as _;

use selvedge_checkers::ids::Gid;
use selvedge_checkers::trace::Outcome;

use super::focus::Focus;
use super::links::links;
use super::scene::Scene;
use super::states::{Tone, states};
use super::text::clip;
use super::{Report, table};

/// More would not be readable on a page.
const MOST: usize = 60;
const LEFT: usize = 150;
const WIDE: usize = 120;
const HIGH: usize = 28;

const STYLE: &str = "text{font:12px ui-monospace,monospace;fill:#1b1f27}.step{fill:#a9c7f5}.bad{fill:#f2b8b5}\
.wait{fill:#f6d98a}.idle{fill:#e6e9ee}.arrow{stroke:#0a58ca;fill:none}\
@media(prefers-color-scheme:dark){text{fill:#e6e9ee}.step{fill:#2c5a9c}.bad{fill:#7c2f2b}.wait{fill:#6b5518}\
.idle{fill:#272c35}.arrow{stroke:#7db2ff}}";

/// One SVG document.
pub(super) fn render(report: &Report<'_>) -> String {
    let scene = Scene::new(report.trace, report.sources);
    let focus = Focus::new(report.finding, &scene);
    let trace = report.trace;
    let first = trace.events.len().saturating_sub(MOST);
    let x = |at: usize| LEFT + (at - first) * WIDE;
    let y = |row: usize| 30 + row * HIGH;
    let clock = trace.events.iter().any(|e| e.g == Gid::CLOCK).then_some(Gid::CLOCK);
    let goroutines: Vec<Gid> = trace.goroutines.iter().map(|g| g.id).chain(clock).collect();
    let rows = goroutines.len() + trace.objects.len();
    let (width, height) = (x(trace.events.len().max(first)) + 10, y(rows) + 10);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\"><title>{}</title><style>{STYLE}</style>\n",
        escaped(&report.headline())
    );
    let row_of = |g: Gid| goroutines.iter().position(|other| *other == g);
    for (row, g) in goroutines.iter().enumerate() {
        label(&mut out, 6, y(row), LEFT - 10, &scene.names.goroutine(*g));
    }
    for (at, e) in trace.events.iter().enumerate().skip(first) {
        let Some(row) = row_of(e.g) else { continue };
        let class = match () {
            () if focus.names(at) => "bad",
            () if e.outcome == Outcome::Blocks => "wait",
            () => "step",
        };
        boxed(&mut out, class, (x(at), y(row)), WIDE - 3, &table::told(at, &focus, &scene));
    }
    for (nth, (object, changes)) in trace.objects.iter().zip(states(trace, &scene.names)).enumerate() {
        let top = y(goroutines.len() + nth);
        label(
            &mut out,
            6,
            top,
            LEFT - 10,
            &format!("{} {}", object.kind.noun(), scene.names.cell(object.id)),
        );
        let ends = changes.iter().skip(1).map(|c| c.at).chain([trace.events.len()]);
        for (change, end) in changes.iter().zip(ends).filter(|(_, end)| *end > first) {
            let from = x(change.at.max(first));
            let class = match change.tone {
                Tone::Idle => "idle",
                Tone::Busy => "step",
                Tone::Over => "bad",
            };
            boxed(&mut out, class, (from, top), (x(end) - from).saturating_sub(3), &change.text);
        }
    }
    for l in links(trace).iter().filter(|l| l.from >= first && l.to >= first) {
        let rows = (row_of(trace.events[l.from].g), row_of(trace.events[l.to].g));
        let (Some(a), Some(b)) = rows else { continue };
        let (x1, x2, y1, y2) = (x(l.from) + WIDE / 2, x(l.to) + 8, y(a) + HIGH / 2, y(b) + HIGH / 2);
        let _ = writeln!(
            out,
            "<path class=\"arrow\" d=\"M{x1} {y1}C{x1} {y2} {x1} {y2} {x2} {y2}\"><title>{}</title></path>",
            escaped(l.why.text())
        );
    }
    if first > 0 {
        label(&mut out, LEFT, 0, width, &format!("… {first} events before"));
    }
    out.push_str("</svg>\n");
    out
}

fn label(out: &mut String, x: usize, y: usize, room: usize, text: &str) {
    let _ = writeln!(out, "<text x=\"{x}\" y=\"{}\">{}</text>", y + 18, escaped(&clip(text, room / 8, "…")));
}

fn boxed(out: &mut String, class: &str, (x, y): (usize, usize), width: usize, text: &str) {
    let (top, height) = (y + 2, HIGH - 5);
    let _ = writeln!(
        out,
        "<rect class=\"{class}\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"4\"><title>{}</title></rect>",
        escaped(text)
    );
    label(out, x + 5, y, width.saturating_sub(8), text);
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
