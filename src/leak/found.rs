//! What was left behind, as data and as text.
//!
//! Invariant: who is left out is decided by rules that the program gave, by nothing else.

use crate::debug::{Frame, Goroutine, Task};
use crate::port::wait::census::{self, Portrait, Question};
use crate::port::wait::dump;
use crate::port::wait::symbols::Symbols;
use crate::port::wait::tasks::TaskPortrait;
use selvedge_checkers::ids::SiteRef;
use std::collections::BTreeSet;
use std::fmt;

/// Whom to leave out.
pub(super) enum Rule {
    Top(String),
    Any(String),
    CreatedAt(String),
    Named(String),
}

impl Rule {
    /// Whether no stack is needed to decide.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Rule::CreatedAt(_) | Rule::Named(_))
    }

    /// Whether the rule leaves this goroutine out.
    pub(super) fn leaves_out(&self, portrait: &Portrait, frames: &[Frame]) -> bool {
        match self {
            Rule::Top(function) => frames.first().is_some_and(|frame| is_in(frame.function(), function)),
            Rule::Any(function) => frames.iter().any(|frame| is_in(frame.function(), function)),
            Rule::Named(_) | Rule::CreatedAt(_) => self.is_about(portrait.name.as_deref(), portrait.created),
        }
    }

    /// Whether the rule leaves this task out, of which there is no stack.
    pub(super) fn leaves_out_task(&self, task: &TaskPortrait) -> bool {
        self.is_about(task.name.as_deref(), Some(task.created))
    }

    /// Whether it names the name, or the place of the start.
    fn is_about(&self, name: Option<&str>, created: Option<SiteRef>) -> bool {
        match self {
            Rule::Top(_) | Rule::Any(_) => false,
            Rule::Named(meant) => name == Some(meant),
            Rule::CreatedAt(place) => created.is_some_and(|site| {
                ends_with_parts(site.file(), place, '/')
                    || ends_with_parts(&format!("{}:{}", site.file(), site.line()), place, '/')
            }),
        }
    }
}

/// Whether a function is the one that was meant, or a closure in it.
fn is_in(function: &str, meant: &str) -> bool {
    let mut outer = function;
    loop {
        if ends_with_parts(outer, meant, ':') {
            return true;
        }
        match outer.strip_suffix("::{{closure}}").or_else(|| outer.strip_suffix("::{closure#0}")) {
            Some(shorter) => outer = shorter,
            None => return false,
        }
    }
}

/// Whether `whole` ends with `end`, and that begins where a part does.
fn ends_with_parts(whole: &str, end: &str, between: char) -> bool {
    whole.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with(between))
}

/// A goroutine and those that started it, which mostly wait for it.
pub(super) fn ancestors(of: u64) -> BTreeSet<u64> {
    let all = census::take(Question::default()).all;
    let mut line = BTreeSet::new();
    let mut next = of;
    while next != 0 && line.insert(next) {
        next = all.iter().find(|portrait| portrait.id == next).map_or(0, |portrait| portrait.parent);
    }
    line
}

/// Goroutines and async tasks that a test left behind.
#[derive(Clone, Debug)]
pub struct Leaks {
    goroutines: Vec<Goroutine>,
    tasks: Vec<Task>,
    taken: u64,
    everywhere: bool,
}

impl Leaks {
    pub(super) fn new(goroutines: Vec<Goroutine>, tasks: Vec<Task>, taken: u64, everywhere: bool) -> Leaks {
        Leaks { goroutines, tasks, taken, everywhere }
    }

    /// Which goroutines are left, the oldest first.
    pub fn goroutines(&self) -> &[Goroutine] {
        &self.goroutines
    }

    /// Which async tasks wait for a waker, the oldest first.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }
}

impl std::error::Error for Leaks {}

impl fmt::Display for Leaks {
    /// Each with its state and stack, in the form of Go's dumps; those that are alike once.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.everywhere { "" } else { " of this test" };
        let count = |n: usize, noun: &str| match n {
            0 => None,
            1 => Some(format!("an unexpected {noun}")),
            n => Some(format!("{n} unexpected {noun}s")),
        };
        let goroutines = count(self.goroutines.len(), "goroutine");
        let tasks = count(self.tasks.len(), "async task");
        let found: Vec<String> = goroutines.into_iter().chain(tasks).collect();
        writeln!(f, "found {}{whose}:", found.join(" and "))?;
        let mut symbols = Symbols::new();
        let mut groups: Vec<(String, &Goroutine, Vec<u64>)> = Vec::new();
        for g in &self.goroutines {
            let kind = kind_of(g);
            match groups.iter_mut().find(|group| group.0 == kind) {
                Some((_, _, others)) => others.push(g.id()),
                None => groups.push((kind, g, Vec::new())),
            }
        }
        for (_, g, others) in groups {
            let mut text = String::new();
            dump::describe(g.portrait(), self.taken, &mut symbols, &mut text);
            write!(f, "\n{text}")?;
            match &others[..] {
                [] => {}
                [other] => writeln!(f, "and goroutine {other}, which is like it")?,
                [first, .., last] => {
                    writeln!(f, "and {} more like it, goroutines {first} to {last}", others.len())?;
                }
            }
        }
        let tasks: Vec<TaskPortrait> = self.tasks.iter().map(|task| task.portrait().clone()).collect();
        let mut text = String::new();
        dump::tell_tasks(&tasks, self.taken, &mut text);
        f.write_str(&text)
    }
}

/// What is the same of goroutines that are alike.
fn kind_of(g: &Goroutine) -> String {
    format!("{:?} {:?} {:?} {:?} {}", g.state(), g.frames(), g.waits_at(), g.created_at(), g.is_stranded())
}

#[test]
fn functions_are_recognised_by_their_ends() {
    assert!(is_in("app::pool::worker", "pool::worker"));
    assert!(is_in("app::pool::worker::{{closure}}::{{closure}}", "app::pool::worker"));
    assert!(is_in("worker", "worker"));
    assert!(!is_in("app::pool::coworker", "worker"));
    assert!(!is_in("app::worker::inner", "worker"));
    assert!(ends_with_parts("src/pool.rs:12", "pool.rs:12", '/'));
    assert!(!ends_with_parts("src/carpool.rs", "pool.rs", '/'));
}
