//! G: the record of a goroutine.
//!
//! Records live in chunks that are never freed, so a pointer to one is valid for ever; whether it
//! still means the same goroutine its number tells, which is never used again. Invariants:
//! - a record is free (in a processor's cache, in [`FREE`], or never used), belongs to one goroutine, or keeps the
//!   result of one that has ended for the owner of its handle; whoever of the two lets go second frees it;
//! - what is not atomic belongs to whoever *holds* the goroutine: who makes it, then whichever queue
//!   or wait has it, then the thread that runs it. Handing it on synchronises (a queue's release, a
//!   lock), so there is one holder at a time;
//! - the atomics may be read by anybody at any time and may be out of date: they are for dumps.
//!
//! ```text
//!          make          run            end
//!   Free ------> Runnable ---> Running -----> Free
//!                    ^            | park
//!                    |  ready     v
//!                    +-------- Waiting
//! ```

use super::arena::Slot;
use super::clock::Nanos;
use super::done::{Done, Joined};
use super::guard;
use super::locals::Locals;
use super::m::{M, current};
use crate::port::Watch;
use corosensei::{Coroutine, Yielder};
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::WaitReason;
use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;
use std::panic::Location;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// A goroutine's code on its stack. What it yields is a command, see `run`.
///
/// What it is resumed with is 0, or the address of a `trace::Request`.
pub(super) type Code = Coroutine<usize, usize, (), Slot>;

/// What a goroutine is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Status {
    /// The record is nobody's.
    Free = 0,
    /// In a queue.
    Runnable = 1,
    /// On a thread.
    Running = 2,
    /// Parked, until it is made ready.
    Waiting = 3,
}

/// Bytes of a function, or of a result, that is stored in the record itself, and how they lie.
const INLINE: usize = 40;
const ALIGNED: usize = 16;

/// The function a goroutine is to run, or, once it has, its result; or a box of it.
#[repr(C)]
struct Body([MaybeUninit<u8>; INLINE]);

/// The record: four lines of a cache, of which one that runs from its start to its end touches the first three,
/// and one that waits all but the second.
#[repr(C, align(64))]
pub(crate) struct G {
    /// The thread that runs it, or ran it last.
    pub(super) m: AtomicPtr<M>,
    /// The thread it may only run on.
    pub(super) home: AtomicPtr<M>,
    id: AtomicU64,
    site: AtomicPtr<Location<'static>>,
    run: Cell<Option<unsafe fn(&G)>>,
    wait_object: AtomicUsize,
    /// Its stack, from its first run on.
    pub(super) slot: Cell<Option<Slot>>,
    pub(super) status: AtomicU8,
    reason: AtomicU8,
    pub(super) started: Cell<bool>,
    /// Who minds its panic.
    pub(super) uncaught: Cell<Uncaught>,
    /// How many times it asked to stay on its thread.
    pub(super) locks: AtomicU32,

    body: UnsafeCell<Body>,
    /// Whether it has ended, and who waits for that.
    pub(super) done: Done,
    parent: AtomicU64,
    /// Whose it is, see `scope`.
    scope: AtomicU32,
    /// Who it is to the engine outside of models.
    pub(super) mine: Mine,

    code: UnsafeCell<MaybeUninit<Code>>,
    pub(super) yielder: Cell<*const Yielder<usize, usize>>,
    /// What the goroutine keeps for itself, see `locals`.
    pub(super) locals: Cell<Option<Box<Locals>>>,
    /// See `names`.
    pub(super) name: AtomicPtr<String>,
    wait_site: AtomicPtr<Location<'static>>,

    /// What may be asked about the wait, while it is parked.
    watch: Cell<Option<*const dyn Watch>>,
    /// The same of waits that bring nothing themselves.
    pub(super) around: Cell<Option<*const dyn Watch>>,
    since: AtomicU64,
}

/// Every goroutine has one beside the first page of its stack.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<G>() == 256);
    assert!(std::mem::offset_of!(G, body) == 64 && 64 % ALIGNED == 0);
    assert!(std::mem::offset_of!(G, scope) < 128);
    assert!(std::mem::offset_of!(G, code) == 128);
    assert!(std::mem::offset_of!(G, watch) == 192);
};

/// What is remembered of the goroutine that runs.
#[derive(Default)]
pub(crate) struct Mine {
    /// Models it has entered and not left: it runs them on its own stack.
    #[cfg(feature = "check")]
    pub(crate) models: Cell<i32>,
}

// SAFETY: the fields that are not atomic are touched by the holder only, and holding is handed on
// with synchronisation (see the head of this file). The body is `Send` by the bounds of `set_body`;
// the code is moved between threads under the contract of `RuntimeBuilder::migrate`, or not at all.
unsafe impl Sync for G {}
// SAFETY: as above.
unsafe impl Send for G {}

/// Who minds a panic that nobody joins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Uncaught {
    /// Nobody: as for a thread of std's.
    Ignore = 0,
    /// It ends the program: as in Go.
    EndProgram = 1,
}

/// What a goroutine is made of.
pub(super) struct New<F> {
    pub(super) body: F,
    pub(super) site: SiteRef,
    pub(super) joined: Joined,
    pub(super) uncaught: Uncaught,
}

/// Where a goroutine comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// The number of who started it; 0 for no goroutine.
    pub(super) parent: u64,
    /// See `scope`.
    pub(super) scope: u32,
}

/// What a goroutine waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) reason: WaitReason,
    pub(crate) site: Option<SiteRef>,
    /// The object, by its address; 0 for none.
    pub(crate) object: usize,
    pub(crate) since: Nanos,
}

/// Every reason, for going back from a number.
const REASONS: &[WaitReason] = &[
    WaitReason::ChanSend,
    WaitReason::ChanReceive,
    WaitReason::ChanSendNil,
    WaitReason::ChanReceiveNil,
    WaitReason::Select,
    WaitReason::SelectNoCases,
    WaitReason::Lock,
    WaitReason::ReadLock,
    WaitReason::WriteLock,
    WaitReason::WaitGroup,
    WaitReason::Cond,
    WaitReason::Semaphore,
    WaitReason::Once,
    WaitReason::Barrier,
    WaitReason::Park,
    WaitReason::Join,
    WaitReason::Sleep,
    WaitReason::Spin,
    WaitReason::Io,
    WaitReason::Task,
];

impl G {
    /// The goroutine's number: from 1, never used again.
    pub(crate) fn id(&self) -> u64 {
        self.id.load(Ordering::Relaxed)
    }

    /// Where the `go` that started it is.
    pub(super) fn site(&self) -> Option<SiteRef> {
        // SAFETY: what is stored came from a `&'static`.
        unsafe { self.site.load(Ordering::Relaxed).as_ref() }
    }

    pub(super) fn is(&self, status: Status) -> bool {
        self.status.load(Ordering::Relaxed) == status as u8
    }

    pub(super) fn set(&self, status: Status) {
        self.status.store(status as u8, Ordering::Relaxed);
    }

    /// A free record becomes a goroutine that will run `f`.
    #[inline]
    pub(super) fn set_up<F: FnOnce() + Send + 'static>(&self, id: u64, origin: Origin, new: New<F>) {
        /// # Safety
        /// The body is an `F`.
        unsafe fn run<F: FnOnce() + Send + 'static>(g: &G) {
            // SAFETY: by the contract.
            let f = unsafe { g.take::<F>() };
            f();
        }
        self.id.store(id, Ordering::Relaxed);
        self.parent.store(origin.parent, Ordering::Relaxed);
        self.scope.store(origin.scope, Ordering::Relaxed);
        self.site.store(std::ptr::from_ref(new.site).cast_mut(), Ordering::Relaxed);
        self.started.set(false);
        self.uncaught.set(new.uncaught);
        self.done.restart(new.joined);
        self.put(new.body);
        self.run.set(Some(run::<F>));
        self.set(Status::Runnable);
    }

    const fn fits<V>() -> bool {
        size_of::<V>() <= INLINE && align_of::<V>() <= ALIGNED
    }

    /// Put a value where the body is. By the holder, while there is none.
    #[inline]
    fn put<V>(&self, value: V) {
        let at = self.body.get();
        // SAFETY: a value that fits has room there and is aligned, and so is a pointer; the caller holds the record.
        unsafe {
            match Self::fits::<V>() {
                true => at.cast::<V>().write(value),
                false => at.cast::<*mut V>().write(Box::into_raw(Box::new(value))),
            }
        }
    }

    /// Take the value that was put there.
    ///
    /// # Safety
    /// It is a `V`, nobody has taken it, and the caller holds the record.
    #[inline]
    unsafe fn take<V>(&self) -> V {
        let at = self.body.get();
        // SAFETY: by the contract; `put` made what does not fit of a box.
        unsafe {
            match Self::fits::<V>() {
                true => at.cast::<V>().read(),
                false => *Box::from_raw(at.cast::<*mut V>().read()),
            }
        }
    }

    /// Run the body; once, by the goroutine itself.
    pub(super) fn run_body(&self) {
        let run = self.run.take().expect("a goroutine runs its body once");
        // SAFETY: what it expects was put there together with it, and it was taken out above.
        unsafe { run(self) };
    }

    /// Keep the result for whoever has the handle. Should nobody want it, `discard` does away with it: it is what the goroutine
    /// runs then. By the goroutine, at its end.
    #[inline]
    pub(super) fn keep<V: Send + 'static>(&self, result: V, discard: unsafe fn(&G)) {
        self.put(result);
        self.run.set(Some(discard));
    }

    /// Take the result that is kept.
    ///
    /// # Safety
    /// The goroutine has ended and kept a `V`, which nobody has taken; what the goroutine wrote is seen.
    #[inline]
    pub(super) unsafe fn kept<V>(&self) -> V {
        self.run.set(None);
        // SAFETY: by the contract; who has ended holds its record no more.
        unsafe { self.take() }
    }

    /// Whether it has anything to run, at its start or when nobody wants its result. By the holder.
    pub(super) fn has_body(&self) -> bool {
        // SAFETY: the caller holds the record, and a pointer to a function is copied.
        unsafe { (*self.run.as_ptr()).is_some() }
    }

    /// Give the goroutine its stack.
    pub(super) fn start(&self, code: Code) {
        // SAFETY: the caller holds the goroutine, which has no code yet.
        unsafe { (*self.code.get()).write(code) };
        self.started.set(true);
    }

    /// The goroutine's code, to be resumed.
    ///
    /// # Safety
    /// The caller holds the goroutine, it was started, and there is no other such reference.
    #[allow(clippy::mut_from_ref, reason = "the contract makes it the only reference")]
    pub(super) unsafe fn code(&self) -> &mut Code {
        // SAFETY: see the contract.
        unsafe { (*self.code.get()).assume_init_mut() }
    }

    /// The goroutine has ended: take its code away, and give the stack.
    ///
    /// # Safety
    /// As for [`G::code`], and the code has come to its end.
    pub(super) unsafe fn finish(&self) -> Slot {
        self.started.set(false);
        self.home.store(null_mut(), Ordering::Relaxed);
        self.locks.store(0, Ordering::Relaxed);
        self.set(Status::Free);
        // SAFETY: see the contract.
        unsafe { (*self.code.get()).assume_init_read() }.into_stack()
    }

    /// Note what the goroutine is about to wait for.
    #[inline]
    pub(super) fn waits_for(
        &self,
        reason: WaitReason,
        site: SiteRef,
        object: usize,
        watch: Option<*const dyn Watch>,
        since: Nanos,
    ) {
        self.watch.set(watch.or(self.around.get()));
        self.reason.store(reason as u8, Ordering::Relaxed);
        self.wait_site.store(std::ptr::from_ref(site).cast_mut(), Ordering::Relaxed);
        self.wait_object.store(object, Ordering::Relaxed);
        self.since.store(since, Ordering::Relaxed);
    }

    /// Whether it waits for a socket.
    pub(super) fn waits_for_io(&self) -> bool {
        self.is(Status::Waiting) && self.reason.load(Ordering::Relaxed) == WaitReason::Io as u8
    }

    /// Who started it, and whose it is.
    #[inline]
    pub(super) fn origin(&self) -> Origin {
        Origin { parent: self.parent.load(Ordering::Relaxed), scope: self.scope.load(Ordering::Relaxed) }
    }

    /// What a goroutine that this one starts has for an origin.
    #[inline]
    pub(super) fn descent(&self) -> Origin {
        Origin { parent: self.id(), scope: self.scope.load(Ordering::Relaxed) }
    }

    /// From now on it, and what it starts, belongs to `scope`.
    pub(super) fn move_to(&self, scope: u32) {
        self.scope.store(scope, Ordering::Relaxed);
    }

    /// What it waits for; none if it does not.
    pub(super) fn wait(&self) -> Option<Wait> {
        if self.is(Status::Waiting) { self.wait_on_thread() } else { None }
    }

    /// Where it waits, or waited last.
    pub(super) fn wait_site(&self) -> Option<SiteRef> {
        // SAFETY: what is stored came from a `&'static`.
        unsafe { self.wait_site.load(Ordering::Relaxed).as_ref() }
    }

    /// What it waits for while it keeps its thread, see `unwinding`.
    pub(super) fn wait_on_thread(&self) -> Option<Wait> {
        let reason = REASONS.get(self.reason.load(Ordering::Relaxed) as usize).copied()?;
        let object = self.wait_object.load(Ordering::Relaxed);
        Some(Wait { reason, site: self.wait_site(), object, since: self.since.load(Ordering::Relaxed) })
    }

    /// The wait is over.
    #[inline]
    pub(super) fn forget_watch(&self) {
        self.watch.set(None);
    }

    /// What may be asked about the wait.
    ///
    /// # Safety
    /// The goroutine is parked, and stays so while the result is used.
    pub(super) unsafe fn watched(&self) -> Option<&dyn Watch> {
        // SAFETY: what it is asked with lives in the wait, which goes on.
        self.watch.get().map(|watch| unsafe { &*watch })
    }
}

/// Records of the first chunk: a mebibyte of addresses, of memory as much as is used.
const FIRST: usize = 4096;
/// Records of every further one: 16 MiB, which come in pages of 2 MiB where the system has such. With a million goroutines the
/// kernel's time for smaller pages is as long as all else.
const MORE: usize = 1 << 16;

struct Chunk {
    next: Option<&'static Chunk>,
    /// The first so many have been taken at some time; the others were never touched.
    used: AtomicUsize,
    records: &'static [G],
}

/// All chunks there are, newest first.
static CHUNKS: AtomicPtr<Chunk> = AtomicPtr::new(null_mut());

fn newest() -> Option<&'static Chunk> {
    // SAFETY: it is null or a chunk, and chunks are never freed.
    unsafe { CHUNKS.load(Ordering::Acquire).as_ref() }
}

/// Free records that were used before, by address: to take or to give one does not touch it. When there are none,
/// records of the newest chunk that never were are taken, under the same lock.
static FREE: Mutex<Vec<&'static G>> = Mutex::new(Vec::new());

/// Take `want` free records.
#[cold]
pub(super) fn take(want: usize, mut sink: impl FnMut(&'static G)) {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let again = want.min(free.len());
    let from = free.len() - again;
    free.drain(from..).for_each(&mut sink);
    for _ in again..want {
        let chunk = newest()
            .filter(|chunk| chunk.used.load(Ordering::Relaxed) < chunk.records.len())
            .unwrap_or_else(add_chunk);
        let used = chunk.used.load(Ordering::Relaxed);
        chunk.used.store(used + 1, Ordering::Relaxed);
        sink(&chunk.records[used]);
    }
}

/// Give free records back.
#[cold]
pub(super) fn give(records: impl Iterator<Item = &'static G>) {
    FREE.lock().unwrap_or_else(PoisonError::into_inner).extend(records);
}

/// Make a chunk, under the lock of [`FREE`].
fn add_chunk() -> &'static Chunk {
    let next = newest();
    let records = zeroed(if next.is_none() { FIRST } else { MORE });
    let chunk: &Chunk = Box::leak(Box::new(Chunk { next, used: AtomicUsize::new(0), records }));
    // Release: for those who walk.
    CHUNKS.store(std::ptr::from_ref(chunk).cast_mut(), Ordering::Release);
    chunk
}

/// Records that nobody has used.
fn zeroed(count: usize) -> &'static [G] {
    let layout = std::alloc::Layout::array::<G>(count).expect("a few mebibytes");
    let large = (count > FIRST).then(|| guard::zeroes_in_large_pages(layout.size())).flatten();
    let memory = match large {
        Some(address) => std::ptr::with_exposed_provenance_mut::<G>(address),
        // SAFETY: the layout is not empty.
        None => unsafe { std::alloc::alloc_zeroed(layout) }.cast(),
    };
    if memory.is_null() {
        std::alloc::handle_alloc_error(layout);
    }
    // SAFETY: room for so many, aligned, and never freed; all zeroes is a valid record: null pointers, `None`, zeroes, and
    // uninitialised bytes.
    unsafe { std::slice::from_raw_parts(memory, count) }
}

/// Let go of the record of a goroutine that has ended, by who has its handle.
#[inline]
pub(super) fn let_go(g: &'static G) {
    if let Some(me) = current()
        && let Some(p) = me.enter().processor()
    {
        return p.recycle(g);
    }
    give([g].into_iter());
}

/// Every record that was ever used, free or not.
pub(super) fn each(mut f: impl FnMut(&'static G)) {
    for chunk in std::iter::successors(newest(), |chunk| chunk.next) {
        chunk.records[..chunk.used.load(Ordering::Relaxed)].iter().for_each(&mut f);
    }
}
