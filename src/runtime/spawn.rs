//! Starting a goroutine.
//!
//! Invariant: a goroutine is counted as living before it can run. It has no stack until it first
//! does, so that those which run to their end one after the other share one warm stack.

use super::done::Joined;
use super::g::{G, New, Uncaught};
use super::m::{M, current};
use super::p::FOREIGN_LIVE;
use super::{g, names, p, run, scope, start};
use selvedge_checkers::ids::SiteRef;
use std::sync::atomic::Ordering;

/// Start a goroutine, whose body must not unwind; gives its record and its number.
#[inline]
pub(super) fn spawn<F: FnOnce() + Send + 'static>(new: New<F>, name: Option<String>) -> (&'static G, u64) {
    let Some(me) = current() else { return from_outside(new, name) };
    let inside = me.enter();
    let Some(p) = inside.processor() else {
        drop(inside);
        let made = from_outside(new, name);
        // With a lock that is reserved for its thread it stays there, and comes back in soon.
        if me.thread().sections.is_empty() {
            run::surrender(me);
        }
        return made;
    };
    let g = p.record();
    let id = p.number();
    g.set_up(id, me.descent(), new);
    name.into_iter().for_each(|name| names::set(g, name));
    p.count_live(1);
    p.ready(inside.m, g);
    (g, id)
}

#[cold]
fn from_outside<F: FnOnce() + Send + 'static>(new: New<F>, name: Option<String>) -> (&'static G, u64) {
    start::ensure();
    let g = record();
    let id = p::number();
    g.set_up(id, scope::origin(), new);
    name.into_iter().for_each(|name| names::set(g, name));
    FOREIGN_LIVE.fetch_add(1, Ordering::Relaxed);
    M::post(g);
    (g, id)
}

/// Make the main goroutine, and let `m` run it first.
pub(super) fn first(m: &'static M, body: Box<dyn FnOnce() + Send>, site: SiteRef) {
    let g = record();
    let new = New { body, site, joined: Joined::Never, uncaught: Uncaught::Ignore };
    g.set_up(p::number(), scope::origin(), new);
    FOREIGN_LIVE.fetch_add(1, Ordering::Relaxed);
    m.keep(g);
}

/// A free record, for who has no processor.
fn record() -> &'static G {
    let mut found = None;
    g::take(1, |g| found = Some(g));
    found.expect("at least one")
}
