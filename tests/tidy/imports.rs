//! Who may import whom: the table of docs/architecture.md, as code.
//!
//! Invariants: a layer that [`ALLOWED`] does not give is forbidden; a file in no named layer is part
//! of the surface, which is what users see. Not seen: a path through a re-export at the crate's root,
//! which therefore counts as an import of the surface.

use super::scan::{is_word, line_of, occurrences};
use super::{File, Violation};

/// Each layer, with the layers it may import. `lib.rs` declares them all and has no layer.
const ALLOWED: &[(&str, &[&str])] = &[
    ("objects", &["objects", "checkers"]),
    // The two upward edges: a thread without a model gets the engine that is always there, and what
    // waits outside of a model waits with the scheduler.
    ("port", &["port", "objects", "runtime", "checkers"]),
    ("surface", &["surface", "port", "objects", "checkers"]),
    ("runtime", &["runtime", "port", "objects", "checkers"]),
    ("model", &["model", "port", "objects", "checkers"]),
    ("explore", &["explore", "model", "port", "objects", "checkers"]),
    ("report", &["report", "checkers"]),
    ("harness", &["harness", "report", "explore", "model", "port", "objects", "checkers"]),
];

/// The layer of a source file of the main crate.
pub(super) fn layer(path: &str) -> Option<&'static str> {
    let module = path.strip_prefix("src/")?;
    let module = module.split('/').next()?.trim_end_matches(".rs");
    (module != "lib" && module != "bin").then(|| layer_of_module(module))
}

fn layer_of_module(module: &str) -> &'static str {
    ALLOWED.iter().map(|(layer, _)| *layer).find(|layer| *layer == module).unwrap_or("surface")
}

/// No layer imports a layer above it.
pub(super) fn direction(file: &File) -> Vec<Violation> {
    let Some(layer) = layer(&file.path).filter(|_| !file.is_test()) else { return Vec::new() };
    let allowed = ALLOWED.iter().find(|(name, _)| *name == layer).map_or(&[][..], |(_, allowed)| allowed);
    imported_modules(file)
        .into_iter()
        .filter(|(_, module)| !allowed.contains(&layer_of_module(module)))
        .map(|(line, module)| {
            let target = layer_of_module(&module);
            (line, format!("`{layer}` must not import `{module}` (layer `{target}`)"))
        })
        .collect()
}

/// Detectors and object models are pure: the same events give the same findings anywhere.
pub(super) fn purity(file: &File) -> Vec<Violation> {
    let pure = file.path.starts_with("checkers/src/") || layer(&file.path) == Some("objects");
    if !pure || file.is_test() {
        return Vec::new();
    }
    let impure = [
        "std::thread",
        "std::fs",
        "std::net",
        "std::io",
        "std::time",
        "std::process",
        "std::env",
        "std::os",
        "std::sync",
        "thread_local",
        "unsafe",
        "selvedge::",
        "static mut",
    ];
    let mut found = Vec::new();
    for word in impure {
        for at in occurrences(&file.code, word) {
            found.push((line_of(&file.code, at), format!("`{word}` has no place in a pure module")));
        }
    }
    found
}

/// Only the two engines switch stacks.
pub(super) fn stack_switching(file: &File) -> Vec<Violation> {
    if !file.path.starts_with("src/") || matches!(layer(&file.path), Some("runtime" | "model")) {
        return Vec::new();
    }
    occurrences(&file.code, "corosensei")
        .map(|at| (line_of(&file.code, at), "only `runtime` and `model` switch stacks".to_owned()))
        .collect()
}

/// The top-level modules a file names by path, with the lines.
fn imported_modules(file: &File) -> Vec<(usize, String)> {
    let code = &file.code;
    let depth = module_depth(&file.path);
    let mut found = Vec::new();
    for at in occurrences(code, "crate::") {
        for (offset, module) in first_segments(&code[at + "crate::".len()..]) {
            found.push((line_of(code, at + "crate::".len() + offset), module));
        }
    }
    for at in occurrences(code, "super::") {
        // The chain is looked at from its first link.
        if code[..at].trim_end().ends_with("super::") {
            continue;
        }
        let links = code[at..].split("super::").skip(1).take_while(|between| between.is_empty()).count() + 1;
        let rest = at + links * "super::".len();
        if links == depth && rest <= code.len() {
            for (offset, module) in first_segments(&code[rest..]) {
                found.push((line_of(code, rest + offset), module));
            }
        }
    }
    found
}

/// How many `super` it takes from a file's own module to the crate's root.
fn module_depth(path: &str) -> usize {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    inner.split('/').filter(|part| *part != "mod").count()
}

/// The first segment of a path, or of each path of a group in braces, with its position. A macro is
/// no module.
fn first_segments(rest: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut depth = 0usize;
    // Only at the start of a path does a word name a module.
    let mut at_start = true;
    let mut i = 0;
    while let Some(c) = rest[i..].chars().next() {
        if is_word(c) {
            let word: String = rest[i..].chars().take_while(|&c| is_word(c)).collect();
            let end = i + word.len();
            if at_start && word != "self" && !rest[end..].starts_with('!') {
                found.push((i, word));
            }
            (at_start, i) = (false, end);
        } else {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                ',' => at_start = depth == 1,
                _ => {}
            }
            i += c.len_utf8();
        }
        // Outside of braces there is one path, and its first word has been seen; what begins with
        // neither a word nor a brace is no path.
        if depth == 0 {
            break;
        }
    }
    found
}

#[test]
fn segments_are_found_in_groups() {
    let names = |rest: &str| first_segments(rest).into_iter().map(|found| found.1).collect::<Vec<_>>();
    assert_eq!(names("model::x; crate::y"), ["model"]);
    assert_eq!(names("{model::{a, b}, explore, self, port::c as d}; e"), ["model", "explore", "port"]);
    assert_eq!(names("shout!(a)"), Vec::<String>::new());
}

#[test]
fn every_layer_may_import_itself_and_what_it_may_import_exists() {
    for (layer, allowed) in ALLOWED {
        assert!(allowed.contains(layer), "{layer}");
        assert!(allowed.iter().all(|name| *name == "checkers" || ALLOWED.iter().any(|(n, _)| n == name)));
    }
}
