//! Where memory was allocated, and what is still in use: Go's heap profile, for programs that ask for it with
//! their global allocator.
//!
//! One byte in [`RATE`], on average, is sampled: the stack of the allocation it falls into is noted, and the
//! allocation followed until it is freed. Invariants: an allocation of `s` bytes is noted with probability
//! `1 - exp(-s / RATE)` and stands for the inverse of that, so sums are right on average whatever the sizes; what is
//! allocated while the table is locked is not noted, so the profiler never looks at itself, and never waits for its
//! own lock. Whether an address was noted is looked up in a filter first, without a lock. Nothing is thread-local:
//! the bytes to go to the next sample are counted by stacks, in [`STRIPES`] counters. Two stacks that share one may
//! lose each other's count of a moment.
//!
//! Does not see: memory that was not allocated by Rust's global allocator, such as stacks and what C allocates.
//!
//! Source: Go's `runtime/mprof.go` and `runtime/malloc.go`, `nextSample`; for the weights, `scaleHeapSample` in
//! `runtime/pprof/protomem.go`.

use super::pprof::{Builder, Kind};
use crate::port::wait::stacks::{Trace, here, stack_pointer};
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Bytes between two samples, on average: Go's `MemProfileRate`.
const RATE: u32 = 512 << 10;
const STRIPES: usize = 64;
/// Stacks whose addresses agree from this bit on share a counter.
const STRIPE_BITS: u32 = 14;
/// Entries of the filter.
const FILTER: usize = 1 << 14;

const ALLOCATED: Kind = Kind { name: "alloc_objects", unit: "count" };
const ALLOCATED_SPACE: Kind = Kind { name: "alloc_space", unit: "bytes" };
const USED: Kind = Kind { name: "inuse_objects", unit: "count" };
const USED_SPACE: Kind = Kind { name: "inuse_space", unit: "bytes" };
const SPACE: Kind = Kind { name: "space", unit: "bytes" };

/// A global allocator that notes where memory comes from, for [`heap_profile`]; it hands out the memory of another.
///
/// # Examples
/// ```standalone_crate
/// use selvedge::debug::{HeapProfiler, heap_profile};
///
/// #[global_allocator]
/// static ALLOCATOR: HeapProfiler = HeapProfiler::new();
///
/// fn main() {
///     let held = vec![7_u8; 16 << 20];
///     let file = heap_profile().unwrap();
///     assert_eq!(file[..2], [0x1f, 0x8b]); // gzip
///     // std::fs::write("heap.pb.gz", file)?; then: go tool pprof -top heap.pb.gz
/// #   drop(held);
/// }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct HeapProfiler<A = System>(A);

/// There is no heap profile, since [`HeapProfiler`] is not the global allocator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct NoHeapProfiler;

impl fmt::Display for NoHeapProfiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "there is no heap profile without the allocator that takes it: \
             `#[global_allocator] static ALLOCATOR: HeapProfiler = HeapProfiler::new();`",
        )
    }
}

impl std::error::Error for NoHeapProfiler {}

impl HeapProfiler {
    /// With the memory of the system's allocator.
    pub const fn new() -> HeapProfiler {
        HeapProfiler(System)
    }
}

impl<A> HeapProfiler<A> {
    /// With the memory of another allocator.
    pub const fn over(allocator: A) -> HeapProfiler<A> {
        HeapProfiler(allocator)
    }
}

// SAFETY: memory is that of the inner allocator, asked with what we were asked with.
unsafe impl<A: GlobalAlloc> GlobalAlloc for HeapProfiler<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: by the contract, which is the same.
        let memory = unsafe { self.0.alloc(layout) };
        count(memory, layout.size());
        memory
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let memory = unsafe { self.0.alloc_zeroed(layout) };
        count(memory, layout.size());
        memory
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // Before: afterwards the address may be somebody else's.
        if may_be_noted(memory) {
            forget(memory);
        }
        // SAFETY: as above.
        unsafe { self.0.dealloc(memory, layout) };
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let noted = if may_be_noted(memory) { forget(memory) } else { None };
        // SAFETY: as above.
        let moved = unsafe { self.0.realloc(memory, layout, size) };
        if moved.is_null() {
            noted.into_iter().for_each(|live| put_back(memory, live));
        } else {
            count(moved, size);
        }
        moved
    }
}

/// Bytes to go until the next sample.
#[repr(align(128))]
struct Stripe {
    left: AtomicI64,
    /// Whether `left` was drawn; before it was the next sample is not to be taken.
    drawn: AtomicBool,
}

static LEFT: [Stripe; STRIPES] =
    [const { Stripe { left: AtomicI64::new(0), drawn: AtomicBool::new(false) } }; STRIPES];

/// How many noted addresses fall into each entry.
static NOTED: [AtomicU16; FILTER] = [const { AtomicU16::new(0) }; FILTER];

/// An allocation that is in use.
struct Live {
    stack: u32,
    size: usize,
}

/// What one stack has allocated, as estimated.
#[derive(Clone, Copy, Default)]
struct Sums {
    allocated: f64,
    allocated_space: f64,
    used: f64,
    used_space: f64,
}

struct Table {
    /// Where in `sums` a stack is.
    stacks: BTreeMap<Trace, u32>,
    sums: Vec<Sums>,
    live: BTreeMap<usize, Live>,
}

static TABLE: Mutex<Table> =
    Mutex::new(Table { stacks: BTreeMap::new(), sums: Vec::new(), live: BTreeMap::new() });

/// The thread that has the table; 0 for none.
static OWNER: AtomicUsize = AtomicUsize::new(0);

/// This thread, as the system knows it.
fn myself() -> usize {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::pthread_self() as usize }
}

/// The table, in this thread's hands.
struct Locked(MutexGuard<'static, Table>);

impl Locked {
    fn new(table: MutexGuard<'static, Table>) -> Locked {
        OWNER.store(myself(), Ordering::Relaxed);
        Locked(table)
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        OWNER.store(0, Ordering::Relaxed);
    }
}

impl Deref for Locked {
    type Target = Table;

    fn deref(&self) -> &Table {
        &self.0
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut Table {
        &mut self.0
    }
}

fn table() -> Locked {
    Locked::new(TABLE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// So many bytes were allocated there.
#[inline]
fn count(memory: *mut u8, size: usize) {
    let stripe = &LEFT[(stack_pointer() >> STRIPE_BITS) % STRIPES];
    let left = stripe.left.load(Ordering::Relaxed) - size as i64;
    stripe.left.store(left, Ordering::Relaxed);
    if left < 0 {
        sample(stripe, memory, size);
    }
}

#[cold]
#[inline(never)]
fn sample(stripe: &Stripe, memory: *mut u8, size: usize) {
    stripe.left.store(draw(), Ordering::Relaxed);
    if !stripe.drawn.swap(true, Ordering::Relaxed) || memory.is_null() {
        return;
    }
    let mut table = match TABLE.try_lock() {
        Ok(table) => Locked::new(table),
        Err(TryLockError::Poisoned(poisoned)) => Locked::new(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => return,
    };
    let next = table.sums.len() as u32;
    let stack = *table.stacks.entry(here()).or_insert(next);
    if stack == next {
        table.sums.push(Sums::default());
    }
    let table = &mut *table;
    let sums = &mut table.sums[stack as usize];
    sums.allocated += weight(size);
    sums.allocated_space += weight(size) * size as f64;
    table.follow(memory, Live { stack, size });
}

impl Table {
    fn follow(&mut self, memory: *mut u8, live: Live) {
        let sums = &mut self.sums[live.stack as usize];
        sums.used += weight(live.size);
        sums.used_space += weight(live.size) * live.size as f64;
        self.live.insert(memory.addr(), live);
        entry(memory).fetch_add(1, Ordering::Relaxed);
    }
}

/// How many allocations of this size one that was noted stands for.
fn weight(size: usize) -> f64 {
    1.0 / (1.0 - (-(size as f64) / f64::from(RATE)).exp())
}

/// Bytes to the next sample: exponentially distributed, so that each byte is as likely as any other. At least one.
fn draw() -> i64 {
    static STATE: AtomicU64 = AtomicU64::new(0);
    // The finaliser of SplitMix64 (Steele, Lea, Flood 2014) over a counter.
    let x = STATE.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let unit = ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
    (-(1.0 - unit).ln() * f64::from(RATE)) as i64 + 1
}

fn entry(memory: *mut u8) -> &'static AtomicU16 {
    let scattered = (memory.addr() as u64 >> 4).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    &NOTED[(scattered >> 32) as usize % FILTER]
}

#[inline]
fn may_be_noted(memory: *mut u8) -> bool {
    entry(memory).load(Ordering::Relaxed) != 0
}

/// The memory is about to be given back.
#[cold]
#[inline(never)]
fn forget(memory: *mut u8) -> Option<Live> {
    if OWNER.load(Ordering::Relaxed) == myself() {
        // The table's own memory, or what was allocated beside it: nothing of that is noted, only its entry in the
        // filter is somebody else's as well.
        return None;
    }
    let mut table = table();
    let live = table.live.remove(&memory.addr())?;
    entry(memory).fetch_sub(1, Ordering::Relaxed);
    let sums = &mut table.sums[live.stack as usize];
    sums.used -= weight(live.size);
    sums.used_space -= weight(live.size) * live.size as f64;
    Some(live)
}

/// The memory was not given back after all.
#[cold]
fn put_back(memory: *mut u8, live: Live) {
    table().follow(memory, live);
}

/// Where memory was allocated since the program began, and where what is still in use was: Go's profile `heap`.
///
/// Numbers are estimates from a sample in 512 KiB, as Go's are.
///
/// # Errors
/// If [`HeapProfiler`] is not the program's global allocator.
#[doc(alias = "WriteHeapProfile")]
pub fn heap_profile() -> Result<Vec<u8>, NoHeapProfiler> {
    if !LEFT.iter().any(|stripe| stripe.drawn.load(Ordering::Relaxed)) {
        return Err(NoHeapProfiler);
    }
    let locked = table();
    let stacks: Vec<(Trace, Sums)> =
        locked.stacks.iter().map(|(trace, &at)| (trace.clone(), locked.sums[at as usize])).collect();
    drop(locked);
    let kinds = [ALLOCATED, ALLOCATED_SPACE, USED, USED_SPACE];
    let mut builder = Builder::new(&kinds, Some((SPACE, u64::from(RATE))));
    builder.show_first(USED_SPACE.name);
    for (trace, sums) in stacks {
        let mut frames = builder.frames(&trace);
        if frames.is_empty() {
            frames = builder.all_frames(&trace);
        }
        let numbers = [sums.allocated, sums.allocated_space, sums.used, sums.used_space];
        builder.sample(&frames, &numbers.map(|number| number.round().max(0.0) as u64), &[]);
    }
    Ok(builder.finish())
}

#[test]
fn intervals_are_as_long_as_they_should_be() {
    let mean = (0..100_000).map(|_| draw() as f64).sum::<f64>() / 100_000.0;
    assert!((0.98..1.02).contains(&(mean / f64::from(RATE))), "{mean}");
    assert!((weight(RATE as usize) - 1.582).abs() < 0.001);
    assert_eq!(heap_profile(), Err(NoHeapProfiler));
}
