//! Channels that are closed while somebody may still send.
//!
//! A send that went well and a close by another goroutine *race* when neither happens before the
//! other: another schedule closes first and the send panics. Apart from that, closing is the
//! sender's business: a goroutine that only received from a channel cannot know that the senders
//! are through, unless it learned of something they did after their last send.
//!
//! Source: the channel rules of Go's memory model, and the send/close check of Go's race detector
//! (`racereadpc`/`racewritepc` in `chansend` and `closechan`) on the clocks of FastTrack.
//! Deviation: all happens-before edges count, those of locks too, so that `lock; if !closed
//! { send }` is silent; an order that only this channel's own messages make is no warning either,
//! but does not excuse a closing receiver.
//!
//! Invariants: steps are seen before their own edges are applied, so a close is compared with what
//! its goroutine knew beforehand; at most one finding of each kind per close.
//!
//! Does not detect: a send after the close (it panics in the execution at hand), two closes,
//! senders beyond the limit, and whether a program recovers from the panic by design.

use crate::clock::{Clocks, Epoch};
use crate::finding::{Evidence, Finding, Side, Slug};
use crate::ids::{Gid, ObjId, SiteRef};
use crate::op::OpKind;
use crate::table::{Row, Table};

/// Goroutines that are told apart on each side of one channel; a search among them is one scan.
const MAX_PARTIES: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Send {
    last: Epoch,
    op: OpKind,
    site: SiteRef,
    step: u32,
}

#[derive(Default, Debug)]
struct Channel {
    /// The last send of each goroutine: if that one is ordered before the close, all are.
    senders: Vec<Send>,
    receivers: Vec<Gid>,
    /// There were more senders than are told apart, so "never sent" cannot be said any more.
    crowded: bool,
}

impl Row for Channel {
    fn clear(&mut self) {
        self.senders.clear();
        self.receivers.clear();
        self.crowded = false;
    }
}

/// The uses of all channels of one execution.
#[derive(Default, Debug)]
pub struct ChannelUse {
    channels: Table<Channel>,
}

impl ChannelUse {
    /// Start a new execution, keeping the memory.
    pub fn reset(&mut self) {
        self.channels.reset();
    }

    /// The channel is gone; its id may be given to another.
    pub fn forget(&mut self, chan: ObjId) {
        self.channels.forget(chan.index());
    }

    /// `g` delivered a message.
    #[inline]
    pub fn sent(&mut self, clocks: &Clocks, chan: ObjId, g: Gid, op: OpKind, site: SiteRef, step: u32) {
        let channel = self.channels.row(chan.index());
        let send = Send { last: clocks.epoch(g), op, site, step };
        if let Some(mine) = channel.senders.iter_mut().find(|s| s.last.g == g) {
            *mine = send;
        } else if channel.senders.len() < MAX_PARTIES {
            channel.senders.push(send);
        } else {
            channel.crowded = true;
        }
    }

    /// `g` took a message.
    #[inline]
    pub fn received(&mut self, chan: ObjId, g: Gid) {
        let receivers = &mut self.channels.row(chan.index()).receivers;
        if !receivers.contains(&g) && receivers.len() < MAX_PARTIES {
            receivers.push(g);
        }
    }

    /// `g` closed the channel.
    pub fn closed(
        &mut self,
        clocks: &Clocks,
        chan: ObjId,
        g: Gid,
        site: SiteRef,
        step: u32,
        findings: &mut Vec<Finding>,
    ) {
        let Some(channel) = self.channels.get(chan.index()) else { return };
        let second = || Side { g, op: OpKind::Close, site: site.into(), step };
        if let Some(send) = channel.senders.iter().find(|s| !clocks.ordered(s.last, g)) {
            let first = Side { g: send.last.g, op: send.op, site: send.site.into(), step: send.step };
            findings.push(Finding {
                slug: Slug::SendRacesClose,
                evidence: Evidence::Race { object: chan, first, second: second() },
            });
        }
        // A send publishes with its own stamp: who knows no more than that of the sender has only
        // the message to go by, and the sender may go on.
        let may_go_on = |s: &Send| s.last.g != g && clocks.seen(g).get(s.last.g) <= s.last.at;
        let never_sent = !channel.crowded && channel.senders.iter().all(|s| s.last.g != g);
        if never_sent && channel.receivers.contains(&g) && channel.senders.iter().any(may_go_on) {
            let evidence = Evidence::Single { side: second(), object: Some(chan) };
            findings.push(Finding { slug: Slug::ClosedByReceiver, evidence });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MAX_PARTIES;
    use crate::finding::{Evidence, Slug};
    use crate::ids::ObjId;
    use crate::rig::Rig;

    const CH: u32 = 0;
    const DONE: u32 = 1;
    const WG: u32 = 2;
    const M: u32 = 3;

    #[test]
    fn a_send_and_a_close_that_nothing_orders_are_reported() {
        let mut rig = Rig::with(2);
        rig.send(1, CH);
        rig.close(0, CH);
        let found = rig.findings();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].slug, Slug::SendRacesClose);
        let Evidence::Race { first, second, .. } = &found[0].evidence else { panic!("{found:?}") };
        assert_eq!((first.g.0, first.step, second.g.0, second.step), (1, 1, 0, 2));
    }

    #[test]
    fn a_receive_of_an_earlier_message_does_not_cover_a_later_send() {
        let mut rig = Rig::with(3);
        rig.send(1, CH);
        rig.send(1, CH);
        rig.receive(2, CH);
        rig.send(2, DONE);
        rig.receive(0, DONE);
        rig.close(0, CH);
        assert_eq!(rig.slugs(), [Slug::SendRacesClose]);
    }

    #[test]
    fn closing_ones_own_channel_is_silent() {
        let mut rig = Rig::with(2);
        rig.send(1, CH);
        rig.receive(0, CH);
        rig.close(1, CH);
        assert!(rig.slugs().is_empty());
    }

    #[test]
    fn a_close_after_the_wait_is_silent() {
        for closer in [0, 3] {
            let mut rig = Rig::with(1);
            rig.add(0, WG, 2);
            for g in 1..4 {
                rig.spawn(0, g);
            }
            for g in [1, 2] {
                rig.send(g, CH);
                rig.receive(0, CH);
                rig.done(g, WG);
            }
            rig.wait(closer, WG);
            rig.close(closer, CH);
            assert!(rig.slugs().is_empty(), "closed by {closer}");
        }
    }

    #[test]
    fn join_another_channel_and_a_lock_order_as_well() {
        let mut rig = Rig::with(4);
        for g in 1..4 {
            rig.send(g, CH);
        }
        rig.join(0, 1);
        rig.send(2, DONE);
        rig.receive(0, DONE);
        rig.lock(3, M);
        rig.unlock(3, M);
        rig.lock(0, M);
        rig.close(0, CH);
        assert!(rig.slugs().is_empty());
    }

    #[test]
    fn a_receiver_that_closes_on_a_message_is_reported() {
        let mut rig = Rig::with(2);
        rig.send(1, CH);
        rig.receive(0, CH);
        rig.close(0, CH);
        assert_eq!(rig.slugs(), [Slug::ClosedByReceiver]);
    }

    #[test]
    fn a_receiver_that_also_sends_or_joined_the_sender_is_silent() {
        let mut rig = Rig::with(2);
        rig.send(1, CH);
        rig.receive(0, CH);
        rig.send(0, CH);
        rig.close(0, CH);
        assert!(rig.slugs().is_empty());
        rig.restart(2);
        rig.send(1, CH);
        rig.receive(0, CH);
        rig.join(0, 1);
        rig.close(0, CH);
        assert!(rig.slugs().is_empty());
    }

    #[test]
    fn a_stop_channel_nobody_sends_on_is_silent() {
        let mut rig = Rig::with(2);
        rig.send(1, DONE);
        rig.receive(0, DONE);
        rig.close(0, CH);
        assert!(rig.slugs().is_empty());
    }

    #[test]
    fn the_last_send_of_each_sender_counts() {
        let mut rig = Rig::with(3);
        rig.send(1, CH);
        rig.send(2, CH);
        rig.join(0, 2);
        rig.close(0, CH);
        assert_eq!(rig.slugs(), [Slug::SendRacesClose], "that of the first is not ordered");
    }

    #[test]
    fn nothing_is_known_of_an_earlier_execution_or_of_a_channel_that_is_gone() {
        let mut rig = Rig::with(2);
        rig.send(1, CH);
        rig.restart(2);
        rig.close(0, CH);
        rig.restart(2);
        rig.send(0, CH);
        rig.close(0, CH);
        rig.restart(2);
        rig.send(1, CH);
        rig.suite.forget(ObjId(CH));
        rig.close(0, CH);
        assert!(rig.slugs().is_empty());
        rig.restart(2);
        rig.send(1, CH);
        rig.restart(2);
        rig.send(0, CH);
        rig.close(0, CH);
        assert!(rig.slugs().is_empty(), "used again, the row has no old senders");
    }

    #[test]
    fn parties_beyond_the_limit_are_not_told_apart() {
        let one_too_many = MAX_PARTIES as u32 + 1;
        let mut rig = Rig::with(one_too_many + 1);
        (1..=one_too_many).for_each(|g| rig.send(g, CH));
        (1..one_too_many).for_each(|g| rig.join(0, g));
        rig.close(0, CH);
        assert!(rig.slugs().is_empty(), "a sender");
        rig.restart(one_too_many + 1);
        (1..=one_too_many).for_each(|g| {
            rig.send(0, CH);
            rig.receive(g, CH);
        });
        rig.close(one_too_many, CH);
        assert!(rig.slugs().is_empty(), "a receiver");
    }
}
