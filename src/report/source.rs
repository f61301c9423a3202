//! Where source text comes from.
//!
//! Invariants: a missing, huge or unreadable file is no error, the report then names the place
//! without showing it; line ends are `\n` and there is no byte-order mark, so that lines and
//! columns are the compiler's (both from 1, columns in characters).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use selvedge_checkers::ids::Site;

use super::scan::{self, Token};
use super::text::one_line;

/// Files beyond this size are not shown: no person wrote them.
const MAX_FILE: u64 = 4 << 20;

/// Something that has the user's sources.
pub trait Sources {
    /// The text of the file the compiler called `file`, if it can be had.
    fn read(&self, file: &str) -> Option<String>;

    /// The path to print for it: relative to the workspace where it can be.
    fn shown(&self, file: &str) -> String {
        file.to_owned()
    }
}

/// The directories to which the compiler's paths may be relative.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Roots {
    /// The root of the workspace: paths are printed relative to it.
    pub workspace: PathBuf,
    /// The root of the package under test.
    pub package: PathBuf,
}

impl Roots {
    /// The first place where the file exists: as it is if absolute, then from the workspace, then
    /// from the package.
    fn find(&self, file: &str) -> Option<PathBuf> {
        let path = Path::new(file);
        if path.is_absolute() {
            return path.is_file().then(|| path.to_owned());
        }
        [&self.workspace, &self.package].into_iter().map(|root| root.join(path)).find(|p| p.is_file())
    }
}

impl Sources for Roots {
    fn read(&self, file: &str) -> Option<String> {
        let path = self.find(file)?;
        if std::fs::metadata(&path).ok()?.len() > MAX_FILE {
            return None;
        }
        std::fs::read_to_string(path).ok()
    }

    fn shown(&self, file: &str) -> String {
        let found = self.find(file).unwrap_or_else(|| PathBuf::from(file));
        match found.strip_prefix(&self.workspace) {
            Ok(relative) if !self.workspace.as_os_str().is_empty() => relative.display().to_string(),
            _ => file.to_owned(),
        }
    }
}

/// Whether a person can be expected to edit the file: the standard library and registry packages
/// are not the user's.
pub(super) fn is_users(file: &str) -> bool {
    // Ourselves, where we are a dependency by path; in our own workspace the path is relative.
    if file.starts_with(concat!(env!("CARGO_MANIFEST_DIR"), "/src/")) {
        return false;
    }
    let file = file.replace('\\', "/");
    let foreign = ["/rustc/", "/.cargo/registry/", "/.cargo/git/", "/rustlib/src/"];
    !foreign.iter().any(|part| file.contains(part)) && !file.starts_with('<') && !file.is_empty()
}

/// One file, ready to be searched.
pub(super) struct SourceText {
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
    lines: Vec<Range<usize>>,
}

impl SourceText {
    pub(super) fn new(raw: &str) -> SourceText {
        let raw = raw.strip_prefix('\u{feff}').unwrap_or(raw);
        let text = raw.replace("\r\n", "\n").replace('\r', " ");
        let mut lines = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            lines.push(start..start + line.trim_end_matches('\n').len());
            start += line.len();
        }
        let tokens = scan::tokens(&text);
        SourceText { text, tokens, lines }
    }

    /// The bytes of a line, without its end.
    pub(super) fn line(&self, line: u32) -> Option<Range<usize>> {
        self.lines.get(line.checked_sub(1)? as usize).cloned()
    }

    /// The byte at which the site is; a column past the end of the line is its end.
    pub(super) fn offset(&self, site: &Site) -> Option<usize> {
        let line = self.line(site.line)?;
        let skip = site.col.saturating_sub(1) as usize;
        let within = self.text[line.clone()].char_indices().nth(skip).map(|(at, _)| at);
        Some(within.map_or(line.end, |at| line.start + at))
    }
}

/// The files of one report, each read and tokenized at most once.
pub(super) struct Library<'a> {
    sources: &'a dyn Sources,
    files: RefCell<BTreeMap<String, Option<Rc<SourceText>>>>,
}

impl<'a> Library<'a> {
    pub(super) fn new(sources: &'a dyn Sources) -> Library<'a> {
        Library { sources, files: RefCell::default() }
    }

    /// The text of a file, if it can be had and is not empty.
    pub(super) fn get(&self, file: &str) -> Option<Rc<SourceText>> {
        let mut files = self.files.borrow_mut();
        let entry = files.entry(file.to_owned()).or_insert_with(|| {
            let raw = self.sources.read(file)?;
            (!raw.trim().is_empty()).then(|| Rc::new(SourceText::new(&raw)))
        });
        entry.clone()
    }

    /// The path to print for a file.
    pub(super) fn shown(&self, file: &str) -> String {
        one_line(&self.sources.shown(file))
    }

    /// `file:line:column`, as it is printed.
    pub(super) fn place(&self, site: &Site) -> String {
        format!("{}:{}:{}", self.shown(&site.file), site.line, site.col)
    }

    /// `file:line` with the file's last component only, for narrow columns.
    pub(super) fn brief(&self, site: &Site) -> String {
        let name = site.file.rsplit(['/', '\\']).next().unwrap_or(&site.file);
        format!("{}:{}", one_line(name), site.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(line: u32, col: u32) -> Site {
        Site { file: "a.rs".into(), line, col }
    }

    #[test]
    fn columns_count_characters() {
        let text = SourceText::new("\u{feff}\té日x\r\nb");
        assert_eq!(text.offset(&site(1, 4)).map(|at| &text.text[at..at + 1]), Some("x"));
        assert_eq!(text.offset(&site(2, 1)).map(|at| &text.text[at..]), Some("b"));
        assert_eq!(text.offset(&site(2, 90)), Some(text.text.len()));
        assert_eq!(text.offset(&site(3, 1)), None);
        assert_eq!(text.offset(&site(0, 0)), None);
    }

    #[test]
    fn foreign_files_are_not_the_users() {
        assert!(is_users("tests/a.rs"));
        assert!(!is_users(concat!(env!("CARGO_MANIFEST_DIR"), "/src/context/mod.rs")));
        assert!(!is_users("/rustc/abc/library/std/src/sync/mutex.rs"));
        assert!(!is_users("/home/u/.cargo/registry/src/x/lib.rs"));
        assert!(!is_users(""));
    }

    #[test]
    fn roots_resolve_from_workspace_and_package() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let roots = Roots { workspace: package.to_owned(), package: package.join("checkers") };
        assert!(roots.read("src/report/source.rs").is_some());
        assert!(roots.read("src/finding.rs").is_some(), "found from the package root");
        assert_eq!(roots.shown("src/finding.rs"), "checkers/src/finding.rs");
        let absolute = package.join("src/lib.rs").display().to_string();
        assert_eq!(roots.shown(&absolute), "src/lib.rs");
        assert_eq!(roots.read("no/such.rs"), None);
        assert_eq!(roots.shown("no/such.rs"), "no/such.rs");
    }
}
