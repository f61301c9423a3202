//! The goroutines that one test started, and which of them can never go on.
//!
//! A goroutine belongs to the party of the one that started it. Invariant: who is reported waits at
//! channels that nobody can ever use from the other end, because no handle is left: that is true
//! whatever other threads and other tests do, and stays true.
//!
//! Does not detect: waits that somebody could still end, though nobody will (a lock, a wait group, a
//! channel whose other end is held by somebody who waits too): outside of a model a thread of std's
//! may hold what is needed, and nothing knows it.

use super::{PLAIN, Plain, State_, engine};
use crate::objects::{Arm, Op, chan};
use crate::port::wait;
use selvedge_checkers::ids::{Gid, ObjId, SiteRef};
use selvedge_checkers::op::{ObjKind, WaitReason};
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};
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

/// Whether this goroutine or thread belongs to a party.
#[inline]
pub(crate) fn is_hosted() -> bool {
    mine() != 0
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
    /// The channel it waits at, if it is one and not nil: its id, and where it was created.
    pub(crate) object: Option<(ObjId, ObjKind, SiteRef)>,
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
            match (thread.origin.as_ref(), thread.op, thread.site) {
                (Some((parent, name, spawned)), Some(op), Some(site))
                    if state.is_stranded(Gid(i as u32), &op) =>
                {
                    let known = op.object().filter(|&o| o != ObjId::NIL);
                    let object = known.map(|o| (o, state.world.state(o).kind(), state.world.slot(o).created));
                    let (g, name) = (Gid(i as u32), name.clone());
                    let reason = op.wait_reason();
                    stranded.push(Stranded { g, parent: *parent, name, spawned, reason, site, object });
                }
                _ => others += 1,
            }
        }
        (others, stranded)
    }
}

impl State_ {
    /// Whether a blocked operation can never take effect.
    fn is_stranded(&self, g: Gid, op: &Op) -> bool {
        if self.threads[g.index()].done.is_some() || op.deadline().is_some() {
            return false;
        }
        let dead = |ch: ObjId, sending: bool| {
            ch == ObjId::NIL || {
                let c = chan::view(self.world.state(ch));
                let left = if sending { c.receive_handles } else { c.send_handles };
                left == 0 && !c.closed && c.timer.is_none() && self.world.alternatives(g, op) == 0
            }
        };
        match op {
            Op::Send { ch, .. } | Op::SendWait { ch, .. } => dead(*ch, true),
            Op::Receive(ch) | Op::ReceiveWait(ch) => dead(*ch, false),
            Op::Select { .. } | Op::SelectWait { .. } => {
                let arms = &self.world.goroutines[g.index()].select.arms;
                arms.iter().all(|a| dead(a.channel(), matches!(a, Arm::Send(..))))
            }
            _ => false,
        }
    }
}
