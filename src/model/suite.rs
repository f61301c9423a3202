//! The engine's side of the detectors: turns steps into what they want to know.

use crate::objects::{Op, Step, World, wait_group};
use selvedge_checkers::access::Access;
use selvedge_checkers::clock::Clocks;
use selvedge_checkers::ids::{Gid, ObjId, SiteRef};

#[derive(Default)]
pub(super) struct Suite {}

#[allow(unused_variables, clippy::too_many_arguments)]
impl Suite {
    pub(super) fn reset(&mut self) {}
    pub(super) fn spawned(&mut self, clocks: &Clocks, parent: Gid, child: Gid) {}
    pub(super) fn joined(&mut self, g: Gid, target: Gid) {}
    pub(super) fn requested(&mut self, clocks: &Clocks, g: Gid, op: &Op, site: SiteRef, step: u32) {}
    pub(super) fn applied(&mut self, g: Gid, footprint: &[Access], op: &Op) {}
    pub(super) fn before(&self, world: &World, op: &Op) -> i64 {
        match *op {
            Op::WaitGroupAdd { wg, .. } => wait_group::count(world.state(wg)),
            _ => 0,
        }
    }
    pub(super) fn executed(
        &mut self,
        clocks: &Clocks,
        world: &World,
        g: Gid,
        op: &Op,
        step: Step,
        before: i64,
        site: SiteRef,
        number: u32,
    ) {
    }
    pub(super) fn main_returned(&mut self, clocks: &Clocks, running: &[Gid]) {}
    pub(super) fn forget(&mut self, obj: ObjId) {}
}
