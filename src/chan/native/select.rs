//! Select over channels outside of models.
//!
//! First one look at each channel, in random order, with its lock alone. If none is ready all are locked,
//! in the order of their addresses, looked at again, and joined at once; whoever comes first claims the
//! waiter with the arm's number. Invariants:
//! - a select is in all its queues or in none before anybody can meet it;
//! - it returns only after it, or who took its arm, has had every lock since its wait was released: so
//!   nobody uses its nodes any more, and whoever released the locks has let go of the last one.
//!
//! Source: Go's `runtime/select.go`.

use super::queue::{Node, Wakes};
use super::{Attempt, Channel};
use crate::objects::{End, Nanos};
use crate::port::wait::stranded::{self, Lost, Suspect};
use crate::port::wait::{BiasedLock, TIMED_OUT, Waiter, Why};
use crate::port::{SelectForm, Watch};
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::WaitReason;
use smallvec::SmallVec;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// Arms that need no allocation.
const FEW: usize = 8;

/// A channel, whatever its messages are.
trait Erased {
    fn lock(&self) -> &BiasedLock;
    fn is_stranded(&self, end: End, node: &Node) -> bool;
    /// # Safety
    /// The slot is as for `State::attempt`.
    unsafe fn attempt(&self, end: End, slot: *mut ()) -> Attempt;
    /// # Safety
    /// The lock is held, and the slot as above.
    unsafe fn attempt_locked(&self, end: End, slot: *mut ()) -> Attempt;
    /// Whether nobody is left who could be met there.
    ///
    /// # Safety
    /// The lock is held.
    unsafe fn is_deserted(&self, end: End) -> bool;
    /// # Safety
    /// The lock is held, and the node stays until it is out of the queue.
    unsafe fn join(&self, end: End, node: &Node) -> Wakes;
    /// Leave the queue, if still in it.
    fn leave(&self, end: End, node: &Node);
}

impl<T> Erased for Channel<T> {
    fn lock(&self) -> &BiasedLock {
        &self.lock
    }

    fn is_stranded(&self, end: End, node: &Node) -> bool {
        self.is_stranded(end, node)
    }

    unsafe fn attempt(&self, end: End, slot: *mut ()) -> Attempt {
        // SAFETY: by the contract.
        unsafe { self.enter().attempt(end, slot.cast()) }
    }

    unsafe fn attempt_locked(&self, end: End, slot: *mut ()) -> Attempt {
        // SAFETY: by the contract.
        unsafe { (*self.state.get()).attempt(end, slot.cast()) }
    }

    unsafe fn is_deserted(&self, end: End) -> bool {
        // SAFETY: by the contract.
        unsafe { (*self.state.get()).is_deserted(end) }
    }

    unsafe fn join(&self, end: End, node: &Node) -> Wakes {
        // SAFETY: by the contract.
        unsafe { (*self.state.get()).join(end, node) }
    }

    fn leave(&self, end: End, node: &Node) {
        self.enter().queue(end).remove(node);
    }
}

/// One arm of a select.
pub(crate) struct Arm<'a> {
    /// None is the nil channel.
    channel: Option<&'a (dyn Erased + 'a)>,
    end: End,
    slot: *mut (),
    /// Whether there is a message in the slot.
    full: &'a Cell<bool>,
}

impl<'a> Arm<'a> {
    /// A send of the message in the slot, or a receive into it; on the nil channel if there is none.
    ///
    /// # Safety
    /// While the arm lives the slot is room for a message, and there is one in it if and only if `full` says so;
    /// nobody else uses it while [`run`] does.
    #[inline]
    pub(crate) unsafe fn new<T>(
        channel: Option<&'a Channel<T>>,
        end: End,
        slot: *mut T,
        full: &'a Cell<bool>,
    ) -> Arm<'a> {
        Arm { channel: channel.map(|channel| channel as &dyn Erased), end, slot: slot.cast(), full }
    }
}

/// What became of a select.
pub(crate) enum Outcome {
    /// This arm was taken. A sent message is no more in its slot; a received one is, unless the channel is closed.
    Arm(usize),
    SendOnClosed,
    /// The default, or the deadline.
    Nothing,
}

/// Wait for one of the arms.
///
/// # Panics
/// If there is no message to send, or one where another is to be received.
pub(crate) fn run<'a, A: AsRef<Arm<'a>>>(arms: &[A], form: SelectForm, site: SiteRef) -> Outcome {
    let count = arms.len();
    for Arm { end, full, .. } in arms.iter().map(AsRef::as_ref) {
        assert!(full.get() == (*end == End::Send), "selvedge: an arm is used once");
    }
    if count <= FEW {
        let mut order = IN_ORDER;
        run_in(arms, &mut order[..count], form, site)
    } else {
        let mut order: Vec<u32> = (0..count as u32).collect();
        run_in(arms, &mut order, form, site)
    }
}

#[inline]
fn run_in<'a, A: AsRef<Arm<'a>>>(arms: &[A], order: &mut [u32], form: SelectForm, site: SiteRef) -> Outcome {
    if !form.biased {
        shuffle(order);
    }
    for &i in &*order {
        let arm = arms[i as usize].as_ref();
        let Some(channel) = arm.channel else { continue };
        // SAFETY: by the contract of `Arm::new`, and as `run` has seen; `taken` notes what became of the slot.
        match unsafe { channel.attempt(arm.end, arm.slot) } {
            Attempt::Blocked => {}
            attempt => return over(arm, i as usize, attempt),
        }
    }
    if form.default { Outcome::Nothing } else { wait(arms, order, form.deadline, site) }
}

/// An attempt at an arm was not blocked.
fn over(arm: &Arm<'_>, number: usize, attempt: Attempt) -> Outcome {
    match attempt {
        Attempt::Done(peer) => {
            peer.wake();
            taken(arm, number, true)
        }
        Attempt::Closed => taken(arm, number, false),
        Attempt::Blocked => unreachable!("asked when it is not"),
    }
}

/// An arm was taken: its message was exchanged, or its channel is closed.
fn taken(arm: &Arm<'_>, number: usize, done: bool) -> Outcome {
    match arm.end {
        End::Send if !done => return Outcome::SendOnClosed,
        End::Send => arm.full.set(false),
        End::Receive => arm.full.set(done),
    }
    Outcome::Arm(number)
}

#[inline(never)]
fn wait<'a, A: AsRef<Arm<'a>>>(arms: &[A], order: &[u32], deadline: Option<Nanos>, site: SiteRef) -> Outcome {
    let arms: SmallVec<[&Arm<'a>; FEW]> = arms.iter().map(AsRef::as_ref).collect();
    let waiter = Waiter::new();
    let node = |(claim, arm): (u32, &&Arm<'_>)| Node::new(&waiter, claim, arm.slot);
    let nodes: SmallVec<[Node; FEW]> = (1..).zip(&arms).map(node).collect();
    let mut locks: SmallVec<[&BiasedLock; FEW]> =
        arms.iter().filter_map(|arm| arm.channel).map(Erased::lock).collect();
    locks.sort_unstable_by_key(|&lock| std::ptr::from_ref(lock).addr());
    locks.dedup_by(|a, b| std::ptr::eq(*a, *b));
    let reason = if arms.is_empty() { WaitReason::SelectNoCases } else { WaitReason::Select };
    let watched = Watched { arms: &arms, nodes: &nodes, waiter: &waiter, for_ever: deadline.is_none() };
    waiter.watch(&watched);

    locks.iter().for_each(|lock| lock.lock());
    for &i in order {
        let arm = arms[i as usize];
        let Some(channel) = arm.channel else { continue };
        // SAFETY: its lock is held; as above.
        let attempt = unsafe { channel.attempt_locked(arm.end, arm.slot) };
        if !matches!(attempt, Attempt::Blocked) {
            locks.iter().for_each(|lock| lock.unlock());
            return over(arm, i as usize, attempt);
        }
    }
    let mut told = Wakes::default();
    let (mut there, mut deserted) = (0, 0);
    for (arm, node) in arms.iter().zip(&nodes) {
        if let Some(channel) = arm.channel {
            there += 1;
            // SAFETY: the lock is held, and the node stays until it has left below.
            unsafe {
                deserted += u32::from(channel.is_deserted(arm.end));
                told.append(channel.join(arm.end, node));
            }
        }
    }
    told.wake_later(site);
    // Without any arm it means to wait for ever.
    if there > 0 && deserted == there && deadline.is_none() {
        stranded::suspect(Suspect::of(&waiter), Lost::Before);
    }
    let held = &locks[..];
    let release = move || {
        // The list is on the stack of the waiter, who has to have each lock once more before it
        // returns; so it is there until the last of them is let go of.
        for lock in held {
            lock.unlock();
        }
        true
    };
    let why = Why { reason, site, object: 0 };
    match deadline {
        None => waiter.park(why, release),
        Some(deadline) => _ = waiter.park_until(deadline, why, release),
    }
    // Who took the arm took its node out, with its lock.
    let claimed = waiter.claimed();
    for (i, (arm, node)) in (1..).zip(arms.iter().zip(&nodes)) {
        if let Some(channel) = arm.channel
            && i != claimed
        {
            channel.leave(arm.end, node);
        }
    }
    match claimed {
        TIMED_OUT => Outcome::Nothing,
        claimed => {
            let number = claimed as usize - 1;
            taken(arms[number], number, nodes[number].is_done())
        }
    }
}

/// A wait at several channels.
struct Watched<'a> {
    arms: &'a [&'a Arm<'a>],
    nodes: &'a [Node],
    waiter: &'a Waiter,
    /// Whether it has no deadline.
    for_ever: bool,
}

impl Watch for Watched<'_> {
    fn is_stranded(&self) -> bool {
        let stranded = |(arm, node): (&&Arm<'_>, &Node)| match arm.channel {
            Some(channel) => channel.is_stranded(arm.end, node),
            None => true,
        };
        self.for_ever && self.waiter.claimed() == 0 && self.arms.iter().zip(self.nodes).all(stranded)
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn scramble(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The arms as they were given.
const IN_ORDER: [u32; FEW] = [0, 1, 2, 3, 4, 5, 6, 7];

/// A random order.
#[inline]
fn shuffle(order: &mut [u32]) {
    if order.len() < 2 {
        return;
    }
    // A fraction of 64 bits; what each draw leaves of it is the fraction for the next.
    let mut random = random();
    for i in (1..order.len()).rev() {
        let drawn = u128::from(random) * (i as u128 + 1);
        order.swap(i, (drawn >> 64) as usize);
        random = drawn as u64;
    }
}

/// A random number. Two threads that draw at once may get the same one: nobody minds.
fn random() -> u64 {
    static STATE: AtomicU64 = AtomicU64::new(0);
    let state = STATE.load(Ordering::Relaxed).wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.store(state, Ordering::Relaxed);
    scramble(state)
}
