//! Goroutines and async tasks that a test leaves behind.
//!
//! A test that ends while goroutines or tasks it started still live has a leak, or has not waited for what it
//! should have. [`assert_none`] at its end finds them. It knows whose a goroutine is: that of the test (the
//! thread) by which, or by a goroutine of which, it was started; so tests may run side by side, and each is told
//! of its own goroutines only.
//!
//! ```
//! # use selvedge::{chan, go, leak};
//! let (tx, rx) = chan(0);
//! let worker = go(move || rx.iter().sum::<u32>());
//! tx.send(1);
//! tx.close();
//! assert_eq!(worker.join().unwrap(), 1);
//! leak::assert_none();
//! ```
//!
//! Invariants: where nobody is left that costs a walk over the records of goroutines, and no waiting; who
//! is left gets a second to end, unless it is proved that he cannot.
//!
//! Does not detect: who belongs to a test but was started by a thread of std's that the test started, or
//! by a timer; [`Check::everywhere`] finds them. Called from within an async task it looks at goroutines only, since
//! nothing says which tasks wait for the caller. In a model nobody is found: its reports tell of leaks.
//!
//! Source: Uber's goleak.

mod found;

pub use found::Leaks;

use crate::debug::{self, Task};
use crate::port;
use crate::port::wait::census::{self, Census, Portrait, Question};
use crate::port::wait::scope;
use crate::port::wait::tasks::{self, TaskPortrait};
use found::Rule;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long who is left gets to end.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks at tasks that are to end, at first and at most.
const SHORTEST: Duration = Duration::from_micros(100);
const LONGEST: Duration = Duration::from_millis(10);

/// Panic if a goroutine or an async task of this test has not ended.
///
/// # Panics
/// If there is one that does not end within a second. The text says what each is doing.
///
/// # Examples
/// ```should_panic
/// let (_tx, rx) = selvedge::chan::<u32>(0);
/// selvedge::go(move || rx.recv());
/// selvedge::leak::assert_none();
/// ```
#[doc(alias = "VerifyNone")]
#[track_caller]
pub fn assert_none() {
    Check::new().assert_none();
}

/// The goroutines and tasks of this test that have not ended, and do not within a second.
///
/// # Errors
/// If there are any.
#[doc(alias = "Find")]
pub fn find() -> Result<(), Leaks> {
    Check::new().find()
}

/// Run `body`; what it starts is its own, and must have ended afterwards.
///
/// For a test that runs on a thread that others run on, before or after: as with `--test-threads=1`, or when
/// called from another test.
///
/// # Panics
/// If `body` does, or leaves a goroutine behind.
///
/// # Examples
/// ```
/// let sum = selvedge::leak::check(|| selvedge::go(|| 1 + 1).join().unwrap());
/// assert_eq!(sum, 2);
/// ```
#[track_caller]
pub fn check<R>(body: impl FnOnce() -> R) -> R {
    let _scope = scope::begin();
    let value = body();
    assert_none();
    value
}

/// The goroutines and tasks that lived at some moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    goroutines: BTreeSet<u64>,
    tasks: BTreeSet<u64>,
}

impl Snapshot {
    /// Those that live now.
    pub fn current() -> Snapshot {
        Snapshot {
            goroutines: census::take(Question::default()).all.iter().map(|portrait| portrait.id).collect(),
            tasks: tasks::waiting().iter().map(|task| task.id).collect(),
        }
    }

    /// Panic if a goroutine of this test that is not in the snapshot has not ended.
    ///
    /// # Panics
    /// As [`assert_none`].
    ///
    /// # Examples
    /// ```
    /// use selvedge::{chan, go, leak::Snapshot};
    /// let (tx, rx) = chan::<u32>(0);
    /// let server = go(move || rx.iter().count()); // lives longer
    /// let before = Snapshot::current();
    /// go(|| ()).join().unwrap();
    /// before.assert_none();
    /// # tx.close();
    /// # server.join().unwrap();
    /// ```
    #[track_caller]
    pub fn assert_none(&self) {
        Check::new().since(self).assert_none();
    }

    /// The goroutines of this test that have not ended and are not in the snapshot.
    ///
    /// # Errors
    /// If there are any.
    pub fn find(&self) -> Result<(), Leaks> {
        Check::new().since(self).find()
    }
}

/// What to look for, and whom to leave out: goleak's options.
///
/// # Examples
/// ```
/// use selvedge::leak::Check;
/// Check::new().ignore_named("metrics").ignore_any_function("pool::worker").assert_none();
/// ```
#[must_use = "it looks when told to"]
pub struct Check {
    everywhere: bool,
    patience: Duration,
    before: Snapshot,
    rules: Vec<Rule>,
    cleanup: Option<Box<dyn FnOnce()>>,
}

impl Default for Check {
    fn default() -> Check {
        Check::new()
    }
}

impl Check {
    /// Every goroutine of this test.
    pub fn new() -> Check {
        Check {
            everywhere: false,
            patience: PATIENCE,
            before: Snapshot { goroutines: BTreeSet::new(), tasks: BTreeSet::new() },
            rules: Vec::new(),
            cleanup: None,
        }
    }

    /// Look at all goroutines of the process, whoever started them. Tests must not run side by side then.
    pub fn everywhere(self) -> Check {
        Check { everywhere: true, ..self }
    }

    /// How long who is left gets to end; a second if not given.
    pub fn patience(self, patience: Duration) -> Check {
        Check { patience, ..self }
    }

    /// Leave out who is in the snapshot.
    pub fn since(mut self, snapshot: &Snapshot) -> Check {
        self.before.goroutines.extend(&snapshot.goroutines);
        self.before.tasks.extend(&snapshot.tasks);
        self
    }

    /// Leave out who lives now.
    #[doc(alias = "IgnoreCurrent")]
    pub fn ignore_current(self) -> Check {
        let current = Snapshot::current();
        self.since(&current)
    }

    /// Leave out who is in this function: the innermost of the program's own. The path may lack its
    /// beginning (`pool::worker` for `app::pool::worker`), and closures in it count as the function.
    #[doc(alias = "IgnoreTopFunction")]
    pub fn ignore_top_function(self, function: &str) -> Check {
        self.rule(Rule::Top(function.into()))
    }

    /// Leave out who has this function on its stack, written as for [`Check::ignore_top_function`].
    #[doc(alias = "IgnoreAnyFunction")]
    pub fn ignore_any_function(self, function: &str) -> Check {
        self.rule(Rule::Any(function.into()))
    }

    /// Leave out who was started in this file, or at this `file:line`; the path may lack its beginning.
    #[doc(alias = "IgnoreCreatedBy")]
    pub fn ignore_created_at(self, place: &str) -> Check {
        self.rule(Rule::CreatedAt(place.into()))
    }

    /// Leave out who has this name.
    pub fn ignore_named(self, name: &str) -> Check {
        self.rule(Rule::Named(name.into()))
    }

    /// Run this when the look is over, before anything is said of it.
    #[doc(alias = "Cleanup")]
    pub fn cleanup(self, f: impl FnOnce() + 'static) -> Check {
        Check { cleanup: Some(Box::new(f)), ..self }
    }

    fn rule(mut self, rule: Rule) -> Check {
        self.rules.push(rule);
        self
    }

    /// Panic if there is anybody.
    ///
    /// # Panics
    /// As [`assert_none`].
    #[track_caller]
    pub fn assert_none(self) {
        if let Err(leaks) = self.find() {
            panic!("{leaks}");
        }
    }

    /// Look.
    ///
    /// # Errors
    /// If there is anybody.
    pub fn find(self) -> Result<(), Leaks> {
        if port::model().is_some() {
            return Ok(());
        }
        let scope = (!self.everywhere).then(scope::mine);
        let (mut left, tasks) = self.settle(scope);
        if !left.all.is_empty() {
            // Once more, with stacks.
            let question = Question { scope, traces: true };
            let close = census::take(question);
            let ids: BTreeSet<u64> = left.all.iter().map(|portrait| portrait.id).collect();
            left = close;
            left.all.retain(|portrait| ids.contains(&portrait.id));
        }
        let mut goroutines = debug::portray(&left);
        goroutines.retain(|g| !self.rules.iter().any(|rule| rule.leaves_out(g.portrait(), g.frames())));
        if let Some(cleanup) = self.cleanup {
            cleanup();
        }
        if goroutines.is_empty() && tasks.is_empty() {
            return Ok(());
        }
        let tasks = tasks.into_iter().map(|portrait| Task::of(portrait, left.taken)).collect();
        Err(Leaks::new(goroutines, tasks, left.taken, self.everywhere))
    }

    /// Wait for all to end; gives who did not.
    fn settle(&self, scope: Option<u32>) -> (Census, Vec<TaskPortrait>) {
        let mut ancestors = BTreeSet::new();
        if census::others(scope) > 0 {
            ancestors = found::ancestors(census::myself());
        }
        let known = |portrait: &Portrait| {
            self.before.goroutines.contains(&portrait.id)
                || ancestors.contains(&portrait.id)
                || self.rules.iter().any(|rule| rule.is_plain() && rule.leaves_out(portrait, &[]))
        };
        let start = Instant::now();
        let patience = || self.patience.saturating_sub(start.elapsed());
        let mut pause = SHORTEST;
        loop {
            // A task that is woken is a goroutine until it waits again.
            let left = census::settle(scope, patience(), known);
            let tasks = self.tasks(scope);
            if tasks.is_empty() || patience().is_zero() {
                return (left, tasks);
            }
            crate::time::sleep(pause.min(patience()));
            pause = (pause * 2).min(LONGEST);
        }
    }

    /// The tasks that wait and are not left out.
    fn tasks(&self, scope: Option<u32>) -> Vec<TaskPortrait> {
        let mut all = tasks::waiting();
        all.retain(|task| {
            scope.is_none_or(|scope| task.scope == scope)
                && !self.before.tasks.contains(&task.id)
                && !self.rules.iter().any(|rule| rule.leaves_out_task(task))
        });
        if all.is_empty() || tasks::is_polled() { Vec::new() } else { all }
    }
}
