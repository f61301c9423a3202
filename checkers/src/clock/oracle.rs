//! The clocks against the definition: full vectors, one map, no reuse, no short cuts.

use super::*;
use crate::access::{Mode, Res};
use std::collections::BTreeMap;

const GOROUTINES: usize = 11;
const OBJECTS: usize = 2;

type Full = [u32; GOROUTINES];

fn join(into: &mut Full, from: &Full) {
    into.iter_mut().zip(from).for_each(|(a, b)| *a = (*a).max(*b));
}

/// A vector a goroutine, its own component included.
#[derive(Default)]
struct Oracle {
    know: [Full; GOROUTINES],
    pending: [Full; GOROUTINES],
    fenced: [Full; GOROUTINES],
    vars: BTreeMap<Res, Full>,
    /// Of each object, the stores that are not the newest.
    stores: [Vec<(u32, Full)>; OBJECTS],
}

const FENCES: Res = Res { owner: 0, part: Part::Fence, index: 0 };

impl Oracle {
    fn var(&self, res: Res) -> Full {
        if res.part != Part::Store {
            return self.vars.get(&res).copied().unwrap_or_default();
        }
        let stores = &self.stores[res.owner as usize];
        let kept = stores.iter().rev().find(|(index, _)| *index == res.index);
        let newest = Res { part: Part::Whole, index: 0, ..res };
        kept.map_or_else(|| self.var(newest), |(_, var)| *var)
    }

    fn fence(&mut self, g: usize, order: Ordering) {
        use Ordering::{AcqRel, Acquire, Release, SeqCst};
        if [Acquire, AcqRel, SeqCst].contains(&order) {
            let pending = self.pending[g];
            join(&mut self.know[g], &pending);
        }
        if order == SeqCst {
            let fences = self.vars.entry(FENCES).or_default();
            join(&mut self.know[g], fences);
            *fences = self.know[g];
            self.know[g][g] += 1;
        }
        if [Release, AcqRel, SeqCst].contains(&order) {
            self.fenced[g] = self.know[g];
            self.know[g][g] += 1;
        }
    }

    fn apply(&mut self, g: usize, footprint: &[Access]) {
        for a in footprint {
            let var = self.var(a.res);
            match a.sync {
                Sync::Acquire | Sync::AcquireRelease | Sync::AcquireUpdate => {
                    join(&mut self.know[g], &var);
                    if matches!(a.res.part, Part::Message | Part::Slot | Part::Signal) {
                        self.vars.remove(&a.res);
                    }
                }
                Sync::RelaxedLoad | Sync::RelaxedUpdate | Sync::ReleaseUpdate => {
                    join(&mut self.pending[g], &var);
                }
                Sync::Keep => {
                    let newest = self.var(Res { part: Part::Whole, index: 0, ..a.res });
                    self.stores[a.res.owner as usize].push((a.res.index, newest));
                }
                Sync::None | Sync::Release | Sync::Publish | Sync::RelaxedStore | Sync::RelaxedAdd => {}
            }
        }
        let mut raised = false;
        for a in footprint {
            let var = self.vars.entry(a.res).or_default();
            match a.sync {
                Sync::Release | Sync::AcquireRelease | Sync::ReleaseUpdate => join(var, &self.know[g]),
                Sync::Publish => *var = self.know[g],
                Sync::RelaxedStore => *var = self.fenced[g],
                Sync::RelaxedUpdate | Sync::AcquireUpdate | Sync::RelaxedAdd => join(var, &self.fenced[g]),
                Sync::None | Sync::Acquire | Sync::RelaxedLoad | Sync::Keep => {}
            }
            raised |=
                matches!(a.sync, Sync::Release | Sync::AcquireRelease | Sync::ReleaseUpdate | Sync::Publish);
        }
        self.know[g][g] += u32::from(raised);
    }
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (self.0 >> 33) % n
    }

    fn access(&mut self, counters: &mut [u32; 4]) -> Access {
        use crate::access::Sync::*;
        let parts = [Part::Whole, Part::Closed, Part::Message, Part::Slot, Part::Readers, Part::Signal];
        let part = parts[self.below(6) as usize];
        let owner = self.below(OBJECTS as u64) as u32;
        if matches!(part, Part::Message | Part::Slot) {
            // Numbers are published in order, the last one perhaps again, and learned of in any.
            let next = &mut counters[owner as usize * 2 + usize::from(part == Part::Slot)];
            let what = self.below(8);
            let (index, sync) = match what {
                0..4 => (*next, Publish),
                4 => (next.saturating_sub(1), Release),
                5 => (self.below(u64::from(*next) + 2) as u32, RelaxedLoad),
                _ => (self.below(u64::from(*next) + 2) as u32, Acquire),
            };
            *next += u32::from(what < 4);
            return Access::new(ObjId(owner), part, index, Mode::Write, sync);
        }
        if self.below(12) == 0 {
            let sync = [Acquire, Release][self.below(2) as usize];
            let part = [Part::Token, Part::Clock, Part::Fence][self.below(3) as usize];
            let whose = if part == Part::Token { self.below(GOROUTINES as u64) as u32 } else { 0 };
            return Access::of_goroutine(Gid(whose), part, Mode::Write, sync);
        }
        let index = if part == Part::Signal { self.below(GOROUTINES as u64) as u32 } else { 0 };
        let syncs = [
            None,
            Acquire,
            Release,
            Publish,
            AcquireRelease,
            RelaxedLoad,
            RelaxedStore,
            RelaxedUpdate,
            RelaxedAdd,
            AcquireUpdate,
            ReleaseUpdate,
        ];
        let all = if part == Part::Signal { 4 } else { syncs.len() as u64 };
        Access::new(ObjId(owner), part, index, Mode::Write, syncs[self.below(all) as usize])
    }

    /// A store to an atomic, or a load of one of the stores.
    fn atomic(&mut self, stores: &mut [u32; OBJECTS]) -> Vec<Access> {
        let owner = self.below(OBJECTS as u64) as u32;
        let next = &mut stores[owner as usize];
        let access = |part, index, sync| Access::new(ObjId(owner), part, index, Mode::Write, sync);
        if self.below(2) == 0 {
            let sync = [Sync::Acquire, Sync::RelaxedLoad][self.below(2) as usize];
            return vec![access(Part::Store, self.below(u64::from(*next) + 1) as u32, sync)];
        }
        let sync = [Sync::Publish, Sync::Release, Sync::RelaxedStore][self.below(3) as usize];
        *next += 1;
        vec![access(Part::Store, *next - 1, Sync::Keep), access(Part::Whole, 0, sync)]
    }
}

#[test]
fn random_executions_agree_with_the_definition() {
    let mut clocks = Clocks::default();
    for seed in 0..400 {
        let mut dice = Dice(seed);
        let mut counters = [0; 4];
        let mut oracle = Oracle::default();
        clocks.reset();
        oracle.know[0][0] = 1;
        let (last, mut stores) = (GOROUTINES - 1, [0; OBJECTS]);
        for g in 1..last {
            clocks.spawn(Gid::MAIN, Gid(g as u32));
            oracle.know[g] = oracle.know[0];
            oracle.know[g][g] = 1;
            oracle.know[0][0] += 1;
        }
        let timer = [Access::whole(ObjId(1), Mode::Write, Sync::Release)];
        clocks.apply(Gid::MAIN, &timer);
        oracle.apply(0, &timer);
        clocks.start_from(Gid(last as u32), ObjId(1));
        oracle.know[last] = oracle.var(timer[0].res);
        oracle.know[last][last] = 1;
        for _ in 0..200 {
            let g = dice.below(GOROUTINES as u64) as usize;
            let gid = Gid(g as u32);
            match dice.below(15) {
                0 => {
                    let target = dice.below(GOROUTINES as u64) as usize;
                    clocks.join(gid, Gid(target as u32));
                    let theirs = oracle.know[target];
                    join(&mut oracle.know[g], &theirs);
                }
                1 => {
                    use Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
                    let order = [Relaxed, Acquire, Release, AcqRel, SeqCst][dice.below(5) as usize];
                    clocks.fence(gid, order);
                    oracle.fence(g, order);
                }
                2 => {
                    let (obj, n) = (dice.below(OBJECTS as u64) as usize, dice.below(6) as usize);
                    clocks.keep_stores(ObjId(obj as u32), n);
                    let kept = &mut oracle.stores[obj];
                    kept.drain(..kept.len().saturating_sub(n));
                }
                12..15 => {
                    let footprint = dice.atomic(&mut stores);
                    clocks.apply(gid, &footprint);
                    oracle.apply(g, &footprint);
                }
                3 => {
                    let obj = ObjId(dice.below(OBJECTS as u64) as u32);
                    oracle.stores[obj.index()].clear();
                    clocks.forget(obj);
                    let of_goroutines = [Part::Token, Part::Clock, Part::Fence];
                    oracle.vars.retain(|res, _| res.owner != obj.0 || of_goroutines.contains(&res.part));
                }
                _ => {
                    let n = 1 + dice.below(2);
                    let footprint: Vec<Access> = (0..n).map(|_| dice.access(&mut counters)).collect();
                    clocks.apply(gid, &footprint);
                    oracle.apply(g, &footprint);
                }
            }
            let fences = oracle.var(FENCES);
            for (g, know) in oracle.know.iter().enumerate() {
                let e = Epoch { g: Gid(g as u32), at: 1 + dice.below(u64::from(know[g])) as u32 };
                assert_eq!(clocks.before_a_fence(e), e.at <= fences[g], "seed {seed}");
                assert_eq!(clocks.epoch(Gid(g as u32)).at, know[g], "seed {seed}");
                for (other, &at) in know.iter().enumerate().filter(|&(other, _)| other != g) {
                    assert_eq!(clocks.seen(Gid(g as u32)).get(Gid(other as u32)), at, "seed {seed}");
                }
            }
        }
    }
}
