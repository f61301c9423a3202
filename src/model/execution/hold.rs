//! Keeping one goroutine from going on, to see what its next piece of code means to the others.
//!
//! Invariant: without a [`Hold`] nothing here changes an execution.

use super::*;

/// A goroutine that has announced so many operations and is not to run what comes after them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Hold {
    pub(crate) g: Gid,
    pub(crate) announced: u32,
    /// It goes on when the others have come to the end of the execution.
    pub(crate) goes_on: bool,
}

/// How far a goroutine came.
#[derive(Clone, Debug)]
pub(crate) struct Stand {
    pub(crate) g: Gid,
    /// How many operations it announced.
    pub(crate) announced: u32,
    /// It has announced an operation that has not taken effect.
    pub(crate) waits: bool,
    pub(crate) exited: bool,
    /// Its last operation.
    pub(crate) op: OpKind,
    pub(crate) site: SiteRef,
}

impl Execution {
    /// Whether `g` is not to run what comes now.
    #[inline]
    fn is_held(&self, g: Gid) -> bool {
        let holds = |h: &Hold| h.g == g && h.announced == self.pending[g.index()].index;
        !self.holds.is_empty() && self.holds.iter().any(holds)
    }

    /// What happens next, if it is not that a goroutine that is held goes on.
    #[inline]
    pub(super) fn unless_held(&mut self, next: Next) -> Next {
        match next {
            Next::Resume(g) if self.keeps(g) => Next::Advance,
            next => next,
        }
    }

    /// Whether `g`, which would go on now, is held; it then has no operation that could take effect.
    #[inline]
    pub(in crate::model) fn keeps(&mut self, g: Gid) -> bool {
        let held = self.is_held(g);
        if held {
            self.enabled.remove(g);
        }
        held
    }

    /// The others are at the end: let the goroutine go on that was held until then; false if there is
    /// none.
    pub(in crate::model) fn let_go(&mut self) -> bool {
        let may_go_on = |h: &Hold| {
            let me = self.goroutines.get(h.g.index());
            let stands = me.is_some_and(|me| !matches!(me.status, Status::Pending | Status::Exited));
            h.goes_on && stands && self.is_held(h.g)
        };
        if self.ending == Ending::Fatal {
            return false;
        }
        let Some(at) = self.holds.iter().position(may_go_on) else { return false };
        let Hold { g, .. } = self.holds.swap_remove(at);
        self.ending = Ending::Running;
        self.ready.push_back(g);
        true
    }

    /// How far every goroutine came.
    pub(in crate::model) fn stands(&self) -> Vec<Stand> {
        let stand = |(i, (p, me)): (usize, (&Pending, &Goroutine))| Stand {
            g: Gid(i as u32),
            announced: p.index,
            waits: me.status == Status::Pending,
            exited: me.status == Status::Exited,
            op: p.op.kind(),
            site: p.site,
        };
        self.pending.iter().zip(&self.goroutines).enumerate().map(stand).collect()
    }
}
