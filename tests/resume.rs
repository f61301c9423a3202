//! A search that is interrupted, by its budget or by a kill at any moment, comes to what one without a
//! break comes to; a file that does not fit is refused by name.
//!
//! The process that is killed is this test itself, called once more for [`child`].

use selvedge::sync::atomic::{AtomicU64, Ordering::SeqCst};
use selvedge::{Explorer, Outcome, Slug, chan, go};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// So many goroutines race to add and to send.
fn race(goroutines: u64) {
    let n = Arc::new(AtomicU64::new(0));
    let (tx, rx) = chan(goroutines as usize);
    let all: Vec<_> = (0..goroutines)
        .map(|i| {
            let (n, tx) = (Arc::clone(&n), tx.clone());
            go(move || {
                n.store(n.load(SeqCst) + 1, SeqCst);
                tx.send(i);
            })
        })
        .collect();
    all.into_iter().for_each(|h| h.join().unwrap());
    rx.recv();
}

fn small() {
    race(3);
}

fn large() {
    race(4);
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        Folder(std::env::temp_dir().join(format!("selvedge-resume-{}-{name}", std::process::id())))
    }

    fn file(&self) -> PathBuf {
        let files = std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        files.into_iter().find(|path| path.extension().is_some_and(|e| e == "search")).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn numbers(outcome: &Outcome) -> (u64, u64, u64, bool) {
    (outcome.executions, outcome.steps, outcome.redundant, outcome.exhausted)
}

fn search(folder: &Path) -> Explorer {
    Explorer::new().exhaustive().checkpoint(folder)
}

#[test]
fn piece_by_piece_it_is_the_same_search() {
    let whole = Explorer::new().exhaustive().run(small);
    assert!(whole.exhausted && whole.executions > 100, "{whole:?}");
    for (piece, jobs) in [(1, 1), (7, 1), (30, 3)] {
        let folder = Folder::new(&format!("pieces-{piece}-{jobs}"));
        let mut pieces = 0;
        let last = loop {
            pieces += 1;
            let outcome = search(&folder.0).executions(piece).jobs(jobs).run(small);
            assert!(outcome.is_clean(), "{outcome}");
            assert_eq!(outcome.executions, whole.executions.min(pieces * piece));
            if outcome.exhausted {
                break outcome;
            }
        };
        assert_eq!(numbers(&last), numbers(&whole), "in pieces of {piece}");
        assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0, "a search that is over leaves no file");
    }
}

#[test]
fn a_failure_is_the_same_one() {
    let lossy = || {
        let n = Arc::new(AtomicU64::new(0));
        let add = |n: Arc<AtomicU64>| go(move || n.store(n.load(SeqCst) + 1, SeqCst));
        let all: Vec<_> = (0..3).map(|_| add(Arc::clone(&n))).collect();
        all.into_iter().for_each(|h| h.join().unwrap());
        assert_ne!(n.load(SeqCst), 1);
    };
    let whole = Explorer::new().exhaustive().run(lossy);
    let first = whole.first.expect("it loses updates");
    assert!(first > 3, "{first}");
    let folder = Folder::new("failure");
    assert!(search(&folder.0).executions(first).run(lossy).is_clean());
    let rest = search(&folder.0).run(lossy);
    assert_eq!(rest.first, Some(first));
    assert_eq!((&rest.findings, rest.token), (&whole.findings, whole.token));
}

#[test]
fn a_warning_is_not_forgotten() {
    let careless = || {
        let n = Arc::new(AtomicU64::new(0));
        let shared = Arc::clone(&n);
        drop(go(move || shared.store(1, SeqCst)));
        n.load(SeqCst);
    };
    let whole = Explorer::new().exhaustive().run(careless);
    let slugs = |o: &Outcome| o.warnings.iter().map(|w| w.slug).collect::<Vec<_>>();
    assert_eq!(slugs(&whole), [Slug::PrematureExit]);
    let folder = Folder::new("warning");
    for _ in 1..whole.executions {
        assert!(!search(&folder.0).executions(1).run(careless).exhausted);
    }
    let rest = search(&folder.0).run(careless);
    assert_eq!((slugs(&rest), rest.first, rest.exhausted), (slugs(&whole), whole.first, true));
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let folder = Folder::new("refused");
    let refused = |explorer: Explorer, program: fn()| {
        let error = catch_unwind(AssertUnwindSafe(|| explorer.run(program))).unwrap_err();
        error.downcast_ref::<String>().unwrap().clone()
    };
    assert!(!search(&folder.0).executions(5).run(small).exhausted);
    let path = folder.file();
    let name = path.display().to_string();
    let other = refused(search(&folder.0), large);
    assert!(other.starts_with(&name) && other.contains("the first execution is"), "{other}");
    let settings = refused(search(&folder.0).steps(77), small);
    assert!(settings.contains("at most 77 steps") && settings.contains("at most 100000 steps"), "{settings}");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let damaged = refused(search(&folder.0), small);
    assert!(damaged.starts_with(&name) && damaged.contains("damaged"), "{damaged}");
    std::fs::write(&path, "an old one").unwrap();
    let foreign = refused(search(&folder.0), small);
    assert!(foreign.contains("expected it to begin with"), "{foreign}");
}

/// Where the child keeps its search.
const PLACE: &str = "RESUME_TEST_FOLDER";

/// Explores a little further, writing at each step; killed by its parent some time.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(PLACE) else { return };
    loop {
        let outcome = search(Path::new(&folder)).executions(20).jobs(2).run(small);
        if outcome.exhausted {
            println!("numbers {:?}", numbers(&outcome));
            return;
        }
    }
}

#[test]
fn killed_at_any_moment_it_comes_to_the_same() {
    let whole = Explorer::new().exhaustive().run(small);
    let folder = Folder::new("killed");
    for patience in 1.. {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["child", "--exact", "--nocapture"]).env(PLACE, &folder.0);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(10 * patience));
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if let Some(line) = text.lines().find_map(|line| line.split_once("numbers ")) {
            assert_eq!(line.1, format!("{:?}", numbers(&whole)));
            return;
        }
    }
}

#[test]
fn a_tree_that_is_too_large_ends_the_search_without_a_proof() {
    let whole = Explorer::new().exhaustive().run(small);
    assert!(whole.exhausted && !whole.outgrown);
    let cut = Explorer::new().exhaustive().nodes(20).run(small);
    assert!(cut.outgrown && !cut.exhausted && cut.is_clean(), "{cut:?}");
    assert!((1..whole.executions).contains(&cut.executions), "{cut:?}");
    assert_eq!(numbers(&Explorer::new().exhaustive().nodes(20).jobs(3).run(small)), numbers(&cut));
}

/// What its first execution does is always the same; what others do may not be.
fn branches(stores: u64) {
    let (flag, n) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (other_flag, other_n) = (Arc::clone(&flag), Arc::clone(&n));
    let other = go(move || {
        other_flag.store(1, SeqCst);
        other_n.fetch_add(1, SeqCst);
        other_n.fetch_add(1, SeqCst);
    });
    n.fetch_add(1, SeqCst);
    if flag.load(SeqCst) == 1 {
        (0..stores).for_each(|i| n.store(i, SeqCst));
    }
    n.fetch_add(1, SeqCst);
    other.join().unwrap();
}

#[test]
fn a_program_that_changed_behind_its_first_execution_is_refused_by_name() {
    static STORES: AtomicUsize = AtomicUsize::new(1);
    let program = || branches(STORES.load(Ordering::Relaxed) as u64);
    let folder = Folder::new("changed");
    let first = search(&folder.0).executions(12).run(program);
    assert!(first.is_clean() && !first.exhausted, "{first}");
    STORES.store(2, Ordering::Relaxed);
    let refused = catch_unwind(AssertUnwindSafe(|| search(&folder.0).run(program)));
    let why = refused.expect_err("the file is refused");
    let why = why.downcast_ref::<String>().expect("a text");
    assert!(why.contains("is of another program: its execution"), "{why}");
    STORES.store(1, Ordering::Relaxed);
    assert!(search(&folder.0).run(program).exhausted);
}

#[test]
fn a_bounded_search_goes_on_within_its_bound_only() {
    let whole = Explorer::new().exhaustive().preemptions(1).run(small);
    assert!(whole.exhausted && whole.beyond > 0 && whole.executions > 10, "{whole:?}");
    let folder = Folder::new("bounded");
    let first = search(&folder.0).preemptions(1).executions(5).run(small);
    assert!(!first.exhausted);
    let other = catch_unwind(AssertUnwindSafe(|| search(&folder.0).preemptions(2).run(small)));
    assert!(other.is_err(), "another bound is another search");
    let last = search(&folder.0).preemptions(1).run(small);
    assert_eq!((numbers(&last), last.beyond), (numbers(&whole), whole.beyond));
}
