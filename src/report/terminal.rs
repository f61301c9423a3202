//! The report a person reads in a terminal.
//!
//! Invariants: the blocks come in one order (headline and source, who waits for whom, steps,
//! numbers, further findings, how to see it again); there are at most [`MAX_LINES`] lines, and none
//! is wider than the style allows, except that a token and a path are never broken: what a person
//! copies must work. The token is printed once and in the last block.

use selvedge_checkers::finding::{Blocked, Evidence, Severity, Slug};

use super::Report;
use super::focus::Focus;
use super::marks::{Mark, marks};
use super::scene::Scene;
use super::style::{Ink, Style};
use super::text::{clip, one_line, pad, wrap};
use super::{snippet, table, words};

/// A report fits on one screen.
const MAX_LINES: usize = 40;
/// Blocks below the snippet are indented by this much, and their labels padded to that.
const INDENT: &str = "   ";
const LABEL: usize = 10;

/// How much of each block to show.
struct Detail {
    marks: usize,
    steps: usize,
    others: usize,
}

/// From rich to poor: the first that fits on the screen is taken.
const DETAILS: &[Detail] = &[
    Detail { marks: 8, steps: 15, others: 4 },
    Detail { marks: 6, steps: 9, others: 3 },
    Detail { marks: 4, steps: 7, others: 2 },
    Detail { marks: 3, steps: 5, others: 1 },
    Detail { marks: 2, steps: 3, others: 1 },
    Detail { marks: 1, steps: 0, others: 0 },
];

/// The whole report, ending in a line break.
pub(super) fn render(report: &Report<'_>, style: &Style) -> String {
    let scene = Scene::new(report.trace, report.sources);
    let cause = report.cause();
    let mut places = marks(report.finding, &scene);
    // What the panic comes from is to be seen first.
    let because = cause.and_then(|f| marks(f, &scene).into_iter().next());
    let at = places.len().min(1);
    places.splice(at..at, because.map(|mark| Mark { primary: false, ..mark }));
    let about = (places, Focus::new(cause.unwrap_or(report.finding), &scene));
    let mut lines = Vec::new();
    for detail in DETAILS {
        lines = blocks(report, &about, detail, &scene, style).join(&String::new());
        if lines.len() <= MAX_LINES {
            break;
        }
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// Blocks of lines, to be separated by an empty line.
struct Blocks(Vec<Vec<String>>);

impl Blocks {
    fn join(self, between: &String) -> Vec<String> {
        let full: Vec<Vec<String>> = self.0.into_iter().filter(|b| !b.is_empty()).collect();
        full.join(std::slice::from_ref(between))
    }
}

fn blocks(
    report: &Report<'_>,
    (all, focus): &(Vec<Mark>, Focus),
    detail: &Detail,
    scene: &Scene<'_>,
    style: &Style,
) -> Blocks {
    let finding = report.finding;
    let shown = &all[..all.len().min(detail.marks)];
    let out_dir = report.replay.out_dir.as_deref();
    let remedies = report.remedies(scene);
    let steps = match focus.is_empty() {
        true => Vec::new(),
        false => table::folded(focus, detail.steps, out_dir, scene, style),
    };
    Blocks(vec![
        snippet::render(finding, shown, &remedies, scene, style),
        relation(report, shown, scene, style),
        steps,
        numbers(report, style),
        others(report, detail.others, scene, style),
        replay(report, style),
    ])
}

/// A labelled line, wrapped under its own text.
fn labelled(label: &str, text: &str, style: &Style) -> Vec<String> {
    let room = style.columns() - INDENT.len() - LABEL;
    let label = pad(&style.paint(Ink::Label, label), LABEL);
    let blank = " ".repeat(LABEL);
    let lines = wrap(&style.spell(text), room);
    let start = |i: usize| if i == 0 { &label } else { &blank };
    lines.iter().enumerate().map(|(i, line)| format!("{INDENT}{}{line}", start(i))).collect()
}

/// Who waits for whom, or which order is missing.
fn relation(report: &Report<'_>, shown: &[Mark], scene: &Scene<'_>, style: &Style) -> Vec<String> {
    let mut lines = Vec::new();
    match &report.finding.evidence {
        Evidence::Stuck { blocked, cycle, .. } => {
            if let Some(line) = words::cycle_line(blocked, cycle, scene) {
                lines.extend(labelled("cycle", &line, style));
            }
            let unseen = |b: &&Blocked| !shown.iter().any(|m| m.site == b.site);
            let rest: Vec<&Blocked> = blocked.iter().filter(unseen).collect();
            if !rest.is_empty() {
                lines.extend(labelled("more", &words::more_blocked(&rest), style));
            }
        }
        evidence => {
            if let Some(line) = words::order_line(evidence, scene) {
                lines.extend(labelled("order", &line, style));
            }
        }
    }
    lines
}

fn numbers(report: &Report<'_>, style: &Style) -> Vec<String> {
    let room = style.columns() - INDENT.len();
    let sentences = match report.statistics.executions {
        _ if report.finding.slug == Slug::Stuck => Vec::new(),
        _ if report.statistics.production => vec![words::figures(report.statistics)],
        _ if report.statistics.replaying => vec![words::figures(report.statistics)],
        0 => vec![words::figures(report.statistics)],
        _ => vec![words::figures(report.statistics), words::search(report.statistics)],
    };
    let lines = sentences.iter().flat_map(|s| wrap(&style.spell(s), room));
    lines.map(|line| format!("{INDENT}{line}")).collect()
}

/// Further findings, a line each, errors first; warnings say that they are.
fn others(report: &Report<'_>, limit: usize, scene: &Scene<'_>, style: &Style) -> Vec<String> {
    let mut rest: Vec<_> = report.others.iter().collect();
    rest.sort_by_key(|f| f.slug.severity());
    let room = style.columns() - INDENT.len() - LABEL;
    let mut lines = Vec::new();
    let shown = if rest.len() == limit + 1 { limit + 1 } else { limit };
    for f in rest.iter().take(shown) {
        let label = match f.slug.severity() {
            Severity::Error => "also",
            Severity::Warning => "warning",
        };
        let place = f.site().map_or_else(String::new, |s| format!("{}: ", scene.library.brief(s)));
        let sentence = one_line(&words::headline(f, scene));
        let text = format!("[{}] {place}{sentence}", f.slug.text());
        // Two of them may take a second line.
        let most = if rest.len() <= 2 { 2 * room - LABEL } else { room };
        let text = clip(&style.spell(&text), most, style.ellipsis());
        lines.extend(labelled(label, &text, style));
    }
    if rest.len() > shown && !rest.is_empty() {
        lines.extend(labelled("", &words::more_findings(rest.len() - shown), style));
    }
    lines
}

/// How to see the failure again; the last block, because it is what a person copies.
fn replay(report: &Report<'_>, style: &Style) -> Vec<String> {
    let replay = report.replay;
    let mut lines = Vec::new();
    if let Some(timeline) = &replay.timeline {
        lines.push(format!("{INDENT}{}{timeline}", pad(&style.paint(Ink::Label, "timeline"), LABEL)));
    }
    if !replay.token.is_empty() {
        lines.extend(command_lines(&replay.token, &replay.command, style));
    }
    let explain = format!("cargo selvedge explain {}", report.cause().unwrap_or(report.finding).slug.text());
    lines.push(format!("{INDENT}{}{explain}", pad(&style.paint(Ink::Label, "explain"), LABEL)));
    lines
}

/// The replay command on one line, or continued the way a shell continues it.
fn command_lines(token: &str, command: &str, style: &Style) -> Vec<String> {
    let room = style.columns() - INDENT.len() - LABEL;
    let words: Vec<String> = wrap(&format!("SELVEDGE_REPLAY={token} {}", one_line(command)), room);
    let whole = words.len() == 1;
    let parts = if whole { words } else { wrap(&words.join(" "), room - 2) };
    let label = pad(&style.paint(Ink::Label, "replay"), LABEL);
    let last = parts.len() - 1;
    let line = |(i, part): (usize, &String)| {
        let start = if i == 0 { label.clone() } else { " ".repeat(LABEL) };
        let end = if i == last { "" } else { " \\" };
        format!("{INDENT}{start}{}{end}", style.paint(Ink::Strong, part))
    };
    parts.iter().enumerate().map(line).collect()
}
