//! Stacks: one reserved region, cut into slots of one size.
//!
//! ```text
//!  slot:   low                                                            high
//!          [ guard ][ stack, grows down <----------- base ][ colour ]
//!           1 page                                   0..1984 bytes
//! ```
//! A slot's size is a power of two, so the address of a running function's frame leads to the slot's
//! number by two operations, and from there to the goroutine, by a table beside the region: no thread-local
//! is involved, which is what makes moving a goroutine between threads safe for the runtime itself.
//! Slots are so many pages apart that what lies at the same place in each of them shares a few sets of
//! the caches. So nothing does: shifting the base by the slot's number (colour) spreads the hot ends, and what
//! is asked for at every operation, whose stack it is, is in the table.
//!
//! Invariants: the region is reserved once and never given back; a slot below `ready` has its guard;
//! a slot is in one place: free in a processor's cache, free in [`FREE`], or in use. The table names the
//! goroutine of a slot in use, written before code runs on the slot, or the last one of a free slot.
//!
//! Does not detect: an overflow that jumps over the guard page. Rust's functions touch every page of
//! their frame; C code that was compiled without stack probes may not.

use super::g::G;
use super::guard;
use super::stack_pointer::stack_pointer;
use corosensei::stack::{Stack, StackPointer};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of a slot unless the program says otherwise.
pub(super) const DEFAULT_SLOT: usize = 256 << 10;
/// The least that may be asked for: debug builds need much.
pub(super) const LEAST_SLOT: usize = 16 << 10;
/// The most: beyond this there is no room for many.
pub(super) const MOST_SLOT: usize = 1 << 30;

/// Places of the base, a line of the cache apart. More would spill frames into a second page more often.
const COLOURS: usize = 32;
const LINE: usize = 64;
/// Guards are installed for this many slots at a time.
const BATCH: usize = 64;
/// Slots that give their memory back at a time, at two microseconds or so each.
const TRIMMED: usize = 128;
/// Address space to ask for first, and the least that is worth having.
const WANTED: usize = 1 << 42;
const LEAST: usize = 1 << 26;

/// The region: where it begins, its bytes, the bytes of a slot and their logarithm. All zero before [`set_up`].
static BASE: AtomicUsize = AtomicUsize::new(0);
static LENGTH: AtomicUsize = AtomicUsize::new(0);
static SLOT: AtomicUsize = AtomicUsize::new(0);
static SHIFT: AtomicU32 = AtomicU32::new(0);
/// Whose each slot is.
static OWNERS: AtomicPtr<AtomicPtr<G>> = AtomicPtr::new(null_mut());

/// Slots nobody uses, and the rest of the region.
struct Free {
    slots: Vec<u32>,
    /// Slots from here on have no guard yet.
    ready: usize,
    /// The first so many of `slots` have given their memory back.
    clean: usize,
    /// The least number of free slots since the last [`trim`].
    low: usize,
}

static FREE: Mutex<Free> = Mutex::new(Free { slots: Vec::new(), ready: 0, clean: 0, low: 0 });

fn free() -> MutexGuard<'static, Free> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A stack in use; the number of its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u32);

/// Reserve the region; `slot` is a power of two.
///
/// # Panics
/// If the system has no address space left for even a few stacks.
pub(super) fn set_up(slot: usize) {
    guard::choose();
    assert!(slot.is_power_of_two() && (LEAST_SLOT..=MOST_SLOT).contains(&slot));
    let mut length = WANTED.min(slot << 24);
    let (base, owners) = loop {
        let table = length / slot * size_of::<AtomicPtr<G>>();
        if let Some(owners) = guard::zeroes(table) {
            if let Some(base) = guard::reserve(length, slot) {
                break (base, owners);
            }
            guard::unmap(owners, table);
        }
        length /= 2;
        assert!(length >= LEAST.max(2 * slot), "selvedge: no address space for the stacks of goroutines");
    };
    SLOT.store(slot, Ordering::Relaxed);
    SHIFT.store(slot.trailing_zeros(), Ordering::Relaxed);
    OWNERS.store(std::ptr::with_exposed_provenance_mut(owners), Ordering::Relaxed);
    BASE.store(base, Ordering::Relaxed);
    // Release: whoever sees the region has a length sees where it is.
    LENGTH.store(length, Ordering::Release);
}

/// Bytes of a stack that a goroutine may use.
pub(super) fn usable() -> usize {
    SLOT.load(Ordering::Relaxed) - guard::PAGE - COLOURS * LINE
}

/// The goroutine on whose stack the caller runs, if it runs on one.
#[inline(always)]
pub(super) fn current() -> Option<&'static G> {
    at(stack_pointer())
}

/// The goroutine on whose stack an address lies.
#[inline(always)]
pub(super) fn at(address: usize) -> Option<&'static G> {
    let offset = address.wrapping_sub(BASE.load(Ordering::Relaxed));
    if offset >= LENGTH.load(Ordering::Relaxed) {
        return None;
    }
    let owner = owner(offset >> SHIFT.load(Ordering::Relaxed));
    // SAFETY: it is null or a goroutine's address; records of goroutines are never freed.
    unsafe { owner.load(Ordering::Relaxed).as_ref() }
}

/// Whose the slot with this number is.
#[inline(always)]
fn owner(number: usize) -> &'static AtomicPtr<G> {
    // SAFETY: the table has an entry for each slot of the region, and is never given back.
    unsafe { &*OWNERS.load(Ordering::Relaxed).add(number) }
}

/// Where the stack ends, at its outer end, on which an address lies.
#[allow(dead_code, reason = "for the auditor of debug builds")]
pub(super) fn end_of(address: usize) -> Option<usize> {
    at(address).map(|_| (address | (SLOT.load(Ordering::Relaxed) - 1)) + 1)
}

/// The goroutine into whose guard page a fault went, if it went into one.
pub(super) fn guarded(address: usize) -> Option<&'static G> {
    let offset = address.wrapping_sub(BASE.load(Ordering::Relaxed));
    let slot = SLOT.load(Ordering::Relaxed);
    let inside = offset < LENGTH.load(Ordering::Relaxed) && offset % slot < guard::PAGE;
    if inside { at(address) } else { None }
}

impl Slot {
    fn bottom(self) -> usize {
        BASE.load(Ordering::Relaxed) + self.0 as usize * SLOT.load(Ordering::Relaxed)
    }

    fn top(self) -> usize {
        self.bottom() + SLOT.load(Ordering::Relaxed)
    }

    /// From now on this is the stack of `g`.
    pub(super) fn assign(self, g: &'static G) {
        let (owner, g) = (owner(self.0 as usize), std::ptr::from_ref(g).cast_mut());
        // It mostly was; what is written is taken away from those whose slots are beside it in the table.
        if owner.load(Ordering::Relaxed) != g {
            owner.store(g, Ordering::Relaxed);
        }
    }

    /// Whether a canary says that more was used than there is.
    #[inline]
    pub(super) fn is_overrun(self) -> bool {
        guard::is_overrun(self.bottom())
    }

    /// A free slot, with up to `spare.capacity() - spare.len()` more for the caller's cache.
    ///
    /// # Panics
    /// If the region is used up.
    #[cold]
    pub(super) fn take(spare: &mut Vec<Slot>) -> Slot {
        let mut free = free();
        if free.slots.is_empty() {
            free.grow();
        }
        let first = free.slots.pop().expect("grown");
        let more = (spare.capacity() - spare.len()).min(BATCH / 2).min(free.slots.len());
        let at = free.slots.len() - more;
        spare.extend(free.slots.drain(at..).map(Slot));
        free.shrunk();
        Slot(first)
    }

    /// Give slots back.
    #[cold]
    pub(super) fn give(slots: impl Iterator<Item = Slot>) {
        free().slots.extend(slots.map(|slot| slot.0));
    }
}

impl Free {
    fn grow(&mut self) {
        let slot = SLOT.load(Ordering::Relaxed);
        let most = LENGTH.load(Ordering::Relaxed) / slot;
        let end = (self.ready + BATCH).min(most);
        assert!(end > self.ready, "selvedge: all {most} stacks of goroutines are in use");
        let base = BASE.load(Ordering::Relaxed);
        guard::install(base + self.ready * slot, slot, end - self.ready);
        // The lowest is taken first.
        self.slots.extend((self.ready as u32..end as u32).rev());
        self.ready = end;
        // What was never used has no memory to give back, but counting it as dirty is only some work.
    }

    fn shrunk(&mut self) {
        self.clean = self.clean.min(self.slots.len());
        self.low = self.low.min(self.slots.len());
    }
}

/// What is left after a [`trim`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Trimmed {
    /// It is to be called again at once.
    Partly,
    /// Everything has given its memory back, but what was freed since the one before.
    Lately,
    Wholly,
}

/// Give back the memory of some of the slots that were free since the last round, which is over when this gives another
/// answer than [`Trimmed::Partly`]. The monitor begins one every few seconds, and has other things to do between two
/// calls; so has whoever waits for the lock.
pub(super) fn trim() -> Trimmed {
    let mut free = free();
    let size = SLOT.load(Ordering::Relaxed);
    let base = BASE.load(Ordering::Relaxed);
    let end = free.low.min(free.clean + TRIMMED);
    for i in free.clean..end {
        let bottom = base + free.slots[i] as usize * size;
        guard::give_back(bottom + guard::PAGE, size - guard::PAGE);
    }
    free.clean = free.clean.max(end);
    if free.clean < free.low {
        return Trimmed::Partly;
    }
    free.low = free.slots.len();
    if free.clean < free.low { Trimmed::Lately } else { Trimmed::Wholly }
}

// SAFETY: the slot's lowest page is its guard (see `guard` for where the system has none), and it has
// at least `LEAST_SLOT` bytes, of which the guard and the colours take less than half.
unsafe impl Stack for Slot {
    #[inline]
    fn base(&self) -> StackPointer {
        let colour = self.0 as usize % COLOURS * LINE;
        StackPointer::new(self.top() - colour).expect("not at the end of memory")
    }

    #[inline]
    fn limit(&self) -> StackPointer {
        StackPointer::new(self.bottom()).expect("not at zero")
    }
}
