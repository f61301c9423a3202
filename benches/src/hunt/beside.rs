//! The default strategy beside each peer's, on the patterns that the peer can express: the same files.

use super::table::{cell, executions};
use super::{Column, Row, ours, peers};
use crate::measure::median;
use crate::table::aligned;
use serde_json::json;
use std::fmt::Write;

/// The columns before those of the peers: pattern, preemptions, the default.
const WORDS: usize = 3;
const COLUMNS: usize = WORDS + 4;

/// One of the two sides, over the patterns of a comparison.
struct Side {
    /// The bugs that half of the seeds find.
    found: usize,
    /// Of the medians of those that both find.
    median: Option<f64>,
    sum: f64,
    most: f64,
}

/// A peer's strategy and our default.
struct Comparison {
    column: Column,
    patterns: usize,
    /// Patterns whose bug both find.
    both: usize,
    theirs: Side,
    ours: Side,
}

impl Comparison {
    /// Ours by theirs, of the sums: below one if ours takes fewer executions.
    fn ratio(&self) -> f64 {
        self.ours.sum / self.theirs.sum
    }
}

fn side(rows: &[&Row], both: &[&Row], nth: usize) -> Side {
    let medians: Vec<f64> = both.iter().filter_map(|row| executions(&row.figures[nth])).collect();
    Side {
        found: rows.iter().filter(|row| executions(&row.figures[nth]).is_some()).count(),
        sum: medians.iter().sum(),
        most: medians.iter().copied().fold(0.0, f64::max),
        median: (!medians.is_empty()).then(|| median(medians)),
    }
}

fn comparisons(rows: &[Row]) -> Vec<Comparison> {
    let first = ours::columns().count();
    let compare = |(nth, column): (usize, Column)| {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.figures[nth].is_some()).collect();
        let find = |row: &&Row, nth: usize| executions(&row.figures[nth]).is_some();
        let both: Vec<&Row> = rows.iter().copied().filter(|row| find(row, nth) && find(row, 0)).collect();
        let (theirs, ours) = (side(&rows, &both, nth), side(&rows, &both, 0));
        Comparison { column, patterns: rows.len(), both: both.len(), theirs, ours }
    };
    peers::columns().enumerate().map(|(n, column)| compare((first + n, column))).collect()
}

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
    out.push_str("\nboth sides of those that both find: medians, their sum, and the most\n\n");
    let titles =
        ["peer", "patterns", "found", "ours", "median", "ours", "sum", "ours", "most", "ours", "ours/sum"];
    let mut lines = vec![titles.map(String::from)];
    lines.extend(comparisons(rows).iter().map(|c| {
        let median = |side: &Side| side.median.map_or_else(|| "-".into(), |n| n.to_string());
        [
            format!("{} {}", c.column.engine, c.column.strategy),
            c.patterns.to_string(),
            c.theirs.found.to_string(),
            c.ours.found.to_string(),
            median(&c.theirs),
            median(&c.ours),
            c.theirs.sum.to_string(),
            c.ours.sum.to_string(),
            c.theirs.most.to_string(),
            c.ours.most.to_string(),
            format!("{:.2}", c.ratio()),
        ]
    }));
    out.extend(aligned(&lines, 1).into_iter().map(|line| line + "\n"));
    out
}

/// One JSON object a line, a peer's strategy each.
pub(super) fn json(rows: &[Row]) -> String {
    comparisons(rows).iter().fold(String::new(), |mut out, c| {
        let side = |side: &Side| {
            json!({ "found": side.found, "median": side.median, "sum": side.sum, "most": side.most })
        };
        let object = json!({
            "engine": c.column.engine,
            "strategy": c.column.strategy,
            "patterns": c.patterns,
            "both": c.both,
            "theirs": side(&c.theirs),
            "ours": side(&c.ours),
        });
        let _ = writeln!(out, "{object}");
        out
    })
}
