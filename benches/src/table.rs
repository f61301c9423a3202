//! The report: an aligned table for people, or one JSON object a line for programs. A ratio above
//! one always means that this library is faster at the same job: executions per second against a
//! sampling strategy, time to the end of the exploration against an exhaustive one.

use crate::measure::{Figures, Kind};
use crate::ours;
use std::fmt::Write;

/// The strategy of ours that stands in where a peer's sampling strategy has no namesake.
const DEFAULT_SAMPLING: &str = "random";

const HEADER: [&str; 9] = [
    "program",
    "engine",
    "strategy",
    "executions",
    "decisions",
    "ns/decision",
    "exec/s",
    "exhausted in",
    "ours is faster by",
];

/// Columns of words are aligned left, the numbers after them right.
const WORDS: usize = 3;

/// Our row that does the same job as `peer`.
fn counterpart<'a>(peer: &Figures, all: &'a [Figures]) -> Option<&'a Figures> {
    let same_job = || {
        all.iter()
            .filter(|row| row.engine == ours::ENGINE && row.bench == peer.bench && row.kind == peer.kind)
    };
    match peer.kind {
        Kind::Exhaustive => same_job().next(),
        Kind::Sampling => same_job()
            .find(|row| row.strategy == peer.strategy)
            .or_else(|| same_job().find(|row| row.strategy == DEFAULT_SAMPLING)),
    }
}

/// How many times faster ours does the job of `peer`. Unknown when our own exploration was cut; a
/// lower bound when only the peer's was.
fn ratio(peer: &Figures, ours: &Figures) -> Option<f64> {
    match peer.kind {
        Kind::Sampling => Some(ours.executions_per_second() / peer.executions_per_second()),
        Kind::Exhaustive => ours.exhausted.then(|| peer.cpu_seconds / ours.cpu_seconds),
    }
}

/// The ratio of ours to `row`, with the strategy of ours it was taken against.
fn comparison(row: &Figures, all: &[Figures]) -> Option<(f64, &'static str)> {
    if row.engine == ours::ENGINE {
        return None;
    }
    let ours = counterpart(row, all)?;
    Some((ratio(row, ours)?, ours.strategy))
}

/// Whether the row's exploration was cut, which makes its figures lower bounds.
fn cut(row: &Figures) -> bool {
    row.kind == Kind::Exhaustive && !row.exhausted
}

/// The aligned table.
pub(crate) fn text(all: &[Figures]) -> String {
    let mut lines = vec![HEADER.map(String::from)];
    lines.extend(all.iter().map(|row| cells(row, all)));
    let mut out = String::new();
    for (index, text) in aligned(&lines, WORDS).iter().enumerate() {
        if index > 0 && lines[index - 1][0] != lines[index][0] {
            out.push('\n');
        }
        out.push_str(text);
        out.push('\n');
    }
    out
}

/// The lines with their columns aligned: the first `words` left, the numbers after them right.
pub(crate) fn aligned<const N: usize>(lines: &[[String; N]], words: usize) -> Vec<String> {
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let pad = |(column, cell): (usize, &String)| {
        let width = widths[column];
        if column < words { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
    };
    let join = |line: &[String; N]| line.iter().enumerate().map(pad).collect::<Vec<_>>().join("  ");
    lines.iter().map(|line| join(line).trim_end().to_owned()).collect()
}

fn cells(row: &Figures, all: &[Figures]) -> [String; HEADER.len()] {
    let dash = || String::from("-");
    let bound = if cut(row) { ">" } else { "" };
    [
        row.bench.into(),
        row.engine.into(),
        row.strategy.into(),
        format!("{bound}{}", row.executions),
        row.decisions.map_or_else(dash, |decisions| format!("{decisions:.1}")),
        row.ns_per_decision().map_or_else(dash, |ns| format!("{ns:.0}")),
        format!("{:.0}", row.executions_per_second()),
        match row.kind {
            Kind::Sampling => dash(),
            Kind::Exhaustive => format!("{bound}{:.2} ms", row.cpu_seconds * 1e3),
        },
        comparison(row, all).map_or_else(dash, |(ratio, _)| format!("{bound}{ratio:.2}x")),
    ]
}

/// One JSON object a line.
pub(crate) fn json(all: &[Figures]) -> String {
    all.iter().fold(String::new(), |mut out, row| {
        let comparison = comparison(row, all);
        let exhaustive = row.kind == Kind::Exhaustive;
        let object = serde_json::json!({
            "bench": row.bench,
            "engine": row.engine,
            "strategy": row.strategy,
            "exhaustive": exhaustive,
            "executions": row.executions,
            "exhausted": exhaustive.then_some(row.exhausted),
            "executions_per_second": row.executions_per_second(),
            "decisions_per_execution": row.decisions,
            "ns_per_decision": row.ns_per_decision(),
            "cpu_seconds": row.cpu_seconds,
            "wall_seconds": row.wall_seconds,
            "samples": row.samples,
            "ours_faster_by": comparison.map(|(ratio, _)| ratio),
            "compared_with": comparison.map(|(_, strategy)| strategy),
        });
        let _ = writeln!(out, "{object}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(engine: &'static str, strategy: &'static str, kind: Kind, cpu_seconds: f64) -> Figures {
        Figures {
            bench: "p",
            engine,
            strategy,
            kind,
            executions: 100,
            exhausted: kind == Kind::Exhaustive,
            samples: 1,
            cpu_seconds,
            wall_seconds: cpu_seconds,
            decisions: Some(10.0),
        }
    }

    #[test]
    fn a_peer_is_compared_with_its_namesake_and_otherwise_with_random() {
        let all = [
            row(ours::ENGINE, "pct3", Kind::Sampling, 1.0),
            row(ours::ENGINE, "random", Kind::Sampling, 2.0),
            row("peer", "pct3", Kind::Sampling, 4.0),
            row("peer", "urw", Kind::Sampling, 4.0),
        ];
        assert_eq!(comparison(&all[2], &all), Some((4.0, "pct3")));
        assert_eq!(comparison(&all[3], &all), Some((2.0, "random")));
        assert_eq!(comparison(&all[0], &all), None);
    }

    #[test]
    fn exhaustive_peers_are_compared_by_time_to_the_end() {
        let mut all = [
            row(ours::ENGINE, "dpor", Kind::Exhaustive, 0.5),
            row("peer", "dfs", Kind::Exhaustive, 4.0),
            row("peer", "random", Kind::Sampling, 4.0),
        ];
        assert_eq!(comparison(&all[1], &all), Some((8.0, "dpor")));
        assert_eq!(comparison(&all[2], &all), None);
        all[1].exhausted = false;
        assert!(text(&all).contains(">8.00x"), "{}", text(&all));
        all[0].exhausted = false;
        assert_eq!(comparison(&all[1], &all), None);
    }
}
