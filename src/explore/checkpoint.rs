//! The file of a search that is not over: to go on where it stopped.
//!
//! Layout: a line of text, which names the format and the version of the library; what the search is
//! about ([`Subject`]); what it holds; and a sum over all of that. Invariants: a file is replaced whole
//! or not at all, whenever the process dies; a file that is no part of this search is never taken for one.

use super::codec::{Coded, Malformed, Reader, coded};
use super::dpor::search::Search;
use super::plan::Plan;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The format and the version of the library, which files have to agree with to the letter.
const HEADER: &str = concat!("selvedge search 4, written by selvedge ", env!("CARGO_PKG_VERSION"), "\n");
/// How every header begins.
const MAGIC: &str = "selvedge search ";

/// What a search is about: a program within limits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Subject {
    /// The test's name, for messages.
    pub(crate) name: String,
    /// What its first execution does, and where in the source.
    pub(crate) fingerprint: u64,
    /// The settings that decide which executions there are.
    pub(crate) settings: String,
}

impl Subject {
    pub(crate) fn new(name: String, fingerprint: u64, plan: &Plan) -> Subject {
        let memory = if plan.limits.weak { "c11" } else { "sc" };
        let (strategy, steps, spurious) = (plan.strategy, plan.limits.steps, plan.limits.spurious);
        let early = plan.limits.early_timers;
        let settings = format!(
            "strategy {strategy}, memory {memory}, at most {steps} steps, {spurious} wake-ups without a \
             cause, {early} early timers{}",
            plan.bounds
        );
        Subject { name, fingerprint, settings }
    }
}

/// What a search came to so far, besides its frontier.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) executions: u64,
    pub(crate) failing: u64,
    pub(crate) truncated: u64,
    pub(crate) steps: u64,
    pub(crate) seconds: f64,
    /// Something could have happened without a cause.
    pub(crate) spurious: bool,
    /// The first execution of each warning, with its decisions as (goroutine, alternative).
    pub(crate) warnings: Vec<(u64, Vec<(u32, u32)>)>,
    /// Executions that are run again to see that the program has not changed.
    pub(crate) witnesses: Vec<Witness>,
}

/// See [`Totals`].
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Witness {
    pub(crate) index: u64,
    /// Its steps: by whom, and with which outcome, in names.
    pub(crate) path: Vec<(u64, u64)>,
    pub(crate) fingerprint: u64,
}

impl Witness {
    /// Whether execution `index` is to be one: some forty of the first million, more of the early ones.
    pub(crate) fn is_wanted(index: u64) -> bool {
        let lowest_but_two = index.checked_ilog2().unwrap_or(0).saturating_sub(1);
        index.trailing_zeros() >= lowest_but_two
    }
}

/// The program does something else than when the search began.
pub(crate) fn changed(path: &Path, witness: &Witness) -> FileError {
    FileError { path: path.to_owned(), problem: Problem::Changed(witness.index + 1) }
}

coded!(Subject { name, fingerprint, settings });
coded!(Witness { index, path, fingerprint });
coded!(Totals { executions, failing, truncated, steps, seconds, spurious, warnings, witnesses });

/// A search and what it came to so far.
pub(crate) struct Checkpoint {
    pub(crate) search: Search,
    pub(crate) totals: Totals,
}

coded!(Checkpoint { search, totals });

/// Why a file is no use.
#[derive(Debug)]
pub(crate) struct FileError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Io(std::io::Error),
    NoSearch,
    Version(String),
    Damaged,
    Malformed(Malformed),
    Changed(u64),
    Other { what: &'static str, found: String, expected: String },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        match &self.problem {
            Problem::Io(error) => write!(f, "{error}"),
            Problem::NoSearch => write!(f, "no file of a search: expected it to begin with `{MAGIC}`"),
            Problem::Version(found) => {
                write!(f, "`{found}`; expected `{}`; remove the file to start anew", HEADER.trim_end())
            }
            Problem::Damaged => f.write_str("damaged: its sum is wrong, so it was cut or changed"),
            Problem::Malformed(malformed) => write!(f, "malformed: {malformed}"),
            Problem::Changed(number) => write!(
                f,
                "is of another program: its execution {number} does something else now; remove the file to \
                 start anew"
            ),
            Problem::Other { what, found, expected } => write!(
                f,
                "is of another search: {what} {found}, expected {expected}; remove the file to start anew"
            ),
        }
    }
}

impl std::error::Error for FileError {}

fn at(path: &Path) -> impl Fn(Problem) -> FileError {
    let path = path.to_owned();
    move |problem| FileError { path: path.clone(), problem }
}

/// Write a value about a subject.
pub(crate) fn write(path: &Path, subject: &Subject, value: &impl Coded) -> Result<(), FileError> {
    write_by(path, subject, |to| value.write(to))
}

/// Write a search and what it came to.
pub(crate) fn write_search(
    path: &Path,
    subject: &Subject,
    search: &Search,
    totals: &Totals,
) -> Result<(), FileError> {
    // As a `Checkpoint`, which would own them.
    write_by(path, subject, |to| {
        search.write(to);
        totals.write(to);
    })
}

fn write_by(path: &Path, subject: &Subject, value: impl FnOnce(&mut Vec<u8>)) -> Result<(), FileError> {
    let mut bytes = HEADER.as_bytes().to_vec();
    subject.write(&mut bytes);
    value(&mut bytes);
    let sum = sum(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    let fail = at(path);
    let io = |error| fail(Problem::Io(error));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(io)?;
    }
    // Beside the file, so that it can take its place in one step.
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}", std::process::id()));
    let mut file = std::fs::File::create(&new).map_err(io)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(io)?;
    std::fs::rename(&new, path).map_err(io)
}

/// Read a value and what it is about; `None` if there is no such file.
pub(crate) fn read<T: Coded>(path: &Path) -> Result<Option<(Subject, T)>, FileError> {
    let fail = at(path);
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(Problem::Io(error))),
        Ok(bytes) => bytes,
    };
    if !bytes.starts_with(MAGIC.as_bytes()) {
        return Err(fail(Problem::NoSearch));
    }
    let Some(rest) = bytes.strip_prefix(HEADER.as_bytes()) else {
        let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
        return Err(fail(Problem::Version(String::from_utf8_lossy(line).into_owned())));
    };
    let body = rest.split_last_chunk::<8>().filter(|(_, told)| {
        let whole = bytes.len() - 8;
        sum(&bytes[..whole]) == u64::from_le_bytes(**told)
    });
    let Some((body, _)) = body else { return Err(fail(Problem::Damaged)) };
    let mut reader = Reader::new(body);
    let value = Subject::read(&mut reader).and_then(|subject| Ok((subject, T::read(&mut reader)?)));
    let value = value.and_then(|value| match reader.is_empty() {
        true => Ok(value),
        false => Err(reader.fail("the end")),
    });
    value.map(Some).map_err(|malformed| fail(Problem::Malformed(malformed)))
}

/// Refuse a file that is about something else.
pub(crate) fn compare(path: &Path, found: &Subject, expected: &Subject) -> Result<(), FileError> {
    let other = |what, found: String, expected: String| {
        let problem = Problem::Other { what, found, expected };
        Err(FileError { path: path.to_owned(), problem })
    };
    if found.name != expected.name {
        return other("the test is", found.name.clone(), expected.name.clone());
    }
    if found.settings != expected.settings {
        return other("the settings are", found.settings.clone(), expected.settings.clone());
    }
    if found.fingerprint != expected.fingerprint {
        let hex = |n: u64| format!("{n:016x}");
        return other("the first execution is", hex(found.fingerprint), hex(expected.fingerprint));
    }
    Ok(())
}

/// Any file that was cut or changed has another one.
pub(super) fn sum(bytes: &[u8]) -> u64 {
    // FNV-1a.
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject { name: "a::b".into(), fingerprint: 7, settings: "all".into() }
    }

    fn file(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("selvedge-{}-{name}", std::process::id()))
    }

    #[test]
    fn a_file_says_what_was_written_and_no_byte_can_be_changed() {
        let path = file("bytes");
        assert!(read::<Vec<u64>>(&path).unwrap().is_none());
        let value: Vec<u64> = vec![1, 2, 300];
        write(&path, &subject(), &value).unwrap();
        assert_eq!(read(&path).unwrap(), Some((subject(), value)));
        let bytes = std::fs::read(&path).unwrap();
        for i in 0..bytes.len() {
            let mut other = bytes.clone();
            other[i] ^= 1;
            std::fs::write(&path, &other).unwrap();
            assert!(read::<Vec<u64>>(&path).is_err(), "byte {i}");
            std::fs::write(&path, &bytes[..i]).unwrap();
            assert!(read::<Vec<u64>>(&path).is_err(), "cut at {i}");
        }
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn errors_name_the_file_and_what_was_expected() {
        let path = file("errors");
        let told = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let error = read::<Vec<u64>>(&path).unwrap_err().to_string();
            let (place, problem) = error.split_once(": ").unwrap();
            assert_eq!(place, path.display().to_string());
            problem.to_owned()
        };
        assert!(told(b"hello").starts_with("no file of a search: expected"));
        assert!(
            told(b"selvedge search 0, by hand\n").starts_with("`selvedge search 0, by hand`; expected `")
        );
        assert!(told(HEADER.as_bytes()).starts_with("damaged"));
        write(&path, &subject(), &7_u64).unwrap();
        assert!(read::<Vec<u64>>(&path).unwrap_err().to_string().contains("malformed: "));
        let other = Subject { settings: "none".into(), ..subject() };
        let error = compare(&path, &subject(), &other).unwrap_err().to_string();
        assert!(error.ends_with("the settings are all, expected none; remove the file to start anew"));
        std::fs::remove_file(&path).unwrap();
    }
}
