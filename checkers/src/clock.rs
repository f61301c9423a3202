//! Vector clocks, and the clocks of a whole execution.
//!
//! A goroutine's own component lives apart from its vector, so a vector is hardly longer than the
//! youngest goroutine it has *learned* of: spawning a thousand goroutines that never synchronise
//! costs a thousand vectors of the least length. A component counts the releases of its goroutine:
//! an access is stamped with the current count, a release publishes the count and then raises it,
//! so `stamp <= vector[g]` holds exactly for the accesses before the release that was learned of.
//!
//! Source: Lamport 1978, Mattern 1989; release sequences and fences follow C11 (N3220 §7.17),
//! channel, lock and wait-group edges Go's memory model. Deviation: of two sequentially consistent
//! fences the earlier happens before the later, where C11 only orders what atomics show on their two
//! sides; a race that this hides shows where the fences come in the other order.

use core::sync::atomic::Ordering;
use std::collections::VecDeque;

use crate::access::{Access, Part, Sync};
use crate::ids::{Gid, ObjId};

/// Components that every vector has room for: most programs under test have no more goroutines, and
/// a fixed number of them needs no loop.
const LOW: usize = 8;

/// What one goroutine knows of the others.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VectorClock {
    low: [u32; LOW],
    /// The components from `LOW` on, as far as any is known.
    high: Vec<u32>,
}

impl VectorClock {
    /// The last release of `g` this clock has learned of; 0 for none.
    #[inline]
    pub fn get(&self, g: Gid) -> u32 {
        match self.low.get(g.index()) {
            Some(&n) => n,
            None => self.high.get(g.index() - LOW).copied().unwrap_or(0),
        }
    }

    /// Raise the component of `g` to at least `n`.
    #[inline]
    pub fn raise(&mut self, g: Gid, n: u32) {
        match self.low.get_mut(g.index()) {
            Some(slot) => *slot = n.max(*slot),
            None => self.raise_high(g.index() - LOW, n),
        }
    }

    fn raise_high(&mut self, index: usize, n: u32) {
        if self.high.len() <= index {
            self.high.resize(index + 1, 0);
        }
        self.high[index] = n.max(self.high[index]);
    }

    /// Learn everything `other` knows.
    #[inline]
    pub fn join(&mut self, other: &VectorClock) {
        for (mine, theirs) in self.low.iter_mut().zip(&other.low) {
            *mine = (*mine).max(*theirs);
        }
        if !other.high.is_empty() {
            self.join_high(&other.high);
        }
    }

    fn join_high(&mut self, other: &[u32]) {
        if self.high.len() < other.len() {
            self.high.resize(other.len(), 0);
        }
        for (mine, theirs) in self.high.iter_mut().zip(other) {
            *mine = (*mine).max(*theirs);
        }
    }

    /// Know exactly what `other` knows, reusing this clock's memory.
    #[inline]
    pub fn assign(&mut self, other: &VectorClock) {
        self.low = other.low;
        self.high.clear();
        if !other.high.is_empty() {
            self.high.extend_from_slice(&other.high);
        }
    }

    /// Forget everything, keeping the memory.
    #[inline]
    pub fn clear(&mut self) {
        self.low = [0; LOW];
        self.high.clear();
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.low.iter().chain(&self.high).all(|&n| n == 0)
    }
}

/// A point in one goroutine's life: comparable with any vector clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Epoch {
    /// Whose point it is.
    pub g: Gid,
    /// The goroutine's release count then.
    pub at: u32,
}

#[derive(Clone, Default)]
struct Goroutine {
    /// Releases so far, plus one: the stamp of the accesses made now.
    own: u32,
    seen: VectorClock,
    /// What relaxed loads read, to be learned at the next acquire fence.
    pending: VectorClock,
    /// What was known at the last release fence.
    fenced: VectorClock,
}

/// Numbered clocks in order, of which the first are forgotten: their places are taken again.
#[derive(Clone, Default)]
struct Ring {
    /// Its length is a power of two, or 0.
    places: Vec<(u32, VectorClock)>,
    /// The first that is kept, and the next to be added; modulo the length, their places.
    first: usize,
    next: usize,
}

impl Ring {
    fn place(&self, at: usize) -> usize {
        at & (self.places.len() - 1)
    }

    /// Forget all but the last `n`.
    fn keep(&mut self, n: usize) {
        self.first = self.first.max(self.next.saturating_sub(n));
    }

    fn add(&mut self, index: u32, clock: &VectorClock) {
        if self.next - self.first == self.places.len() {
            self.grow();
        }
        let at = self.place(self.next);
        self.next += 1;
        self.places[at].0 = index;
        self.places[at].1.assign(clock);
    }

    #[cold]
    fn grow(&mut self) {
        let n = self.places.len();
        if n > 0 {
            let first = self.place(self.first);
            self.places.rotate_left(first);
        }
        (self.first, self.next) = (0, n);
        self.places.resize_with((2 * n).max(4), Default::default);
    }

    fn find(&self, index: u32) -> Option<&VectorClock> {
        let mut places = (self.first..self.next).rev().map(|at| &self.places[self.place(at)]);
        places.find(|(i, _)| *i == index).map(|(_, clock)| clock)
    }
}

/// What has been released on one object.
#[derive(Clone, Default)]
struct Released {
    whole: VectorClock,
    closed: VectorClock,
    /// By message number and by slot use, in order; each is taken once, mostly the oldest first.
    messages: VecDeque<(u32, VectorClock)>,
    slots: VecDeque<(u32, VectorClock)>,
    /// By store to an atomic that is not the newest, in modification order; the newest's is `whole`.
    stores: Ring,
    /// The few others: signals to waiters, readers of a lock.
    others: Vec<(Part, u32, VectorClock)>,
}

impl Released {
    fn clear(&mut self, spare: &mut Vec<VectorClock>) {
        self.whole.clear();
        self.closed.clear();
        self.stores.keep(0);
        let queues = self.messages.drain(..).chain(self.slots.drain(..));
        spare.extend(queues.map(|(_, clock)| clock));
        spare.extend(self.others.drain(..).map(|(_, _, clock)| clock));
    }

    fn queue(&self, part: Part) -> Option<&VecDeque<(u32, VectorClock)>> {
        match part {
            Part::Message => Some(&self.messages),
            Part::Slot => Some(&self.slots),
            _ => None,
        }
    }

    fn other(&self, part: Part, index: u32) -> Option<usize> {
        self.others.iter().position(|(p, i, _)| (*p, *i) == (part, index))
    }
}

/// Where the entry with this number is: mostly at the front, and nearly always as far from it as
/// the numbers say.
#[inline]
fn find(queue: &VecDeque<(u32, VectorClock)>, index: u32) -> Option<usize> {
    let at = index.wrapping_sub(queue.front()?.0) as usize;
    match queue.get(at) {
        Some((i, _)) if *i == index => Some(at),
        _ => queue.iter().position(|(i, _)| *i == index),
    }
}

/// Take the entry with this number out.
#[inline]
fn remove(queue: &mut VecDeque<(u32, VectorClock)>, index: u32) -> Option<VectorClock> {
    let gone = match find(queue, index)? {
        0 => queue.pop_front(),
        at => queue.remove(at),
    };
    gone.map(|(_, clock)| clock)
}

/// What has been released in one execution, and where.
#[derive(Clone, Default)]
struct Vars {
    objects: Vec<Released>,
    /// Objects something was released on in this execution have ids below this.
    used: usize,
    /// What the unparkers of each goroutine published.
    tokens: Vec<VectorClock>,
    time: VectorClock,
    fences: VectorClock,
    spare: Vec<VectorClock>,
}

/// The synchronises-with clocks of one execution.
#[derive(Clone, Default)]
pub struct Clocks {
    goroutines: Vec<Goroutine>,
    live: usize,
    vars: Vars,
}

impl Clocks {
    /// Start a new execution with main alone, keeping all memory.
    pub fn reset(&mut self) {
        for g in &mut self.goroutines[..self.live] {
            g.own = 0;
            g.seen.clear();
            g.pending.clear();
            g.fenced.clear();
        }
        self.live = 0;
        self.vars.reset();
        self.add(Gid::MAIN);
    }

    fn add(&mut self, g: Gid) {
        while self.goroutines.len() <= g.index() {
            self.goroutines.push(Goroutine::default());
        }
        self.live = self.live.max(g.index() + 1);
        self.goroutines[g.index()].own = 1;
    }

    /// Everything `parent` did so far happens before everything `child` does.
    pub fn spawn(&mut self, parent: Gid, child: Gid) {
        self.add(child);
        let (old, new) = self.goroutines.split_at_mut(child.index());
        let parent_clock = &mut old[parent.index()];
        let child_clock = &mut new[0].seen;
        child_clock.assign(&parent_clock.seen);
        child_clock.raise(parent, parent_clock.own);
        parent_clock.own += 1;
    }

    /// A goroutine that no other one started begins with what was released on `obj`.
    pub fn start_from(&mut self, g: Gid, obj: ObjId) {
        self.add(g);
        if let Some(o) = self.vars.objects.get(obj.index()) {
            self.goroutines[g.index()].seen.assign(&o.whole);
        }
    }

    /// A fence of `g`, with the orderings of C11.
    pub fn fence(&mut self, g: Gid, order: Ordering) {
        if matches!(order, Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst) {
            self.acquire_fence(g);
        }
        if order == Ordering::SeqCst {
            let me = &mut self.goroutines[g.index()];
            let fences = &mut self.vars.fences;
            me.seen.join(fences);
            fences.join(&me.seen);
            fences.raise(g, me.own);
            me.own += 1;
        }
        if matches!(order, Ordering::Release | Ordering::AcqRel | Ordering::SeqCst) {
            self.release_fence(g);
        }
    }

    /// Everything `target` did happens before what `g` does next.
    pub fn join(&mut self, g: Gid, target: Gid) {
        if g == target {
            return;
        }
        let Ok([me, theirs]) = self.goroutines.get_disjoint_mut([g.index(), target.index()]) else { return };
        me.seen.join(&theirs.seen);
        me.seen.raise(target, theirs.own);
    }

    /// `g` has ended and nobody will learn what it knew: a program that starts thousands of
    /// goroutines one after the other must not keep a long vector for each.
    pub fn retire(&mut self, g: Gid) {
        const LONG: usize = 256;
        let me = &mut self.goroutines[g.index()];
        if me.seen.high.len() > LONG {
            me.seen = VectorClock::default();
            if let Some(token) = self.vars.tokens.get_mut(g.index()) {
                *token = VectorClock::default();
            }
        }
    }

    /// The stamp of an access that `g` makes now.
    pub fn epoch(&self, g: Gid) -> Epoch {
        Epoch { g, at: self.goroutines[g.index()].own }
    }

    /// Whether what happened at `e` happens before what `g` does now.
    pub fn ordered(&self, e: Epoch, g: Gid) -> bool {
        e.g == g || e.at <= self.goroutines[g.index()].seen.get(e.g)
    }

    /// Whether what happened at `e` happens before a sequentially consistent fence that was made.
    pub fn before_a_fence(&self, e: Epoch) -> bool {
        e.at <= self.vars.fences.get(e.g)
    }

    /// Of the stores to an atomic that are not the newest, only the last `n` can still be read.
    pub fn keep_stores(&mut self, atomic: ObjId, n: usize) {
        if let Some(o) = self.vars.objects.get_mut(atomic.index()) {
            o.stores.keep(n);
        }
    }

    /// What `g` knows of the others.
    pub fn seen(&self, g: Gid) -> &VectorClock {
        &self.goroutines[g.index()].seen
    }

    /// Forget what was released on an object that is gone.
    pub fn forget(&mut self, obj: ObjId) {
        let Vars { objects, spare, .. } = &mut self.vars;
        if let Some(o) = objects.get_mut(obj.index()) {
            o.clear(spare);
        }
    }

    /// Apply the synchronising entries of one step's footprint: first everything it learns,
    /// then everything it publishes.
    pub fn apply(&mut self, g: Gid, footprint: &[Access]) {
        let Clocks { goroutines, vars, .. } = self;
        let me = &mut goroutines[g.index()];
        let mut first_release = footprint.len();
        for (at, a) in footprint.iter().enumerate() {
            match a.sync {
                Sync::None => {}
                Sync::Acquire => vars.teach(a, &mut me.seen),
                Sync::Release | Sync::Publish | Sync::RelaxedStore | Sync::RelaxedAdd => {
                    first_release = at.min(first_release)
                }
                Sync::AcquireRelease | Sync::AcquireUpdate => {
                    vars.teach(a, &mut me.seen);
                    first_release = at.min(first_release);
                }
                Sync::RelaxedLoad => vars.peek(a).into_iter().for_each(|var| me.pending.join(var)),
                Sync::Keep => vars.keep(a),
                Sync::RelaxedUpdate | Sync::ReleaseUpdate => {
                    vars.peek(a).into_iter().for_each(|var| me.pending.join(var));
                    first_release = at.min(first_release);
                }
            }
        }
        let releases = &footprint[first_release..];
        if !releases.is_empty() {
            publish(me, vars, g, releases);
        }
    }

    /// An acquire fence: what relaxed loads read so far is learned now.
    pub fn acquire_fence(&mut self, g: Gid) {
        let me = &mut self.goroutines[g.index()];
        me.seen.join(&me.pending);
    }

    /// A release fence: later relaxed stores publish what is known now.
    pub fn release_fence(&mut self, g: Gid) {
        let me = &mut self.goroutines[g.index()];
        me.fenced.assign(&me.seen);
        me.fenced.raise(g, me.own);
        me.own += 1;
    }
}

impl Vars {
    fn reset(&mut self) {
        for o in &mut self.objects[..self.used] {
            o.clear(&mut self.spare);
        }
        self.used = 0;
        self.tokens.iter_mut().for_each(VectorClock::clear);
        self.time.clear();
        self.fences.clear();
    }

    /// What was released here goes to `seen`. An item is learned of once: a message by its
    /// receiver, a slot by its next sender.
    #[inline]
    fn teach(&mut self, a: &Access, seen: &mut VectorClock) {
        if !matches!(a.res.part, Part::Message | Part::Slot | Part::Signal) {
            self.peek(a).into_iter().for_each(|var| seen.join(var));
            return;
        }
        let Some(o) = self.objects.get_mut(a.res.owner as usize) else { return };
        let gone = match a.res.part {
            Part::Message => remove(&mut o.messages, a.res.index),
            Part::Slot => remove(&mut o.slots, a.res.index),
            part => o.other(part, a.res.index).map(|at| o.others.swap_remove(at).2),
        };
        if let Some(clock) = gone {
            seen.join(&clock);
            self.spare.push(clock);
        }
    }

    #[inline]
    fn peek(&self, a: &Access) -> Option<&VectorClock> {
        match a.res.part {
            Part::Token => self.tokens.get(a.res.owner as usize),
            Part::Clock => Some(&self.time),
            Part::Fence => Some(&self.fences),
            part => {
                let o = self.objects.get(a.res.owner as usize)?;
                match part {
                    Part::Whole => Some(&o.whole),
                    Part::Closed => Some(&o.closed),
                    Part::Store => Some(o.stores.find(a.res.index).unwrap_or(&o.whole)),
                    part => match o.queue(part) {
                        Some(queue) => find(queue, a.res.index).map(|at| &queue[at].1),
                        None => o.other(part, a.res.index).map(|at| &o.others[at].2),
                    },
                }
            }
        }
    }

    fn object(&mut self, index: usize) -> &mut Released {
        if self.objects.len() <= index {
            self.objects.resize_with(index + 1, Released::default);
        }
        self.used = self.used.max(index + 1);
        &mut self.objects[index]
    }

    /// Another store comes after this one.
    fn keep(&mut self, a: &Access) {
        let o = self.object(a.res.owner as usize);
        o.stores.add(a.res.index, &o.whole);
    }

    fn var(&mut self, a: &Access) -> &mut VectorClock {
        let owner = a.res.owner as usize;
        match a.res.part {
            Part::Token => {
                if self.tokens.len() <= owner {
                    self.tokens.resize_with(owner + 1, VectorClock::default);
                }
                return &mut self.tokens[owner];
            }
            Part::Clock => return &mut self.time,
            Part::Fence => return &mut self.fences,
            _ => {}
        }
        if self.objects.len() <= owner {
            self.objects.resize_with(owner + 1, Released::default);
        }
        self.used = self.used.max(owner + 1);
        let o = &mut self.objects[owner];
        match a.res.part {
            Part::Whole => &mut o.whole,
            Part::Closed => &mut o.closed,
            Part::Message => numbered(&mut o.messages, a.res.index, &mut self.spare),
            Part::Slot => numbered(&mut o.slots, a.res.index, &mut self.spare),
            part => {
                let at = o.other(part, a.res.index).unwrap_or_else(|| {
                    o.others.push((part, a.res.index, fresh(&mut self.spare)));
                    o.others.len() - 1
                });
                &mut o.others[at].2
            }
        }
    }
}

/// Apply the releases of one step of `g`, which is `me`.
fn publish(me: &mut Goroutine, vars: &mut Vars, g: Gid, footprint: &[Access]) {
    let mut raised = false;
    for a in footprint {
        match a.sync {
            Sync::Release | Sync::AcquireRelease | Sync::ReleaseUpdate => {
                let var = vars.var(a);
                var.join(&me.seen);
                var.raise(g, me.own);
                raised = true;
            }
            Sync::Publish => {
                let var = vars.var(a);
                var.assign(&me.seen);
                var.raise(g, me.own);
                raised = true;
            }
            Sync::RelaxedStore => vars.var(a).assign(&me.fenced),
            Sync::RelaxedUpdate | Sync::AcquireUpdate | Sync::RelaxedAdd => vars.var(a).join(&me.fenced),
            Sync::None | Sync::Acquire | Sync::RelaxedLoad | Sync::Keep => {}
        }
    }
    me.own += u32::from(raised);
}

fn fresh(spare: &mut Vec<VectorClock>) -> VectorClock {
    let mut clock = spare.pop().unwrap_or_default();
    clock.clear();
    clock
}

/// The entry with this number; numbers only grow, so a new one goes to the back.
fn numbered<'a>(
    queue: &'a mut VecDeque<(u32, VectorClock)>,
    index: u32,
    spare: &mut Vec<VectorClock>,
) -> &'a mut VectorClock {
    let at = match queue.back() {
        Some((last, _)) if *last >= index => queue.iter().rposition(|(i, _)| *i <= index),
        _ => None,
    };
    let at = match at {
        Some(at) if queue[at].0 == index => at,
        _ => {
            queue.push_back((index, fresh(spare)));
            queue.len() - 1
        }
    };
    &mut queue[at].1
}

#[cfg(test)]
mod oracle;

#[cfg(test)]
mod tests;
