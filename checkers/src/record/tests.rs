//! The format is what it was, reads back what was written, and survives any text.

use super::{Problem, Record, read, write};
use crate::finding::{Blocked, Evidence, Finding, LockEdge, SelectArm, Side, Slug};
use crate::ids::{Gid, ObjId, Site};
use crate::op::{ObjKind, OpKind, WaitReason};
use crate::repair::{NamedLock, Repair, Verified};
use crate::statistics::{Exhausted, Statistics};
use crate::trace::{Event, GoroutineInfo, ObjectInfo, Outcome, Trace};
use proptest::prelude::*;

/// What version 1 looks like, for ever.
const GOLDEN: &str = include_str!("golden-1.jsonl");

fn site(line: u32) -> Site {
    Site { file: "tests/shop.rs".into(), line, col: 5 }
}

fn side(step: u32) -> Side {
    Side { g: Gid(1), op: OpKind::CondWait, site: site(step), step }
}

fn outcomes() -> Vec<Outcome> {
    vec![
        Outcome::Done,
        Outcome::Value(u64::MAX),
        Outcome::Old(1),
        Outcome::Failed,
        Outcome::Closed,
        Outcome::TimedOut,
        Outcome::Arm { arm: 1, of: 2, sends: true },
        Outcome::Default,
        Outcome::Blocks,
        Outcome::Spurious,
        Outcome::Misuse,
    ]
}

/// Every kind of evidence, each once.
fn evidence() -> Vec<Evidence> {
    let edge = LockEdge {
        g: Gid(1),
        held: ObjId(0),
        held_at: site(1),
        taken: 1,
        wanted: ObjId(1),
        wanted_at: site(2),
        asked: 2,
    };
    let blocked = Blocked {
        g: Gid(1),
        reason: WaitReason::ChanReceiveNil,
        object: Some(ObjId::NIL),
        waits_for: None,
        site: site(3),
        arms: Vec::new(),
    };
    vec![
        Evidence::Stuck { blocked: vec![blocked], cycle: vec![Gid(1), Gid(0)], proved: true },
        Evidence::Race { object: ObjId(1), first: side(1), second: side(2) },
        Evidence::Panic { message: "a \"b\"\n</script>".into(), side: side(1), object: None },
        Evidence::Locks { edges: vec![edge] },
        Evidence::Cycle { round: vec![side(1)], repeats: 3 },
        Evidence::Notification { object: Some(ObjId(1)), waiter: side(1), notifier: side(2) },
        Evidence::Single { side: side(1), object: Some(ObjId(1)) },
        Evidence::Borrow { holder: side(1), other: side(2) },
        Evidence::Divergence { step: 3, expected: "a".into(), found: "b".into() },
        Evidence::None,
    ]
}

/// A record with everything in it that there is.
fn repairs() -> Vec<Repair> {
    let at = |line| Site { file: "src/shop.rs".into(), line, col: 5 };
    let channel = at(3);
    vec![
        Repair::Capacity { channel: channel.clone(), capacity: 1 },
        Repair::CloseAtEnd { channel: channel.clone(), spawned: at(9) },
        Repair::CloseBefore { channel: channel.clone(), before: at(12) },
        Repair::CloseByLast { channel: channel.clone() },
        Repair::CloseOnce { channel },
        Repair::Cancel { context: at(4) },
    ]
}

fn everything() -> Record {
    let goroutine = |id: u32, name: Option<&str>| GoroutineInfo {
        id: Gid(id),
        name: name.map(str::to_owned),
        parent: id.checked_sub(1).map(Gid),
        spawned: site(id + 1),
        exited: id == 0,
    };
    let object = |kind: &ObjKind, holders: Vec<(Gid, u32)>| ObjectInfo {
        id: ObjId(0),
        kind: *kind,
        created: site(9),
        state: if holders.is_empty() { String::new() } else { "held by main".into() },
        holders,
    };
    let event = |op: &OpKind, outcome: Outcome| Event {
        step: 7,
        g: if *op == OpKind::Fire { Gid::CLOCK } else { Gid(1) },
        op: *op,
        object: (*op != OpKind::Spawn).then_some(ObjId(0)),
        peer: (*op == OpKind::Spawn).then_some(Gid(1)),
        site: site(7),
        outcome,
    };
    // Independent of their order, so that a new kind adds a line and changes none.
    let mut events: Vec<Event> = OpKind::ALL.iter().map(|op| event(op, Outcome::Done)).collect();
    events.extend(outcomes().into_iter().map(|outcome| event(&OpKind::Yield, outcome)));
    let mut objects: Vec<ObjectInfo> = ObjKind::ALL.iter().map(|kind| object(kind, Vec::new())).collect();
    objects.push(object(&ObjKind::Mutex, vec![(Gid(0), 4)]));
    let mut findings: Vec<Finding> =
        Slug::ALL.iter().map(|slug| Finding { slug: *slug, evidence: Evidence::None }).collect();
    findings.extend(evidence().into_iter().map(|evidence| Finding { slug: Slug::Panic, evidence }));
    Record {
        test: "shop::days_end".into(),
        command: "cargo test shop::days_end".into(),
        token: "sv1-1S1G0-RM8".into(),
        package: "crates/shop".into(),
        trace: Trace { goroutines: vec![goroutine(0, None), goroutine(1, Some("worker"))], objects, events },
        findings,
        repairs: repairs()
            .into_iter()
            .map(|repair| Verified { repair, executions: 812, exhausted: true })
            .collect(),
        statistics: Statistics {
            executions: 1000,
            exhausted: Some(Exhausted::Within { preemptions: Some(2), delays: None }),
            estimate: Some(12.5),
            strategy: "pct:3".into(),
            ..Statistics::default()
        },
        decisions: vec![(0, 0), (0, 0), (1, 2), (u32::MAX, 0)],
    }
}

#[test]
fn the_format_is_frozen() {
    let text = write(&everything());
    // A new kind of operation, object or finding adds a line, and changes the counts in the first.
    let golden: Vec<&str> = GOLDEN.lines().collect();
    let missing = golden[1..].iter().find(|line| !text.lines().any(|new| new == **line));
    assert_eq!(missing, None, "lines may be added to the golden file, never changed");
    assert_eq!(read(GOLDEN).map(|record| write(&record)), Ok(GOLDEN.to_owned()));
    assert_eq!(text.lines().count(), golden.len(), "add the new lines and counts to golden-1.jsonl:\n{text}");
}

#[test]
fn what_a_newer_minor_version_adds_is_skipped() {
    let more = "{\"kind\":\"weather\",\"sunny\":true}\n";
    let lines = GOLDEN.replacen("\"kind\":\"event\"", "\"kind\":\"event\",\"colour\":3", 3) + more;
    assert_eq!(read(&lines), Ok(everything()));
}

#[test]
fn errors_name_the_line_and_what_was_expected() {
    let head = "{\"kind\":\"trace\",\"version\":1}\n";
    let cases = [
        (String::new(), "the file is empty"),
        ("sv1-1S1G0".to_owned(), "line 1: this is no trace; expected a first line with"),
        ("{\"kind\":\"trace\",\"version\":2}".to_owned(), "line 1: version 2 is newer"),
        (head.repeat(2), "line 2: a second trace begins"),
        (format!("{head}{{\"kind\":\"event\"}}"), "line 2: missing field `step`"),
        (format!("{head}{{\"kind\":\"goroutine\",\"id\":0"), "line 2: column 26: EOF while parsing"),
        (
            format!(
                "{head}{{\"kind\":\"finding\",\"slug\":\"dead-lock\",\"evidence\":{{\"type\":\"none\"}}}}"
            ),
            "line 2: `dead-lock` is no name of a finding",
        ),
        (
            format!("{head}{{\"kind\":\"goroutine\",\"id\":7,\"spawned\":\"a:1:1\",\"exited\":true}}"),
            "line 2: goroutine 7; expected number 0",
        ),
        (
            format!("{head}{{\"kind\":\"goroutine\",\"id\":0,\"spawned\":\"a:1\",\"exited\":true}}"),
            "line 2: `a:1` is no place; expected FILE:LINE:COLUMN",
        ),
        (
            format!(
                "{head}{{\"kind\":\"event\",\"step\":1,\"g\":0,\"op\":\"lokc\",\"site\":\"a:1:1\",\"outcome\":\"done\"}}"
            ),
            "line 2: unknown variant `lokc`, expected one of `start`",
        ),
        (
            format!("{head}{{\"kind\":\"decisions\",\"runs\":[[0,0,4000000000]]}}"),
            "line 2: expected at most 10000000 decisions",
        ),
        (
            GOLDEN.lines().take(20).collect::<Vec<_>>().join("\n"),
            "expected 62 events, found 4: the file is incomplete",
        ),
    ];
    for (text, expected) in cases {
        let error = read(&text).expect_err(expected).to_string();
        assert!(error.starts_with(expected), "{error:?}, expected {expected:?}");
    }
}

#[test]
fn a_problem_is_data() {
    assert_eq!(read("\n \n").unwrap_err().problem, Problem::Empty);
}

proptest! {
    #[test]
    fn any_text_gives_a_record_or_an_error(text in ".{0,300}") {
        let _ = read(&text);
    }

    #[test]
    fn a_damaged_trace_gives_a_record_or_an_error(
        at in 0..GOLDEN.len(), length in 0usize..40, insert in "[\\[\\]{}\":,0-9a-z\n]{0,12}"
    ) {
        let mut bytes = GOLDEN.as_bytes().to_vec();
        bytes.splice(at..(at + length).min(GOLDEN.len()), insert.bytes());
        if let Err(error) = read(&String::from_utf8_lossy(&bytes)) {
            prop_assert!(error.line <= GOLDEN.lines().count() + 12);
            prop_assert!(error.to_string().len() > 10);
        }
    }

    #[test]
    fn a_trace_that_is_cut_off_is_noticed(end in 1..GOLDEN.len() - 200) {
        prop_assert!(read(&GOLDEN[..end]).is_err());
    }

    #[test]
    fn what_is_written_is_read_back(
        texts in proptest::collection::vec(".{0,20}", 5),
        decisions in proptest::collection::vec((0u32..3, 0u32..2), 0..60),
        values in proptest::collection::vec(any::<u64>(), 0..20),
    ) {
        let mut record = everything();
        record.decisions = decisions;
        (record.test, record.command, record.token) = (texts[0].clone(), texts[1].clone(), texts[2].clone());
        record.trace.goroutines[1].name = Some(texts[3].clone());
        record.trace.events.extend(values.into_iter().map(|v| Event {
            step: 50,
            g: Gid(1),
            op: OpKind::Store,
            object: None,
            peer: None,
            site: Site { file: texts[4].clone(), line: 1, col: 1 },
            outcome: Outcome::Value(v),
        }));
        prop_assert_eq!(read(&write(&record)), Ok(record));
    }
}

/// The golden file is of before there were arms and orders of locks: lines without them are read, and these come back.
#[test]
fn what_was_added_comes_back() {
    let arms = vec![SelectArm { channel: ObjId(1), sends: true }];
    let waits = |arms| Blocked {
        g: Gid(1),
        reason: WaitReason::Select,
        object: None,
        waits_for: None,
        site: site(3),
        arms,
    };
    let evidence =
        Evidence::Stuck { blocked: vec![waits(arms), waits(Vec::new())], cycle: Vec::new(), proved: false };
    let lock = |object| NamedLock {
        object: ObjId(object),
        created: site(1),
        at: site(2),
        op: OpKind::WriteLock,
        uses: vec![(Gid(1), 1), (Gid(0), 2)],
    };
    let repair = Repair::LockOrder { g: Gid(1), sooner: lock(0), later: lock(1) };
    let record = Record {
        findings: vec![Finding { slug: Slug::Deadlock, evidence }],
        repairs: vec![Verified { repair, executions: 7, exhausted: true }],
        ..Record::default()
    };
    assert_eq!(read(&write(&record)), Ok(record));
}
