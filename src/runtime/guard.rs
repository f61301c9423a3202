//! The region's memory, and the guard page below each stack.
//!
//! Kinds of guards, best first; [`kind`] says which is in use:
//! - *lightweight*: `MADV_GUARD_INSTALL` (Linux 6.13). The region stays one mapping however many.
//! - *mapped*: `mprotect`, two mappings a stack, for as many as `vm.max_map_count` leaves room.
//! - *none*: stacks beyond that. Their last word is a canary, which is looked at when the goroutine
//!   parks or ends: an overflow ends the program late, but it does.
//!
//! Invariants: the kind of a stack's guard never gets better or worse; memory is given back only
//! above the guard. Where memory may not be promised beforehand (`vm.overcommit_memory=2`) the region
//! is reserved without access, and opened batch by batch.
//!
//! Source: madvise(2), "MADV_GUARD_INSTALL".

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

/// Bytes of a guard. Where pages are larger the region's calls round up.
pub(super) const PAGE: usize = 4096;

const MADV_GUARD_INSTALL: libc::c_int = 102;

/// Do as the environment's `SELVEDGE_STACK_GUARDS` says, for tests of what other systems do: `madvise` (the default),
/// `mprotect` or `canary`, and `reserve` for memory that is reserved without access, joined by `+`.
///
/// # Panics
/// If it says anything else.
pub(super) fn choose() {
    let Ok(text) = std::env::var("SELVEDGE_STACK_GUARDS") else { return };
    for word in text.split('+').filter(|word| !word.is_empty()) {
        match word {
            "madvise" => {}
            "mprotect" => KIND.store(1, Ordering::Relaxed),
            "canary" => KIND.store(2, Ordering::Relaxed),
            "reserve" => CLOSED.store(true, Ordering::Relaxed),
            _ => panic!(
                "selvedge: SELVEDGE_STACK_GUARDS = {text:?}: expected madvise, mprotect, canary or reserve, joined by +"
            ),
        }
    }
}

/// How stacks are guarded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Lightweight,
    Mapped,
    Canary,
}

static KIND: AtomicU8 = AtomicU8::new(0);
/// Whether the region was reserved without access.
static CLOSED: AtomicBool = AtomicBool::new(false);
/// Guards that cost mappings.
static MAPPED: AtomicUsize = AtomicUsize::new(0);

/// How the stacks made last are guarded.
pub(super) fn kind() -> Kind {
    match KIND.load(Ordering::Relaxed) {
        0 => Kind::Lightweight,
        1 => Kind::Mapped,
        _ => Kind::Canary,
    }
}

/// Slots from this address on have a canary instead of a guard.
static CANARIES: AtomicUsize = AtomicUsize::new(usize::MAX);

/// What is at the end of a stack without a guard page.
const CANARY: u64 = 0x5e1f_ed9e_5e1f_ed9e;

/// Reserve `length` bytes, aligned to `alignment`, and give where they are.
pub(super) fn reserve(length: usize, alignment: usize) -> Option<usize> {
    let closed = CLOSED.load(Ordering::Relaxed);
    let open = if closed { None } else { map(length + alignment, libc::PROT_READ | libc::PROT_WRITE) };
    let found = open.or_else(|| {
        let closed = map(length + alignment, libc::PROT_NONE)?;
        CLOSED.store(true, Ordering::Relaxed);
        Some(closed)
    })?;
    let base = found.next_multiple_of(alignment);
    // What sticks out at both ends is address space only; it stays reserved.
    #[cfg(target_os = "linux")]
    // SAFETY: advice on memory that was just mapped and that nobody uses.
    unsafe {
        libc::madvise(pointer(base), length, libc::MADV_NOHUGEPAGE);
    }
    Some(base)
}

fn map(length: usize, access: libc::c_int) -> Option<usize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let found = unsafe { libc::mmap(std::ptr::null_mut(), length, access, flags, -1, 0) };
    (found != libc::MAP_FAILED).then(|| found.expose_provenance())
}

/// Memory that is all zeroes; what is not touched of it costs nothing.
pub(super) fn zeroes(bytes: usize) -> Option<usize> {
    map(bytes, libc::PROT_READ | libc::PROT_WRITE)
}

/// As [`zeroes`], at a multiple of 2 MiB, and in pages of that size where the system has them and memory for them.
pub(super) fn zeroes_in_large_pages(bytes: usize) -> Option<usize> {
    const LARGE: usize = 2 << 20;
    let found = zeroes(bytes + LARGE)?.next_multiple_of(LARGE);
    #[cfg(target_os = "linux")]
    // SAFETY: advice on memory that was just mapped and that nobody uses.
    unsafe {
        libc::madvise(pointer(found), bytes, libc::MADV_HUGEPAGE);
    }
    Some(found)
}

/// Give back what [`zeroes`] gave, and nobody uses.
pub(super) fn unmap(address: usize, bytes: usize) {
    // SAFETY: a whole mapping of ours, by the contract.
    unsafe { libc::munmap(pointer(address), bytes) };
}

fn pointer(address: usize) -> *mut libc::c_void {
    std::ptr::with_exposed_provenance_mut(address)
}

/// Make `count` slots of `slot` bytes, from `bottom` on, ready for use.
pub(super) fn install(bottom: usize, slot: usize, count: usize) {
    if CLOSED.load(Ordering::Relaxed) {
        // SAFETY: memory of the region, which nobody uses yet.
        let opened =
            unsafe { libc::mprotect(pointer(bottom), slot * count, libc::PROT_READ | libc::PROT_WRITE) };
        assert!(opened == 0, "selvedge: no memory for the stacks of goroutines");
    }
    for i in 0..count {
        guard(bottom + i * slot);
    }
}

fn guard(page: usize) {
    if kind() == Kind::Lightweight {
        if lightweight(page) {
            return;
        }
        KIND.store(1, Ordering::Relaxed);
    }
    if kind() == Kind::Mapped {
        // SAFETY: the lowest page of a slot that nobody uses yet.
        let closed = MAPPED.fetch_add(1, Ordering::Relaxed) < most_mapped()
            && unsafe { libc::mprotect(pointer(page), PAGE, libc::PROT_NONE) == 0 };
        if closed {
            return;
        }
        KIND.store(2, Ordering::Relaxed);
        eprintln!(
            "selvedge: stacks of goroutines from now on have no guard page, only a canary: {} of them \
             used up the mappings of a process; raise vm.max_map_count",
            MAPPED.load(Ordering::Relaxed)
        );
    }
    // Slots are made in the order of their addresses.
    CANARIES.fetch_min(page, Ordering::Relaxed);
    let canary = std::ptr::with_exposed_provenance_mut::<u64>(page);
    // SAFETY: the lowest word of a slot that nobody uses yet.
    unsafe { canary.write(CANARY) };
}

fn lightweight(page: usize) -> bool {
    // SAFETY: the lowest page of a slot that nobody uses yet.
    cfg!(target_os = "linux") && unsafe { libc::madvise(pointer(page), PAGE, MADV_GUARD_INSTALL) == 0 }
}

/// How many guards may cost mappings: half of what a process may have, with room for others.
fn most_mapped() -> usize {
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let known = MOST.load(Ordering::Relaxed);
    if known != 0 {
        return known;
    }
    let text = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap_or_default();
    let limit: usize = text.trim().parse().unwrap_or(65_530);
    let most = (limit / 2).saturating_sub(8_000).clamp(1, 25_000);
    MOST.store(most, Ordering::Relaxed);
    most
}

/// Whether the stack that begins at `bottom` was overrun, as far as a canary tells.
#[inline]
pub(super) fn is_overrun(bottom: usize) -> bool {
    bottom >= CANARIES.load(Ordering::Relaxed) && {
        let canary = std::ptr::with_exposed_provenance::<u64>(bottom);
        // SAFETY: slots from `CANARIES` on have a canary in their lowest word, and no guard.
        unsafe { canary.read_volatile() != CANARY }
    }
}

/// Give the memory back; it reads as zeroes afterwards.
pub(super) fn give_back(bottom: usize, length: usize) {
    // SAFETY: memory of a slot that nobody uses, above its guard.
    unsafe { libc::madvise(pointer(bottom), length, libc::MADV_DONTNEED) };
}
