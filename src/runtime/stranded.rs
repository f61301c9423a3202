//! Goroutines that wait at channels of whose other end no handle is left, told of soon after it has come to that.
//!
//! A wait is *suspected* when it begins at such a channel, or when the last handle is dropped while it goes on.
//! The monitor looks at the suspects [`GRACE`] later, in a stopped world, and tells of those for which it is proved.
//! Invariants: what is told is a fact, since a handle that does not exist cannot be cloned; a wait with a
//! deadline, at a timer, at the nil channel, or in a select without arms is never suspected; a program whose
//! main has returned is told nothing any more. Where nothing is suspected this costs nothing: whoever suspects is
//! about to park, or has dropped the last handle of an end.
//!
//! Does not detect: waits of plain threads and of async tasks (which may be dropped); handles that are alive but
//! will never be used, such as one in a value that was forgotten, or in the hands of the one who waits; a wait
//! group that nobody will finish, since whoever has a reference to one may do that.

use super::census::{self, Portrait};
use super::clock::{self, NEVER, Nanos};
use super::g::G;
use super::symbols::Symbols;
use super::trace::{self, Trace};
use super::wait::Waiter;
use super::{dump, fatal, host, mode, monitor};
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::WaitReason;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Time for a program that ends, and drops handles on its way, to have ended.
const GRACE: Nanos = 50_000_000;
/// How long goroutines may be kept standing still for a look.
const PATIENCE: Nanos = 20_000_000;
/// Looks at suspects that were in vain, before they are forgotten.
const ATTEMPTS: u32 = 5;
/// Suspects between two looks; who comes later is not told of by name.
const MOST: usize = 1_000;

/// A goroutine whose wait is suspected.
pub(crate) struct Suspect {
    g: &'static G,
    id: u64,
}

impl Suspect {
    /// Who waits, if that is a goroutine.
    pub(crate) fn of(waiter: &Waiter) -> Option<Suspect> {
        waiter.parks().map(|g| Suspect { g, id: g.id() })
    }
}

/// When the last handle was dropped.
#[derive(Clone, Copy)]
pub(crate) enum Lost {
    /// Some time before.
    Before,
    /// By the caller.
    Now,
}

/// Who is to be looked at.
struct Pending {
    /// With the place where the last handle was dropped, if that was then.
    suspects: Vec<(Suspect, Trace)>,
    attempts: u32,
    /// How many were told of, by where they wait and where they were started.
    told: BTreeMap<Place, u64>,
}

/// Where those wait, and where they were started, that are told of as one: file and line of each.
type Place = [Option<(&'static str, u32)>; 2];

static PENDING: Mutex<Pending> =
    Mutex::new(Pending { suspects: Vec::new(), attempts: 0, told: BTreeMap::new() });
/// When the monitor is to look.
static DUE: AtomicU64 = AtomicU64::new(NEVER);

/// These wait for whom there is no handle any more. The caller may be about to park, and may hold the channel's lock.
#[inline]
pub(crate) fn suspect(who: impl IntoIterator<Item = Suspect>, lost: Lost) {
    let mut who = who.into_iter().peekable();
    if who.peek().is_some() && mode::tells_leaks() {
        note(who, lost);
    }
}

#[cold]
fn note(who: impl Iterator<Item = Suspect>, lost: Lost) {
    let place = match lost {
        Lost::Before => Trace::new(),
        Lost::Now => trace::here(),
    };
    let mut pending = PENDING.lock().unwrap_or_else(PoisonError::into_inner);
    let room = MOST.saturating_sub(pending.suspects.len());
    pending.suspects.extend(who.take(room).map(|suspect| (suspect, place.clone())));
    drop(pending);
    let due = clock::now() + GRACE;
    if DUE.fetch_min(due, Ordering::Relaxed) > due {
        // It may be asleep, if the caller is a plain thread.
        monitor::interrupt();
    }
}

/// How long until the monitor is to look, if it is.
pub(super) fn left(now: Nanos) -> Option<Nanos> {
    let due = DUE.load(Ordering::Relaxed);
    (due != NEVER).then(|| due.saturating_sub(now))
}

/// Look at the suspects if it is time, and tell of them. By the monitor.
#[inline]
pub(super) fn look(now: Nanos) {
    if DUE.load(Ordering::Relaxed) <= now {
        examine(now);
    }
}

#[cold]
fn examine(now: Nanos) {
    DUE.store(NEVER, Ordering::Relaxed);
    let suspects = std::mem::take(&mut PENDING.lock().unwrap_or_else(PoisonError::into_inner).suspects);
    if host::is_over() {
        return;
    }
    let who: Vec<(&'static G, u64)> = suspects.iter().map(|(suspect, _)| (suspect.g, suspect.id)).collect();
    let looked = census::those(&who, PATIENCE);
    let mut pending = PENDING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(portraits) = looked else {
        pending.attempts += 1;
        if pending.attempts < ATTEMPTS {
            pending.suspects.extend(suspects);
            DUE.fetch_min(now + GRACE, Ordering::Relaxed);
        }
        return;
    };
    pending.attempts = 0;
    let proved = portraits.into_iter().filter(|portrait| portrait.stranded);
    let mut to_tell: BTreeMap<Place, (Portrait, u64)> = BTreeMap::new();
    for portrait in proved {
        let place = [portrait.waits.and_then(|wait| wait.site), portrait.created];
        let place = place.map(|site: Option<SiteRef>| site.map(|site| (site.file(), site.line())));
        let count = pending.told.entry(place).or_insert(0);
        *count += 1;
        let seen = *count;
        if seen.checked_ilog10().is_some_and(|digits| seen == 10_u64.pow(digits)) {
            to_tell.insert(place, (portrait, seen));
        }
    }
    drop(pending);
    for (portrait, count) in to_tell.into_values() {
        let dropped = suspects.iter().find(|(suspect, _)| suspect.id == portrait.id);
        tell(&portrait, count, dropped.map(|(_, trace)| trace));
    }
}

fn tell(portrait: &Portrait, count: u64, dropped: Option<&Trace>) {
    let mut symbols = Symbols::new();
    let text = sentence(portrait, count, dropped, &mut symbols);
    if mode::leaks_end_program() {
        fatal::leaked(&text);
    }
    let mut goroutine = String::new();
    dump::describe(portrait, clock::now(), &mut symbols, &mut goroutine);
    eprintln!("selvedge: {text}\n\n{goroutine}");
}

/// What is said before the goroutine is shown.
fn sentence(portrait: &Portrait, count: u64, dropped: Option<&Trace>, symbols: &mut Symbols) -> String {
    let mut text = format!("goroutine leak: goroutine {}", portrait.id);
    if let Some(name) = &portrait.name {
        let _ = write!(text, " {name:?}");
    }
    let reason = portrait.waits.map(|wait| wait.reason);
    let (why, last, remedy) = match reason {
        Some(WaitReason::ChanReceive) => (
            "waits for a message that nobody can send",
            "the last sender",
            "dropping senders does not close a channel: close it when no more will be sent, or use \
             sync::mpsc, whose channels close themselves",
        ),
        Some(WaitReason::ChanSend) => (
            "has a message that nobody can receive",
            "the last receiver",
            "receive until the sender is done, give the channel room, or send in a select! with a way out",
        ),
        _ => (
            "waits in a select none of whose arms can ever be ready",
            "the last handle",
            "close channels when no more will be sent, or give the select an arm that ends it",
        ),
    };
    let _ = write!(text, " {why}");
    let frame = dropped.and_then(|trace| symbols.of(trace).into_iter().next());
    if let Some(frame) = frame {
        let _ = write!(text, "; {last} was dropped in {}", frame.function);
        if let (Some(file), Some(line)) = (&frame.file, frame.line) {
            let _ = write!(text, ", {}:{line}", file.display());
        }
    }
    if count > 1 {
        let _ =
            write!(text, "\nIt is number {count} of those that were started and wait at the same places.");
    }
    let _ = write!(text, "\nhelp: {remedy}");
    text
}
