//! Who touched what: the events of an execution by the resources and by the objects that they touch.
//!
//! Invariants: the touches of one thing are in the order of the events. What is asked for is found without
//! a look at all of them: of a resource the touches since the last one that conflicts with every other, of an
//! object those of each goroutine from its newest back. So an execution is analysed in about the time
//! that its races take, however long it is.

use super::index::Index;
use super::log::Log;
use selvedge_checkers::access::{Mode, Part, Res};
use selvedge_checkers::ids::{Gid, ObjId};

/// So many things are indexed before those that nobody touches any more are forgotten.
const STALE: usize = 1 << 12;

/// No touch.
const NONE: u32 = u32::MAX;

/// An event touches something.
#[derive(Clone, Copy)]
struct Touch {
    event: u32,
    g: Gid,
    mode: Mode,
    /// Of a resource: where the touches in one mode without a break begin, this one being the last of them.
    /// Of an object: the touch before this one by the same goroutine.
    link: u32,
}

/// The touches of a resource, or of an object.
#[derive(Default)]
struct History {
    touches: Vec<Touch>,
    /// Of an object: the newest touch of each goroutine that there is one of.
    newest: Vec<(Gid, u32)>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Touches {
    index: Index,
    histories: Vec<History>,
    used: usize,
}

impl Touches {
    pub(super) fn clear(&mut self) {
        self.index.clear();
        self.histories[..self.used].iter_mut().for_each(History::clear);
        self.used = 0;
    }

    /// Whether so much is indexed that it is time to forget what nobody touches any more.
    pub(super) fn is_stale(&self) -> bool {
        self.used > STALE
    }

    /// Forget the events from this one on.
    pub(super) fn truncate(&mut self, events: usize) {
        for history in &mut self.histories[..self.used] {
            history.truncate(events);
        }
    }

    /// The event touches what its footprint says.
    pub(super) fn add(&mut self, log: &Log, event: usize) {
        let g = log.events[event].g;
        for &(res, mode) in log.footprint(event) {
            self.history(key(res)).touch_resource(g, event as u32, mode);
            match res.part {
                Part::Token => self.history(key_of_token(Gid(res.owner))).touch_object(g, event as u32, mode),
                part if part.is_of_goroutine() => {}
                _ => self.history(key_of(ObjId(res.owner))).touch_object(g, event as u32, mode),
            }
        }
    }

    /// Append the events that conflict with a touch of the resource, latest first, back to the last one that
    /// conflicts with every other.
    pub(super) fn conflicting(&self, res: Res, mode: Mode, found: &mut Vec<u32>) {
        let Some(history) = self.index.get(key(res)) else { return };
        let touches = &self.histories[history as usize].touches;
        let mut left = touches.len();
        while let Some(last) = left.checked_sub(1) {
            let touch = touches[last];
            if mode.conflicts(touch.mode) {
                found.push(touch.event);
                left = last;
            } else {
                left = touch.link as usize;
            }
            if touch.mode == Mode::Write {
                break;
            }
        }
    }

    /// Append the events on an object as long as `is_news` says of a goroutine's that earlier ones matter,
    /// too; where `readers` is false, only those that change something.
    pub(super) fn on_object(
        &self,
        object: ObjId,
        readers: bool,
        is_news: impl Fn(u32) -> bool,
        found: &mut Vec<u32>,
    ) {
        self.newest_first(key_of(object), readers, is_news, found);
    }

    /// Like [`on_object`](Touches::on_object), of the token that a goroutine parks for.
    pub(super) fn on_token(
        &self,
        g: Gid,
        readers: bool,
        is_news: impl Fn(u32) -> bool,
        found: &mut Vec<u32>,
    ) {
        self.newest_first(key_of_token(g), readers, is_news, found);
    }

    fn newest_first(&self, key: u64, readers: bool, is_news: impl Fn(u32) -> bool, found: &mut Vec<u32>) {
        let Some(history) = self.index.get(key) else { return };
        let History { touches, newest } = &self.histories[history as usize];
        for &(_, newest) in newest {
            let mut at = newest;
            while let Some(touch) = touches.get(at as usize)
                && is_news(touch.event)
            {
                if readers || touch.mode != Mode::Read {
                    found.push(touch.event);
                }
                at = touch.link;
            }
        }
    }

    fn history(&mut self, key: u64) -> &mut History {
        let at = self.index.get_or_insert(key, self.used as u32) as usize;
        if at == self.used {
            self.used += 1;
            if self.histories.len() < self.used {
                self.histories.push(History::default());
            }
        }
        &mut self.histories[at]
    }
}

impl History {
    fn clear(&mut self) {
        self.touches.clear();
        self.newest.clear();
    }

    fn truncate(&mut self, events: usize) {
        while let Some(touch) = self.touches.pop_if(|last| last.event as usize >= events) {
            let Some(at) = self.newest.iter().position(|newest| newest.0 == touch.g) else { continue };
            match touch.link {
                NONE => drop(self.newest.swap_remove(at)),
                link => self.newest[at].1 = link,
            }
        }
    }

    fn touch_resource(&mut self, g: Gid, event: u32, mode: Mode) {
        let own = self.touches.len() as u32;
        let link = match self.touches.last() {
            Some(last) if last.mode == mode => last.link,
            _ => own,
        };
        self.touches.push(Touch { event, g, mode, link });
    }

    fn touch_object(&mut self, g: Gid, event: u32, mode: Mode) {
        match self.touches.last_mut() {
            Some(last) if last.event == event => {
                if last.mode == Mode::Read {
                    last.mode = mode;
                }
                return;
            }
            _ => {}
        }
        let own = self.touches.len() as u32;
        let link = match self.newest.iter_mut().find(|newest| newest.0 == g) {
            Some(newest) => std::mem::replace(&mut newest.1, own),
            None => {
                self.newest.push((g, own));
                NONE
            }
        };
        self.touches.push(Touch { event, g, mode, link });
    }
}

fn key(res: Res) -> u64 {
    u64::from(res.owner) << 40 | (res.part as u64) << 32 | u64::from(res.index)
}

/// The history of an object as a whole.
fn key_of(object: ObjId) -> u64 {
    u64::from(object.0) << 40 | 0xff << 32
}

/// The history of who parks and who unparks.
fn key_of_token(g: Gid) -> u64 {
    u64::from(g.0) << 40 | 0xfe << 32
}
