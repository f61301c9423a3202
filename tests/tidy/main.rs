//! A test of the code itself: who may import whom, how long a file gets, which words never appear.
//!
//! Invariants: every rule comes with a sample it must flag and one it must accept, so that no rule
//! can quietly stop working; rules see text only and nothing is compiled. A new rule is one function
//! and one line in [`RULES`].

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

mod imports;
mod samples;
mod scan;
mod words;

/// A file under test.
struct File {
    /// From the workspace root, with `/` between folders.
    path: String,
    /// As written.
    text: String,
    /// Without comments, literals and inline test modules, line for line.
    code: String,
}

impl File {
    fn new(path: &str, text: &str) -> File {
        let code = if path.ends_with(".rs") { scan::production_code(text) } else { String::new() };
        File { path: path.to_owned(), text: text.to_owned(), code }
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the whole file is tests, which may do what production code may not.
    fn is_test(&self) -> bool {
        self.path.ends_with("_tests.rs") || self.path.split('/').any(|part| part == "tests")
    }
}

/// A line that breaks a rule, counted from 1, and why.
type Violation = (usize, String);

/// A rule by name.
type Rule = (&'static str, fn(&File) -> Vec<Violation>);

const RULES: &[Rule] = &[
    ("import-direction", imports::direction),
    ("pure-modules", imports::purity),
    ("stack-switching", imports::stack_switching),
    ("file-length", words::file_length),
    ("header", words::header),
    ("banned-words", words::banned_words),
    ("glob-import", words::glob_import),
    ("random-hashing", words::random_hashing),
    ("wall-clock", words::wall_clock),
    ("printing", words::printing),
    ("safety-comment", words::safety_comment),
];

/// Files that must be the same, because two crates need the text and neither can depend on the other.
const COPIES: &[(&str, &str)] = &[
    ("src/explore/base32.rs", "crates/macros/src/base32.rs"),
    ("src/explore/spec.rs", "crates/macros/src/spec.rs"),
    ("src/harness/grammar.rs", "crates/macros/src/grammar.rs"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file of the project.
fn project() -> Vec<File> {
    let mut files = Vec::new();
    collect(root(), &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(folder: &Path, files: &mut Vec<File>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let path: PathBuf = entry.expect("a readable entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            // `.ci` is ours; other hidden folders, and what is built, are not.
            if name != "target" && (!name.starts_with('.') || name == ".ci") {
                collect(&path, files);
            }
            continue;
        }
        let known = [".rs", ".md", ".toml", ".yml", ".yaml", ".sh", ".html", ".css", ".js"];
        let relative = path.strip_prefix(root()).expect("inside the root");
        let relative = relative.to_string_lossy().replace('\\', "/");
        if known.iter().any(|end| name.ends_with(end)) || relative.starts_with(".ci/") {
            let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{relative}: {e}"));
            files.push(File::new(&relative, &text));
        }
    }
}

#[test]
fn the_project_keeps_its_rules() {
    let files = project();
    assert!(files.iter().any(|file| file.path == "src/lib.rs"), "the project was found");
    let mut found = String::new();
    for (name, rule) in RULES {
        for file in &files {
            for (line, why) in rule(file) {
                let _ = writeln!(found, "{}:{line}: {why} [{name}]", file.path);
            }
        }
    }
    assert!(found.is_empty(), "\n{found}");
}

#[test]
fn copies_are_copies() {
    let read = |path: &str| {
        std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    for (original, copy) in COPIES {
        assert!(read(original) == read(copy), "after changing {original}, copy it over {copy}");
    }
}

#[test]
fn every_rule_flags_its_bad_samples_and_accepts_its_good_ones() {
    for (name, rule) in RULES {
        let bad: Vec<_> = samples::bad().into_iter().filter(|sample| sample.0 == *name).collect();
        let good: Vec<_> = samples::good().into_iter().filter(|sample| sample.0 == *name).collect();
        assert!(!bad.is_empty() && !good.is_empty(), "{name} has no samples");
        for (_, path, text, line) in bad {
            let lines: Vec<usize> = rule(&File::new(path, &text)).into_iter().map(|found| found.0).collect();
            assert_eq!(lines, [line], "{name} on {path}:\n{text}");
        }
        for (_, path, text) in good {
            let found = rule(&File::new(path, &text));
            assert!(found.is_empty(), "{name} on {path}: {found:?}\n{text}");
        }
    }
}

#[test]
fn samples_belong_to_rules() {
    let named = |name: &str| RULES.iter().any(|rule| rule.0 == name);
    assert!(samples::bad().iter().all(|sample| named(sample.0)));
    assert!(samples::good().iter().all(|sample| named(sample.0)));
}
