//! The program's main thread, which runs goroutines too until main has returned.
//!
//! Invariant: [`is_over`] never becomes false again.

use super::m::M;
use super::p::P;
use super::{sched, spawn};
use selvedge_checkers::ids::SiteRef;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

static OVER: AtomicBool = AtomicBool::new(false);
static HOST: AtomicPtr<M> = AtomicPtr::new(std::ptr::null_mut());

/// Whether main has returned.
#[inline]
pub(super) fn is_over() -> bool {
    OVER.load(Ordering::Acquire)
}

/// Main has returned: let its thread return, too.
pub(super) fn finish() {
    OVER.store(true, Ordering::Release);
    // SAFETY: threads' records are never freed.
    if let Some(m) = unsafe { HOST.load(Ordering::Acquire).as_ref() } {
        m.parker.tell();
    }
}

/// Run `body` as the main goroutine, on this thread; others run here, too. Returns when it has.
pub(super) fn run(p: &'static P, body: Box<dyn FnOnce() + Send>, site: SiteRef) {
    let m = M::new(true);
    HOST.store(std::ptr::from_ref(m).cast_mut(), Ordering::Release);
    m.hold(p);
    spawn::first(m, body, site);
    sched::host(m);
}
