//! The program's main thread, which waits for main, or runs goroutines until main has returned.
//!
//! Invariant: [`is_over`] never becomes false again.

use super::m::M;
use super::task::{self, Uncaught};
use super::wait::{Waiter, Why};
use super::{end, idle, mode, sched, spawn};
use crate::port::GoExit;
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::WaitReason;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

static OVER: AtomicBool = AtomicBool::new(false);
static HOST: AtomicPtr<M> = AtomicPtr::new(std::ptr::null_mut());
/// Whether main has ended itself without returning.
static GONE: AtomicBool = AtomicBool::new(false);

/// Whether main has returned.
#[inline]
pub(super) fn is_over() -> bool {
    OVER.load(Ordering::Acquire)
}

/// Whether main has ended itself, so that the program lives until the others have ended.
pub(super) fn is_gone() -> bool {
    GONE.load(Ordering::Acquire)
}

/// Whether this is the thread that the program began with.
pub(super) fn is_main_thread() -> bool {
    #[cfg(target_os = "linux")]
    // SAFETY: the calls take nothing and cannot fail.
    return unsafe { libc::gettid() == libc::getpid() };
    #[cfg(not(target_os = "linux"))]
    return std::thread::current().name() == Some("main");
}

/// Main has returned: let its thread return, too.
fn finish() {
    OVER.store(true, Ordering::Release);
    // SAFETY: threads' records are never freed.
    if let Some(m) = unsafe { HOST.load(Ordering::Acquire).as_ref() } {
        m.tell();
    }
}

/// A value of the host's frame, for main, which runs before the host's function returns.
struct Lent<T>(*mut T);
// SAFETY: one goroutine has it, and the host does not look before that has ended. It is on the
// host's thread unless the program vouches that its goroutines mind no other (`migrate`).
unsafe impl<T> Send for Lent<T> {}

/// Run `body` as the main goroutine. Returns when it has. The runtime was just started.
///
/// Goroutines that change threads leave this one alone: it only waits, so that no goroutine that
/// computes for ever keeps main from returning. Where they are bound to their threads main is bound
/// to this one, since what it returns may belong to it, and others run here, too.
pub(super) fn run<R>(body: impl FnOnce() -> R, site: SiteRef) -> R {
    let (mut body, mut result) = (Some(body), None);
    let (lent_body, lent_result) = (Lent(&raw mut body), Lent(&raw mut result));
    let main = move || {
        let (Lent(body), Lent(result)) = ({ lent_body }, { lent_result });
        // SAFETY: the host is in `run` until this has ended, and touches neither meanwhile.
        let body = unsafe { (*body).take() }.expect("main runs once");
        let outcome = catch_unwind(AssertUnwindSafe(body));
        if outcome.as_ref().is_err_and(|payload| payload.is::<GoExit>()) {
            GONE.store(true, Ordering::Release);
        } else {
            // SAFETY: as above.
            unsafe { *result = Some(outcome) };
        }
    };
    // SAFETY: only lifetimes are erased: `main` has ended, or never does, when this function returns.
    let main = unsafe { std::mem::transmute::<Main<'_>, Main<'static>>(Box::new(main)) };
    if mode::migrates() {
        wait_for(main, site);
    } else {
        take_part(main, site);
    }
    match result.expect("main has left its result") {
        Ok(value) => value,
        Err(payload) => resume_unwind(payload),
    }
}

type Main<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Let other threads run main, and wait.
fn wait_for(main: Main<'static>, site: SiteRef) {
    task::start(main, None, site, Uncaught::Ignore).wait(site);
    if is_gone() {
        // Nobody wakes this one.
        let why = Why { reason: WaitReason::Join, site, object: 0 };
        Waiter::new().park(why, || true);
    }
    finish();
}

/// Run main here, and whoever else comes by.
fn take_part(main: Main<'static>, site: SiteRef) {
    let m = M::new(true);
    HOST.store(std::ptr::from_ref(m).cast_mut(), Ordering::Release);
    m.hold(idle::take_first());
    let body = move || {
        main();
        // A panic of a destructor has been reported, and has nobody to go to.
        let _ = end::end();
        if !is_gone() {
            finish();
        }
    };
    spawn::first(m, Box::new(body), site);
    sched::host(m);
}
