//! What threads wait for together: conditions, counters, permits, each other.
//!
//! A wait that must wait queues its thread; whoever makes it possible completes it, except that a
//! waiter of a wait group looks at the counter once more, and one of a condition variable locks again.

use super::language::{Instr, Seen};
use super::machine::{Frame, OnceState, Phase, State};

impl State {
    pub(super) fn other(mut self, t: usize, instr: Instr) -> Vec<State> {
        match instr {
            Instr::Load(x) => self.sees_and_done(t, Seen::Number(self.vars[x as usize])),
            Instr::Store(x, v) => {
                self.vars[x as usize] = v;
                self.done(t);
            }
            Instr::Add(x) => {
                let old = self.vars[x as usize];
                self.vars[x as usize] = old + 1;
                self.sees_and_done(t, Seen::Number(old));
            }
            Instr::Cas(x, expected, new) => {
                let hit = self.vars[x as usize] == expected;
                if hit {
                    self.vars[x as usize] = new;
                }
                self.sees_and_done(t, Seen::Flag(hit));
            }
            Instr::CvWait => {
                self.locks[0] = false;
                self.waiting.insert(t);
                self.threads[t].phase = Phase::Queued;
            }
            Instr::NotifyOne => {
                self.done(t);
                let woken = |&w: &usize| {
                    let mut next = self.clone();
                    next.waiting.remove(&w);
                    next.threads[w].phase = Phase::Relock;
                    next
                };
                if !self.waiting.is_empty() {
                    return self.waiting.iter().map(woken).collect();
                }
            }
            Instr::NotifyAll => {
                for w in std::mem::take(&mut self.waiting) {
                    self.threads[w].phase = Phase::Relock;
                }
                self.done(t);
            }
            Instr::WgAdd => self.wg_add(t, 1),
            Instr::WgDone => self.wg_add(t, -1),
            Instr::WgWait if self.wg == 0 => self.done(t),
            Instr::WgWait => {
                self.wg_waiters.insert(t);
                self.threads[t].phase = Phase::Queued;
            }
            Instr::Acquire(n) => {
                if self.requests.is_empty() && self.permits >= n {
                    self.permits -= n;
                    self.done(t);
                } else {
                    if n <= self.size {
                        self.requests.push((t, n));
                    }
                    self.threads[t].phase = Phase::Queued;
                }
            }
            Instr::TryAcquire(n) => {
                let fits = self.requests.is_empty() && self.permits >= n;
                if fits {
                    self.permits -= n;
                }
                self.sees_and_done(t, Seen::Flag(fits));
            }
            Instr::Release(n) => {
                if self.permits + n > self.size {
                    self.panic(t, "semaphore: released more than held");
                } else {
                    self.permits += n;
                    self.done(t);
                    self.grant();
                }
            }
            Instr::Once(body) => match self.once {
                OnceState::Running => return Vec::new(),
                OnceState::Done => self.sees_and_done(t, Seen::Flag(false)),
                OnceState::Idle => {
                    self.once = OnceState::Running;
                    self.threads[t].code.push(Frame::OnceEnd);
                    self.threads[t].code.push(Frame::Do(*body));
                    self.sees(t, Seen::Flag(true));
                }
            },
            Instr::OnceDone => self.sees_and_done(t, Seen::Flag(self.once == OnceState::Done)),
            Instr::Barrier => self.arrive(t),
            Instr::Park => {
                let token = std::mem::take(&mut self.threads[t].token);
                return self.when(token, |s| s.done(t));
            }
            Instr::Unpark(other) => {
                self.threads[other as usize].token = true;
                self.done(t);
            }
            Instr::Join => {
                let child = self.threads[t].child.expect("joined only if there");
                return self.join(t, child);
            }
            Instr::Finished => {
                let child = self.threads[t].child.expect("asked for only if there");
                let ended = matches!(self.threads[child].phase, Phase::Ended | Phase::Panicked(_));
                self.sees_and_done(t, Seen::Flag(ended));
            }
            Instr::Choose(n) => {
                let chosen = |v| {
                    let mut next = self.clone();
                    next.sees_and_done(t, Seen::Number(v));
                    next
                };
                return (0..n).map(chosen).collect();
            }
            Instr::Yield => self.done(t),
            other => unreachable!("{other:?} is handled elsewhere"),
        }
        vec![self]
    }

    fn wg_add(&mut self, t: usize, delta: i8) {
        self.wg += delta;
        if self.wg < 0 {
            return self.panic(t, "sync: negative WaitGroup counter");
        }
        if self.wg == 0 {
            for w in std::mem::take(&mut self.wg_waiters) {
                self.threads[w].phase = Phase::Released;
            }
        }
        self.done(t);
    }

    fn grant(&mut self) {
        while let Some(&(t, n)) = self.requests.first()
            && self.permits >= n
        {
            self.permits -= n;
            self.requests.remove(0);
            self.done(t);
        }
    }

    fn arrive(&mut self, t: usize) {
        if self.arrived.len() + 1 < self.barrier.into() {
            self.arrived.push(t);
            self.threads[t].phase = Phase::Queued;
            return;
        }
        for peer in std::mem::take(&mut self.arrived) {
            self.sees_and_done(peer, Seen::Flag(false));
        }
        self.sees_and_done(t, Seen::Flag(true));
    }
}
