//! Every sentence of the reports.
//!
//! Invariants: no other module, here or among the checkers, writes a sentence; where Go has a text
//! for the same thing, Go's text stands in ours verbatim, so that it can be searched for; a
//! sentence says what the finding's evidence says and no more; each slug has a headline and a
//! remedy. Sentences are written in Unicode and without line breaks: the style and the layout are
//! others' work.

mod does;
mod labels;
mod numbers;
mod repairs;

use selvedge_checkers::finding::{Blocked, Evidence, Finding, LockEdge, Side, Slug};
use selvedge_checkers::ids::{Gid, ObjId};
use selvedge_checkers::op::{ObjKind, OpKind, WaitReason};
use selvedge_checkers::trace::Outcome;

use super::scene::Scene;
use super::text::{count, list, one_line};

use does::{does, does_alone, noun};
pub(super) use labels::{cycle_line, mark, more_blocked, order_line, waits};
pub(super) use numbers::{figures, folded, more_findings, passed, proof, search};
pub(super) use repairs::repair;

/// The first line of a report: of a panic's message only the first one.
pub(super) fn title(f: &Finding, scene: &Scene<'_>) -> String {
    match &f.evidence {
        Evidence::Panic { message, side, object } => {
            let first = message_lines(message).next().unwrap_or_default();
            panicked(f.slug, &first, side, *object, scene)
        }
        _ => headline(f, scene),
    }
}

/// The further lines of a panic's message.
pub(super) fn details(f: &Finding) -> Vec<String> {
    match &f.evidence {
        Evidence::Panic { message, .. } => message_lines(message).skip(1).take(MAX_DETAILS).collect(),
        _ => Vec::new(),
    }
}

/// Longer messages are cut: they are somebody's dump of data.
const MAX_DETAILS: usize = 4;

/// A message's lines without blank ones.
fn message_lines(message: &str) -> impl Iterator<Item = String> + '_ {
    message.lines().map(one_line).filter(|line| !line.is_empty())
}

/// What was found, in one sentence.
pub(super) fn headline(f: &Finding, scene: &Scene<'_>) -> String {
    match &f.evidence {
        Evidence::Stuck { blocked, cycle, proved } => stuck(f.slug, blocked, cycle, *proved, scene),
        Evidence::Race { object, first, second } => race(f.slug, *object, first, second, scene),
        Evidence::Panic { message, side, object } => panicked(f.slug, message, side, *object, scene),
        Evidence::Locks { edges } => lock_order(f.slug, edges, scene),
        Evidence::Cycle { round, repeats } => livelock(f.slug, round, *repeats, scene),
        Evidence::Notification { object, waiter, notifier } => {
            let (waiter, notifier) = (scene.names.goroutine(waiter.g), scene.names.goroutine(notifier.g));
            let object =
                object.map_or_else(String::new, |_| format!(" on {}", scene.names.with_noun(*object)));
            format!("{}: {waiter} waits{object} for what {notifier} had already sent", kind(f.slug))
        }
        Evidence::Single { side, object } => single(f.slug, side, *object, scene),
        Evidence::Borrow { holder, other } => format!(
            "{} keeps a thread-local of std borrowed across its {}, and {} finds it borrowed",
            scene.names.goroutine(holder.g),
            noun(holder.op),
            scene.names.goroutine(other.g),
        ),
        Evidence::Divergence { step, expected, found } => format!(
            "{} at step {step}: recorded {}, found {}",
            kind(f.slug),
            one_line(expected),
            one_line(found)
        ),
        Evidence::None => kind(f.slug).to_owned(),
    }
}

/// What the slug means in general: Go's own text where Go has one.
pub(super) fn kind(slug: Slug) -> &'static str {
    match slug {
        Slug::Deadlock => "all goroutines are asleep - deadlock!",
        Slug::PartialDeadlock => "some goroutines can never go on, while others still run",
        Slug::LeakedGoroutine => "a goroutine is blocked for ever",
        Slug::DataRace => "DATA RACE",
        Slug::Panic => "panic in a goroutine",
        Slug::SendOnClosed => "send on closed channel",
        Slug::CloseOfClosed => "close of closed channel",
        Slug::CloseOfNil => "close of nil channel",
        Slug::UnlockOfUnlocked => "sync: unlock of unlocked mutex",
        Slug::NegativeWaitGroup => "sync: negative WaitGroup counter",
        Slug::WaitGroupMisuse => "sync: WaitGroup misuse: Add called concurrently with Wait",
        Slug::LostWakeUp => "lost wake-up",
        Slug::Livelock => "goroutines run for ever without getting anywhere",
        Slug::NotDeterministic => "the same decisions gave a different execution",
        Slug::NothingExplored => "the test passed without a single execution",
        Slug::Stuck => "a goroutine ran too long without reaching a visible operation",
        Slug::LockOrder => "locks are taken in different orders",
        Slug::SendRacesClose => "a send and a close of one channel are unordered",
        Slug::AddRacesWait => "an add from zero and a wait are unordered",
        Slug::ClosedByReceiver => "a channel was closed by its receiver",
        Slug::LostCancel => "a cancel function was dropped without having been called",
        Slug::LeakedTimer => "a goroutine lives on timers alone after main returned",
        Slug::PrematureExit => "main returned while a goroutine had still to run",
        Slug::UncontrolledThread => "a thread outside the model touched one of its objects",
        Slug::BorrowedThreadLocal => "a thread-local was borrowed across a blocking operation",
    }
}

/// Go's other texts for the same slug: they stay as the program gave them.
const VARIANTS: &[&str] = &[
    "sync: RUnlock of unlocked RWMutex",
    "sync: Unlock of unlocked RWMutex",
    "sync: WaitGroup is reused before previous Wait has returned",
    "semaphore: released more than held",
];

fn stuck(slug: Slug, blocked: &[Blocked], cycle: &[Gid], proved: bool, scene: &Scene<'_>) -> String {
    let who = |gs: &[Gid]| list(&gs.iter().map(|g| scene.names.goroutine(*g)).collect::<Vec<_>>());
    let all: Vec<Gid> = blocked.iter().map(|b| b.g).collect();
    let n = count(blocked.len() as u64, "goroutine");
    match (slug, &all[..]) {
        (Slug::Deadlock, _) => format!("{} ({n})", kind(slug)),
        (Slug::PartialDeadlock, _) if cycle.len() > 1 => {
            format!("{} wait for each other and can never go on, while others still run", who(cycle))
        }
        (Slug::PartialDeadlock, [_]) => format!("{} can never go on, while others still run", who(&all)),
        (Slug::PartialDeadlock, _) => format!("{n} can never go on, while others still run"),
        (_, [one]) => {
            let reason = blocked[0].reason.text();
            let why =
                if proved { "nobody is left who could wake it" } else { "main returned without waking it" };
            format!(
                "goroutine {} [{reason} (leaked)] is blocked for ever: {why}",
                scene.names.goroutine(*one)
            )
        }
        (_, []) => kind(slug).to_owned(),
        (_, _) => format!("{n} are blocked for ever: {}", who(&all[..all.len().min(6)])),
    }
}

fn race(slug: Slug, object: ObjId, first: &Side, second: &Side, scene: &Scene<'_>) -> String {
    let name = |g: Gid| scene.names.goroutine(g);
    let obj = scene.names.object(Some(object));
    let (a, b) = (noun(first.op), noun(second.op));
    let pair =
        format!("nothing orders the {a} by {} (1) before the {b} by {} (2)", name(first.g), name(second.g));
    match slug {
        Slug::SendRacesClose => {
            format!("{pair} of {obj}: in another order this is \"send on closed channel\"")
        }
        Slug::AddRacesWait => format!("{pair} on {obj}: `wait` may return before the work is added"),
        _ => format!("{} on {obj}: {pair}", kind(slug)),
    }
}

fn panicked(slug: Slug, message: &str, side: &Side, object: Option<ObjId>, scene: &Scene<'_>) -> String {
    let g = scene.names.goroutine(side.g);
    let message = message_lines(message).collect::<Vec<_>>().join("; ");
    if slug == Slug::Panic {
        return format!("{g} panicked: {message}");
    }
    let known = message.contains(kind(slug)) || VARIANTS.iter().any(|v| message.contains(v));
    let text = if known { message } else { kind(slug).to_owned() };
    match (slug, object) {
        (Slug::CloseOfNil, _) | (_, None) => format!("{text} (by {g})"),
        _ => format!("{text} ({} by {g})", scene.names.object(object)),
    }
}

fn lock_order(slug: Slug, edges: &[LockEdge], scene: &Scene<'_>) -> String {
    let mut locks: Vec<ObjId> = Vec::new();
    for edge in edges {
        if !locks.contains(&edge.held) {
            locks.push(edge.held);
        }
    }
    let names: Vec<String> = locks.iter().map(|l| scene.names.object(Some(*l))).collect();
    match names.len() {
        0 => kind(slug).to_owned(),
        1 => format!("{} is taken again by a goroutine that holds it: it can wait for itself", names[0]),
        2 => format!("{} are taken in both orders: they can deadlock", list(&names)),
        _ => format!("{} are taken in a circle: they can deadlock", list(&names)),
    }
}

fn livelock(slug: Slug, round: &[Side], repeats: u32, scene: &Scene<'_>) -> String {
    let mut who: Vec<String> = Vec::new();
    for side in round {
        let name = scene.names.goroutine(side.g);
        if !who.contains(&name) {
            who.push(name);
        }
    }
    let (ops, seen) = (count(round.len() as u64, "operation"), count(u64::from(repeats), "time"));
    match who.len() {
        0 => kind(slug).to_owned(),
        1 if round.len() == 1 => {
            let object = scene.alike(&round[0]).and_then(|e| e.object);
            let does = match object {
                Some(_) => format!("{} {}", does(round[0].op), scene.names.object(object)),
                None => does_alone(round[0].op).to_owned(),
            };
            format!("{} {does} for ever, and nothing changes (seen {seen})", who[0])
        }
        1 => format!("{} repeats the same {ops} for ever (seen {seen})", who[0]),
        _ => format!("{} repeat the same {ops} for ever (seen {seen})", list(&who)),
    }
}

fn single(slug: Slug, side: &Side, object: Option<ObjId>, scene: &Scene<'_>) -> String {
    let (g, obj) = (scene.names.goroutine(side.g), scene.names.with_noun(object));
    match slug {
        Slug::ClosedByReceiver => format!("{obj} is closed by {g}, which only receives from it"),
        Slug::LostCancel => format!("{g} drops a cancel function without having called it"),
        Slug::LeakedTimer => format!("{g} lives on timers alone after main returned"),
        Slug::PrematureExit => format!("main returned while {g} had still to run"),
        Slug::UncontrolledThread if object.is_some() => {
            format!("a thread outside the model touched {obj}")
        }
        Slug::Stuck => format!("{g} ran too long without reaching a visible operation"),
        _ => format!("{} ({g})", kind(slug)),
    }
}

/// What to do about it: the one `help:` line; `replaying` is whether a token was replayed.
pub(super) fn remedy(f: &Finding, scene: &Scene<'_>, replaying: bool) -> &'static str {
    match &f.evidence {
        Evidence::Divergence { .. } if replaying => {
            "if the program has changed since, run the test without the token, which ended with the program it \
             was made for; if not, take time, randomness and shared state out of the test"
        }
        Evidence::Stuck { blocked, .. } if !blocked.is_empty() => unblock(f.slug, blocked, scene),
        Evidence::Panic { message, side, .. } if f.slug == Slug::Panic => {
            panic_remedy(message, side.g, scene)
        }
        Evidence::Panic { object, .. } if f.slug == Slug::UnlockOfUnlocked => {
            match scene.object(*object).map(|o| o.kind) {
                Some(ObjKind::Semaphore) => "release exactly what was acquired, once, on every path",
                _ => general(f.slug),
            }
        }
        Evidence::Single { side, .. } if f.slug == Slug::Stuck => stuck_remedy(side.op),
        _ => general(f.slug),
    }
}

fn stuck_remedy(op: OpKind) -> &'static str {
    use OpKind::*;
    match op {
        Join => "start the thread with `selvedge::thread`: all goroutines stand still while this one waits",
        Lock | ReadLock | WriteLock | CondWait | BarrierWait => {
            "use the lock of `selvedge::sync`: while this one waits, whoever could end the wait stands still"
        }
        Send | Receive => {
            "use `selvedge::chan` or `selvedge::sync::mpsc`: while this one waits, the other end stands still"
        }
        Sleep => "use `selvedge::time::sleep`: in a test it takes no time",
        Park => "use `selvedge::thread::park`: while this thread sleeps, all goroutines do",
        _ => general(Slug::Stuck),
    }
}

fn panic_remedy(message: &str, g: Gid, scene: &Scene<'_>) -> &'static str {
    if message.starts_with("stack overflow") {
        return "end the recursion, or give goroutines more room: `stack = \"1m\"`";
    }
    if scene.trace.events.iter().any(|e| e.g == g && matches!(e.outcome, Outcome::Old(_))) {
        return "an old value was read: make the store that says it is there `Release`, its load `Acquire`";
    }
    if g == Gid::MAIN || message.starts_with("assertion") {
        return "look for the step that came in between: one lock or atomic operation must span it";
    }
    general(Slug::Panic)
}

/// Remedies for goroutines that wait for ever, by what they wait for.
fn unblock(slug: Slug, blocked: &[Blocked], scene: &Scene<'_>) -> &'static str {
    use WaitReason::*;
    let is_lock = |r: WaitReason| matches!(r, Lock | ReadLock | WriteLock);
    if blocked.iter().all(|b| is_lock(b.reason)) {
        let reads_again =
            |b: &Blocked| b.reason == ReadLock && b.object.is_some_and(|o| scene.held_by(b.g).contains(&o));
        if blocked.iter().any(reads_again) {
            return "do not read-lock what you hold already: a writer in between makes both wait";
        }
        let left_locked = |b: &Blocked| b.waits_for.is_some_and(|holder| scene.has_ended(holder));
        if blocked.iter().any(left_locked) {
            return "unlock on every path, also on errors and early returns: a guard does so by itself";
        }
        return match blocked.len() {
            1 => "drop the guard before locking again: these locks are not re-entrant",
            _ => "take the locks in the same order everywhere, or hold only one at a time",
        };
    }
    if blocked.iter().any(|b| !is_lock(b.reason) && !scene.held_by(b.g).is_empty()) {
        return "drop the guard before waiting: whoever should end the wait needs that lock";
    }
    // Who waits for another goroutine's end is a victim: look at what the others wait for.
    let victim = |b: &&Blocked| !matches!(b.reason, WaitGroup | Join);
    match blocked.iter().find(victim).unwrap_or(&blocked[0]).reason {
        ChanSend => {
            "receive on every path, give the channel room for the value, or `select!` on a done channel too"
        }
        ChanReceive => "close the channel when the last value is sent, or send on every path",
        ChanSendNil | ChanReceiveNil => "a nil channel blocks for ever: make the channel before using it",
        Select => "add an arm that always comes in the end: a done channel, a context or a timeout",
        SelectNoCases => "a select without arms blocks for ever: give it an arm or leave it out",
        WaitGroup => "call `done` once for each `add`, on every path, also on panics and early returns",
        Cond | Park => {
            "change the state before notifying, under the same lock, and wait in a loop on that state"
        }
        Semaphore => "release the permit on every path, or acquire fewer at a time",
        Once => "do not call back into the same `Once` from its own initialiser",
        Barrier => "let as many goroutines reach the barrier as it was made for",
        Join => "end the joined goroutine first: it waits for something itself",
        Task => {
            "register the waker of every poll before looking at the state, and wake it on every path that changes it"
        }
        Lock | ReadLock | WriteLock | Sleep | Spin | Io => general(slug),
    }
}

fn general(slug: Slug) -> &'static str {
    match slug {
        Slug::Deadlock => "break the circle: let one goroutine go on without what another one holds",
        Slug::PartialDeadlock => "give each wait a way to end: a close, a cancel, or a timeout",
        Slug::LeakedGoroutine => "give the goroutine a way to end, and wait for it before main returns",
        Slug::DataRace => {
            "guard both accesses with one lock, hand the value over a channel, or use an atomic"
        }
        Slug::Panic => "fix the panic, or join the goroutine and handle its error",
        Slug::SendOnClosed => "let only the sender close the channel, after its last send",
        Slug::CloseOfClosed => "close in one place only: the last sender, or behind a `Once`",
        Slug::CloseOfNil => "make the channel before closing it",
        Slug::UnlockOfUnlocked => "unlock once for each lock; a guard that is dropped does it by itself",
        Slug::NegativeWaitGroup => "call `add` before the goroutine starts, and `done` once for each `add`",
        Slug::WaitGroupMisuse => {
            "call `add` before the goroutine starts, and never while someone may be in `wait`"
        }
        Slug::LostWakeUp => {
            "change the state under the lock, and wait in a loop that looks at the state first"
        }
        Slug::Livelock => "block on a channel or a condition variable instead of trying again",
        Slug::NotDeterministic => {
            "take time, randomness and shared state out of the test: use `selvedge::time` and `choose`"
        }
        Slug::NothingExplored => {
            "allow at least one execution: look at the budget and at the test's early returns"
        }
        Slug::Stuck => {
            "let the loop reach an operation selvedge sees; block only on what selvedge has, not on std's \
             own locks, channels and sockets"
        }
        Slug::LockOrder => "take these locks in the same order everywhere",
        Slug::SendRacesClose => "wait for the senders before closing, for example with a `WaitGroup`",
        Slug::AddRacesWait => "call `add` before the goroutine starts, not in it",
        Slug::ClosedByReceiver => {
            "let the sender close; to stop it from here, use a done channel or a context"
        }
        Slug::LostCancel => "keep the cancel function and call it on every path",
        Slug::LeakedTimer => "stop the timer or ticker, or end the goroutine with a done channel",
        Slug::PrematureExit => "wait for the goroutine: join it, or use a `WaitGroup`",
        Slug::UncontrolledThread => {
            "spawn with `selvedge::go` or `selvedge::thread` instead of `std::thread`"
        }
        Slug::BorrowedThreadLocal => {
            "end the borrow before waiting, or use `selvedge::thread_local!`: each goroutine has its own"
        }
    }
}

/// ` created by main`, after the state of a goroutine.
pub(super) fn created_by(parent: Gid, scene: &Scene<'_>) -> String {
    format!(", created by {}", scene.names.goroutine(parent))
}

/// Go's word for whether a goroutine ended.
pub(super) fn ended(yes: bool) -> &'static str {
    if yes { "finished" } else { "unfinished" }
}

/// Whether the step waits, for tables.
pub(super) fn is_wait(op: OpKind) -> bool {
    use OpKind::*;
    matches!(op, WaitGroupWait | CondWait | BarrierWait | Sleep | Park | Join | Spawn | TaskWait)
}
