//! The documentation names what there is: every finding, every variable, every page.

use selvedge::harness::config::{Notice, resolve};
use selvedge::{Severity, Slug};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every page of the book and the README, from the root.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    for folder in ["docs", "docs/findings", "docs/decisions"] {
        let entries = std::fs::read_dir(root().join(folder)).expect("the folder is there");
        let paths = entries.map(|entry| entry.expect("it can be read").path());
        pages.extend(paths.filter(|path| path.extension().is_some_and(|e| e == "md")));
    }
    pages.sort();
    pages
}

/// The lines that are no code.
fn prose(text: &str) -> Vec<&str> {
    let mut in_code = false;
    let is_prose = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    };
    text.lines().filter(is_prose).collect()
}

/// The targets of Markdown links within the repository.
fn links(text: &str) -> Vec<String> {
    // In inline code there are no links.
    let outside = |line: &str| line.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let text: String = prose(text).into_iter().map(|line| outside(line) + "\n").collect();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains(':')).map(str::to_owned).collect()
}

/// The anchors of a page: its headings, as mdBook and GitHub make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let anchor = |heading: &str| -> String {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let words: String = heading.trim().chars().filter(kept).collect();
        words.to_lowercase().replace(' ', "-")
    };
    let mut all = BTreeSet::new();
    for heading in prose(text).into_iter().filter(|line| line.starts_with('#')) {
        let name = anchor(heading.trim_start_matches('#'));
        let numbered = (1..).map(|n| format!("{name}-{n}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !all.contains(name));
        all.extend(free);
    }
    all
}

fn severity(slug: Slug) -> &'static str {
    match slug.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

#[test]
fn every_finding_has_a_page_with_the_same_parts() {
    let mut wanted = BTreeSet::new();
    for slug in Slug::ALL {
        let name = slug.text();
        let page = read(&format!("docs/findings/{name}.md"));
        let opening = format!("# {name}\n\n{}", if severity(*slug) == "error" { "Error" } else { "Warning" });
        assert!(page.starts_with(&opening), "{name}: {opening:?}");
        let parts: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(parts, ["## What it is", "## Example", "## How to fix it", "## What it is not"], "{name}");
        wanted.insert(format!("{name}.md"));
    }
    let folder = std::fs::read_dir(root().join("docs/findings")).expect("there are pages");
    let there: BTreeSet<String> = folder
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(there, wanted, "a page for each finding and no other");
}

#[test]
fn the_readme_lists_the_findings() {
    let readme = read("README.md");
    let (_, table) = readme.split_once("<!-- findings -->").expect("the marker");
    let (table, _) = table.split_once("<!-- findings: end -->").expect("the end");
    let rows: Vec<(String, String)> = table
        .lines()
        .filter(|line| line.starts_with("| [`"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            (cells[1].to_owned(), cells[2].to_owned())
        })
        .collect();
    let wanted: Vec<(String, String)> = Slug::ALL
        .iter()
        .map(|slug| {
            let name = slug.text();
            (format!("[`{name}`](docs/findings/{name}.md)"), severity(*slug).to_owned())
        })
        .collect();
    assert_eq!(rows, wanted);
}

#[test]
fn links_lead_somewhere() {
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("it can be read");
        for link in links(&text) {
            let (target, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let path = match target {
                "" => page.clone(),
                target => page.parent().expect("a folder").join(target),
            };
            assert!(path.exists(), "{}: {link}", page.display());
            if !anchor.is_empty() {
                let there = anchors(&std::fs::read_to_string(&path).expect("a page"));
                assert!(there.contains(anchor), "{}: {link}, there are {there:?}", page.display());
            }
        }
    }
}

#[test]
fn links_and_anchors_are_found() {
    let page = "# One\n\n## `two` & three\n[a](#one) `[b](c)`\n```text\n# four [d](e)\n```\n# One\n[f](g.md#h) [i](https://j)";
    assert_eq!(links(page), ["#one", "g.md#h"]);
    assert_eq!(anchors(page).into_iter().collect::<Vec<_>>(), ["one", "one-1", "two--three"]);
}

#[test]
fn the_summary_has_every_page_of_the_book() {
    let summary = read("docs/SUMMARY.md");
    let listed: BTreeSet<PathBuf> =
        links(&summary).into_iter().map(|link| root().join("docs").join(link)).collect();
    let book = root().join("docs");
    let there: BTreeSet<PathBuf> =
        pages().into_iter().filter(|p| p.starts_with(&book) && !p.ends_with("SUMMARY.md")).collect();
    assert_eq!(listed, there);
}

#[test]
fn every_program_in_the_book_is_compiled() {
    let included = read("src/documentation.rs");
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("it can be read");
        let name = page.strip_prefix(root()).expect("inside").to_string_lossy().replace('\\', "/");
        if text.lines().any(|line| line.starts_with("```rust")) {
            assert!(included.contains(&format!("\"../{name}\"")), "{name} is not in src/documentation.rs");
        }
    }
}

#[test]
fn every_documented_variable_is_known() {
    let text = read("docs/reference.md");
    let names: BTreeSet<&str> = text
        .split('`')
        .filter(|word| {
            word.starts_with("SELVEDGE_") && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        })
        .collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        // A value nobody takes: what is known refuses it, what is unknown ignores it with a notice.
        let resolved = resolve("a::b", None, &[], [(name.to_owned(), "\u{1}".to_owned())]);
        let unknown =
            resolved.is_ok_and(|r| r.notices.iter().any(|n| matches!(n, Notice::UnknownVariables(_))));
        assert!(!unknown, "{name}");
    }
}

#[test]
fn every_documented_argument_is_known() {
    let text = read("docs/reference.md");
    let (_, table) = text.split_once("| argument |").expect("the table");
    let rows = table.lines().take_while(|line| !line.is_empty()).filter(|line| line.starts_with("| `"));
    let mut count = 0;
    for row in rows {
        let written = row.split('`').nth(1).expect("an argument");
        let (name, value) = written.split_once(" = ").unwrap_or((written, "true"));
        let value = value.trim_matches('"').replace('_', "");
        assert!(resolve("a::b", None, &[(name, &value)], []).is_ok(), "{written}");
        count += 1;
    }
    assert!(count > 10, "{count} arguments");
}
