//! An exhaustive search in rounds, shared out, comes to what one process comes to, execution by execution.

use selvedge::harness::{Merged, merge};
use selvedge::sync::atomic::{AtomicU64, Ordering};
use selvedge::sync::{Mutex, RwLock};
use selvedge::{Explorer, Outcome, Slug, chan, go, select, thread};
use std::path::PathBuf;
use std::sync::Arc;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        Folder(std::env::temp_dir().join(format!("selvedge-rounds-{}-{name}", std::process::id())))
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(&self.0).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    /// One round of `n` shards, each with a budget.
    fn run(&self, n: u32, executions: u64, program: fn()) -> Vec<Outcome> {
        let shard = |k| Explorer::new().exhaustive().checkpoint(&self.0).shard(k, n).executions(executions);
        (1..=n).map(|k| shard(k).run(program)).collect()
    }

    /// Rounds until there are no more: how many it took, how many executions were run, and what came of it.
    fn run_all(&self, n: u32, executions: u64, program: fn()) -> (u64, u64, Merged) {
        let mut run = 0;
        for rounds in 1.. {
            let outcomes = self.run(n, executions, program);
            run += outcomes.iter().map(|outcome| outcome.executions).sum::<u64>();
            let mut merged = merge(&self.0).unwrap();
            assert_eq!(merged.len(), 1);
            let merged = merged.remove(0);
            if merged.exhausted || merged.failure.is_some() {
                return (rounds, run, merged);
            }
        }
        unreachable!()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Loads and stores that read old values, too.
fn atomics() {
    let x = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let all: Vec<_> = (0..3)
        .map(|i| {
            let x = Arc::clone(&x);
            go(move || match i {
                0 => {
                    x.0.store(1, Ordering::Relaxed);
                    x.1.store(1, Ordering::Release);
                }
                1 => {
                    x.1.load(Ordering::Acquire);
                    x.0.load(Ordering::Relaxed);
                }
                _ => {
                    let _ = x.0.compare_exchange(0, 2, Ordering::AcqRel, Ordering::Relaxed);
                    x.1.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    all.into_iter().for_each(|h| h.join().unwrap());
}

fn locks() {
    let m = Arc::new((Mutex::new(0), RwLock::new(0)));
    let all: Vec<_> = (0..3)
        .map(|i| {
            let m = Arc::clone(&m);
            go(move || {
                *m.0.lock().unwrap() += 1;
                match i {
                    0 => *m.1.write().unwrap() += 1,
                    _ => drop(m.1.read().unwrap()),
                }
            })
        })
        .collect();
    all.into_iter().for_each(|h| h.join().unwrap());
}

fn channels() {
    let (tx, rx) = chan(1);
    let (other, others) = chan(0);
    for i in 0..2 {
        let (tx, other) = (tx.clone(), other.clone());
        go(move || {
            tx.send(i);
            other.send(i);
        });
    }
    for _ in 0..4 {
        select! { recv(rx) -> _v => {}, recv(others) -> _v => {} }
    }
}

/// Waits that may end without a cause.
fn waits() {
    let (ready, main) = (Arc::new(AtomicU64::new(0)), thread::current());
    let all: Vec<_> = (0..2)
        .map(|_| {
            let (ready, main) = (Arc::clone(&ready), main.clone());
            go(move || {
                ready.fetch_add(1, Ordering::SeqCst);
                main.unpark();
            })
        })
        .collect();
    while ready.load(Ordering::SeqCst) < 2 {
        thread::park();
    }
    all.into_iter().for_each(|h| h.join().unwrap());
}

fn loses_an_update() {
    let n = Arc::new(AtomicU64::new(0));
    let add = |n: Arc<AtomicU64>| go(move || n.store(n.load(Ordering::SeqCst) + 1, Ordering::SeqCst));
    let all: Vec<_> = (0..3).map(|_| add(Arc::clone(&n))).collect();
    all.into_iter().for_each(|h| h.join().unwrap());
    assert_ne!(n.load(Ordering::SeqCst), 1);
}

#[test]
fn the_union_of_the_shards_is_the_one_search() {
    let programs = [("atomics", atomics as fn()), ("locks", locks), ("channels", channels), ("waits", waits)];
    for (name, program) in programs {
        let whole = Explorer::new().exhaustive().run(program);
        assert!(whole.exhausted && whole.executions > 10, "{name}: {whole:?}");
        assert_eq!(whole.spurious, name == "waits");
        for (n, executions) in [(1, 3), (2, 1), (2, 1_000), (3, 8)] {
            let folder = Folder::new(&format!("{name}-{n}-{executions}"));
            let (rounds, run, merged) = folder.run_all(n, executions, program);
            assert!(merged.exhausted, "{merged:?}");
            assert_eq!(merged.spurious, whole.spurious.then_some(1), "{name}");
            let numbers = (merged.executions, merged.steps, merged.redundant);
            assert_eq!(numbers, (whole.executions, whole.steps, whole.redundant), "{name} {n} {executions}");
            println!("{name}: {n} shards of {executions}: {rounds} rounds, {run} of {}", whole.executions);
            assert!(run < 2 * whole.executions, "{name}: {run} executions for {}", whole.executions);
            assert!(folder.files().is_empty(), "a search that is over leaves nothing");
        }
    }
}

#[test]
fn the_first_failure_is_the_same() {
    let whole = Explorer::new().exhaustive().run(loses_an_update);
    let first = whole.first.expect("it loses updates");
    for n in [1, 3] {
        let folder = Folder::new(&format!("failure-{n}"));
        let (_, _, merged) = folder.run_all(n, 4, loses_an_update);
        assert_eq!(merged.failure, Some((first + 1, Slug::Panic.text().to_owned())), "{n} shards");
    }
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let folder = Folder::new("wrong");
    let error = || merge(&folder.0).unwrap_err();
    assert!(error().starts_with(&folder.0.display().to_string()));
    folder.run(2, 4, locks);
    let files = folder.files();
    let [first, second] = &files[..] else { panic!("{files:?}") };
    let names = |error: &str, file: &PathBuf| error.starts_with(&file.display().to_string());
    let bytes = std::fs::read(second).unwrap();
    std::fs::remove_file(second).unwrap();
    assert!(names(&error(), second) && error().contains("missing"), "{}", error());
    std::fs::write(second, &bytes[..bytes.len() - 1]).unwrap();
    assert!(names(&error(), second) && error().contains("damaged"), "{}", error());
    let third =
        first.with_file_name(first.file_name().unwrap().to_str().unwrap().replace("1-of-2", "1-of-3"));
    std::fs::write(second, &bytes).unwrap();
    std::fs::write(&third, &bytes).unwrap();
    assert!(error().contains("parts of"), "{}", error());
    std::fs::rename(&third, third.with_extension("x.outcomes")).unwrap();
    assert!(error().contains("expected a name such as"), "{}", error());
    std::fs::remove_file(third.with_extension("x.outcomes")).unwrap();
    // A file that was kept and comes back in another round.
    assert!(merge(&folder.0).unwrap()[0].executions > 0);
    folder.run(2, 4, locks);
    std::fs::write(second, &bytes).unwrap();
    assert!(names(&error(), second) && error().contains("of a round after 0 executions"), "{}", error());
}

#[test]
fn no_shard_and_no_merge_lets_the_tree_outgrow_its_nodes() {
    let folder = Folder::new("nodes");
    let round = |nodes: usize| {
        for k in 1..=2 {
            let explorer = Explorer::new().exhaustive().checkpoint(&folder.0).shard(k, 2);
            let outcome = explorer.nodes(nodes).executions(1_000).run(atomics);
            assert!(!outcome.exhausted);
        }
        merge(&folder.0).unwrap().remove(0)
    };
    let small = round(10);
    assert!(small.outgrown && !small.exhausted && small.leaves > 0, "{small:?}");
    // With more, it goes on where it stopped.
    let mut last = round(1 << 20);
    while !last.exhausted {
        assert!(!last.outgrown && last.failure.is_none(), "{last:?}");
        last = round(1 << 20);
    }
    let whole = Explorer::new().exhaustive().run(atomics);
    assert_eq!(last.executions, whole.executions);
}
