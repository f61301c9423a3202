//! Whether who waits at a channel can ever go on, for dumps and for tests that ask who is left.
//!
//! Invariants: the answer is yes, he cannot, only if he is in the queue still and nobody holds a handle of
//! the other end: then nobody ever will. Who asks waits for no lock.

use super::Channel;
use super::queue::Node;
use crate::objects::End;
use crate::port::Watch;
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::ObjKind;

impl End {
    pub(super) fn other(self) -> End {
        match self {
            End::Send => End::Receive,
            End::Receive => End::Send,
        }
    }
}

impl<T> Channel<T> {
    /// Whether the owner of `node` waits at `end`, and for ever. Also no if the lock is taken for longer.
    pub(super) fn is_stranded(&self, end: End, node: &Node) -> bool {
        let Some(mut state) = self.try_enter() else { return false };
        node.is_queued() && self.timer.is_none() && !state.closed && *state.handles(end.other()) == 0
    }

    /// What a report says of it.
    pub(super) fn portrait(&self) -> (usize, ObjKind, SiteRef) {
        (self.address(), ObjKind::Chan, self.created)
    }
}

/// A wait at one channel.
pub(super) struct Watched<'a, T> {
    channel: &'a Channel<T>,
    end: End,
    node: &'a Node,
    /// Whether it has no deadline.
    for_ever: bool,
}

impl<'a, T> Watched<'a, T> {
    pub(super) fn new(channel: &'a Channel<T>, end: End, node: &'a Node, for_ever: bool) -> Watched<'a, T> {
        Watched { channel, end, node, for_ever }
    }
}

impl<T> Watch for Watched<'_, T> {
    fn is_stranded(&self) -> bool {
        self.for_ever && self.channel.is_stranded(self.end, self.node)
    }

    fn object(&self) -> Option<(usize, ObjKind, SiteRef)> {
        Some(self.channel.portrait())
    }
}

/// A wait at the nil channel.
pub(super) struct Nobody {
    pub(super) for_ever: bool,
}

impl Watch for Nobody {
    fn is_stranded(&self) -> bool {
        self.for_ever
    }
}
