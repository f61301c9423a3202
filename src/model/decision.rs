//! Decisions: what an execution consists of, and who makes them.
//!
//! Invariants: an execution is a function of the program and its list of decisions; a strategy
//! sees only what this module shows it (pending operations, never memory, time or addresses), so
//! every strategy is deterministic in its seed.

use super::execution::Pending;
use crate::objects::timer::Due;
use crate::objects::{Op, Step, World};
use selvedge_checkers::access::Access;
use selvedge_checkers::ids::{Gid, ObjId};
use selvedge_checkers::op::OpKind;
use std::any::Any;

/// One decision: which goroutine, in which of the ways its operation could take effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Decision {
    /// The goroutine, or [`Gid::CLOCK`] for the firing of a timer.
    pub(crate) goroutine: Gid,
    /// The alternative, from 0.
    pub(crate) alternative: u16,
    /// What it did: compared on replay to notice a program that has changed.
    pub(crate) op: OpKind,
}

/// What a strategy sees when it decides.
pub(crate) struct Scene<'a> {
    /// The goroutines that can go on; never empty.
    pub(crate) enabled: &'a [Gid],
    /// How many of them could go on only without a cause (a spurious wake-up); not all, but at rest.
    pub(crate) optional_count: u32,
    /// The goroutine that went last, whether or not it can go on.
    pub(crate) current: Gid,
    /// Whether it can.
    pub(crate) current_enabled: bool,
    /// Decisions made so far.
    pub(crate) step: u32,
    /// Every goroutine's pending operation, by id.
    pub(crate) pending: &'a [Pending],
    /// The objects they are on.
    pub(crate) world: &'a World,
}

impl Scene<'_> {
    /// Whether the goroutine that went last can go on, and with a cause.
    pub(crate) fn goes_on(&self) -> bool {
        self.current_enabled && !self.pending[self.current.index()].optional
    }

    /// Whether nobody can go on with a cause.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.optional_count as usize == self.enabled.len()
    }

    /// Whether the goroutine went round in a loop in vain, and waits for a change.
    pub(crate) fn is_set_aside(&self, g: Gid) -> bool {
        let is_waiting = |pending: &Pending| matches!(pending.op, Op::Await);
        self.pending.get(g.index()).is_some_and(is_waiting)
    }

    /// What happens unless somebody wants something else: the current goroutine goes on; if it
    /// cannot, the one with the lowest id that can. Nobody wakes up without a cause.
    pub(crate) fn default_choice(&self) -> Gid {
        if self.goes_on() {
            return self.current;
        }
        let with_cause = self.enabled.iter().filter(|g| !self.pending[g.index()].optional);
        *with_cause.min().expect("a strategy is asked only while somebody can go on with a cause")
    }
}

/// What a search knows of the space it walks.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Survey {
    /// No other execution exists.
    pub(crate) exhausted: bool,
    /// The share that has been walked, if all subtrees of a node were of the same size.
    pub(crate) progress: Option<f64>,
    /// Executions that turned out to repeat what others cover.
    pub(crate) redundant: u64,
    /// Executions in which a goroutine went round in a loop in vain: the trace without that is another.
    pub(crate) vain: u64,
    /// Executions that need more preemptions than were asked for: others could not be reached without them.
    pub(crate) beyond: u64,
    /// The program did something else after the same decisions.
    pub(crate) nondeterminism: Option<Nondeterminism>,
    /// What the search has to remember is more than it may: it does not come to its end.
    pub(crate) is_outgrown: bool,
}

/// The program did something else after the same decisions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Nondeterminism {
    /// The decision at which it did.
    pub(crate) step: u32,
    /// How many choices there were the first time.
    pub(crate) expected: u32,
    /// How many there are now; 0 if it ended or did not come this way.
    pub(crate) found: u32,
}

/// Decides what happens next.
///
/// A strategy is [`Any`], so that whoever lent it to a worker can ask it afterwards for what it
/// learned.
pub(crate) trait Strategy: Any + Send {
    /// Execution number `index` begins; false if there is nothing left to explore.
    fn begin(&mut self, index: u64) -> bool;

    /// Which of the enabled goroutines goes next.
    fn pick(&mut self, scene: &Scene<'_>) -> Gid;

    /// Which of `n > 1` ways the operation of `g` takes effect in ([`Gid::CLOCK`]: which of the
    /// timers due together fires). It is decision number `step`.
    fn alternative(&mut self, step: u32, g: Gid, n: u32) -> u32;

    /// Which of `n > 1` stores a load or exchange of `g` reads: 0 is the newest, the greater the older.
    fn read(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        self.alternative(step, g, n)
    }

    /// Nobody can go on with a cause: who wakes up without one, before time passes or the execution is over.
    fn wake_at_rest(&mut self, _scene: &Scene<'_>) -> Option<Gid> {
        None
    }

    /// Whether the strategy repeats an execution of another one, which may have let goroutines go round that are
    /// set aside here: then it is asked [`goes_round`](Strategy::goes_round).
    fn repeats(&self) -> bool {
        false
    }

    /// Whether all that is repeated has happened after so many decisions: nobody goes round in vain any more.
    fn is_over(&self, _step: u32) -> bool {
        false
    }

    /// Who goes round in its loop once more although it was set aside; what it is about to do is [`Op::Await`].
    fn goes_round(&mut self, _scene: &Scene<'_>) -> Option<Gid> {
        None
    }

    /// Whether a timer fires now although goroutines could go on.
    fn fire_early(&mut self, scene: &Scene<'_>) -> bool;

    /// Whether the strategy wants the notifications below.
    fn follows(&self) -> bool {
        false
    }

    /// A goroutine was spawned.
    fn spawned(&mut self, _parent: Gid, _child: Gid) {}

    /// A goroutine announced an operation.
    fn announced(&mut self, _g: Gid, _pending: &Pending) {}

    /// A goroutine can go on with its pending operation, and with a cause, from now on.
    fn enabled(&mut self, _g: Gid) {}

    /// A goroutine cannot go on any more, or only without a cause.
    fn disabled(&mut self, _g: Gid) {}

    /// A step was made: whose, and with which footprint.
    fn stepped(&mut self, _g: Gid, _pending: &[Pending], _footprint: &[Access]) {}

    /// `g` has pending an operation that conflicts with the step just made.
    fn conflicts(&mut self, _g: Gid) {}

    /// Who is told everything that happens to the world, if the strategy needs to know.
    fn tracer(&mut self) -> Option<&mut dyn Tracer> {
        None
    }

    /// What is known of the space so far.
    fn survey(&self) -> Survey {
        Survey::default()
    }

    /// The trace of the execution that is over: the same number for all that differ only in the order
    /// of independent steps.
    fn trace(&self) -> Option<u64> {
        None
    }

    /// The execution is over, after this many decisions.
    fn end(&mut self, _steps: u32) {}
}

/// Is told everything that happens to the world of an execution, in order: enough to repeat any part
/// of it without user code.
///
/// What a goroutine does between two of its operations belongs to the step before.
pub(crate) trait Tracer {
    /// An object came to be, in the code of `g`.
    fn created(&mut self, world: &World, g: Gid, object: ObjId);

    /// `g` announced `op`.
    fn announced(&mut self, world: &World, g: Gid, op: &Op);

    /// `op` is what `g` waits to do from now on: what it announced, the next phase of it, or that
    /// something it looked at again and again changes.
    fn pended(&mut self, world: &World, g: Gid, op: &Op);

    /// In which of `n > 1` ways `op` of `g` takes effect.
    fn outcome(&mut self, world: &World, g: Gid, op: &Op, n: u32) -> u32;

    /// Which of several timers due together fires.
    fn tie(&mut self, due: &[Due]) -> u32;

    /// `op` of `g` has just taken effect; the world still holds what the step left behind.
    fn stepped(&mut self, world: &World, g: Gid, op: &Op, alternative: u32, step: Step);

    /// Time has come for `due`, and has just taken effect.
    fn fired(&mut self, world: &World, due: Due);

    /// `g`, which has announced `op`, goes round in a loop in which nothing is new: whether it ever leaves
    /// the loop has to be tried, unless what it looks at next is not the same any more. True if it is known already
    /// that it does not.
    fn tries_loop(&mut self, world: &World, g: Gid, op: &Op, is_same: bool) -> bool;

    /// `g` does something else than go round.
    fn leaves_loop(&mut self, g: Gid);

    /// `g` went round often enough to be believed, and does not come to do what it has announced. Gives how many
    /// stores `g` has made in rounds that count.
    fn stays_in_loop(&mut self, g: Gid) -> u32;

    /// Nobody else can go on, and `g`, which went round in a loop in vain, goes round once more.
    fn granted(&mut self, g: Gid);

    /// Somebody went round in a loop in vain, and could leave it now: what follows is no news.
    fn went_in_vain(&mut self);

    /// A goroutine was started, by its parent or by time.
    fn spawned(&mut self, parent: Option<Gid>, child: Gid);

    /// `joiner` goes on because `target` has ended.
    fn joined(&mut self, joiner: Gid, target: Gid);

    /// The program died of its last step; goroutines that could still go on do not.
    fn died(&mut self);

    /// The execution has as many steps as one may have: it is not made to its end.
    fn cut(&mut self);

    /// The goroutine has ended.
    fn exited(&mut self, g: Gid);

    /// `op` of `g`, which unwinds, took effect without a decision.
    fn settled(&mut self, world: &World, g: Gid, op: &Op);

    /// The code of `g` touched something without an operation.
    fn touched(&mut self, g: Gid, access: Access);
}
