//! What must hold of every report, also of those nobody has thought of.

use selvedge_checkers::finding::{Evidence, Finding, Severity, Slug};
use selvedge_checkers::ids::{Gid, Site};
use selvedge_checkers::op::{ObjKind, OpKind, WaitReason};
use selvedge_checkers::trace::Outcome;

use super::cases::case;
use super::world::{FILE, World, at, blocked, side};
use crate::report::Style;
use crate::report::text::{visible_width, width};

fn assert_fits(world: &World, what: &str) {
    for unicode in [true, false] {
        for columns in [72, 80, 100, 200] {
            let text = world.render(columns, unicode);
            for line in text.lines() {
                assert!(width(line) <= columns, "{what} at {columns}: {line:?} in\n{text}");
                assert!(!line.ends_with(' '), "{what}: trailing blank in {line:?}");
                assert!(!line.chars().any(char::is_control), "{what}: control character in {line:?}");
            }
            assert!(text.lines().count() <= 40, "{what} at {columns} is too long:\n{text}");
        }
    }
}

#[test]
fn every_report_fits_the_screen() {
    for slug in Slug::ALL {
        assert_fits(&case(*slug), slug.text());
    }
}

#[test]
fn every_slug_has_its_sentence_and_remedy() {
    for slug in Slug::ALL {
        let world = case(*slug);
        let text = world.render(200, true);
        let level = if slug.severity() == Severity::Error { "error" } else { "warning" };
        assert!(text.starts_with(&format!("{level}[{}]: ", slug.text())), "{text}");
        let helps = 1 + case(*slug).repairs.len();
        assert_eq!(text.matches("help: ").count(), helps, "one remedy, and what was tried:\n{text}");
        assert!(text.trim_end().ends_with(&format!("cargo selvedge explain {}", slug.text())), "{text}");
        let bare = World::new(*slug, Evidence::None);
        assert!(bare.report().headline().len() > 8, "{slug:?} has a general sentence");
    }
}

#[test]
fn blocks_come_in_one_order() {
    let mut w = case(Slug::Deadlock);
    w.others = case(Slug::LockOrder).report().others.to_vec();
    w.others.push(case(Slug::LockOrder).finding);
    w.others.push(case(Slug::Panic).finding);
    let text = w.render(100, true);
    let blocks = [
        "error[deadlock]: ",
        "help: ",
        "   cycle     ",
        "   step  ",
        "fail this way",
        "   strategy ",
        "   also      [panic]",
        "   warning   [lock-order]",
        "   timeline  ",
        "   replay    SELVEDGE_REPLAY=",
        "   explain   ",
    ];
    let places: Vec<Option<usize>> = blocks.iter().map(|b| text.find(b)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} in\n{text}");
}

#[test]
fn gos_texts_stand_verbatim() {
    for (slug, text) in [
        (Slug::Deadlock, "all goroutines are asleep - deadlock!"),
        (Slug::DataRace, "DATA RACE"),
        (Slug::SendOnClosed, "send on closed channel"),
        (Slug::CloseOfClosed, "close of closed channel"),
        (Slug::CloseOfNil, "close of nil channel"),
        (Slug::UnlockOfUnlocked, "sync: unlock of unlocked mutex"),
        (Slug::NegativeWaitGroup, "sync: negative WaitGroup counter"),
        (Slug::WaitGroupMisuse, "sync: WaitGroup is reused before previous Wait has returned"),
        (Slug::LeakedGoroutine, "[chan send (leaked)]"),
    ] {
        assert!(case(slug).report().headline().contains(text), "{slug:?}");
    }
    let text = case(Slug::Deadlock).render(100, true);
    for reason in ["[sync.WaitGroup.Wait]", "[chan send]", "[sync.Mutex.Lock]"] {
        assert!(text.contains(reason), "{reason} in\n{text}");
    }
}

#[test]
fn a_misuse_with_another_message_still_has_gos_text() {
    let mut w = case(Slug::SendOnClosed);
    if let Evidence::Panic { message, .. } = &mut w.finding.evidence {
        *message = "oops".into();
    }
    assert!(w.report().headline().starts_with("send on closed channel"));
}

#[test]
fn the_token_stands_once_and_is_never_broken() {
    let mut w = case(Slug::Deadlock);
    w.replay.token = format!("sv1-{}", "X".repeat(60));
    w.replay.command = "cargo test --package billing --test orders -- orders_are_billed --exact".into();
    for columns in [72, 100, 200] {
        let text = w.render(columns, true);
        assert_eq!(text.matches(&w.replay.token).count(), 1, "{text}");
        let pasted: String = text.lines().skip_while(|l| !l.contains("SELVEDGE_REPLAY")).take(3).collect();
        let words: Vec<&str> = pasted.split_whitespace().filter(|w| *w != "\\").collect();
        assert!(words.join(" ").contains(&format!("{} {}", w.replay.token, w.replay.command)), "{text}");
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    for slug in Slug::ALL {
        let world = case(*slug);
        let plain = world.render(100, true);
        let colored = world.report().render(&Style { width: 100, color: true, unicode: true });
        let mut bare = String::new();
        let mut inside = false;
        for c in colored.chars() {
            match c {
                '\x1b' => inside = true,
                c if inside => inside = !c.is_ascii_alphabetic(),
                c => bare.push(c),
            }
        }
        let trim = |t: &str| t.lines().map(|l| l.trim_end().to_owned()).collect::<Vec<_>>();
        assert_eq!(trim(&bare), trim(&plain));
        assert!(colored.lines().all(|l| visible_width(l) <= 100));
    }
}

#[test]
fn ascii_reports_are_ascii() {
    for slug in Slug::ALL {
        assert!(case(*slug).render(100, false).is_ascii(), "{slug:?}");
    }
}

#[test]
fn without_sources_the_place_is_named() {
    for slug in Slug::ALL {
        let mut w = case(*slug);
        w.sources.0.clear();
        assert_fits(&w, slug.text());
        if let Some(site) = w.finding.site() {
            let text = w.render(100, true);
            assert!(text.contains(&format!("{FILE}:{}:{}", site.line, site.col)), "{text}");
        }
    }
}

#[test]
fn hostile_sources_do_no_harm() {
    let long = format!("{}x.lock(){}", "let y = 1; ".repeat(60), " + 日本".repeat(200));
    let wide = "日本語の長い行".repeat(40);
    let nulls = "\0\u{202e}\x1b[31m".repeat(30);
    let sources =
        ["", "\n", "\t\t\t\tx.lock();\r\n\r\n", "é\u{301}\u{200d}👩‍👩‍👧", "\u{feff}", "\"", &long, &wide, &nulls];
    for source in sources {
        for lines in [1, 60] {
            let text = format!("{source}\n").repeat(lines);
            for slug in Slug::ALL {
                let mut w = case(*slug);
                w.sources.0.insert(FILE.into(), text.clone());
                assert_fits(&w, slug.text());
            }
        }
    }
}

#[test]
fn places_in_other_files_are_shown_if_they_are_the_users() {
    let mut w = case(Slug::SendOnClosed);
    let text = "pub fn shut(todo: &Receiver<Job>) {\n    todo.close();\n}\n";
    w.sources.0.insert("src/lib.rs".into(), text.into());
    w.trace.events[1].site = Site { file: "src/lib.rs".into(), line: 2, col: 10 };
    w.trace.objects[0].created = Site { file: "/rustc/abc/library/std/src/x.rs".into(), line: 1, col: 1 };
    let text = w.render(100, true);
    assert!(text.contains("src/lib.rs:2:"), "{text}");
    assert!(text.contains("before that, main closes"), "{text}");
    assert!(!text.contains("is created here"), "a foreign frame:\n{text}");
    assert_fits(&w, "two files");
}

#[test]
fn two_goroutines_on_one_line_are_told_apart() {
    let mut w = case(Slug::DataRace);
    let spawned = w.trace.goroutines[1].spawned.clone();
    w.go(None, spawned);
    if let Evidence::Race { first, second, .. } = &mut w.finding.evidence {
        *second = side(2, OpKind::Write, first.site.clone(), 4);
    }
    let text = w.render(200, true);
    let places = ["(1) g1 writes `count` here (step 3)\n", "(2) g2 writes `count` here (step 4)\n"];
    let [one, two] = places.map(|label| text.find(label));
    assert!(one.is_some() && one < two, "in the order of their numbers:\n{text}");
    assert!(text.contains("g1 and g2 created by main here"), "{text}");
    assert_fits(&w, "one line");
}

#[test]
fn a_lock_taken_twice_is_said_to_be() {
    let (first, again) = (at("    let t = truck", "lock"), at("    let s = shelf", "lock"));
    let alone = blocked(0, WaitReason::Lock, 0, Some(0), again.clone());
    let mut w = World::new(
        Slug::Deadlock,
        Evidence::Stuck { blocked: vec![alone], cycle: vec![Gid(0)], proved: false },
    );
    w.object(ObjKind::Mutex, at("let truck", "Mutex"), "held by main").held(0, 0, 1);
    w.step(0, OpKind::Lock, Some(0), first, Outcome::Done);
    w.step(0, OpKind::Lock, Some(0), again, Outcome::Blocks);
    let text = w.render(100, true);
    assert!(text.contains("for `truck`, which it holds itself"), "{text}");
    assert!(text.contains("main ─[mutex `truck`]→ main"), "{text}");
    assert!(text.contains("not re-entrant"), "{text}");
}

#[test]
fn a_crowd_is_summed_up() {
    let site = at("tx.send(7)", "send");
    let crowd = (0..200)
        .map(|g| blocked(g, WaitReason::ChanSend, g, None, Site { line: g % 60 + 1, ..site.clone() }));
    let blocked = crowd.collect();
    let cycle = (0..40).map(Gid).collect();
    let mut w = World::new(Slug::Deadlock, Evidence::Stuck { blocked, cycle, proved: false });
    for g in 1..200u32 {
        w.go(Some("a worker with rather a long name\u{1b}"), site.clone());
        w.object(ObjKind::Chan, site.clone(), "len 0/0");
        for _ in 0..20 {
            w.step(g, OpKind::Send, Some(g), site.clone(), Outcome::Blocks);
        }
    }
    let more = Finding {
        slug: Slug::Panic,
        evidence: Evidence::Panic {
            message: "word ".repeat(400),
            side: side(3, OpKind::Exit, site, 0),
            object: None,
        },
    };
    w.others = vec![more.clone(); 30];
    let text = w.render(100, true);
    assert!(text.contains("more      188 more goroutines wait elsewhere: [chan send]"), "{text}");
    assert_fits(&w, "a crowd");
    w.finding = more;
    assert_fits(&w, "a long message");
}

#[test]
fn a_trace_that_does_not_fit_the_finding_is_no_reason_to_panic() {
    for slug in Slug::ALL {
        let mut w = case(*slug);
        w.trace = Default::default();
        assert_fits(&w, slug.text());
        let _ =
            (w.report().short(), w.report().github(), w.report().json(), w.report().steps(&Style::default()));
    }
}

#[test]
fn machine_forms_stay_on_their_lines() {
    let mut w = case(Slug::Panic);
    if let Evidence::Panic { message, side, .. } = &mut w.finding.evidence {
        *message = "a\n::error::b\r%0A\"}".into();
        side.site.file = "a,b:c\n.rs".into();
    }
    let (github, json, short) = (w.report().github(), w.report().json(), w.report().short());
    assert_eq!(github.lines().count(), 1, "{github}");
    assert_eq!(json.lines().count(), 2, "{json}");
    assert!(json.lines().all(|l| l.starts_with("{\"version\":1,") && l.ends_with('}')), "{json}");
    assert_eq!(short.lines().count(), 2, "{short}");
}
