//! Programs and reports that documents show as they are.
//!
//! A document marks a block with `<!-- example: NAME -->` before and `<!-- example: end -->` after it.
//! `UPDATE_README=1` writes the blocks instead of comparing them.

use std::path::Path;
use std::process::Command;

/// A test's source without what only a test suite needs: the header, the attribute that keeps it from
/// failing, and what follows `end`.
pub(crate) fn code(source: &str, end: &str) -> String {
    let (code, _) = source.split_once(end).unwrap_or((source, ""));
    let (_, code) = code.split_once("\n\n").expect("a header");
    let lines = code.lines().filter(|line| !line.starts_with("#[ignore"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Run a test of this binary as a user would; what it prints on standard error, from `from` on.
pub(crate) fn report(test: &str, from: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this test's own path"));
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SELVEDGE_") {
            command.env_remove(name);
        }
    }
    command.env("SELVEDGE_REGRESSIONS", "off");
    command.env("COLUMNS", "100").env("LC_ALL", "C.UTF-8").env("NO_COLOR", "1");
    command.envs(variables.iter().copied());
    let output = command.output().expect("it runs");
    let text = String::from_utf8(output.stderr).expect("reports are UTF-8");
    let report = text.find(from).map(|start| text[start..].trim_end());
    format!("{}\n", report.unwrap_or_else(|| panic!("no report in:\n{text}")))
}

/// A document and what its blocks should be.
pub(crate) struct Document {
    path: &'static str,
    text: String,
    wanted: String,
}

impl Document {
    /// By its path in the repository.
    pub(crate) fn open(path: &'static str) -> Document {
        let text = std::fs::read_to_string(from_root(path)).expect("there is a document");
        Document { path, wanted: text.clone(), text }
    }

    /// The block after the marker holds this.
    pub(crate) fn shows(mut self, marker: &str, language: &str, content: &str) -> Document {
        let start = format!("<!-- example: {marker} -->\n");
        let (before, rest) = self.wanted.split_once(&start).expect("the document has the marker");
        let (_, after) = rest.split_once("<!-- example: end -->").expect("the block ends");
        self.wanted = format!("{before}{start}```{language}\n{content}```\n<!-- example: end -->{after}");
        self
    }

    /// Compare, or write.
    pub(crate) fn check(self) {
        let Document { path, text, wanted } = self;
        if std::env::var_os("UPDATE_README").is_some() {
            std::fs::write(from_root(path), wanted).expect("the document can be written");
        } else {
            assert!(wanted == text, "{path}: run this test with UPDATE_README=1; it should be:\n{wanted}");
        }
    }
}

fn from_root(path: &str) -> std::path::PathBuf {
    // The commands' tests show something as well, from two folders below.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().find(|folder| folder.join("docs/SUMMARY.md").is_file());
    root.expect("the repository").join(path)
}
