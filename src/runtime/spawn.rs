//! Starting a goroutine.
//!
//! Invariant: a goroutine is counted as living before it can run. It has no stack until it first
//! does, so that those which run to their end one after the other share one warm stack.

use super::g::G;
use super::m::{M, current};
use super::p::FOREIGN_LIVE;
use super::{g, names, p, run, scope, start};
use selvedge_checkers::ids::SiteRef;
use std::sync::atomic::Ordering;

/// Start a goroutine that runs `f`, which must not unwind; gives its number.
#[inline]
pub(super) fn spawn<F: FnOnce() + Send + 'static>(f: F, name: Option<String>, site: SiteRef) -> u64 {
    let Some(me) = current() else { return from_outside(f, name, site) };
    let inside = me.enter();
    let Some(p) = inside.processor() else {
        drop(inside);
        let id = from_outside(f, name, site);
        // With a lock that is reserved for its thread it stays there, and comes back in soon.
        if me.thread().sections.is_empty() {
            run::surrender(me);
        }
        return id;
    };
    let g = p.record();
    let id = p.number();
    g.set_up(id, me.descent(), site, f);
    name.into_iter().for_each(|name| names::set(g, name));
    p.count_live(1);
    p.ready(inside.m, g);
    id
}

#[cold]
fn from_outside<F: FnOnce() + Send + 'static>(f: F, name: Option<String>, site: SiteRef) -> u64 {
    start::ensure();
    let g = record();
    let id = p::number();
    g.set_up(id, scope::origin(), site, f);
    name.into_iter().for_each(|name| names::set(g, name));
    FOREIGN_LIVE.fetch_add(1, Ordering::Relaxed);
    M::post(g);
    id
}

/// Make the main goroutine, and let `m` run it first.
pub(super) fn first(m: &'static M, body: Box<dyn FnOnce() + Send>, site: SiteRef) {
    let g = record();
    g.set_up(p::number(), scope::origin(), site, body);
    FOREIGN_LIVE.fetch_add(1, Ordering::Relaxed);
    m.keep(g);
}

/// A free record, for who has no processor.
fn record() -> &'static G {
    let mut found = None;
    g::take(1, |g| found = Some(g));
    found.expect("at least one")
}
