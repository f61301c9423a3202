//! Rules about the text of single files.
//!
//! Invariants: rules about behaviour look at code without comments, literals and tests; rules about
//! words look at everything, this file too, which is why some words are put together from halves.

use super::imports::layer;
use super::scan::{line_of, occurrences};
use super::{File, Violation};

/// A file asks to be split at 400 lines and must be at this.
const MOST_LINES: usize = 600;

/// Long files hide; six hundred lines with tests is where a second concept has moved in.
pub(super) fn file_length(file: &File) -> Vec<Violation> {
    let lines = file.text.lines().count();
    if file.is_rust() && lines > MOST_LINES {
        return vec![(MOST_LINES + 1, format!("{lines} lines; split it, {MOST_LINES} is the most"))];
    }
    Vec::new()
}

/// A reader learns first what always holds.
pub(super) fn header(file: &File) -> Vec<Violation> {
    if file.is_rust() && !file.text.starts_with("//! ") {
        return vec![(1, "the file must open with `//!` and its invariants".to_owned())];
    }
    Vec::new()
}

/// Words that belong to a desk, not to a project.
pub(super) fn banned_words(file: &File) -> Vec<Violation> {
    // In halves: this file is under test as well.
    let paths = [concat!("/wo", "rk/"), concat!("/tmp/", "wt"), concat!("/ro", "ot/")];
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let plain = [concat!("ses", "sion"), concat!("ses", "sions")];
    let lower = file.text.to_ascii_lowercase();
    let mut found = Vec::new();
    for path in paths {
        for (at, _) in file.text.match_indices(path) {
            found.push((line_of(&file.text, at), format!("`{path}` is a path of one machine")));
        }
    }
    for mark in marks {
        for at in occurrences(&file.text, mark) {
            found.push((line_of(&file.text, at), format!("`{mark}`: do it, or write down why not")));
        }
    }
    for word in plain {
        for at in occurrences(&lower, word) {
            found.push((line_of(&file.text, at), format!("`{word}` is about how this was made")));
        }
    }
    found.sort();
    found
}

/// A glob hides what a file depends on.
pub(super) fn glob_import(file: &File) -> Vec<Violation> {
    occurrences(&file.code, "use crate::*")
        .map(|at| (line_of(&file.code, at), "import by name".to_owned()))
        .collect()
}

/// The order of a randomly keyed map differs from run to run; where it could reach a decision, a
/// replay would differ too.
pub(super) fn random_hashing(file: &File) -> Vec<Violation> {
    let decides = matches!(layer(&file.path), Some("model" | "explore" | "objects"))
        || file.path.starts_with("checkers/src/");
    if !decides || file.is_test() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for word in ["RandomState", "HashMap", "HashSet"] {
        for at in occurrences(&file.code, word) {
            let why = format!("`{word}` is randomly keyed; use BTreeMap, BTreeSet or rustc-hash");
            found.push((line_of(&file.code, at), why));
        }
    }
    found
}

/// Time in the model is virtual; only the budget looks at the clock on the wall.
pub(super) fn wall_clock(file: &File) -> Vec<Violation> {
    let timeless = matches!(layer(&file.path), Some("model" | "explore" | "objects"));
    if !timeless || file.is_test() || file.path == "src/explore/budget.rs" {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (at, _) in file.code.match_indices("std::time::") {
        let import = file.code[at..].split(';').next().unwrap_or_default();
        for word in ["Instant", "SystemTime"] {
            if occurrences(import, word).next().is_some() {
                found.push((line_of(&file.code, at), format!("`{word}` is wall time")));
            }
        }
    }
    found
}

/// Detectors and engines return data; the report prints.
pub(super) fn printing(file: &File) -> Vec<Violation> {
    let silent = matches!(layer(&file.path), Some("model" | "explore" | "objects" | "port"))
        || file.path.starts_with("checkers/src/");
    if !silent || file.is_test() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for word in ["println!", "print!", "eprintln!", "eprint!", "dbg!"] {
        for at in occurrences(&file.code, word) {
            found.push((line_of(&file.code, at), format!("`{word}` here; return data instead")));
        }
    }
    found
}

/// Every `unsafe` block and impl is proved where it stands.
pub(super) fn safety_comment(file: &File) -> Vec<Violation> {
    if !file.is_rust() {
        return Vec::new();
    }
    // Tests prove their blocks too, so this looks at all code.
    let code = super::scan::without_comments_and_literals(&file.text);
    let lines: Vec<&str> = file.text.lines().collect();
    let mut found = Vec::new();
    for at in occurrences(&code, "unsafe") {
        let after = code[at + "unsafe".len()..].trim_start();
        let needs_proof = after.starts_with('{') || after.starts_with("impl");
        let line = line_of(&code, at);
        if needs_proof && !is_proved(&lines, line - 1) {
            found.push((line, "no `// SAFETY:` comment just above".to_owned()));
        }
    }
    found
}

/// Whether a comment above, across the rest of the same statement, says `SAFETY:`.
fn is_proved(lines: &[&str], index: usize) -> bool {
    if lines[index].contains("// SAFETY:") {
        return true;
    }
    for line in lines[..index].iter().rev() {
        let line = line.trim();
        if line.starts_with("// SAFETY:") {
            return true;
        }
        // A comment goes on upwards; a line that ends a statement or opens a block ends the search.
        let ends = line.is_empty() || line.ends_with([';', '{', '}']);
        if ends && !line.starts_with("//") {
            return false;
        }
    }
    false
}
