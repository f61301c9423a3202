//! The goroutines that one test started, and which of them can never go on.
//!
//! A goroutine belongs to the party of the one that started it. Invariant: who is reported waits at
//! channels that nobody can ever use from the other end, because no handle is left: that is true
//! whatever other threads and other tests do, and stays true.
//!
//! Does not detect: waits that somebody could still end, though nobody will (a lock, a wait group, a
//! channel whose other end is held by somebody who waits too): outside of a model a thread of std's
//! may hold what is needed, and nothing knows it.

use super::{PLAIN, Plain, engine};
use crate::port::{Engine as _, Watch, wait};
use selvedge_checkers::ids::{Gid, SiteRef};
use selvedge_checkers::op::{ObjKind, WaitReason};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

thread_local! {
    static PARTY: Cell<u32> = const { Cell::new(0) };
}

/// The party of this goroutine or thread; 0 is nobody's.
pub(super) fn mine() -> u32 {
    match wait::mine() {
        Some(mine) => mine.party.get(),
        None => PARTY.try_with(Cell::get).unwrap_or(0),
    }
}

/// Whether there ever was a party.
static ANY: AtomicBool = AtomicBool::new(false);

/// Whether this goroutine or thread belongs to a party.
#[inline]
pub(crate) fn is_hosted() -> bool {
    ANY.load(Ordering::Relaxed) && mine() != 0
}

/// From now on this goroutine or thread belongs to a party.
pub(super) fn join(party: u32) {
    match wait::mine() {
        Some(mine) => mine.party.set(party),
        None => PARTY.set(party),
    }
}

/// How long those who still run get to come to their end or to a wait.
const GRACE: Duration = Duration::from_secs(1);

/// A goroutine that can never go on.
#[derive(Clone, Debug)]
pub(crate) struct Stranded {
    pub(crate) g: Gid,
    pub(crate) parent: Gid,
    pub(crate) name: Option<String>,
    pub(crate) spawned: SiteRef,
    pub(crate) reason: WaitReason,
    pub(crate) site: SiteRef,
    /// The channel it waits at, if it is one and not nil: what tells it from others, and where it was
    /// created.
    pub(crate) object: Option<(usize, ObjKind, SiteRef)>,
}

/// A wait that is none of the engine's.
pub(super) struct Watched {
    watch: *const dyn Watch,
    reason: WaitReason,
    site: SiteRef,
}

// SAFETY: a watch answers any thread, and is used under the engine's lock only, under which it is taken
// away before it goes.
unsafe impl Send for Watched {}

impl Watched {
    /// If who waits can never go on: why, where, and at what.
    #[allow(clippy::type_complexity, reason = "three things, named where they are used")]
    fn stranded(&self) -> Option<(WaitReason, SiteRef, Option<(usize, ObjKind, SiteRef)>)> {
        // SAFETY: it is there as long as it is registered, and the lock is held.
        let watch = unsafe { &*self.watch };
        watch.is_stranded().then(|| (self.reason, self.site, watch.object()))
    }
}

/// Takes a watch away.
struct Registered(Gid);

impl Drop for Registered {
    fn drop(&mut self) {
        let plain = PLAIN.get().expect("the engine exists");
        plain.lock().threads[self.0.index()].watched = None;
    }
}

/// See [`port::register`](crate::port::register).
pub(crate) fn register(watch: &dyn Watch, reason: WaitReason, site: SiteRef) -> impl Drop {
    let plain = PLAIN.get().expect("a party has been to the engine");
    let g = plain.running();
    // SAFETY: only the lifetime is erased; the result, which borrows the watch, takes it away.
    let watch = unsafe { std::mem::transmute::<*const dyn Watch, *const (dyn Watch + 'static)>(watch) };
    plain.lock().threads[g.index()].watched = Some(Watched { watch, reason, site });
    Registered(g)
}

/// Run `body` with a party of its own; give who of it is stranded at the end, and who began it.
pub(crate) fn host<R>(body: impl FnOnce() -> R) -> (R, Vec<Stranded>, Gid) {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    struct Leave(u32);
    impl Drop for Leave {
        fn drop(&mut self) {
            join(self.0);
        }
    }
    let party = NEXT.fetch_add(1, Ordering::Relaxed);
    ANY.store(true, Ordering::Relaxed);
    let host = engine().running();
    let value = {
        let _leave = Leave(mine());
        join(party);
        body()
    };
    let plain = PLAIN.get().expect("the engine exists");
    let end = Instant::now() + GRACE;
    loop {
        let (others, stranded) = plain.look(party);
        if others == 0 || Instant::now() >= end {
            return (value, stranded, host);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

impl Plain {
    /// How many of a party may still go on, and who cannot.
    fn look(&self, party: u32) -> (usize, Vec<Stranded>) {
        let state = self.lock();
        let mut others = 0;
        let mut stranded = Vec::new();
        for (i, thread) in state.threads.iter().enumerate() {
            if !thread.live || thread.party != party {
                continue;
            }
            let g = Gid(i as u32);
            let wait = thread.watched.as_ref().and_then(Watched::stranded);
            match (thread.origin.as_ref(), wait) {
                (Some((parent, name, spawned)), Some((reason, site, object))) => {
                    let (parent, name, spawned) = (*parent, name.clone(), *spawned);
                    stranded.push(Stranded { g, parent, name, spawned, reason, site, object });
                }
                _ => others += 1,
            }
        }
        (others, stranded)
    }
}
