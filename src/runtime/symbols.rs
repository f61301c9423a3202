//! The names behind return addresses, without what is not the program's.
//!
//! Invariants: the frames of the runtime and of std at both ends are cut, those between the program's own
//! stay; an address is looked up once.
//!
//! A program without debug information has names but no lines; one that is stripped has neither.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A function on a stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Frame {
    pub(crate) function: String,
    pub(crate) file: Option<PathBuf>,
    pub(crate) line: Option<u32>,
    /// The address it belongs to; functions that were inlined into one another share it.
    pub(crate) address: usize,
    /// Whether it is in a file of the runtime's or of std's: names in debug information may lack their path.
    foreign: bool,
}

/// What was looked up.
#[derive(Default)]
pub(crate) struct Symbols {
    known: BTreeMap<usize, Vec<Frame>>,
    here: Option<PathBuf>,
}

impl Symbols {
    pub(crate) fn new() -> Symbols {
        Symbols { known: BTreeMap::new(), here: std::env::current_dir().ok() }
    }

    /// The functions of a trace, the innermost first.
    pub(crate) fn of(&mut self, trace: &[usize]) -> Vec<Frame> {
        let frames: Vec<Frame> = trace.iter().flat_map(|&address| self.at(address)).collect();
        cut(frames)
    }

    /// The functions at an address, the innermost first.
    pub(crate) fn at(&mut self, address: usize) -> Vec<Frame> {
        let here = self.here.as_deref();
        self.known.entry(address).or_insert_with(|| look_up(address, here)).clone()
    }
}

fn look_up(address: usize, here: Option<&Path>) -> Vec<Frame> {
    let mut found = Vec::new();
    backtrace::resolve(std::ptr::without_provenance_mut(address), |symbol| {
        let Some(name) = symbol.name() else { return };
        let foreign = symbol.filename().is_some_and(is_foreign_file);
        let file = symbol.filename().map(|file| match here.and_then(|here| file.strip_prefix(here).ok()) {
            Some(inside) => inside.to_owned(),
            None => file.to_owned(),
        });
        found.push(Frame { function: format!("{name:#}"), file, line: symbol.lineno(), address, foreign });
    });
    found
}

fn is_foreign_file(file: &Path) -> bool {
    const OURS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let is_dependency = |part: std::path::Component<'_>| {
        let name = part.as_os_str().as_encoded_bytes();
        name.starts_with(b"corosensei-") || name.starts_with(b"backtrace-")
    };
    file.starts_with("/rustc") || file.starts_with(OURS) || file.components().any(is_dependency)
}

/// Whether a function is not the program's.
fn is_foreign(function: &str) -> bool {
    const CRATES: [&str; 7] =
        ["selvedge::", "selvedge_checkers::", "corosensei::", "backtrace::", "core::", "std::", "alloc::"];
    let path =
        function.trim_start_matches(['<', '&', '*']).trim_start_matches("mut ").trim_start_matches("dyn ");
    CRATES.iter().any(|name| path.starts_with(name))
        || ["__rust", "rust_", "stack_", "_start", "__libc_", "start_thread", "clone3", "_Unwind"]
            .iter()
            .any(|start| path.starts_with(start))
        || path == "clone"
        || path == "main"
}

/// Without what is foreign at either end.
fn cut(frames: Vec<Frame>) -> Vec<Frame> {
    let own = |frame: &Frame| !frame.foreign && !is_foreign(&frame.function);
    let Some(first) = frames.iter().position(own) else { return Vec::new() };
    let last = frames.iter().rposition(own).unwrap_or(first);
    frames.into_iter().skip(first).take(last + 1 - first).collect()
}

#[test]
fn foreign_frames_are_cut_at_the_ends_only() {
    let frame = |function: &str| Frame {
        function: function.into(),
        file: None,
        line: None,
        address: 0,
        foreign: false,
    };
    let names = [
        "selvedge::chan::Receiver<T>::recv",
        "<selvedge::chan::Iter<T> as core::iter::Iterator>::next",
        "app::inner",
        "core::iter::for_each",
        "app::outer::{{closure}}",
        "std::panicking::try",
        "stack_init_trampoline",
    ];
    let left: Vec<String> = cut(names.map(frame).into()).into_iter().map(|f| f.function).collect();
    assert_eq!(left, names[2..5]);
    assert_eq!(cut(vec![frame("core::x"), frame("main")]), []);
}
