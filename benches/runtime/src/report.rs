//! The table, and the same as lines of JSON.
//!
//! Invariant: a ratio is our figure by the peer's, so less than 1 is in our favour.

use super::Row;

/// Figures by peer; none where the peer has no such row, failed, or took too long.
pub(super) type Figures<'a> = [(&'static str, Option<f64>)];

pub(super) fn head(json: bool) {
    if !json {
        println!("each cell: the figure, and selvedge's by it; P is the number of processors");
    }
}

pub(super) fn row(row: Row, procs: usize, figures: &Figures<'_>, json: bool) {
    let ours = figures.iter().find(|(name, _)| *name == "selvedge").and_then(|(_, figure)| *figure);
    if json {
        for (peer, figure) in figures {
            let mut line = serde_json::json!({ "bench": row.name(), "procs": procs, "peer": peer });
            line[row.unit()] = (*figure).into();
            println!("{line}");
        }
        return;
    }
    print!("{:<15} P={procs} {:<5}", row.name(), row.unit());
    for (name, figure) in figures {
        match (figure, ours) {
            (Some(figure), Some(ours)) => print!("  {name} {figure:.1} ({:.2}x)", ours / figure),
            (Some(figure), None) => print!("  {name} {figure:.1}"),
            (None, _) => print!("  {name} -"),
        }
    }
    println!();
}
