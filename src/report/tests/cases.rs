//! One world a slug.
//!
//! Invariant: every slug has a case; a new one does not compile without.

use selvedge_checkers::finding::{Evidence, Finding, LockEdge, Slug};
use selvedge_checkers::ids::{Gid, ObjId, Site};
use selvedge_checkers::op::{ObjKind, OpKind, WaitReason};
use selvedge_checkers::repair::{Repair, Verified};
use selvedge_checkers::trace::Outcome;

use super::world::{World, at, blocked, side};

/// The finding of that kind in the shop.
pub(super) fn case(slug: Slug) -> World {
    use Slug::*;
    match slug {
        Deadlock | PartialDeadlock => billing(slug),
        LeakedGoroutine => leaked(),
        DataRace => race(),
        SendOnClosed | CloseOfClosed | CloseOfNil | SendRacesClose | ClosedByReceiver => shipping(slug),
        LockOrder | UnlockOfUnlocked => stock(slug),
        NegativeWaitGroup | WaitGroupMisuse | AddRacesWait => staff(slug),
        LostWakeUp | Livelock => closing(slug),
        Panic => panicked(),
        NotDeterministic => World::new(
            slug,
            Evidence::Divergence {
                step: 12,
                expected: "g2 send on channel #3".into(),
                found: "g1 lock of mutex #1".into(),
            },
        ),
        NothingExplored => {
            let mut w = World::new(slug, Evidence::None);
            (w.statistics.executions, w.replay.token) = (0, String::new());
            (w.replay.timeline, w.replay.out_dir) = (None, None);
            w
        }
        BorrowedThreadLocal => borrowed(),
        Stuck | LostCancel | LeakedTimer | PrematureExit | UncontrolledThread => single(slug),
    }
}

fn billing(slug: Slug) -> World {
    use Outcome::*;
    let wait = at("wg.wait()", "wait");
    let lock = at("let mut l = ledger", "lock");
    let main = blocked(0, WaitReason::WaitGroup, 2, Some(2), wait.clone());
    let g1 = blocked(1, WaitReason::ChanSend, 1, None, at("tx.send(7)", "send"));
    let g2 = blocked(2, WaitReason::Lock, 0, Some(0), lock.clone());
    let cycle = vec![Gid(0), Gid(2)];
    let mut w = World::new(slug, Evidence::Stuck { blocked: vec![main, g1, g2], cycle, proved: false });
    w.go(None, at("go(|| { tx", "go")).go(None, Site { line: 9, ..at("    go(|| {", "go") });
    w.object(ObjKind::Mutex, at("Arc::new(Mutex::new(0))", "Mutex"), "held by main").held(0, 0, 5);
    w.object(ObjKind::Chan, at("chan(0)", "chan"), "len 0/0");
    w.object(ObjKind::WaitGroup, at("let wg", "WaitGroup"), "counter 2");
    w.step(0, OpKind::Start, None, at("fn orders_are_billed", "fn"), Done);
    w.step(0, OpKind::WaitGroupAdd, Some(2), at("wg.add(2)", "add"), Value(2));
    w.step(0, OpKind::Spawn, Some(1), at("go(|| { tx", "go"), Done);
    w.step(0, OpKind::Spawn, Some(2), at("    go(|| {", "go"), Done);
    w.step(0, OpKind::Lock, Some(0), at("    let l = ledger", "lock"), Done);
    w.step(0, OpKind::WaitGroupWait, Some(2), wait, Blocks);
    w.step(1, OpKind::Start, None, at("go(|| { tx", "go"), Done);
    w.step(1, OpKind::Send, Some(1), at("tx.send(7)", "send"), Blocks);
    w.step(2, OpKind::Start, None, at("    go(|| {", "go"), Done);
    w.step(2, OpKind::Lock, Some(0), lock, Blocks);
    w
}

fn leaked() -> World {
    let place = at("jobs.send", "send");
    let g1 = blocked(1, WaitReason::ChanSend, 0, None, place.clone());
    let mut w =
        World::new(Slug::LeakedGoroutine, Evidence::Stuck { blocked: vec![g1], cycle: vec![], proved: true });
    w.go(Some("shipper"), at("go(move || jobs", "go"));
    w.object(ObjKind::Chan, at("chan::<Job>", "chan"), "len 1/1");
    w.step(0, OpKind::Spawn, Some(1), at("go(move || jobs", "go"), Outcome::Done);
    w.step(1, OpKind::Send, Some(0), place.clone(), Outcome::Value(1));
    w.step(1, OpKind::Send, Some(0), place, Outcome::Blocks);
    w.step(0, OpKind::HandleDrop, Some(0), at("todo.close", "todo"), Outcome::Done);
    let channel = at("chan::<Job>", "chan");
    let repair = Repair::Capacity { channel, capacity: 2 };
    w.repairs.push(Verified { repair, executions: 812, exhausted: false });
    w
}

fn race() -> World {
    let (write, read) = (at("count.set(1)", "set"), at("count.get()", "get"));
    let mut w = World::new(
        Slug::DataRace,
        Evidence::Race {
            object: ObjId(0),
            first: side(1, OpKind::Write, write.clone(), 3),
            second: side(0, OpKind::Read, read.clone(), 4),
        },
    );
    w.go(None, at("go(|| { let _g", "go"));
    w.object(ObjKind::Cell, at("Plain::new", "Plain"), "");
    w.object(ObjKind::Mutex, at("let guard", "Mutex"), "held by g1");
    w.step(0, OpKind::Spawn, Some(1), at("go(|| { let _g", "go"), Outcome::Done);
    w.step(1, OpKind::Lock, Some(1), at("guard.lock()", "lock"), Outcome::Done);
    w.step(1, OpKind::Write, Some(0), write, Outcome::Value(1));
    w.step(0, OpKind::Read, Some(0), read, Outcome::Value(1));
    let write = side(1, OpKind::Lock, at("guard.lock()", "lock"), 2);
    w.others.push(Finding {
        slug: Slug::PrematureExit,
        evidence: Evidence::Single { side: write, object: None },
    });
    w
}

fn shipping(slug: Slug) -> World {
    let close = at("todo.close", "close");
    let again = Site { line: close.line + 1, ..close.clone() };
    let send = at("jobs.send", "send");
    let misuse = |message: &str, side, object| Evidence::Panic { message: message.into(), side, object };
    let chan = ObjId(0);
    let evidence = match slug {
        Slug::SendOnClosed => {
            misuse("send on closed channel", side(1, OpKind::Send, send.clone(), 3), Some(chan))
        }
        Slug::CloseOfClosed => {
            misuse("close of closed channel", side(0, OpKind::Close, again.clone(), 3), Some(chan))
        }
        Slug::CloseOfNil => {
            let nil = side(0, OpKind::Close, at("nil::<Job>().close", "close"), 3);
            misuse("close of nil channel", nil, Some(ObjId::NIL))
        }
        Slug::SendRacesClose => Evidence::Race {
            object: chan,
            first: side(1, OpKind::Send, send.clone(), 2),
            second: side(0, OpKind::Close, close.clone(), 3),
        },
        _ => Evidence::Single { side: side(0, OpKind::Close, close.clone(), 2), object: Some(chan) },
    };
    let mut w = World::new(slug, evidence);
    w.go(None, at("go(move || jobs", "go"));
    w.object(ObjKind::Chan, at("chan::<Job>", "chan"), "closed");
    w.step(0, OpKind::Spawn, Some(1), at("go(move || jobs", "go"), Outcome::Done);
    if slug == Slug::SendRacesClose {
        w.step(1, OpKind::Send, Some(0), send, Outcome::Value(1));
        w.step(0, OpKind::Close, Some(0), close, Outcome::Done);
        return w;
    }
    w.step(0, OpKind::Close, Some(0), close, Outcome::Done);
    match slug {
        Slug::CloseOfClosed => w.step(0, OpKind::Close, Some(0), again, Outcome::Misuse),
        Slug::CloseOfNil => w.step(0, OpKind::Close, None, at("nil::<Job>", "close"), Outcome::Misuse),
        _ => w.step(1, OpKind::Send, Some(0), send, Outcome::Misuse),
    };
    w
}

fn stock(slug: Slug) -> World {
    let both = at("let s = shelf.lock(); let t", "let s");
    let first = Site { col: both.col + 14, ..both.clone() };
    let second = at("let t = truck.lock(); }", "lock");
    let (shelf, truck) = (ObjId(0), ObjId(1));
    let edges = vec![
        LockEdge {
            g: Gid(1),
            held: shelf,
            held_at: first,
            taken: 0,
            wanted: truck,
            wanted_at: second,
            asked: 0,
        },
        LockEdge {
            g: Gid(0),
            held: truck,
            held_at: at("    let t = truck", "lock"),
            taken: 0,
            wanted: shelf,
            wanted_at: at("    let s = shelf", "lock"),
            asked: 0,
        },
    ];
    let unlock = at("shelf.unlock", "unlock");
    let again = Site { line: unlock.line + 1, ..unlock.clone() };
    let misuse = Evidence::Panic {
        message: "sync: unlock of unlocked mutex".into(),
        side: side(0, OpKind::Unlock, again.clone(), 4),
        object: Some(shelf),
    };
    let mut w = World::new(slug, if slug == Slug::LockOrder { Evidence::Locks { edges } } else { misuse });
    w.go(None, at("go(|| { let s", "go"));
    w.object(ObjKind::Mutex, at("let shelf", "Mutex"), "").object(
        ObjKind::Mutex,
        at("let truck", "Mutex"),
        "",
    );
    w.step(0, OpKind::Spawn, Some(1), at("go(|| { let s", "go"), Outcome::Done);
    w.step(0, OpKind::Lock, Some(0), at("    let s = shelf", "lock"), Outcome::Done);
    w.step(0, OpKind::Unlock, Some(0), unlock, Outcome::Done);
    w.step(0, OpKind::Unlock, Some(0), again, Outcome::Misuse);
    w
}

fn staff(slug: Slug) -> World {
    let (add, wait) = (at("staff.add(1)", "add"), at("staff.wait", "wait"));
    let misuse =
        |message: &str, side| Evidence::Panic { message: message.into(), side, object: Some(ObjId(0)) };
    let evidence = match slug {
        Slug::NegativeWaitGroup => {
            let done = side(0, OpKind::WaitGroupAdd, at("    staff.done()", "done"), 4);
            misuse("sync: negative WaitGroup counter", done)
        }
        Slug::WaitGroupMisuse => misuse(
            "sync: WaitGroup is reused before previous Wait has returned",
            side(1, OpKind::WaitGroupAdd, add.clone(), 3),
        ),
        _ => Evidence::Race {
            object: ObjId(0),
            first: side(0, OpKind::WaitGroupWait, wait.clone(), 2),
            second: side(1, OpKind::WaitGroupAdd, add.clone(), 3),
        },
    };
    let mut w = World::new(slug, evidence);
    w.go(None, at("go(|| { staff", "go"));
    w.object(ObjKind::WaitGroup, at("let staff", "WaitGroup"), "counter 1");
    w.step(0, OpKind::Spawn, Some(1), at("go(|| { staff", "go"), Outcome::Done);
    w.step(0, OpKind::WaitGroupWait, Some(0), wait, Outcome::Done);
    w.step(1, OpKind::WaitGroupAdd, Some(0), add, Outcome::Value(1));
    w.step(0, OpKind::WaitGroupAdd, Some(0), at("    staff.done()", "done"), Outcome::Misuse);
    w
}

fn closing(slug: Slug) -> World {
    let (wait, notify) = (at("closing.wait", "wait"), at("closing.notify_one", "notify_one"));
    let (load, give_way) = (at("flag.load", "load"), at("yield_now", "yield_now"));
    let evidence = match slug {
        Slug::LostWakeUp => Evidence::Notification {
            object: Some(ObjId(0)),
            waiter: side(0, OpKind::CondWait, wait.clone(), 3),
            notifier: side(1, OpKind::NotifyOne, notify.clone(), 2),
        },
        _ => Evidence::Cycle {
            round: vec![side(0, OpKind::Load, load.clone(), 4), side(0, OpKind::Yield, give_way.clone(), 5)],
            repeats: 200,
        },
    };
    let mut w = World::new(slug, evidence);
    w.go(None, at("go(|| closing", "go"));
    w.object(ObjKind::Condvar, at("let closing", "Condvar"), "1 waiting");
    w.object(ObjKind::Atomic, at("let flag", "AtomicBool"), "0");
    w.step(0, OpKind::Spawn, Some(1), at("go(|| closing", "go"), Outcome::Done);
    w.step(1, OpKind::NotifyOne, Some(0), notify, Outcome::Done);
    if slug == Slug::LostWakeUp {
        w.step(0, OpKind::CondWait, Some(0), wait, Outcome::Blocks);
        return w;
    }
    w.step(0, OpKind::CondWait, Some(0), wait, Outcome::Done);
    w.step(0, OpKind::Load, Some(1), load, Outcome::Value(0));
    w.step(0, OpKind::Yield, None, give_way, Outcome::Done);
    w
}

fn panicked() -> World {
    let place = at("panic!", "panic");
    let message = "no stock for order 7\nasked for by \x1b[31mboat\x1b[0m".to_owned();
    let evidence = Evidence::Panic { message, side: side(1, OpKind::Exit, place.clone(), 2), object: None };
    let mut w = World::new(Slug::Panic, evidence);
    w.go(Some("clerk"), at("go(|| closing", "go"));
    w.step(0, OpKind::Spawn, Some(1), at("go(|| closing", "go"), Outcome::Done);
    w.step(1, OpKind::Exit, None, place, Outcome::Misuse);
    w
}

fn borrowed() -> World {
    let (wait, spawn) = (at("todo.recv", "recv"), at("go(|| for", "go"));
    let (holder, other) =
        (side(0, OpKind::Receive, wait.clone(), 2), side(1, OpKind::Start, spawn.clone(), 2));
    let mut w = World::new(Slug::BorrowedThreadLocal, Evidence::Borrow { holder, other });
    w.go(None, spawn.clone());
    w.object(ObjKind::Chan, at("chan::<Job>", "chan"), "len 0/1");
    w.step(0, OpKind::Spawn, Some(1), spawn, Outcome::Done);
    w.step(0, OpKind::Receive, Some(0), wait, Outcome::Blocks);
    w
}

fn single(slug: Slug) -> World {
    let (g, op, site, object) = match slug {
        Slug::Stuck => (0, OpKind::Load, at("flag.load", "load"), Some(0)),
        Slug::LostCancel => (0, OpKind::HandleDrop, at("drop(cancel)", "drop"), None),
        Slug::LeakedTimer => (1, OpKind::Receive, at("for hour in bell", "bell"), None),
        Slug::PrematureExit => (1, OpKind::Spawn, at("go(|| for", "go"), None),
        Slug::UncontrolledThread => (0, OpKind::Lock, at("|| shelf.lock", "lock"), Some(1)),
        other => unreachable!("{other:?} has a case of its own"),
    };
    let evidence = Evidence::Single { side: side(g, op, site.clone(), 2), object: object.map(ObjId) };
    let mut w = World::new(slug, evidence);
    w.go(None, at("go(|| for", "go"));
    w.object(ObjKind::Atomic, at("let flag", "AtomicBool"), "");
    w.object(ObjKind::Mutex, at("let shelf", "Mutex"), "");
    w.step(0, OpKind::Spawn, Some(1), at("go(|| for", "go"), Outcome::Done);
    w.step(g, op, object, site, Outcome::Done);
    w
}
