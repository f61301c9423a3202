//! The execution as a log for ShiViz: for each event a line with what it is, then one with who did it and
//! its vector clock. The expression that reads it is ShiViz' own default.
//!
//! Invariant: clocks follow the goroutines' own order and the arrows of [`super::links`] that go forward,
//! so two events are ordered in the picture only if the trace says why.

use std::collections::BTreeMap;

use selvedge_checkers::ids::Gid;

use super::focus::Focus;
use super::links::links;
use super::scene::Scene;
use super::{Report, table};

/// Two lines an event.
pub(super) fn render(report: &Report<'_>) -> String {
    let scene = Scene::new(report.trace, report.sources);
    let focus = Focus::new(report.finding, &scene);
    let mut links = links(report.trace).into_iter().filter(|l| l.from < l.to).peekable();
    let mut now: BTreeMap<Gid, BTreeMap<Gid, usize>> = BTreeMap::new();
    let mut clocks: Vec<BTreeMap<Gid, usize>> = Vec::new();
    let mut out = String::new();
    for (at, e) in report.trace.events.iter().enumerate() {
        let clock = now.entry(e.g).or_default();
        while let Some(link) = links.next_if(|l| l.to == at) {
            for (g, n) in &clocks[link.from] {
                let mine = clock.entry(*g).or_default();
                *mine = (*mine).max(*n);
            }
        }
        *clock.entry(e.g).or_default() += 1;
        let told: Vec<String> = clock.iter().map(|(g, n)| format!("\"{}\":{n}", host(*g, &scene))).collect();
        out.push_str(&format!("{}\n", table::told(at, &focus, &scene)));
        out.push_str(&format!("{} {{{}}}\n", host(e.g, &scene), told.join(", ")));
        clocks.push(clock.clone());
    }
    out
}

/// A name without blanks, quotes and braces.
fn host(g: Gid, scene: &Scene<'_>) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-_/.".contains(c) { c } else { '_' };
    scene.names.goroutine(g).chars().map(plain).collect()
}
