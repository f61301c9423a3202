//! The clocks against the definition: full vectors, one map, no reuse, no short cuts.

use super::*;
use crate::access::{Mode, Res};
use std::collections::BTreeMap;

const GOROUTINES: usize = 11;

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
}

impl Oracle {
    fn apply(&mut self, g: usize, footprint: &[Access]) {
        for a in footprint {
            let var = self.vars.get(&a.res).copied().unwrap_or_default();
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
                Sync::None
                | Sync::Release
                | Sync::Publish
                | Sync::RelaxedStore
                | Sync::RelaxedAdd
                | Sync::Keep => {}
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
        let owner = self.below(2) as u32;
        if matches!(part, Part::Message | Part::Slot) {
            // Numbers are published in order and learned of in any.
            let next = &mut counters[owner as usize * 2 + usize::from(part == Part::Slot)];
            let publishes = self.below(2) == 0;
            let index = if publishes { *next } else { self.below(u64::from(*next) + 2) as u32 };
            *next += u32::from(publishes);
            let sync = if publishes { Publish } else { Acquire };
            return Access::new(ObjId(owner), part, index, Mode::Write, sync);
        }
        if self.below(12) == 0 {
            let sync = [Acquire, Release][self.below(2) as usize];
            return Access::of_goroutine(
                Gid(self.below(GOROUTINES as u64) as u32),
                Part::Token,
                Mode::Write,
                sync,
            );
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
        for g in 1..GOROUTINES {
            clocks.spawn(Gid::MAIN, Gid(g as u32));
            oracle.know[g] = oracle.know[0];
            oracle.know[g][g] = 1;
            oracle.know[0][0] += 1;
        }
        for _ in 0..200 {
            let g = dice.below(GOROUTINES as u64) as usize;
            let gid = Gid(g as u32);
            match dice.below(12) {
                0 => {
                    let target = dice.below(GOROUTINES as u64) as usize;
                    clocks.join(gid, Gid(target as u32));
                    let theirs = oracle.know[target];
                    join(&mut oracle.know[g], &theirs);
                }
                1 => {
                    clocks.acquire_fence(gid);
                    let pending = oracle.pending[g];
                    join(&mut oracle.know[g], &pending);
                }
                2 => {
                    clocks.release_fence(gid);
                    oracle.fenced[g] = oracle.know[g];
                    oracle.know[g][g] += 1;
                }
                3 => {
                    let obj = ObjId(dice.below(2) as u32);
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
            for (g, know) in oracle.know.iter().enumerate() {
                assert_eq!(clocks.epoch(Gid(g as u32)).at, know[g], "seed {seed}");
                for (other, &at) in know.iter().enumerate().filter(|&(other, _)| other != g) {
                    assert_eq!(clocks.seen(Gid(g as u32)).get(Gid(other as u32)), at, "seed {seed}");
                }
            }
        }
    }
}
