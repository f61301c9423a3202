//! The words beside the source lines, and the lines that say who waits for whom.
//!
//! Invariant: each mark has a full text and a brief one; the brief one still names who and what, so
//! a narrow report loses reasons but no participant.

use selvedge_checkers::finding::{Blocked, Evidence, Side, Slug};
use selvedge_checkers::ids::{Gid, ObjId};
use selvedge_checkers::op::{ObjKind, OpKind, WaitReason};

use super::{does, does_alone};
use crate::report::scene::Scene;
use crate::report::text::list;

/// A circle of more goroutines is shown without its middle.
const MAX_CYCLE: usize = 5;

/// A full text and shorter ones to use where that does not fit.
pub(in crate::report) type Label = Vec<String>;

/// The texts of marks that several kinds of evidence share.
pub(in crate::report) mod mark {
    use super::*;

    /// An operation: `g2 sends on `tx` here (step 7)`.
    pub(in crate::report) fn did(
        prefix: &str,
        side: &Side,
        object: Option<ObjId>,
        scene: &Scene<'_>,
    ) -> Label {
        let brief = format!("{prefix}{} {}", scene.names.goroutine(side.g), acts(side, object, scene));
        vec![format!("{brief} here{}", at_step(side.step)), brief]
    }

    /// The operation that took a wait group's counter below zero.
    pub(in crate::report) fn below_zero(side: &Side, object: Option<ObjId>, scene: &Scene<'_>) -> Label {
        let (g, object) = (scene.names.goroutine(side.g), scene.names.object(object));
        let brief = format!("{g} takes {object} below zero");
        vec![format!("{brief} here{}", at_step(side.step)), brief]
    }

    /// The place of a panic or of another remarkable operation without an object.
    pub(in crate::report) fn panics(side: &Side, scene: &Scene<'_>) -> Label {
        let brief = format!("{} panics", scene.names.goroutine(side.g));
        vec![format!("{brief} here{}", at_step(side.step)), brief]
    }

    /// Where a goroutine waits that has borrowed something.
    pub(in crate::report) fn borrows(side: &Side, scene: &Scene<'_>) -> Label {
        let (g, does) = (scene.names.goroutine(side.g), does_alone(side.op));
        vec![
            format!("{g} {does} here while a thread-local of std is borrowed"),
            format!("{g} {does} while it borrows a thread-local"),
            format!("{g} borrows a thread-local"),
        ]
    }

    /// Where a goroutine found it borrowed.
    pub(in crate::report) fn finds_borrowed(side: &Side, scene: &Scene<'_>) -> Label {
        let brief = format!("{} finds it borrowed", scene.names.goroutine(side.g));
        vec![format!("{brief} here{}", at_step(side.step)), brief]
    }

    /// A lock that somebody else waits for.
    pub(in crate::report) fn took(g: Gid, lock: ObjId, step: u32, scene: &Scene<'_>) -> Label {
        let (g, lock) = (scene.names.goroutine(g), scene.names.object(Some(lock)));
        vec![format!("{g} took {lock} here{}", at_step(step)), format!("{g} took {lock}")]
    }

    /// A lock asked for while another one is held.
    pub(in crate::report) fn wants(
        nth: usize,
        g: Gid,
        held: ObjId,
        wanted: ObjId,
        scene: &Scene<'_>,
    ) -> Label {
        let name = |l| scene.names.object(Some(l));
        let brief = format!("({nth}) {} wants {}", scene.names.goroutine(g), name(wanted));
        vec![format!("{brief} here while it holds {}", name(held)), brief]
    }

    /// Where an object was created.
    pub(in crate::report) fn created(object: ObjId, scene: &Scene<'_>) -> Label {
        let brief = format!("{} created", scene.names.object(Some(object)));
        vec![format!("{} is created here", scene.names.object(Some(object))), brief]
    }

    /// Where goroutines were spawned, in Go's words.
    pub(in crate::report) fn spawned(gs: &[Gid], scene: &Scene<'_>) -> Label {
        let parent = gs.first().and_then(|g| scene.trace.goroutine(*g)?.parent).unwrap_or(Gid::MAIN);
        let names: Vec<String> = gs.iter().map(|g| scene.names.goroutine(*g)).collect();
        let brief = format!("{} created by {}", list(&names), scene.names.goroutine(parent));
        vec![format!("{brief} here"), brief]
    }

    /// The operation of a finding that rests on one alone.
    pub(in crate::report) fn single(
        slug: Slug,
        side: &Side,
        object: Option<ObjId>,
        scene: &Scene<'_>,
    ) -> Label {
        let g = scene.names.goroutine(side.g);
        let brief = match slug {
            Slug::Stuck => stuck(&g, side.op),
            Slug::LostCancel => "the cancel function is dropped here".to_owned(),
            Slug::PrematureExit if side.op == OpKind::Spawn => format!("nobody waits for {g}"),
            Slug::PrematureExit => format!("{g} had come this far"),
            Slug::UncontrolledThread => match scene.object(object) {
                Some(o) if o.created == side.site => return created(o.id, scene),
                _ => format!("{} is touched here", scene.names.object(object)),
            },
            _ => return did("", side, object, scene),
        };
        vec![format!("{brief}{}", at_step(side.step)), brief]
    }

    /// Where a goroutine was interrupted, and in which function of std's.
    fn stuck(g: &str, op: OpKind) -> String {
        use OpKind::*;
        let does = match op {
            Join => "joins a thread of std's",
            Lock | ReadLock | WriteLock => "waits for a lock of std's",
            CondWait => "waits on a condition variable of std's",
            BarrierWait => "waits at a barrier of std's",
            Send => "sends on a channel of std's",
            Receive => "receives from a channel of std's",
            Sleep => "sleeps in real time",
            Park => "parks its OS thread",
            _ => return format!("{g} was last seen here"),
        };
        format!("{g} {does} here")
    }

    /// A notification that came before the wait.
    pub(in crate::report) fn too_early(side: &Side, object: Option<ObjId>, scene: &Scene<'_>) -> Label {
        let brief = format!("{} {}", scene.names.goroutine(side.g), acts(side, object, scene));
        vec![format!("{brief} here{}, when nobody waits yet", at_step(side.step)), brief]
    }

    /// What a goroutine does to what; the trace knows the object where the evidence does not.
    fn acts(side: &Side, object: Option<ObjId>, scene: &Scene<'_>) -> String {
        match object.or_else(|| scene.alike(side)?.object) {
            Some(obj) => format!("{} {}", does(side.op), scene.names.object(Some(obj))),
            None => does_alone(side.op).to_owned(),
        }
    }

    fn at_step(step: u32) -> String {
        if step == 0 { String::new() } else { format!(" (step {step})") }
    }
}

/// The goroutines that wait at one place for one thing.
pub(in crate::report) fn waits(group: &[&Blocked], scene: &Scene<'_>) -> Label {
    let Some(first) = group.first() else { return Label::default() };
    let names: Vec<String> = group.iter().take(4).map(|b| scene.names.goroutine(b.g)).collect();
    let who = match group.len() - names.len() {
        0 => list(&names),
        more => format!("{} and {more} more", names.join(", ")),
    };
    let verb = if group.len() == 1 { "waits" } else { "wait" };
    let object = scene.names.object(first.object);
    let on = first.object.map_or_else(String::new, |_| format!(" {object}"));
    let (what_for, state) = what_for(first, scene);
    let reason = first.reason.text();
    let lock = matches!(first.reason, WaitReason::Lock | WaitReason::ReadLock | WaitReason::WriteLock);
    let short = match what_for.strip_prefix(" for").filter(|_| lock) {
        Some(object) => format!("{who} [{reason}]{object}"),
        None => format!("{who} [{reason}] {verb}{what_for}"),
    };
    let mut full = format!("{who} [{reason}] {verb} here{what_for}{state}");
    let held: Vec<ObjId> = scene.held_by(first.g).into_iter().filter(|o| Some(*o) != first.object).collect();
    if group.len() == 1 && !held.is_empty() {
        let held: Vec<String> = held.iter().map(|o| scene.names.object(Some(*o))).collect();
        full.push_str(&format!(", holding {}", list(&held)));
    }
    let stated = format!("{short}{state}");
    vec![full, stated, short, format!("{who} [{reason}]{on}")]
}

/// ` for a receiver on `tx`` and ` (1 of 1 buffered)`.
fn what_for(b: &Blocked, scene: &Scene<'_>) -> (String, String) {
    use WaitReason::*;
    let object = scene.names.object(b.object);
    let state = scene.object(b.object).map_or_else(String::new, |o| match o.kind {
        ObjKind::Mutex | ObjKind::RwLock => String::new(),
        _ if o.state.is_empty() => String::new(),
        _ => format!(" ({})", o.state),
    });
    let other = b.waits_for.map(|g| scene.names.goroutine(g));
    let holds = |g: Option<Gid>| {
        let holders = scene.object(b.object).map_or(&[][..], |o| &o.holders);
        holders.iter().any(|(holder, _)| Some(*holder) == g)
    };
    let text = match (b.reason, b.object, other) {
        (ChanSend, Some(_), _) => format!(" for a receiver on {object}"),
        (ChanReceive, Some(_), _) => format!(" for a sender on {object}"),
        (ChanSendNil | ChanReceiveNil, ..) => " for ever: the channel is nil".to_owned(),
        (SelectNoCases, ..) => " for ever: the select has no arms".to_owned(),
        (Select, None, _) => ": none of its arms can ever go".to_owned(),
        (Lock | ReadLock | WriteLock, Some(_), Some(_)) if b.waits_for == Some(b.g) => {
            format!(" for {object}, which it holds itself")
        }
        (ReadLock, Some(_), Some(writer)) if !holds(b.waits_for) => {
            format!(" for {object}, behind {writer}, which waits to write")
        }
        (Lock | ReadLock | WriteLock, Some(_), Some(holder)) => {
            let ended =
                if b.waits_for.is_some_and(|g| scene.has_ended(g)) { ", which has ended" } else { "" };
            format!(" for {object}, held by {holder}{ended}")
        }
        (_, Some(_), _) => format!(" for {object}"),
        (Join, None, Some(other)) => format!(" for {other} to end"),
        (_, None, Some(other)) => format!(" for {other}"),
        (_, None, None) => String::new(),
    };
    (text, state)
}

/// `main ─[wait group `wg`: counter 2]→ g3 ─[mutex `ledger`]→ main`.
pub(in crate::report) fn cycle_line(blocked: &[Blocked], cycle: &[Gid], scene: &Scene<'_>) -> Option<String> {
    let first = *cycle.first()?;
    let mut line = scene.names.goroutine(first);
    let left_out = cycle.len().saturating_sub(MAX_CYCLE);
    for (nth, g) in cycle.iter().enumerate() {
        if left_out > 0 && nth == MAX_CYCLE - 1 {
            line.push_str(&format!(" ─[{left_out} more]→ …"));
        }
        if left_out > 0 && (MAX_CYCLE - 1..cycle.len() - 1).contains(&nth) {
            continue;
        }
        let next = cycle.get(nth + 1).copied().unwrap_or(first);
        let wait = blocked.iter().find(|b| b.g == *g);
        let what = match wait.map(|b| (b.object, b.reason)) {
            Some((Some(obj), _)) => {
                let state = scene.object(Some(obj)).filter(|o| o.kind == ObjKind::WaitGroup);
                let left = state.map_or_else(String::new, |o| format!(": {}", o.state));
                format!("{}{left}", scene.names.with_noun(Some(obj)))
            }
            Some((None, reason)) => reason.text().to_owned(),
            None => "waits".to_owned(),
        };
        // An edge is read as one.
        let edge = format!("─[{what}]→").replace(' ', "\u{a0}");
        line.push_str(&format!(" {edge} {}", scene.names.goroutine(next)));
    }
    Some(line)
}

/// The blocked goroutines for which the source lines had no room.
pub(in crate::report) fn more_blocked(rest: &[&Blocked]) -> String {
    let mut reasons: Vec<String> = rest.iter().map(|b| format!("[{}]", b.reason.text())).collect();
    reasons.sort();
    reasons.dedup();
    let verb = if rest.len() == 1 { "goroutine waits" } else { "goroutines wait" };
    format!("{} more {verb} elsewhere: {}", rest.len(), list(&reasons))
}

/// The edge a race lacks, and which locks were held without making one.
pub(in crate::report) fn order_line(evidence: &Evidence, scene: &Scene<'_>) -> Option<String> {
    let Evidence::Race { first, second, .. } = evidence else { return None };
    let missing = "nothing makes (2) wait for (1)";
    let (Some(one), Some(two)) = (scene.position(first), scene.position(second)) else {
        return Some(format!("{missing}: no lock, channel, join or atomic leads from one to the other"));
    };
    if let Some(atomic) = scene.unsynchronised_hand_over(one, two) {
        let atomic = scene.names.object(Some(atomic));
        return Some(format!(
            "{missing}: {atomic} leads from one to the other, but orders nothing unless it is stored with \
             Release and loaded with Acquire"
        ));
    }
    let sides = [(first, one), (second, two)].map(|(s, at)| (s, scene.locks_at(at)));
    let common = sides[0].1.iter().any(|(lock, _)| sides[1].1.iter().any(|(other, _)| lock == other));
    let held = |(side, locks): &(&Side, Vec<(ObjId, bool)>)| {
        let names: Vec<String> = locks.iter().map(|(lock, _)| scene.names.object(Some(*lock))).collect();
        let what = if names.is_empty() { "no lock".to_owned() } else { list(&names) };
        format!("{} holds {what}", scene.names.goroutine(side.g))
    };
    let (a, b) = (held(&sides[0]), held(&sides[1]));
    Some(match (sides[0].1.is_empty() && sides[1].1.is_empty(), common) {
        (true, _) => {
            format!("{missing}: no channel, join or atomic leads there, and neither side holds a lock")
        }
        (_, true) => format!("{missing}: {a} at (1) and {b} at (2), but not to exclude each other"),
        _ => format!("{missing}: {a} at (1), {b} at (2)"),
    })
}
