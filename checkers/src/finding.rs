//! What a detector reports: data, never sentences.
//!
//! Invariants: a slug, once published, keeps its meaning; errors are proved by the execution that
//! shows them, warnings are predicted or advisory. All wording lives in the report.

use crate::ids::{Gid, ObjId, Site, SiteRef};
use crate::op::{OpKind, WaitReason};

macro_rules! slugs {
    ($($(#[$doc:meta])* $name:ident $text:literal $severity:ident,)*) => {
        /// The stable name of a kind of finding.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Slug { $($(#[$doc])* $name,)* }

        impl Slug {
            /// Every slug there is.
            pub const ALL: &'static [Slug] = &[$(Slug::$name,)*];

            /// The text users see and type.
            pub fn text(self) -> &'static str {
                match self { $(Slug::$name => $text,)* }
            }

            /// Whether the finding fails a test by itself.
            pub fn severity(self) -> Severity {
                match self { $(Slug::$name => Severity::$severity,)* }
            }
        }
    };
}

/// How sure a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Proved by the execution shown.
    Error,
    /// Predicted or advisory.
    Warning,
}

slugs! {
    /// Every goroutine is blocked while main has not returned.
    Deadlock "deadlock" Error,
    /// Some goroutines can never go on while others still run.
    PartialDeadlock "partial-deadlock" Error,
    /// A goroutine is blocked for ever after main returned, or provably before.
    LeakedGoroutine "leaked-goroutine" Error,
    /// Two unordered accesses to one variable, one of them a write.
    DataRace "data-race" Error,
    /// A panic nobody recovered or joined.
    Panic "panic" Error,
    /// A send on a closed channel.
    SendOnClosed "send-on-closed" Error,
    /// A channel closed twice.
    CloseOfClosed "close-of-closed" Error,
    /// A nil channel closed.
    CloseOfNil "close-of-nil" Error,
    /// A lock released that nobody holds.
    UnlockOfUnlocked "unlock-of-unlocked" Error,
    /// More `done` than `add`.
    NegativeWaitGroup "negative-wait-group" Error,
    /// `add` concurrent with `wait`, or a wait group reused too early.
    WaitGroupMisuse "wait-group-misuse" Error,
    /// A goroutine waits for a notification that came before it waited.
    LostWakeUp "lost-wake-up" Error,
    /// Goroutines run for ever without getting anywhere.
    Livelock "livelock" Error,
    /// The same decisions gave a different execution.
    NotDeterministic "not-deterministic" Error,
    /// The test passed without a single execution.
    NothingExplored "nothing-explored" Error,
    /// A goroutine ran for too long without reaching a visible operation.
    Stuck "stuck" Error,
    /// Two locks are taken in both orders.
    LockOrder "lock-order" Warning,
    /// A send and a close of one channel are unordered.
    SendRacesClose "send-races-close" Warning,
    /// An `add` from zero and a `wait` are unordered.
    AddRacesWait "add-races-wait" Warning,
    /// A channel was closed by a goroutine that only receives from it.
    ClosedByReceiver "closed-by-receiver" Warning,
    /// A cancel function was dropped without having been called.
    LostCancel "lost-cancel" Warning,
    /// A goroutine lives on timers alone after main returned.
    LeakedTimer "leaked-timer" Warning,
    /// Main returned while a goroutine it never heard of had still to run.
    PrematureExit "premature-exit" Warning,
    /// A thread the engine does not control touched an object of the model.
    UncontrolledThread "uncontrolled-thread" Warning,
    /// A thread-local was borrowed across a wait, and another goroutine found it borrowed.
    BorrowedThreadLocal "borrowed-thread-local" Warning,
}

/// An arm of a select.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SelectArm {
    /// Its channel.
    pub channel: ObjId,
    /// Whether it sends.
    pub sends: bool,
}

/// One goroutine that is blocked for ever.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blocked {
    /// Who.
    pub g: Gid,
    /// What it waits for, in Go's words.
    pub reason: WaitReason,
    /// On which object, if on one.
    pub object: Option<ObjId>,
    /// The goroutine it waits for, if it is known (a join, or the holder of a lock).
    pub waits_for: Option<Gid>,
    /// Where it blocks.
    pub site: Site,
    /// The arms, if it is a select.
    #[cfg_attr(feature = "format", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub arms: Vec<SelectArm>,
}

/// One side of a data race or of a predicted race.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Side {
    /// Who.
    pub g: Gid,
    /// What it did.
    pub op: OpKind,
    /// Where.
    pub site: Site,
    /// At which step; 0 where unknown.
    pub step: u32,
}

/// One edge of a lock-order cycle.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockEdge {
    /// Who took the second lock while holding the first.
    pub g: Gid,
    /// The lock held.
    pub held: ObjId,
    /// Where it was taken.
    pub held_at: Site,
    /// At which step it was; 0 where unknown.
    pub taken: u32,
    /// The lock wanted.
    pub wanted: ObjId,
    /// Where it was asked for.
    pub wanted_at: Site,
    /// How many steps had been made by then; 0 where unknown.
    pub asked: u32,
}

/// A wait on a condition variable that a notification ended: the other way round it might have been
/// lost. No finding, because a predicate mostly says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeardSignal {
    /// Who waited, where, and at which step.
    pub waiter: (Gid, SiteRef, u32),
    /// Who notified, where, and at which step.
    pub notifier: (Gid, SiteRef, u32),
}

/// What a finding rests on, by kind.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "format", serde(tag = "type", rename_all = "kebab-case"))]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Evidence {
    /// Blocked goroutines; `cycle` lists those that wait for each other in a ring, if any do.
    Stuck {
        /// All goroutines of the set.
        blocked: Vec<Blocked>,
        /// The members of a wait-for cycle, in its order.
        cycle: Vec<Gid>,
        /// Nothing could wake them already before the end (no handle is left).
        proved: bool,
    },
    /// Two unordered accesses.
    Race {
        /// The variable or channel or wait group.
        object: ObjId,
        /// The earlier side.
        first: Side,
        /// The later side.
        second: Side,
    },
    /// A panic, or a misuse that panics: the text is the program's (or Go's).
    Panic {
        /// The message.
        message: String,
        /// Who panicked.
        side: Side,
        /// The misused object, if it was a misuse.
        object: Option<ObjId>,
    },
    /// A cycle in the order of locks.
    Locks {
        /// Its edges.
        edges: Vec<LockEdge>,
    },
    /// A repeating cycle of operations, or a spin that nothing can end.
    Cycle {
        /// One round of it.
        round: Vec<Side>,
        /// How often it was seen to repeat before the limit.
        repeats: u32,
    },
    /// A waiter and the notification that came too early.
    Notification {
        /// The condition variable or park token.
        object: Option<ObjId>,
        /// Who waits for ever.
        waiter: Side,
        /// The notification nobody was there to hear.
        notifier: Side,
    },
    /// A single remarkable operation.
    Single {
        /// The operation.
        side: Side,
        /// Its object.
        object: Option<ObjId>,
    },
    /// A goroutine found borrowed what another one holds while it waits.
    Borrow {
        /// The one that holds the borrow, where it waits.
        holder: Side,
        /// The one that wanted to borrow, and panicked.
        other: Side,
    },
    /// The execution differed from its recording.
    Divergence {
        /// Where in the list of decisions.
        step: u32,
        /// What was recorded.
        expected: String,
        /// What happened.
        found: String,
    },
    /// Nothing to show.
    None,
}

/// A finding of one execution.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Which kind.
    pub slug: Slug,
    /// What it rests on.
    pub evidence: Evidence,
}

impl Finding {
    /// The place in the source the finding is anchored to: the guilty line.
    pub fn site(&self) -> Option<&Site> {
        match &self.evidence {
            Evidence::Stuck { blocked, .. } => blocked.first().map(|b| &b.site),
            Evidence::Race { second, .. } => Some(&second.site),
            Evidence::Panic { side, .. } | Evidence::Single { side, .. } => Some(&side.site),
            Evidence::Locks { edges } => edges.first().map(|e| &e.wanted_at),
            Evidence::Cycle { round, .. } => round.first().map(|s| &s.site),
            Evidence::Notification { waiter, .. } => Some(&waiter.site),
            Evidence::Borrow { holder, .. } => Some(&holder.site),
            Evidence::Divergence { .. } | Evidence::None => None,
        }
    }

    /// Whether two findings, perhaps of different executions, are the same bug: same slug, same
    /// places.
    pub fn same_bug(&self, other: &Finding) -> bool {
        self.slug == other.slug && self.places() == other.places()
    }

    fn places(&self) -> Vec<&Site> {
        let mut sites: Vec<&Site> = match &self.evidence {
            Evidence::Stuck { blocked, .. } => blocked.iter().map(|b| &b.site).collect(),
            Evidence::Race { first, second, .. } => vec![&first.site, &second.site],
            Evidence::Locks { edges } => edges.iter().map(|e| &e.wanted_at).collect(),
            Evidence::Cycle { round, .. } => round.iter().map(|s| &s.site).collect(),
            Evidence::Borrow { holder, other } => vec![&holder.site, &other.site],
            _ => self.site().into_iter().collect(),
        };
        sites.sort();
        sites.dedup();
        sites
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::Location;

    fn site(line: u32) -> Site {
        Site { line, ..Site::from(Location::caller()) }
    }

    fn side(line: u32) -> Side {
        Side { g: Gid(1), op: OpKind::Read, site: site(line), step: 1 }
    }

    fn blocked(line: u32) -> Blocked {
        Blocked {
            g: Gid(1),
            reason: WaitReason::Lock,
            object: None,
            waits_for: None,
            arms: Vec::new(),
            site: site(line),
        }
    }

    fn edge(line: u32) -> LockEdge {
        let (g, held, wanted) = (Gid(1), ObjId(0), ObjId(1));
        LockEdge { g, held, held_at: site(90), taken: 1, wanted, wanted_at: site(line), asked: 2 }
    }

    /// Evidence of each kind over two places, and which of them is the guilty one.
    fn of(a: u32, b: u32) -> [(Evidence, u32); 7] {
        let object = ObjId(0);
        [
            (Evidence::Stuck { blocked: vec![blocked(a), blocked(b)], cycle: Vec::new(), proved: false }, a),
            (Evidence::Race { object, first: side(a), second: side(b) }, b),
            (Evidence::Locks { edges: vec![edge(a), edge(b)] }, a),
            (Evidence::Cycle { round: vec![side(a), side(b)], repeats: 3 }, a),
            (Evidence::Borrow { holder: side(a), other: side(b) }, a),
            (Evidence::Panic { message: "no".into(), side: side(a), object: None }, a),
            (Evidence::Notification { object: None, waiter: side(a), notifier: side(b) }, a),
        ]
    }

    #[test]
    fn a_finding_points_at_its_guilty_line() {
        for (evidence, line) in of(7, 8) {
            let finding = Finding { slug: Slug::Deadlock, evidence };
            assert_eq!(finding.site().map(|site| site.line), Some(line), "{finding:?}");
        }
        assert_eq!(Finding { slug: Slug::Deadlock, evidence: Evidence::None }.site(), None);
    }

    #[test]
    fn the_same_places_under_the_same_name_are_the_same_bug() {
        let finding = |slug, evidence| Finding { slug, evidence };
        let kinds = of(7, 8).into_iter().zip(of(8, 7)).zip(of(7, 9)).zip(of(9, 8)).take(5);
        for ((((one, _), (other_order, _)), (another, _)), (another_first, _)) in kinds {
            let one = finding(Slug::Deadlock, one);
            assert!(one.same_bug(&one));
            assert!(one.same_bug(&finding(Slug::Deadlock, other_order)), "{one:?}");
            assert!(!one.same_bug(&finding(Slug::Deadlock, another)), "{one:?}");
            assert!(!one.same_bug(&finding(Slug::Deadlock, another_first)), "{one:?}");
            assert!(!one.same_bug(&finding(Slug::LockOrder, one.evidence.clone())));
        }
    }
}
