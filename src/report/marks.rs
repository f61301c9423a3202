//! Which places of the source a finding is shown at, and with which words.
//!
//! Invariants: the first mark is the primary one and is at [`Finding::site`]; the others follow in
//! the order in which they may be dropped, the most dispensable last; no mark but the primary one
//! lies outside the user's own files.

use selvedge_checkers::finding::{Blocked, Evidence, Finding, LockEdge, Side, Slug};
use selvedge_checkers::ids::{Gid, ObjId, Site};
use selvedge_checkers::op::OpKind;
use selvedge_checkers::trace::{Event, Outcome};

use super::scene::Scene;
use super::source::is_users;
use super::words::{mark, waits};

/// One annotated place.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) site: Site,
    /// What to say there: the full text, then shorter ones for where that is too long.
    pub(super) texts: Vec<String>,
    pub(super) primary: bool,
    /// Underline the callee alone: a spawn's argument is a whole goroutine.
    pub(super) callee: bool,
}

/// The places of a finding.
pub(super) fn marks(f: &Finding, scene: &Scene<'_>) -> Vec<Mark> {
    let mut all = Collector { scene, marks: Vec::new() };
    match &f.evidence {
        Evidence::Stuck { blocked, .. } => all.stuck(blocked),
        Evidence::Race { object, first, second } => all.race(*object, first, second),
        Evidence::Panic { side, object, .. } => all.panicked(f.slug, side, *object),
        Evidence::Locks { edges } => all.locks(edges),
        Evidence::Cycle { round, .. } => {
            for (nth, side) in round.iter().enumerate() {
                all.add(&side.site, mark::did(&numbered(nth, round.len()), side, None, scene));
            }
        }
        Evidence::Notification { object, waiter, notifier } => {
            all.add(&waiter.site, mark::did("", waiter, *object, scene));
            all.add(&notifier.site, mark::too_early(notifier, *object, scene));
            all.origin(*object);
        }
        Evidence::Single { side, object } => {
            all.add(&side.site, mark::single(f.slug, side, *object, scene));
            all.origin(*object);
            all.spawn(&[side.g]);
        }
        Evidence::Borrow { holder, other } => {
            all.add(&holder.site, mark::borrows(holder, scene));
            all.add(&other.site, mark::finds_borrowed(other, scene));
            all.spawn(&[holder.g, other.g]);
        }
        Evidence::Divergence { .. } | Evidence::None => {}
    }
    all.finish()
}

fn numbered(nth: usize, of: usize) -> String {
    if of > 1 { format!("({}) ", nth + 1) } else { String::new() }
}

struct Collector<'s, 'a> {
    scene: &'s Scene<'a>,
    marks: Vec<Mark>,
}

impl Collector<'_, '_> {
    /// Adds a place unless the same words stand there already; the first one is the primary.
    fn add(&mut self, site: &Site, texts: Vec<String>) {
        let known = |m: &Mark| m.site == *site && m.texts == texts;
        if site.line > 0 && !self.marks.iter().any(known) {
            let primary = self.marks.is_empty();
            self.marks.push(Mark { site: site.clone(), texts, primary, callee: false });
        }
    }

    fn origin(&mut self, object: Option<ObjId>) {
        if let Some(o) = self.scene.object(object) {
            self.add(&o.created, mark::created(o.id, self.scene));
        }
    }

    /// Where the goroutines were spawned; those that share a place and a parent share a mark.
    fn spawn(&mut self, gs: &[Gid]) {
        let parent = |g: Gid| self.scene.trace.goroutine(g).and_then(|info| info.parent);
        let mut places: Vec<(&Site, Vec<Gid>)> = Vec::new();
        for &g in gs {
            let Some(site) = self.scene.spawned(g) else { continue };
            match places.iter_mut().find(|(at, same)| *at == site && parent(same[0]) == parent(g)) {
                Some((_, same)) if same.contains(&g) => {}
                Some((_, same)) => same.push(g),
                None => places.push((site, vec![g])),
            }
        }
        for (site, gs) in places {
            let shown = self.marks.len();
            if self.marks.first().is_none_or(|primary| primary.site != *site) {
                self.add(site, mark::spawned(&gs, self.scene));
            }
            for mark in &mut self.marks[shown..] {
                mark.callee = true;
            }
        }
    }

    fn stuck(&mut self, blocked: &[Blocked]) {
        let mut groups: Vec<Vec<&Blocked>> = Vec::new();
        for b in blocked {
            let alike = |g: &&mut Vec<&Blocked>| {
                (&g[0].site, g[0].reason, g[0].object, g[0].waits_for)
                    == (&b.site, b.reason, b.object, b.waits_for)
            };
            match groups.iter_mut().find(alike) {
                Some(group) => group.push(b),
                None => groups.push(vec![b]),
            }
        }
        for group in &groups {
            self.add(&group[0].site, waits(group, self.scene));
        }
        for b in blocked {
            self.holders(b);
        }
        if let [only] = blocked {
            self.spawn(&[only.g]);
            self.origin(only.object);
        }
    }

    /// Where those who hold what `b` waits for took it.
    fn holders(&mut self, b: &Blocked) {
        let Some(object) = self.scene.object(b.object) else { return };
        for (g, step) in &object.holders {
            let takes = |e: &&Event| {
                e.step == *step && e.g == *g && e.object == b.object && e.outcome == Outcome::Done
            };
            let taken = self.scene.trace.events.iter().find(takes);
            if let Some(e) = taken {
                self.add(&e.site, mark::took(*g, object.id, *step, self.scene));
            }
        }
    }

    fn race(&mut self, object: ObjId, first: &Side, second: &Side) {
        self.add(&second.site, mark::did("(2) ", second, Some(object), self.scene));
        self.add(&first.site, mark::did("(1) ", first, Some(object), self.scene));
        self.origin(Some(object));
        self.spawn(&[first.g, second.g]);
    }

    fn panicked(&mut self, slug: Slug, side: &Side, object: Option<ObjId>) {
        let own = match object {
            None => mark::panics(side, self.scene),
            Some(_) if slug == Slug::NegativeWaitGroup => mark::below_zero(side, object, self.scene),
            Some(_) => mark::did("", side, object, self.scene),
        };
        self.add(&side.site, own);
        let before: &[OpKind] = match slug {
            Slug::SendOnClosed | Slug::CloseOfClosed => &[OpKind::Close],
            Slug::UnlockOfUnlocked => {
                &[OpKind::Unlock, OpKind::ReadUnlock, OpKind::WriteUnlock, OpKind::Release]
            }
            Slug::WaitGroupMisuse if side.op == OpKind::WaitGroupWait => &[OpKind::WaitGroupAdd],
            Slug::WaitGroupMisuse => &[OpKind::WaitGroupWait],
            _ => &[],
        };
        // An add that raises the counter too early does so in the very step of the panic.
        let until = side.step + u32::from(side.op == OpKind::WaitGroupWait);
        for e in before.iter().filter_map(|op| self.scene.last(*op, object, until)) {
            let earlier = Side { g: e.g, op: e.op, site: e.site.clone(), step: e.step };
            self.add(&e.site, mark::did("before that, ", &earlier, object, self.scene));
        }
        self.origin(object);
        self.spawn(&[side.g]);
    }

    fn locks(&mut self, edges: &[LockEdge]) {
        for (nth, e) in edges.iter().enumerate() {
            self.add(&e.wanted_at, mark::wants(nth + 1, e.g, e.held, e.wanted, self.scene));
        }
        for e in edges {
            self.add(&e.held_at, mark::took(e.g, e.held, 0, self.scene));
        }
    }

    fn finish(mut self) -> Vec<Mark> {
        self.marks.retain(|m| m.primary || is_users(&m.site.file));
        self.marks
    }
}
