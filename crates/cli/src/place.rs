//! Where failing tests of this workspace left their executions.
//!
//! Invariant: nothing is run and nothing is written; what is meant by a word is said if it is not clear.

use selvedge_checkers::record::{self, Record};
use std::path::{Path, PathBuf};

/// The files of one failing test.
pub(crate) struct Kept {
    /// `trace.jsonl`.
    pub(crate) file: PathBuf,
    pub(crate) record: Record,
    /// The nearest execution that passes, if it was kept.
    pub(crate) passing: Option<Record>,
}

/// A workspace, and the folder its tests leave their files in.
pub(crate) struct Place {
    pub(crate) workspace: PathBuf,
    pub(crate) out: PathBuf,
}

impl Place {
    /// That of the current folder.
    pub(crate) fn here() -> Place {
        let here = std::env::current_dir().unwrap_or_default();
        let workspace = here.ancestors().find(|dir| dir.join("Cargo.lock").is_file()).unwrap_or(&here);
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let target = set("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        let out = set("SELVEDGE_OUT").unwrap_or_else(|| workspace.join(target).join("selvedge"));
        Place { workspace: workspace.to_owned(), out }
    }

    /// Every failure that was kept, by test; a file that cannot be read is named on standard error.
    pub(crate) fn all(&self) -> Vec<Kept> {
        let folders = std::fs::read_dir(&self.out).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = folders.map(|entry| entry.path().join("trace.jsonl")).collect();
        files.retain(|file| file.is_file());
        files.sort();
        let read = |file: PathBuf| match read(&file) {
            Ok(kept) => Some(kept),
            Err(problem) => {
                eprintln!("warning: {problem}");
                None
            }
        };
        files.into_iter().filter_map(read).collect()
    }

    /// The failure that a file, a folder, a test's name or a token names; without one, the only one there is.
    pub(crate) fn find(&self, what: Option<&str>) -> Result<Kept, String> {
        let Some(what) = what else { return self.only() };
        let path = Path::new(what);
        if path.is_file() {
            return read(path);
        }
        if path.join("trace.jsonl").is_file() {
            return read(&path.join("trace.jsonl"));
        }
        let mut all = self.all();
        let names: Vec<String> = all.iter().map(|kept| kept.record.test.clone()).collect();
        let meant = |test: &dyn Fn(&Kept) -> bool| {
            let mut hits = all.iter().enumerate().filter(|(_, kept)| test(kept)).map(|(nth, _)| nth);
            (hits.next(), hits.next().is_some())
        };
        let exact = meant(&|kept| kept.record.test == what || kept.record.token.eq_ignore_ascii_case(what));
        let (hit, several) =
            if exact.0.is_some() { exact } else { meant(&|kept| kept.record.test.contains(what)) };
        match hit {
            Some(nth) if !several => Ok(all.swap_remove(nth)),
            Some(_) => Err(format!("several tests are called like `{what}`: {}", listed(&names, what))),
            None if names.is_empty() => Err(self.nothing()),
            None => Err(format!("no file, test or token `{what}`; there are: {}", names.join(", "))),
        }
    }

    fn only(&self) -> Result<Kept, String> {
        let mut all = self.all();
        match all.len() {
            0 => Err(self.nothing()),
            1 => Ok(all.remove(0)),
            _ => {
                let names: Vec<&str> = all.iter().map(|kept| kept.record.test.as_str()).collect();
                Err(format!("several tests failed, say which: {}", names.join(", ")))
            }
        }
    }

    fn nothing(&self) -> String {
        format!("{}: no test has left an execution here; tests do when they fail", self.out.display())
    }
}

fn listed(names: &[String], what: &str) -> String {
    let hits: Vec<&str> = names.iter().map(String::as_str).filter(|name| name.contains(what)).collect();
    hits.join(", ")
}

/// Read a file, and the passing execution beside it.
fn read(file: &Path) -> Result<Kept, String> {
    let one = |file: &Path| {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        record::read(&text).map_err(|error| format!("{}: {error}", file.display()))
    };
    let record = one(file)?;
    let beside = file.with_file_name("passing.jsonl");
    let passing = if beside.is_file() && beside != file { one(&beside).ok() } else { None };
    Ok(Kept { file: file.to_owned(), record, passing })
}
