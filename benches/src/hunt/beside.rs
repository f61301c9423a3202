//! The default strategy beside each peer's, on the patterns that the peer can express: the same files.

use super::compare::{Both, Comparison, EASY, comparisons};
use super::table::cell;
use super::{Row, ours, peers};
use crate::table::aligned;
use serde_json::json;
use std::fmt::Write;

/// The columns before those of the peers: pattern, preemptions, the default.
const WORDS: usize = 3;
const COLUMNS: usize = WORDS + 4;

/// The aligned tables; nothing if no peer can express any of it.
pub(super) fn text(rows: &[Row]) -> String {
    let first = ours::columns().count();
    let is_shared = |row: &&Row| row.figures[first..].iter().any(Option::is_some);
    let shared: Vec<&Row> = rows.iter().filter(is_shared).collect();
    if shared.is_empty() {
        return String::new();
    }
    let mut header = ["pattern", "P", "selvedge mix"].map(String::from).to_vec();
    header.extend(peers::columns().map(|column| format!("{} {}", column.engine, column.strategy)));
    let mut lines: Vec<[String; COLUMNS]> = vec![header.try_into().expect("four strategies")];
    lines.extend(shared.into_iter().map(|row| {
        let theirs = row.figures[first..].iter().map(|f| if f.is_some() { cell(f) } else { String::new() });
        let mut cells = vec![row.fixture.name.to_owned(), row.fixture.preemptions.to_string()];
        cells.push(cell(&row.figures[0]));
        cells.extend(theirs);
        cells.try_into().expect("four strategies")
    }));
    let mut out = String::from("\nbeside the peers, on the same files\n\n");
    out.extend(aligned(&lines, 2).into_iter().map(|line| line + "\n"));
    let comparisons = comparisons(rows);
    out.push_str("\nboth sides of those that both find: medians, their sum, and the most; ours/theirs\n\n");
    out += &sides(&comparisons, |c| &c.all);
    let _ = writeln!(out, "\nthe same of those that take the peer more than {EASY} executions\n");
    out += &sides(&comparisons, |c| &c.hard);
    out
}

/// A table of comparisons, over all patterns or some.
fn sides(comparisons: &[Comparison], which: fn(&Comparison) -> &Both) -> String {
    let titles =
        ["peer", "found", "ours", "both", "median", "ours", "sum", "ours", "most", "ours", "medians", "sums"];
    let mut lines = vec![titles.map(String::from)];
    lines.extend(comparisons.iter().map(|c| {
        let both = which(c);
        let ratio = |ratio: Option<f64>| ratio.map_or_else(|| "-".into(), |n| format!("{n:.2}"));
        let median = |side: usize| both.median.map_or_else(|| "-".into(), |sides| sides[side].to_string());
        let [medians, sums] = both.ratios().map(ratio);
        [
            format!("{} {}", c.engine, c.strategy),
            format!("{} of {}", c.found[0], c.patterns),
            c.found[1].to_string(),
            both.patterns.to_string(),
            median(0),
            median(1),
            both.sum[0].to_string(),
            both.sum[1].to_string(),
            both.most[0].to_string(),
            both.most[1].to_string(),
            medians,
            sums,
        ]
    }));
    aligned(&lines, 1).into_iter().map(|line| line + "\n").collect()
}

/// One JSON object a line, a peer's strategy each.
pub(super) fn json(rows: &[Row]) -> String {
    comparisons(rows).iter().fold(String::new(), |mut out, c| {
        let both = |both: &Both| {
            let side = |n: usize| {
                json!({ "median": both.median.map(|sides| sides[n]), "sum": both.sum[n], "most": both.most[n] })
            };
            json!({ "patterns": both.patterns, "theirs": side(0), "ours": side(1) })
        };
        let object = json!({
            "engine": c.engine,
            "strategy": c.strategy,
            "patterns": c.patterns,
            "found": { "theirs": c.found[0], "ours": c.found[1] },
            "all": both(&c.all),
            "hard": both(&c.hard),
        });
        let _ = writeln!(out, "{object}");
        out
    })
}
