//! P: the right to run goroutines, with all that makes it fast. There are as many as
//! `GOMAXPROCS` says.
//!
//! Invariants: a P is held by one thread or lies in the idle list; what is not atomic is touched by
//! the holder only, while it is inside the runtime (see `handshake`), and [`Owned`] is the proof of
//! that. A goroutine in `next` is bound to the holding thread or to none; one in the ring to none.

use super::arena::Slot;
use super::g::{self, G};
use super::gate::Gate;
use super::lookout::{Mood, Vain};
use super::m::M;
use super::queue::Ring;
use super::timers::Timers;
use super::{global, idle};
use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI64, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// The most processors there can be.
pub(super) const MOST: usize = 1024;

static ALL: [AtomicPtr<P>; MOST] = [const { AtomicPtr::new(null_mut()) }; MOST];
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Stacks and records kept at hand.
const CACHED: usize = 256;
/// Numbers for goroutines taken at a time.
const NUMBERS: u64 = 64;
/// So many goroutines in a row come from `next` before the ring is looked at: what lies there waits for some
/// microseconds at most while others hand each other messages, and is not stolen for that (`lookout`).
const NEXT_IN_A_ROW: u32 = 16;

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A processor.
#[repr(C, align(128))]
pub(super) struct P {
    pub(super) id: usize,
    /// The goroutine to run next, made ready by the one that runs.
    next: AtomicPtr<G>,
    /// Counts goroutines run: the monitor sees by it that one runs for long.
    pub(super) tick: AtomicU32,
    /// Who holds it.
    pub(super) m: AtomicPtr<M>,
    cache: UnsafeCell<Cache>,
    /// Goroutines started here less those ended here.
    live: AtomicI64,
    pub(super) timers: Timers,
    pub(super) ring: Ring<G, 256>,
}

// SAFETY: `cache` is touched through `Owned` only, and there is one at a time (see there).
unsafe impl Sync for P {}

struct Cache {
    stacks: Vec<Slot>,
    records: Vec<&'static G>,
    numbers: std::ops::Range<u64>,
    random: u64,
    /// How many in a row came from `next`.
    from_next: u32,
    /// How many were set aside since one of them woke a spinner.
    set_aside: u32,
}

/// A processor held by the thread this runs on, which is inside the runtime.
pub(super) struct Owned(&'static P, PhantomData<*mut ()>);

impl std::ops::Deref for Owned {
    type Target = &'static P;
    fn deref(&self) -> &&'static P {
        &self.0
    }
}

/// Make `count` processors, none of which anybody holds.
pub(super) fn set_up(count: usize) -> Vec<&'static P> {
    let count = count.clamp(1, MOST);
    let all = (0..count).map(P::make).collect();
    COUNT.store(count, Ordering::Release);
    all
}

/// How many there are.
#[inline]
pub(super) fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}

/// Every processor.
pub(super) fn all() -> impl Iterator<Item = &'static P> {
    (0..count()).map(by_id)
}

/// The processor with this number, modulo how many there are.
pub(super) fn by_id(id: usize) -> &'static P {
    let p = ALL[id % count().max(1)].load(Ordering::Acquire);
    // SAFETY: set before the count, to memory that is never freed.
    unsafe { &*p }
}

/// Goroutines that plain threads started, less those that ended on a thread without a processor.
pub(super) static FOREIGN_LIVE: AtomicI64 = AtomicI64::new(0);

/// Goroutines that have not ended.
pub(super) fn live() -> usize {
    let sum: i64 = all().map(|p| p.live.load(Ordering::Relaxed)).sum();
    usize::try_from(sum + FOREIGN_LIVE.load(Ordering::Relaxed)).unwrap_or(0)
}

/// The number of one more goroutine, for who has no processor.
pub(super) fn number() -> u64 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

impl P {
    fn make(id: usize) -> &'static P {
        let cache = Cache {
            stacks: Vec::with_capacity(CACHED),
            records: Vec::with_capacity(CACHED),
            numbers: 0..0,
            random: 0x9e37_79b9_7f4a_7c15 ^ (id as u64 + 1),
            from_next: 0,
            set_aside: 0,
        };
        let p: &'static P = Box::leak(Box::new(P {
            id,
            next: AtomicPtr::new(null_mut()),
            tick: AtomicU32::new(0),
            m: AtomicPtr::new(null_mut()),
            cache: UnsafeCell::new(cache),
            live: AtomicI64::new(0),
            timers: Timers::new(),
            ring: Ring::new(),
        }));
        ALL[id].store(std::ptr::from_ref(p).cast_mut(), Ordering::Release);
        p
    }

    /// Whether anything waits here, at some moment.
    pub(super) fn has_work(&self) -> bool {
        !self.ring.is_empty() || !self.next.load(Ordering::Relaxed).is_null()
    }

    /// How many wait here, at some moment.
    pub(super) fn queued(&self) -> usize {
        self.ring.len() + usize::from(!self.next.load(Ordering::Relaxed).is_null())
    }

    /// Take the goroutine that is to run next, for a P whose holder cannot run it soon.
    ///
    /// # Safety
    /// The holder is outside of the runtime and stays there, or there is none.
    pub(super) unsafe fn take_next(&self) -> Option<&'static G> {
        // SAFETY: what is stored are goroutines' records, which are never freed.
        unsafe { self.next.swap(null_mut(), Ordering::Relaxed).as_ref() }
    }
}

impl Owned {
    /// # Safety
    /// This thread holds `p` and is inside the runtime for as long as the value is used.
    #[inline(always)]
    pub(super) unsafe fn new(p: &'static P) -> Owned {
        Owned(p, PhantomData)
    }

    #[allow(clippy::mut_from_ref, reason = "never held across a call to anything else")]
    #[inline(always)]
    fn cache(&self) -> &mut Cache {
        // SAFETY: only the owner comes here (that is what `self` proves), and no method below keeps
        // the reference while it calls another.
        unsafe { &mut *self.0.cache.get() }
    }

    /// Count a goroutine that starts (1) or ends (-1).
    #[inline]
    pub(super) fn count_live(&self, change: i64) {
        let live = self.0.live.load(Ordering::Relaxed);
        self.0.live.store(live + change, Ordering::Relaxed);
    }

    /// A free record.
    #[inline]
    pub(super) fn record(&self) -> &'static G {
        let records = &mut self.cache().records;
        if records.is_empty() {
            g::take(CACHED / 4, |g| records.push(g));
        }
        records.pop().expect("taken")
    }

    /// Give a record back.
    #[inline]
    pub(super) fn recycle(&self, g: &'static G) {
        let records = &mut self.cache().records;
        if records.len() == CACHED {
            g::give(records.drain(..CACHED / 2));
        }
        records.push(g);
    }

    /// A stack.
    #[inline]
    pub(super) fn stack(&self) -> Slot {
        let stacks = &mut self.cache().stacks;
        stacks.pop().unwrap_or_else(|| Slot::take(stacks))
    }

    /// Give a stack back: the next goroutine gets it while it is still in the cache.
    #[inline]
    pub(super) fn give_stack(&self, slot: Slot) {
        let stacks = &mut self.cache().stacks;
        if stacks.len() == CACHED {
            Slot::give(stacks.drain(..CACHED / 2));
        }
        stacks.push(slot);
    }

    /// The number of one more goroutine.
    #[inline]
    pub(super) fn number(&self) -> u64 {
        let numbers = &mut self.cache().numbers;
        numbers.next().unwrap_or_else(|| {
            let first = NUMBER.fetch_add(NUMBERS, Ordering::Relaxed);
            *numbers = first + 1..first + NUMBERS;
            first
        })
    }

    /// A goroutine was put aside for later while a processor is idle: whether somebody is to be woken for it.
    pub(super) fn is_worth_waking(&self, vain: &Vain, mood: Mood) -> bool {
        let set_aside = &mut self.cache().set_aside;
        *set_aside = set_aside.saturating_add(1);
        let worth = mood == Mood::Eager && vain.lets_wake(*set_aside) || self.0.ring.len() >= mood.much();
        if worth {
            *set_aside = 0;
        }
        worth
    }

    /// A random number; xorshift.
    #[inline]
    pub(super) fn random(&self) -> u64 {
        let random = &mut self.cache().random;
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        *random
    }

    /// Run this goroutine next; who was to be next goes to the end of the queue.
    #[inline]
    pub(super) fn ready(&self, m: &'static M, g: &'static G) {
        if !g.may_run_on(m) {
            M::post(g);
            return;
        }
        let old = self.0.next.load(Ordering::Relaxed);
        self.0.next.store(std::ptr::from_ref(g).cast_mut(), Ordering::Relaxed);
        // SAFETY: what is stored are goroutines' records, which are never freed.
        if let Some(old) = unsafe { old.as_ref() } {
            self.append(m, old);
            idle::work_was_set_aside(self);
        }
    }

    /// Put a goroutine at the end of the queue. The caller sees to it that somebody is woken if it
    /// will not run it itself.
    #[inline]
    pub(super) fn append(&self, m: &'static M, g: &'static G) {
        if g.is_bound() {
            if g.may_run_on(m) {
                m.keep(g)
            } else {
                M::post(g)
            }
            return;
        }
        if self.0.ring.push(std::ptr::from_ref(g).cast_mut()).is_err() {
            self.append_to_full(g);
        }
    }

    #[cold]
    #[inline(never)]
    fn append_to_full(&self, g: &'static G) {
        while self.0.ring.push(std::ptr::from_ref(g).cast_mut()).is_err() {
            let mut half = Vec::with_capacity(128);
            // SAFETY: what the ring holds are goroutines' records, which are never freed.
            self.0.ring.spill(|g| half.push(unsafe { &*g }));
            global::push(half);
        }
    }

    /// The next goroutine of this processor's own.
    #[inline]
    pub(super) fn pop(&self) -> Option<&'static G> {
        let cache = self.cache();
        let next = self.0.next.load(Ordering::Relaxed);
        let rest = cache.from_next >= NEXT_IN_A_ROW;
        if !next.is_null() && !rest {
            self.0.next.store(null_mut(), Ordering::Relaxed);
            cache.from_next += 1;
            // SAFETY: as in `ready`.
            return Some(unsafe { &*next });
        }
        cache.from_next = 0;
        // SAFETY: as in `append`.
        let first = unsafe { self.0.ring.pop().as_ref() };
        if first.is_some() || next.is_null() {
            return first;
        }
        self.0.next.store(null_mut(), Ordering::Relaxed);
        // SAFETY: as in `ready`.
        Some(unsafe { &*next })
    }

    /// Steal from the others, beginning with a random one. What is there has to be `stale`, by what
    /// the victim has and how far it has come.
    pub(super) fn steal(&self, gate: &Gate, mut stale: impl FnMut(&'static P) -> bool) -> Option<&'static G> {
        let count = count();
        if count == 1 || gate.idle() + 1 == count {
            return None;
        }
        let first = self.random() as usize % count;
        let others = (0..count).map(|i| by_id(first + i)).filter(|p| p.id != self.0.id);
        others.filter(|&victim| !victim.ring.is_empty() && stale(victim)).find_map(|victim| {
            // SAFETY: as in `append`.
            unsafe { victim.ring.steal(&self.0.ring).as_ref() }
        })
    }
}
