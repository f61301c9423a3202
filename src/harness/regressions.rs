//! The regressions file of a test: schedules that once failed, replayed before anything else.
//!
//! Invariants: what is written parses back to the same entries; a file is replaced whole or not at
//! all, so a reader never sees half of one; nothing here fails a test, every trouble is returned as a
//! value for the harness to print. The file holds no dates or machine names: the same failure gives
//! the same line on every machine, and version control says when.
//!
//! ```text
//! # … what this file is …
//! sv1-1FQ52-0542R-23BN5  # deadlock  a note on the same line
//! decisions 0:0*3 1:0 2:1
//! decisions 0:0
//! ```

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::explore::token::{Token, TokenError};

/// The folder of these files, beside the package's `Cargo.toml`.
pub const FOLDER: &str = "selvedge-regressions";

/// How wide lines of decisions get: they are for machines, yet a diff of them should stay readable.
const WIDTH: usize = 96;

/// A schedule that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The schedule in short.
    pub token: Token,
    /// The finding it led to, such as `deadlock`.
    pub slug: String,
    /// A remark for people, possibly empty.
    pub note: String,
    /// The schedule in full: the goroutine and the alternative of each decision. It outlives a
    /// change of strategies, which a seeded token does not.
    pub decisions: Vec<(u32, u32)>,
}

/// What [`append`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Appended {
    /// The entry is in the file now.
    Added,
    /// An entry with its token was there already.
    Known,
}

/// Why a regressions file could not be read or written.
#[derive(Debug)]
pub enum RegressionError {
    /// The operating system refused.
    Io {
        /// The file.
        file: PathBuf,
        /// What was tried, such as `read`.
        action: &'static str,
        /// Its answer.
        error: io::Error,
    },
    /// A line that makes no sense.
    Line {
        /// The file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it, and what was expected.
        problem: Problem,
    },
}

/// What is wrong with a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// It begins like a token and is none.
    Token(TokenError),
    /// After the token there is no `# slug`.
    NoSlug,
    /// Decisions before any token.
    NoToken,
    /// This word is no decision.
    Decision(String),
    /// More decisions than any execution has.
    TooMany,
}

impl fmt::Display for RegressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegressionError::Io { file, action, error } => {
                write!(f, "cannot {action} {}: {error}", file.display())
            }
            RegressionError::Line { file, line, problem } => {
                write!(f, "{}:{line}: {problem}; correct the line or delete the entry", file.display())
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Token(error) => write!(f, "expected a token, `decisions` or a comment; {error}"),
            Problem::NoSlug => f.write_str("expected `# ` and the name of a finding after the token"),
            Problem::NoToken => f.write_str("expected a token before its decisions"),
            Problem::Decision(word) => {
                write!(f, "`{word}` is no decision; expected GOROUTINE:ALTERNATIVE, or with *TIMES after it")
            }
            Problem::TooMany => write!(f, "expected at most {MAX_DECISIONS} decisions"),
        }
    }
}

impl core::error::Error for RegressionError {}

/// A damaged count must not ask for gigabytes; ten times the default step limit is enough.
const MAX_DECISIONS: usize = 1_000_000;

/// The file of a test. Only the characters of identifiers survive, since `:` is no part of a file
/// name everywhere.
pub fn file_of(package_root: &Path, test_path: &str) -> PathBuf {
    let name: String = test_path
        .replace("::", "__")
        .chars()
        .map(|c| if c.is_alphanumeric() || c == '_' || c == '-' { c } else { '-' })
        .collect();
    package_root.join(FOLDER).join(format!("{name}.txt"))
}

/// The entries of a file; none where there is no file.
pub fn load(file: &Path) -> Result<Vec<Entry>, RegressionError> {
    text_of(file)?.map_or(Ok(Vec::new()), |text| parse(file, &text))
}

/// What a file holds; `None` where there is none, or something else where its folder would be.
pub(super) fn text_of(file: &Path) -> Result<Option<String>, RegressionError> {
    let is_absent =
        |error: &io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(RegressionError::Io { file: file.to_owned(), action: "read", error }),
    }
}

/// Adds an entry unless its token is there. Lines the user added by hand stay as they are.
pub fn append(file: &Path, test_path: &str, entry: &Entry) -> Result<Appended, RegressionError> {
    let fail = |action| move |error| RegressionError::Io { file: file.to_owned(), action, error };
    let mut text = text_of(file)?.unwrap_or_else(|| header(test_path));
    if parse(file, &text)?.iter().any(|known| known.token == entry.token) {
        return Ok(Appended::Known);
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&render(entry));
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(fail("create the folder of"))?;
    }
    // Beside its target, because only within one file system is a rename atomic; named after the
    // process, because two test binaries may find failures at once.
    let draft = file.with_extension(format!("{}.tmp", std::process::id()));
    let written = std::fs::write(&draft, text).and_then(|()| std::fs::rename(&draft, file));
    if written.is_err() {
        // The first error is the one to tell; a draft that was never made cannot be removed.
        let _ = std::fs::remove_file(&draft);
    }
    written.map_err(fail("write"))?;
    Ok(Appended::Added)
}

/// The entries of a text; `file` is for messages.
pub fn parse(file: &Path, text: &str) -> Result<Vec<Entry>, RegressionError> {
    let mut entries: Vec<Entry> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parsed = match line.strip_prefix("decisions") {
            Some(words) => match entries.last_mut() {
                Some(entry) => parse_decisions(words, &mut entry.decisions),
                None => Err(Problem::NoToken),
            },
            None => parse_entry(line).map(|entry| entries.push(entry)),
        };
        parsed.map_err(|problem| RegressionError::Line {
            file: file.to_owned(),
            line: index + 1,
            problem,
        })?;
    }
    Ok(entries)
}

fn parse_entry(line: &str) -> Result<Entry, Problem> {
    let (token, remark) = line.split_once('#').unwrap_or((line, ""));
    let token = Token::decode(token.trim()).map_err(Problem::Token)?;
    let remark = remark.trim();
    let (slug, note) = remark.split_once(char::is_whitespace).unwrap_or((remark, ""));
    if slug.is_empty() {
        return Err(Problem::NoSlug);
    }
    Ok(Entry { token, slug: slug.to_owned(), note: note.trim().to_owned(), decisions: Vec::new() })
}

fn parse_decisions(words: &str, decisions: &mut Vec<(u32, u32)>) -> Result<(), Problem> {
    for word in words.split_whitespace() {
        let (decision, times) = parse_decision(word).ok_or_else(|| Problem::Decision(word.to_owned()))?;
        if times > MAX_DECISIONS - decisions.len() {
            return Err(Problem::TooMany);
        }
        decisions.extend(core::iter::repeat_n(decision, times));
    }
    Ok(())
}

/// `2:1` or `2:1*30`.
fn parse_decision(word: &str) -> Option<((u32, u32), usize)> {
    let (decision, times) = match word.split_once('*') {
        Some((decision, times)) => (decision, times.parse().ok().filter(|&times| times > 0)?),
        None => (word, 1),
    };
    let (goroutine, alternative) = decision.split_once(':')?;
    Some(((goroutine.parse().ok()?, alternative.parse().ok()?), times))
}

fn header(test_path: &str) -> String {
    format!(
        "# Schedules on which {test_path} once failed; they are replayed before anything else.\n\
         # Keep this file under version control. Delete an entry once its bug is of no interest.\n\
         # To see one fail: SELVEDGE_REPLAY=<token> cargo test {}\n",
        // Without the crate's name, as the test runner's filter wants it.
        test_path.split_once("::").map_or(test_path, |(_, name)| name)
    )
}

/// An entry as lines. What comes from elsewhere is kept to its line, whatever is in it.
fn render(entry: &Entry) -> String {
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let slug = one_line(&entry.slug).replace(' ', "-");
    let slug = if slug.is_empty() { "unknown".to_owned() } else { slug };
    let mut text = format!("\n{}  # {slug}  {}", entry.token, one_line(&entry.note));
    text.truncate(text.trim_end().len());
    text.push('\n');
    let mut line = String::new();
    for run in entry.decisions.chunk_by(|a, b| a == b) {
        let (goroutine, alternative) = run[0];
        let mut word = format!(" {goroutine}:{alternative}");
        if run.len() > 1 {
            word.push_str(&format!("*{}", run.len()));
        }
        if line.len() + word.len() > WIDTH - "decisions".len() {
            text.push_str(&format!("decisions{line}\n"));
            line.clear();
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        text.push_str(&format!("decisions{line}\n"));
    }
    text
}

#[cfg(test)]
#[path = "regressions_tests.rs"]
mod tests;
