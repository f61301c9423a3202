//! Select over channels outside of models.
//!
//! First one look at each channel, in random order, with its lock alone. If none is ready all are locked,
//! in the order of their addresses, looked at again, and joined at once; whoever comes first claims the
//! waiter with the arm's number. Invariants:
//! - a select is in all its queues or in none before anybody can meet it;
//! - it returns only after it, or who took its arm, has had every lock since its wait was released: so
//!   nobody uses its nodes any more, and whoever released the locks has let go of the last one;
//! - a [`Message`] is read as the type of the channel whose address it has.
//!
//! Source: Go's `runtime/select.go`.

use super::queue::{Node, Wakes};
use super::{Attempt, Channel};
use crate::objects::{End, Nanos};
use crate::port::wait::{Lock, TIMED_OUT, Waiter, Why};
use crate::port::{SelectForm, Watch};
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::WaitReason;
use smallvec::SmallVec;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering};

/// Arms that need no allocation.
const FEW: usize = 8;

/// A channel, whatever its messages are.
trait Erased {
    fn lock(&self) -> &Lock;
    fn is_stranded(&self, end: End, node: &Node) -> bool;
    /// # Safety
    /// The lock is held, and the slot is as for `State::attempt`.
    unsafe fn attempt(&self, end: End, slot: *mut ()) -> Attempt;
    /// # Safety
    /// The lock is held, and the node stays until it is out of the queue.
    unsafe fn join(&self, end: End, node: &Node) -> Wakes;
    /// Leave the queue, if still in it.
    fn leave(&self, end: End, node: &Node);
}

impl<T> Erased for Channel<T> {
    fn lock(&self) -> &Lock {
        &self.lock
    }

    fn is_stranded(&self, end: End, node: &Node) -> bool {
        self.is_stranded(end, node)
    }

    unsafe fn attempt(&self, end: End, slot: *mut ()) -> Attempt {
        // SAFETY: by the contract.
        unsafe { (*self.state.get()).attempt(end, slot.cast()) }
    }

    unsafe fn join(&self, end: End, node: &Node) -> Wakes {
        // SAFETY: by the contract.
        unsafe { (*self.state.get()).join(end, node) }
    }

    fn leave(&self, end: End, node: &Node) {
        self.enter().queue(end).remove(node);
    }
}

/// Room for a message of any type, and the message.
pub(crate) struct Message {
    room: UnsafeCell<MaybeUninit<[usize; 4]>>,
    /// Whether `room` holds the address of a box instead.
    boxed: bool,
    full: bool,
    /// The address of the channel it belongs to.
    channel: usize,
    dispose: unsafe fn(&mut Message),
}

impl Message {
    fn empty<T>(channel: &Channel<T>) -> Message {
        /// # Safety
        /// The message was made for a channel of `T`, and is not used afterwards.
        unsafe fn dispose<T>(this: &mut Message) {
            let at = this.at().cast::<MaybeUninit<T>>();
            // SAFETY: full means that there is a `T`; what is boxed came from a box of this type.
            unsafe {
                if this.full {
                    at.cast::<T>().drop_in_place();
                }
                if this.boxed {
                    drop(Box::from_raw(at));
                }
            }
        }
        let boxed = size_of::<T>() > size_of::<[usize; 4]>() || align_of::<T>() > align_of::<usize>();
        let room = UnsafeCell::new(MaybeUninit::uninit());
        if boxed {
            let address = Box::into_raw(Box::<T>::new_uninit());
            // SAFETY: the room holds a pointer.
            unsafe { room.get().cast::<*mut MaybeUninit<T>>().write(address) };
        }
        Message { room, boxed, full: false, channel: channel.address(), dispose: dispose::<T> }
    }

    fn of<T>(channel: &Channel<T>, value: T) -> Message {
        let mut message = Message::empty(channel);
        // SAFETY: there is room for a `T`.
        unsafe { message.at().cast::<T>().write(value) };
        message.full = true;
        message
    }

    fn at(&self) -> *mut () {
        let room = self.room.get();
        // SAFETY: what is boxed has the pointer in its room.
        if self.boxed { unsafe { room.cast::<*mut ()>().read() } } else { room.cast() }
    }

    /// Move it out, if it is there.
    ///
    /// # Panics
    /// If it is there, and is that of another channel.
    pub(crate) fn take<T>(&mut self, channel: Option<&Channel<T>>) -> Option<T> {
        if !self.full {
            return None;
        }
        let same = channel.is_some_and(|channel| channel.address() == self.channel);
        assert!(same, "selvedge: a select's message is received from the channel of its arm");
        self.full = false;
        // SAFETY: it was made for this channel, which its maker borrows for as long as it lives: two
        // channels with the same address at the same time are one.
        Some(unsafe { self.at().cast::<T>().read() })
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: `dispose` is that of the message's type, and this is the end.
        unsafe { (self.dispose)(self) };
    }
}

/// One arm; on the nil channel nothing.
type Case<'a> = Option<(&'a (dyn Erased + 'a), End, Message)>;

/// The arms of a select, in order.
#[derive(Default)]
pub(crate) struct Cases<'a>(SmallVec<[Case<'a>; FEW]>);

/// What became of a select.
pub(crate) enum Outcome {
    /// This arm was taken; what it received is full, if it received.
    Arm(usize, Option<Message>),
    SendOnClosed,
    /// The default, or the deadline.
    Nothing,
}

impl<'a> Cases<'a> {
    pub(crate) fn nil(&mut self) {
        self.0.push(None);
    }

    pub(crate) fn recv<T>(&mut self, channel: &'a Channel<T>) {
        self.0.push(Some((channel, End::Receive, Message::empty(channel))));
    }

    pub(crate) fn send<T>(&mut self, channel: &'a Channel<T>, value: T) {
        self.0.push(Some((channel, End::Send, Message::of(channel, value))));
    }

    /// Wait for an arm; once.
    pub(crate) fn run(&mut self, form: SelectForm, site: SiteRef) -> Outcome {
        let count = self.0.len();
        if count <= FEW {
            let mut order = IN_ORDER;
            self.run_in(&mut order[..count], form, site)
        } else {
            let mut order: Vec<u32> = (0..count as u32).collect();
            self.run_in(&mut order, form, site)
        }
    }

    #[inline]
    fn run_in(&mut self, order: &mut [u32], form: SelectForm, site: SiteRef) -> Outcome {
        if !form.biased {
            shuffle(order);
        }
        for &i in &*order {
            let Some((channel, end, message)) = &self.0[i as usize] else { continue };
            channel.lock().lock();
            // SAFETY: the lock is held; a message that was moved out is not used again, see `outcome`.
            let attempt = unsafe { channel.attempt(*end, message.at()) };
            channel.lock().unlock();
            if let Some(outcome) = self.outcome(i as usize, attempt) {
                return outcome;
            }
        }
        if form.default { Outcome::Nothing } else { self.wait(order, form.deadline, site) }
    }

    /// What an attempt at an arm means, if it means the end.
    fn outcome(&mut self, arm: usize, attempt: Attempt) -> Option<Outcome> {
        match attempt {
            Attempt::Blocked => None,
            Attempt::Done(peer) => {
                peer.wake();
                Some(self.taken(arm, true))
            }
            Attempt::Closed => Some(self.taken(arm, false)),
        }
    }

    /// An arm was taken: its message was exchanged, or its channel is closed.
    fn taken(&mut self, arm: usize, done: bool) -> Outcome {
        let Some((_, end, mut message)) = self.0[arm].take() else { unreachable!("nil is never ready") };
        match end {
            End::Send if !done => Outcome::SendOnClosed,
            End::Send => {
                message.full = false;
                Outcome::Arm(arm, None)
            }
            End::Receive => {
                message.full = done;
                Outcome::Arm(arm, Some(message))
            }
        }
    }

    #[inline(never)]
    fn wait(&mut self, order: &[u32], deadline: Option<Nanos>, site: SiteRef) -> Outcome {
        let waiter = Waiter::new();
        let node = |(i, case): (usize, &Case<'a>)| {
            let slot = case.as_ref().map_or(std::ptr::null_mut(), |(_, _, message)| message.at());
            Node::new(&waiter, i as u32 + 1, slot)
        };
        let nodes: SmallVec<[Node; FEW]> = self.0.iter().enumerate().map(node).collect();
        let mut locks: SmallVec<[&Lock; FEW]> =
            self.0.iter().flatten().map(|(channel, _, _)| channel.lock()).collect();
        locks.sort_unstable_by_key(|&lock| std::ptr::from_ref(lock).addr());
        locks.dedup_by(|a, b| std::ptr::eq(*a, *b));
        let reason = if self.0.is_empty() { WaitReason::SelectNoCases } else { WaitReason::Select };
        let watched =
            Watched { cases: &self.0, nodes: &nodes, waiter: &waiter, for_ever: deadline.is_none() };
        waiter.watch(&watched);

        locks.iter().for_each(|lock| lock.lock());
        for &i in order {
            let Some((channel, end, message)) = &self.0[i as usize] else { continue };
            // SAFETY: its lock is held; as above.
            let attempt = unsafe { channel.attempt(*end, message.at()) };
            if !matches!(attempt, Attempt::Blocked) {
                locks.iter().for_each(|lock| lock.unlock());
                drop(locks);
                return self.outcome(i as usize, attempt).expect("not blocked");
            }
        }
        let mut told = Wakes::default();
        for (case, node) in self.0.iter().zip(&nodes) {
            if let Some((channel, end, _)) = case {
                // SAFETY: the lock is held, and the node stays until it has left below.
                told.append(unsafe { channel.join(*end, node) });
            }
        }
        told.wake_later(site);
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
        for (i, (case, node)) in (1..).zip(self.0.iter().zip(&nodes)) {
            if let Some((channel, end, _)) = case
                && i != claimed
            {
                channel.leave(*end, node);
            }
        }
        match claimed {
            TIMED_OUT => Outcome::Nothing,
            claimed => {
                let arm = claimed as usize - 1;
                let done = nodes[arm].is_done();
                drop(locks);
                self.taken(arm, done)
            }
        }
    }
}

/// A wait at several channels.
struct Watched<'a> {
    cases: &'a [Case<'a>],
    nodes: &'a [Node],
    waiter: &'a Waiter,
    /// Whether it has no deadline.
    for_ever: bool,
}

impl Watch for Watched<'_> {
    fn is_stranded(&self) -> bool {
        let stranded = |(case, node): (&Case<'_>, &Node)| match case {
            Some((channel, end, _)) => channel.is_stranded(*end, node),
            None => true,
        };
        self.for_ever && self.waiter.claimed() == 0 && self.cases.iter().zip(self.nodes).all(stranded)
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
    let mut random = random();
    for i in (1..order.len()).rev() {
        let drawn = ((random & 0xffff_ffff) * (i as u64 + 1)) >> 32;
        order.swap(i, drawn as usize);
        random = scramble(random);
    }
}

/// A random number. Two threads that draw at once may get the same one: nobody minds.
fn random() -> u64 {
    static STATE: AtomicU64 = AtomicU64::new(0);
    let state = STATE.load(Ordering::Relaxed).wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.store(state, Ordering::Relaxed);
    scramble(state)
}
