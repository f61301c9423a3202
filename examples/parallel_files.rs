//! Words of many files, counted in parallel: `cargo run --example parallel_files -- src/*.rs`.
//!
//! Files are read by as many goroutines as there are processors, each reading holds up its own goroutine only; what
//! could not be read is told at the end, beside the sum of the rest.

use selvedge::sync::{Arc, Mutex, WaitGroup};
use selvedge::{chan, runtime};
use std::io;
use std::path::PathBuf;

/// What came of all files.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) files: usize,
    pub(crate) words: usize,
    /// Those that could not be read, and why.
    pub(crate) failed: Vec<(PathBuf, io::Error)>,
}

#[selvedge::main]
fn main() {
    let Counted { files, words, failed } = count(std::env::args_os().skip(1).map(PathBuf::from).collect());
    for (path, error) in &failed {
        eprintln!("{}: {error}", path.display());
    }
    println!("{words} words in {files} files, {} not read", failed.len());
}

/// Count the words of these files.
pub(crate) fn count(paths: Vec<PathBuf>) -> Counted {
    let (todo, paths_left) = chan::<PathBuf>(0);
    let counted = Arc::new(Mutex::new(Counted::default()));
    let readers = WaitGroup::new();
    for _ in 0..runtime::num_cpu() {
        let (paths, counted) = (paths_left.clone(), Arc::clone(&counted));
        readers.go(move || {
            for path in paths {
                // A file is a call that blocks: other goroutines get the processor meanwhile.
                let words = std::fs::read_to_string(&path).map(|text| text.split_whitespace().count());
                let mut counted = counted.lock().unwrap();
                match words {
                    Ok(words) => (counted.files, counted.words) = (counted.files + 1, counted.words + words),
                    Err(error) => counted.failed.push((path, error)),
                }
            }
        });
    }
    for path in paths {
        todo.send(path);
    }
    todo.close();
    readers.wait();
    let mut counted = counted.lock().unwrap();
    // The order in which goroutines came to it is nobody's business.
    counted.failed.sort_by(|a, b| a.0.cmp(&b.0));
    std::mem::take(&mut *counted)
}
