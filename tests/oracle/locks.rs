//! Locks, as std and Go document them: conditions a thread waits for, without a queue.
//!
//! A writer announces itself before it waits for the readers to leave; from then on nobody else gets
//! in, so that reading twice can wait for oneself.

use super::language::{Instr, Seen};
use super::machine::{Phase, State};

impl State {
    pub(super) fn take_write(&mut self, t: usize) {
        self.writer = true;
        self.threads[t].writes = true;
    }

    pub(super) fn lock(mut self, t: usize, instr: &Instr) -> Vec<State> {
        let free_to_read = !self.writer && !self.announced;
        match *instr {
            Instr::Lock(m) => {
                let free = !self.locks[m as usize];
                return self.when(free, |s| {
                    s.locks[m as usize] = true;
                    s.threads[t].locks[m as usize] = true;
                    s.done(t);
                });
            }
            Instr::TryLock(m) => {
                let free = !self.locks[m as usize];
                if free {
                    self.locks[m as usize] = true;
                    self.threads[t].locks[m as usize] = true;
                }
                self.sees_and_done(t, Seen::Flag(free));
            }
            Instr::Unlock(m) => {
                self.threads[t].locks[m as usize] = false;
                self.locks[m as usize] = false;
                self.done(t);
            }
            Instr::RawLock => {
                let free = !self.raw;
                return self.when(free, |s| {
                    s.raw = true;
                    s.done(t);
                });
            }
            Instr::RawTryLock => {
                let free = !std::mem::replace(&mut self.raw, true);
                self.sees_and_done(t, Seen::Flag(free));
            }
            Instr::RawUnlock => {
                if !std::mem::take(&mut self.raw) {
                    self.fatal.get_or_insert("sync: unlock of unlocked mutex");
                }
                self.done(t);
            }
            Instr::Read => {
                return self.when(free_to_read, |s| {
                    s.readers += 1;
                    s.threads[t].reads += 1;
                    s.done(t);
                });
            }
            Instr::TryRead => {
                if free_to_read {
                    self.readers += 1;
                    self.threads[t].reads += 1;
                }
                self.sees_and_done(t, Seen::Flag(free_to_read));
            }
            Instr::ReadUnlock => {
                self.threads[t].reads -= 1;
                self.readers -= 1;
                self.done(t);
            }
            Instr::Write => {
                return self.when(free_to_read, |s| {
                    s.announced = true;
                    s.threads[t].phase = Phase::Announced;
                });
            }
            Instr::TryWrite => {
                let free = free_to_read && self.readers == 0;
                if free {
                    self.take_write(t);
                }
                self.sees_and_done(t, Seen::Flag(free));
            }
            Instr::WriteUnlock => {
                self.threads[t].writes = false;
                self.writer = false;
                self.done(t);
            }
            _ => unreachable!("{instr:?} is no lock operation"),
        }
        vec![self]
    }
}
