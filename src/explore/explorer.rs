//! Runs execution after execution on one or several worker threads.
//!
//! Execution `i` is a function of the base seed and `i` alone, so which worker runs it does not
//! matter: the failing execution with the lowest index, and every count up to it, are the same for
//! any number of workers. So they are in an exhaustive search, whose workers form a [`Team`]. The
//! calling thread only waits and watches: a worker that makes no step
//! for the length of the watchdog is reported with its place and given up.

use super::account::{Account, Trial};
use super::budget::Budget;
use super::checkpoint::{self, Witness};
use super::dpor::search::Search;
use super::dpor::{Branch, Leaf, Outcome};
use super::lane::{Lane, Turn};
use super::plan::{Body, Exploration, Observed, Plan};
use super::profile::{self, Profile};
use super::progress::{Keep, Progress, Start};
use super::signals::Watch;
use super::spec::StrategySpec;
use super::strategies::{self, Deviate, Reorder};
use super::team::{Entered, Team};
use super::watchdog::{Beat, Watchdog};
use crate::model::{Nondeterminism, Report, Strategy, Survey, Worker};
use selvedge_checkers::finding::{Evidence, Finding, Slug};
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::trace::Event;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the workers of one exploration share.
struct Shared {
    plan: Plan,
    body: Body,
    site: SiteRef,
    profile: Option<Arc<Profile>>,
    /// Who walks the frontier together, if that is how to explore.
    team: Option<Team>,
    /// The executions of the mix that walk the frontier.
    lane: Option<Lane>,
    /// The next execution to run.
    next: AtomicU64,
    /// Executions from this one on are not worth running any more.
    end: AtomicU64,
    stop: AtomicBool,
    exhausted: AtomicBool,
    account: Mutex<Account>,
    budget: Budget,
    keep: Option<Keep>,
    /// When the search is to be written next.
    pace: Mutex<Budget>,
}

/// How often a search is written.
const PACE: Duration = Duration::from_secs(10);

/// What a worker tells the waiting thread.
enum Message {
    Finished,
    /// The thread must not be used again; another one is to go on, where possible with its strategy.
    Tainted(Option<Box<dyn Strategy>>),
    /// The engine itself panicked.
    Died(Box<dyn Any + Send>),
}

/// Explore `body` as planned.
pub(crate) fn explore(plan: &Plan, body: &Body, site: SiteRef) -> Exploration {
    explore_from(Start::default(), plan, body, site)
}

/// Explore `body` as planned, from where an earlier exploration stopped.
pub(crate) fn explore_from(start_with: Start, plan: &Plan, body: &Body, site: SiteRef) -> Exploration {
    let Start { search, totals, warnings, keep, tell: tell_progress } = start_with;
    let profile = match strategies::wants_profile(plan).then(|| gather(plan, body, site)) {
        Some(Err(hung)) => return Exploration { hung: Some(hung), ..Exploration::default() },
        Some(Ok(profile)) => Some(Arc::new(profile)),
        None => None,
    };
    let in_team = plan.strategy == StrategySpec::Optimal;
    // Any other search goes from one execution to the next: it has one worker.
    let jobs = if plan.strategy.is_sequential() && !in_team { 1 } else { plan.jobs.max(1) };
    let account = match totals.executions {
        0 => Account::new(plan),
        _ => Account::resumed(plan, &totals, warnings),
    };
    let shared = Arc::new(Shared {
        plan: plan.clone(),
        body: Arc::clone(body),
        site,
        profile,
        team: in_team.then(|| {
            let mut search = search.unwrap_or_else(Search::new);
            search.limit(plan.nodes);
            Team::new(search, totals.executions, jobs)
        }),
        lane: Lane::of(plan),
        next: AtomicU64::new(0),
        end: AtomicU64::new(account.end()),
        stop: AtomicBool::new(false),
        exhausted: AtomicBool::new(false),
        account: Mutex::new(account),
        budget: Budget::start(plan.time),
        keep,
        pace: Mutex::new(Budget::start(Some(PACE))),
    });
    let signals = shared.keep.as_ref().map(|_| Watch::begin());
    let (tell, told) = channel();
    let mut watchdog = Watchdog::new(plan.watchdog);
    for _ in 0..jobs {
        watchdog.watch(start(&shared, &tell, None));
    }
    let mut running = jobs;
    let mut hung = None;
    while running > 0 {
        if signals.as_ref().is_some_and(Watch::came) {
            shared.stop();
        }
        if let Some(tell) = &tell_progress {
            tell(&shared.progress(totals.executions));
        }
        match told.recv_timeout(watchdog.patience()) {
            Ok(Message::Finished) => running -= 1,
            Ok(Message::Tainted(strategy)) => watchdog.watch(start(&shared, &tell, strategy)),
            Ok(Message::Died(payload)) => {
                shared.stop();
                // Its message went to the goroutine's hook: say it again.
                let text = payload.downcast_ref::<String>().map(|text| &**text);
                let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("?");
                panic!("selvedge: internal error in a worker: {text}");
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                // The others are waited for: they come to the end of their executions, or hang too.
                if let Some(finding) = watchdog.look() {
                    shared.stop();
                    hung.get_or_insert(finding);
                    running -= 1;
                }
            }
        }
    }
    shared.conclude();
    drop(signals);
    let mut total = std::mem::take(shared.account().total_mut());
    total.hung = hung;
    total.exhausted |= shared.exhausted.load(Ordering::Relaxed);
    total.seconds = totals.seconds + shared.budget.elapsed().as_secs_f64();
    total
}

/// What the first execution of a search does, and where in the source; `Err` if it had to be given up.
pub(crate) fn fingerprint(plan: &Plan, body: &Body, site: SiteRef) -> Result<u64, Finding> {
    let body = Arc::clone(body);
    on_worker(plan, move |mut worker| {
        let idle = worker.set_strategy(Box::new(Branch::default()));
        let report = worker.run(0, &body, site, true);
        worker.set_strategy(idle);
        let events = report.iter().flat_map(|report| &report.trace).flat_map(|trace| &trace.events);
        let text = |e: &Event| format!("{} {:?} {}:{}:{}", e.g, e.op, e.site.file, e.site.line, e.site.col);
        (checkpoint::sum(&events.flat_map(|e| text(e).into_bytes()).collect::<Vec<u8>>()), worker)
    })
}

/// Whether the program still does what the witness did; `Err` if it had to be given up.
pub(crate) fn does_again(
    plan: &Plan,
    body: &Body,
    site: SiteRef,
    witness: &Witness,
) -> Result<bool, Finding> {
    let (body, witness) = (Arc::clone(body), witness.clone());
    on_worker(plan, move |mut worker| {
        let mut branch = Branch::default();
        *branch.leaf_mut() = Leaf::of_path(&witness.path);
        let idle = worker.set_strategy(Box::new(branch));
        let report = worker.run(0, &body, site, false).unwrap_or_default();
        let mut outcome = Outcome::default();
        let given = worker.with_strategy(|branch: &mut Branch| branch.give(&mut outcome));
        given.expect("the strategy that was set");
        worker.set_strategy(idle);
        (report.fingerprint == witness.fingerprint && outcome.path() == witness.path, worker)
    })
}

pub(super) fn divergence(n: Nondeterminism) -> Finding {
    let choices = |n: u32| if n == 0 { "no choice".to_owned() } else { format!("{n} choices") };
    let (expected, found) = (choices(n.expected), choices(n.found));
    Finding { slug: Slug::NotDeterministic, evidence: Evidence::Divergence { step: n.step, expected, found } }
}

/// What the program is like, from one execution; `Err` if it had to be given up.
pub(super) fn gather(plan: &Plan, body: &Body, site: SiteRef) -> Result<Profile, Finding> {
    let (body, seed) = (Arc::clone(body), plan.seed);
    on_worker(plan, move |mut worker| (profile::gather(&mut worker, &body, site, seed), worker))
}

/// Run `work` on a worker of its own, under the watchdog; `Err` if it had to be given up.
pub(super) fn on_worker<R: Send + 'static>(
    plan: &Plan,
    work: impl FnOnce(Worker) -> (R, Worker) + Send + 'static,
) -> Result<R, Finding> {
    let beat = Arc::new(Beat::default());
    let (tell, told) = channel();
    let (limits, mine) = (plan.limits, Arc::clone(&beat));
    let run = move || {
        mine.begin();
        let idle = Box::new(Deviate::new(Vec::new()));
        let (result, worker) = work(Worker::new(idle, limits, Arc::clone(mine.pulse())));
        mine.end();
        worker.retire();
        let _ = tell.send(result);
    };
    let named = std::thread::Builder::new().name("selvedge-replay".into());
    named.spawn(run).expect("the system gives a thread for replaying");
    let mut watchdog = Watchdog::new(plan.watchdog);
    watchdog.watch(beat);
    loop {
        match told.recv_timeout(watchdog.patience()) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => {
                if let Some(finding) = watchdog.look() {
                    return Err(finding);
                }
            }
            Err(RecvTimeoutError::Disconnected) => panic!("selvedge: the replaying thread died"),
        }
    }
}

fn start(shared: &Arc<Shared>, tell: &Sender<Message>, strategy: Option<Box<dyn Strategy>>) -> Arc<Beat> {
    let beat = Arc::new(Beat::default());
    let (shared, tell, mine) = (Arc::clone(shared), tell.clone(), Arc::clone(&beat));
    let run = move || {
        mine.begin();
        let worked = catch_unwind(AssertUnwindSafe(|| match &shared.team {
            Some(team) => shared.work_in(team, &mine),
            None => shared.work(&mine, strategy),
        }));
        mine.end();
        // The waiting thread may have given up already.
        let _ = tell.send(worked.unwrap_or_else(Message::Died));
    };
    let named = std::thread::Builder::new().name("selvedge-worker".into());
    named.spawn(run).expect("the system gives a thread for exploring");
    beat
}

impl Shared {
    /// Nobody begins another execution.
    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.team.iter().for_each(Team::stop);
        self.lane.iter().for_each(Lane::stop);
    }

    fn progress(&self, before: u64) -> Progress {
        let mut account = self.account();
        let total = account.total_mut();
        Progress {
            executions: total.executions,
            estimate: total.estimate,
            fresh: total.executions - before,
            elapsed: self.budget.elapsed(),
        }
    }

    /// Write the search, if that is wanted and it is time.
    fn write_now_and_then(&self, team: &Team) {
        let Some(keep) = &self.keep else { return };
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if pace.is_used_up() {
            team.with_search(|search| self.write(keep, search));
            pace.restart();
        }
    }

    /// Write the search as it is, unless what it found ends it.
    fn write(&self, keep: &Keep, search: &Search) {
        let mut account = self.account();
        let total = account.total_mut();
        if total.first.is_none() {
            let written = keep.write(search, total, self.budget.elapsed().as_secs_f64());
            total.unwritten = written.err().map(|error| error.to_string());
        }
    }

    /// The exploration has ended: what is left of it is written.
    fn conclude(&self) {
        let (Some(team), Some(keep)) = (&self.team, &self.keep) else { return };
        let is_over = {
            let mut account = self.account();
            let total = account.total_mut();
            total.first.is_some() || total.diverged.is_some()
        };
        match is_over || self.exhausted.load(Ordering::Relaxed) {
            true => keep.remove(),
            false => team.with_search(|search| self.write(keep, search)),
        }
    }

    /// Run leaves of the frontier until there are no more, or the thread must not be used again.
    fn work_in(&self, team: &Team, beat: &Arc<Beat>) -> Message {
        let mut worker = Worker::new(
            Box::new(Branch::within(self.plan.bounds.preemptions)),
            self.plan.limits,
            Arc::clone(beat.pulse()),
        );
        while !self.is_over(0)
            && let Some(ticket) = team.take(&mut worker)
            && let Some(report) = worker.run(0, &self.body, self.site, false)
        {
            team.bring(&mut worker, ticket, report, |entered| self.enter_in_turn(entered));
            self.write_now_and_then(team);
            if worker.is_tainted() {
                worker.retire();
                return Message::Tainted(None);
            }
        }
        // The others may wait for what is not run any more.
        team.stop();
        Message::Finished
    }

    /// Count an execution of the team; whether to go on.
    fn enter_in_turn(&self, entered: Entered<'_>) -> bool {
        let Entered { index, report, trace, witness, survey } = entered;
        if let Some(observer) = &self.plan.observer {
            let beyond = survey.beyond > self.account().total_mut().beyond;
            (observer.0)(&Observed { findings: &report.findings, trace, beyond });
        }
        let mut account = self.account();
        account.total_mut().witnesses.extend(witness);
        account.add(index, report);
        let trial = account.advance(&self.plan);
        debug_assert!(trial.is_none(), "a search comes by itself to what it predicts");
        self.end.store(account.end(), Ordering::Relaxed);
        !self.take_over(account.total_mut(), survey) && !self.is_over(index + 1)
    }

    /// Take over what the search knows after an execution; whether that is the end of it.
    fn take_over(&self, total: &mut Exploration, survey: &Survey) -> bool {
        total.redundant = survey.redundant;
        total.vain = survey.vain;
        total.beyond = survey.beyond;
        total.estimate = survey.progress.map(|share| total.executions as f64 / share);
        total.diverged = survey.nondeterminism.map(divergence);
        if survey.exhausted && survey.nondeterminism.is_none() && !survey.is_outgrown {
            self.exhausted.store(true, Ordering::Relaxed);
        }
        total.outgrown = survey.is_outgrown;
        survey.nondeterminism.is_some() || survey.exhausted || survey.is_outgrown
    }

    /// Whether execution `index` is not to be run.
    fn is_over(&self, index: u64) -> bool {
        if self.budget.is_used_up() {
            self.stop.store(true, Ordering::Relaxed);
        }
        self.stop.load(Ordering::Relaxed) || index >= self.end.load(Ordering::Relaxed)
    }

    /// Run executions until there are no more, or the thread must not be used again.
    fn work(&self, beat: &Arc<Beat>, strategy: Option<Box<dyn Strategy>>) -> Message {
        let strategy = strategy.unwrap_or_else(|| strategies::make(&self.plan, self.profile.clone()));
        let mut worker = Worker::new(strategy, self.plan.limits, Arc::clone(beat.pulse()));
        while let Some(index) = self.take_index() {
            let turn = match self.lane.as_ref().filter(|lane| lane.has(index)) {
                Some(lane) => lane.take(index, &mut worker),
                None => Turn::Closed,
            };
            if matches!(turn, Turn::Over) {
                break;
            }
            let Some(report) = worker.run(index, &self.body, self.site, false) else {
                self.exhausted.store(worker.survey().exhausted, Ordering::Relaxed);
                self.stop.store(true, Ordering::Relaxed);
                break;
            };
            if let Some(observer) = &self.plan.observer {
                let beyond = worker.survey().beyond > self.account().total_mut().beyond;
                (observer.0)(&Observed { findings: &report.findings, trace: worker.trace(), beyond });
            }
            if let (Turn::Leaf(held), Some(lane)) = (turn, &self.lane)
                && lane.bring(index, &mut worker, held, &report)
            {
                self.account().proved(index);
            }
            self.enter(&mut worker, index, report);
            if self.take_over(self.account().total_mut(), &worker.survey()) {
                self.stop.store(true, Ordering::Relaxed);
            }
            if worker.is_tainted() {
                let strategy = worker.retire();
                if strategy.is_none() && self.plan.strategy.is_sequential() {
                    // Where it was in its search went down with the stack.
                    self.stop.store(true, Ordering::Relaxed);
                }
                return Message::Tainted(strategy);
            }
        }
        Message::Finished
    }

    fn take_index(&self) -> Option<u64> {
        loop {
            // Whoever takes a number runs it: those behind it wait for it.
            if self.is_over(self.next.load(Ordering::Relaxed)) {
                return None;
            }
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.end.load(Ordering::Relaxed) {
                return None;
            }
            if self.plan.owns(index) {
                return Some(index);
            }
        }
    }

    /// Enter the execution, and whatever waited for it; what is predicted is put to the test.
    fn enter(&self, worker: &mut Worker, index: u64, report: Report) {
        let mut account = self.account();
        account.add(index, report);
        while let Some(trial) = account.advance(&self.plan) {
            drop(account);
            let reports = self.try_out(worker, &trial);
            account = self.account();
            account.tried(&self.plan, trial, reports);
        }
        self.end.store(account.end(), Ordering::Relaxed);
    }

    /// Run the schedules of a prediction until one fails.
    fn try_out(&self, worker: &mut Worker, trial: &Trial) -> Vec<Report> {
        let mut reports = Vec::new();
        for schedule in &trial.schedules {
            if worker.is_tainted() || reports.last().is_some_and(|report| self.plan.fails(report)) {
                break;
            }
            let reorder = Reorder::new(trial.decisions.clone(), schedule.clone());
            let strategy = worker.set_strategy(Box::new(reorder));
            reports.extend(worker.run(trial.index, &self.body, self.site, false));
            worker.set_strategy(strategy);
        }
        reports
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "explorer_tests.rs"]
mod tests;
