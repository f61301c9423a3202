//! A hand-built execution over sources held in memory.
//!
//! Invariant: sites are found by their text, so that editing the program moves the goldens and
//! nothing else.

use std::collections::BTreeMap;

use selvedge_checkers::finding::{Blocked, Evidence, Finding, Side, Slug};
use selvedge_checkers::ids::{Gid, ObjId, Site};
use selvedge_checkers::op::{ObjKind, OpKind, WaitReason};
use selvedge_checkers::repair::Verified;
use selvedge_checkers::trace::{Event, GoroutineInfo, ObjectInfo, Outcome, Trace};

use crate::report::{Exhausted, Replay, Report, Sources, Statistics, Style};

/// The name of the program.
pub(super) const FILE: &str = "tests/shop.rs";

/// The program the findings are about; it is never compiled.
pub(super) const PROGRAM: &str = r#"use selvedge::*;

fn orders_are_billed() {
    let ledger = Arc::new(Mutex::new(0));
    let (tx, rx) = chan(0);
    let wg = WaitGroup::new();
    wg.add(2);
    go(|| { tx.send(7); wg.done(); });
    go(|| {
        let mut l = ledger.lock();
        *l += rx.recv().unwrap();
        wg.done();
    });
    let l = ledger.lock();
    wg.wait();
}

fn orders_are_counted() {
    let count = Arc::new(Plain::new(0));
    let guard = Mutex::new(());
    go(|| { let _g = guard.lock(); count.set(1); });
    assert_eq!(count.get(), 1, "nobody orders anything here");
}

fn orders_are_shipped() {
    let (jobs, todo) = chan::<Job>(1);
    go(move || jobs.send(Job::new("boat")));
    todo.close();
    todo.close();
    nil::<Job>().close();
}

fn stock_moves() {
    let shelf = Mutex::new(1);
    let truck = Mutex::new(2);
    go(|| { let s = shelf.lock(); let t = truck.lock(); });
    let t = truck.lock();
    let s = shelf.lock();
    shelf.unlock();
    shelf.unlock();
}

fn days_end() {
    let staff = WaitGroup::new();
    go(|| { staff.add(1); staff.done(); });
    staff.wait();
    staff.done();
    let closing = Condvar::new();
    let flag = AtomicBool::new(false);
    go(|| closing.notify_one());
    closing.wait(&mut guard);
    while !flag.load(SeqCst) { yield_now(); }
    let (shift, cancel) = with_cancel(&root);
    drop(cancel);
    let bell = Ticker::new(HOUR);
    go(|| for hour in bell { ring(hour) });
    NAMES.with_borrow_mut(|n| n.push(todo.recv()));
    std::thread::spawn(|| shelf.lock());
    panic!("no stock for order {n}");
}
"#;

/// Sources in memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(pub(super) BTreeMap<String, String>);

impl Sources for Memory {
    fn read(&self, file: &str) -> Option<String> {
        self.0.get(file).cloned()
    }
}

/// A finding and everything around it.
pub(super) struct World {
    pub(super) sources: Memory,
    pub(super) trace: Trace,
    pub(super) finding: Finding,
    pub(super) others: Vec<Finding>,
    pub(super) repairs: Vec<Verified>,
    pub(super) statistics: Statistics,
    pub(super) replay: Replay,
}

/// The place of `needle` on the first line that holds `line`.
pub(super) fn at(line: &str, needle: &str) -> Site {
    let found = PROGRAM.lines().enumerate().find(|(_, l)| l.contains(line));
    let (nr, text) = found.unwrap_or_else(|| panic!("no line with {line:?}"));
    let start = text.find(line).unwrap_or(0);
    let column = text[start..].find(needle).unwrap_or_else(|| panic!("no {needle:?} in {text:?}"));
    Site { file: FILE.into(), line: nr as u32 + 1, col: text[..start + column].chars().count() as u32 + 1 }
}

pub(super) fn side(g: u32, op: OpKind, site: Site, step: u32) -> Side {
    Side { g: Gid(g), op, site, step }
}

pub(super) fn blocked(
    g: u32,
    reason: WaitReason,
    object: u32,
    waits_for: Option<u32>,
    site: Site,
) -> Blocked {
    let (object, waits_for, arms) = (Some(ObjId(object)), waits_for.map(Gid), Vec::new());
    Blocked { g: Gid(g), reason, object, waits_for, site, arms }
}

impl World {
    pub(super) fn new(slug: Slug, evidence: Evidence) -> World {
        let main = Site { file: FILE.into(), line: 3, col: 1 };
        let goroutine = GoroutineInfo { id: Gid(0), name: None, parent: None, spawned: main, exited: false };
        World {
            sources: Memory(BTreeMap::from([(FILE.to_owned(), PROGRAM.to_owned())])),
            trace: Trace { goroutines: vec![goroutine], ..Trace::default() },
            finding: Finding { slug, evidence },
            others: Vec::new(),
            repairs: Vec::new(),
            statistics: Statistics {
                beyond: None,
                executions: 1000,
                limit: Some(1000),
                failing: 31,
                first_failing: 14,
                exhausted: None::<Exhausted>,
                spurious: None,
                outgrown: false,
                production: false,
                steps_before: 23,
                steps_after: 9,
                switches_before: 5,
                switches_after: 2,
                strategy: "pct:3".into(),
                seed: "7GQ4K".into(),
                replaying: false,
                chosen: None,
                tried: 0,
                steered: false,
                replayed: 2,
                estimate: Some(41_234.0),
                patterns: None,
                seconds: 0.84,
            },
            replay: Replay {
                token: "sv1-7GQ4K-2M9XA-04TB1-XR7C0-V2".into(),
                command: "cargo test orders_are_billed".into(),
                out_dir: Some("target/selvedge/orders".into()),
                timeline: Some("target/selvedge/orders/timeline.html".into()),
            },
        }
    }

    pub(super) fn go(&mut self, name: Option<&str>, spawned: Site) -> &mut World {
        let id = Gid(self.trace.goroutines.len() as u32);
        let name = name.map(str::to_owned);
        self.trace.goroutines.push(GoroutineInfo { id, name, parent: Some(Gid(0)), spawned, exited: false });
        self
    }

    pub(super) fn object(&mut self, kind: ObjKind, created: Site, state: &str) -> &mut World {
        let id = ObjId(self.trace.objects.len() as u32);
        self.trace.objects.push(ObjectInfo { id, kind, created, state: state.into(), holders: Vec::new() });
        self
    }

    pub(super) fn held(&mut self, object: usize, g: u32, step: u32) -> &mut World {
        self.trace.objects[object].holders.push((Gid(g), step));
        self
    }

    pub(super) fn step(
        &mut self,
        g: u32,
        op: OpKind,
        object: Option<u32>,
        site: Site,
        outcome: Outcome,
    ) -> &mut World {
        let step = self.trace.events.len() as u32 + 1;
        let (object, peer) = match op {
            OpKind::Spawn | OpKind::Join | OpKind::Unpark => (None, object.map(Gid)),
            _ => (object.map(ObjId), None),
        };
        self.trace.events.push(Event { step, g: Gid(g), op, object, peer, site, outcome });
        self
    }

    pub(super) fn report(&self) -> Report<'_> {
        Report {
            finding: &self.finding,
            others: &self.others,
            repairs: &self.repairs,
            trace: &self.trace,
            statistics: &self.statistics,
            replay: &self.replay,
            sources: &self.sources,
        }
    }

    pub(super) fn render(&self, width: usize, unicode: bool) -> String {
        self.report().render(&Style { width, color: false, unicode })
    }
}
