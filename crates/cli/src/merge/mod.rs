//! `cargo selvedge merge`: what several machines found, as one.
//!
//! Invariants: nothing of the user's is run; what does not belong together, or is not complete, is refused.

mod rounds;
mod sampled;

use crate::args::Merge;
use crate::code::Code;
use crate::offline::refused;
use std::io;
use std::path::{Path, PathBuf};

/// A folder of a round, or the lines of shards: files, or the folders they are in.
pub(crate) fn run(merge: &Merge) -> io::Result<Code> {
    let lines: Vec<PathBuf> = merge.paths.iter().flat_map(|path| summaries(path)).collect();
    match (&merge.paths[..], &lines[..]) {
        (_, [_, ..]) => sampled::run(&lines, merge.json),
        ([folder], []) => rounds::run(folder),
        _ => refused("expected the files of shards, or the one folder of a round"),
    }
}

/// The file itself, or those in a folder.
fn summaries(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        // A folder that is not there is told of where it is read.
        return if path.is_file() { vec![path.to_owned()] } else { Vec::new() };
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let is_of_lines = |path: &PathBuf| path.extension().is_some_and(|end| end == "jsonl");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_of_lines).collect();
    files.sort();
    files
}
