//! The report of a hunt: a line a program, and what the strategies come to together.

use super::{Column, Figures, Row, beside, columns, ours};
use crate::measure::median;
use crate::table::aligned;
use serde_json::json;
use std::fmt::Write;

/// Columns before those of the strategies.
const WORDS: usize = 2;
const COLUMNS: usize = WORDS + 8;

/// A strategy over all programs.
struct Summary {
    column: Column,
    /// Bugs found by half of the seeds, and by all.
    found: usize,
    always: usize,
    programs: usize,
    /// Of the medians: their median, where a bug that was not found takes for ever, and the largest.
    executions: Option<f64>,
    most: Option<f64>,
    /// The sum of the median times, those in vain included.
    seconds: f64,
    /// Bugs for which no strategy needs fewer executions.
    best: usize,
}

/// The median, if the strategy was tried and found the bug from half of its seeds.
pub(super) fn executions(figures: &Option<Figures>) -> Option<f64> {
    figures.as_ref()?.executions
}

fn summaries(rows: &[Row]) -> Vec<Summary> {
    let summary = |(nth, column): (usize, Column)| {
        let figures: Vec<&Figures> = rows.iter().filter_map(|row| row.figures[nth].as_ref()).collect();
        // What is not tried is not found.
        let medians = rows.iter().map(|row| executions(&row.figures[nth]).unwrap_or(f64::INFINITY));
        let is_best = |row: &&Row| {
            let least =
                row.figures[..ours::columns().count()].iter().filter_map(executions).min_by(f64::total_cmp);
            least.is_some() && executions(&row.figures[nth]) == least
        };
        Summary {
            column,
            found: figures.iter().filter(|f| f.executions.is_some()).count(),
            always: figures.iter().filter(|f| f.found == f.seeds).count(),
            programs: rows.len(),
            executions: (!rows.is_empty()).then(|| median(medians.collect())).filter(|n| n.is_finite()),
            most: figures.iter().filter_map(|f| f.executions).max_by(f64::total_cmp),
            seconds: figures.iter().map(|f| f.seconds).sum(),
            best: rows.iter().filter(is_best).count(),
        }
    };
    ours::columns().enumerate().map(summary).collect()
}

/// The aligned tables.
pub(crate) fn text(rows: &[Row]) -> String {
    let mut header = ["pattern", "P"].map(String::from).to_vec();
    header.extend(ours::columns().map(|column| column.strategy.to_owned()));
    let mut lines: Vec<[String; COLUMNS]> = vec![header.try_into().expect("eight strategies")];
    lines.extend(rows.iter().map(cells));
    let mut out = String::from("executions to the bug (and time), medians; (n): found from n seeds only\n\n");
    out.extend(aligned(&lines, WORDS).into_iter().map(|line| line + "\n"));
    out.push('\n');
    let titles = ["strategy", "found", "always", "best", "median", "most", "seconds"];
    let mut lines = vec![titles.map(String::from)];
    lines.extend(summaries(rows).iter().map(|s| {
        let executions = |n: Option<f64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        [
            s.column.strategy.to_owned(),
            format!("{} of {}", s.found, s.programs),
            s.always.to_string(),
            s.best.to_string(),
            executions(s.executions),
            executions(s.most),
            format!("{:.3}", s.seconds),
        ]
    }));
    out.extend(aligned(&lines, 1).into_iter().map(|line| line + "\n"));
    out + &beside::text(rows)
}

fn cells(row: &Row) -> [String; COLUMNS] {
    let mut cells = vec![row.fixture.name.to_owned(), row.fixture.preemptions.to_string()];
    cells.extend(row.figures.iter().take(ours::columns().count()).map(cell));
    cells.try_into().expect("eight strategies")
}

/// What a strategy came to on a program.
pub(super) fn cell(figures: &Option<Figures>) -> String {
    let Some(figures) = figures else { return "not tried".into() };
    let Figures { found, seeds, executions, seconds } = figures;
    let some = if found == seeds { String::new() } else { format!(" ({found})") };
    match executions {
        Some(n) => format!("{n}{some} in {:.2} ms", seconds * 1e3),
        None => format!("-{some}"),
    }
}

/// One JSON object a line: a program and a strategy each, then a strategy over all programs each.
pub(crate) fn json(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        for (column, figures) in columns().zip(&row.figures) {
            let Some(figures) = figures else { continue };
            let object = json!({
                "pattern": row.fixture.name,
                "section": row.fixture.section,
                "preemptions": row.fixture.preemptions,
                "engine": column.engine,
                "strategy": column.strategy,
                "executions": figures.executions,
                "seconds": figures.seconds,
                "found": figures.found,
                "seeds": figures.seeds,
            });
            let _ = writeln!(out, "{object}");
        }
    }
    for s in summaries(rows) {
        let object = json!({
            "engine": s.column.engine,
            "strategy": s.column.strategy,
            "bugs": s.programs,
            "found": s.found,
            "always": s.always,
            "best": s.best,
            "median": s.executions,
            "most": s.most,
            "seconds": s.seconds,
        });
        let _ = writeln!(out, "{object}");
    }
    out + &beside::json(rows)
}
