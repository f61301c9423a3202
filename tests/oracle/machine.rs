//! The abstract machine the engine is compared with: one state, and the steps that lead out of it.
//!
//! It is written from the documentation of Go and of std alone. Its grain is that of Go's runtime:
//! an operation on a channel, a wait group, a semaphore or a barrier either completes or queues its
//! thread in one step, and whoever ends the wait completes it; locks, once and park are
//! conditions a thread waits for. What a thread does between two operations is no step.

use super::channels::{Chan, Queued};
use super::language::{CHILD, Instr, NIL, Name, Program, Seen, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// Where a thread is inside its current instruction.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Phase {
    /// About to begin the next one.
    Next,
    /// Somebody else must complete it.
    Queued,
    /// A write lock is announced.
    Announced,
    /// Woken from the condition variable, about to lock again.
    Relock,
    /// Released from the wait group, about to look at the counter again.
    Released,
    /// All instructions are done; the thread has not ended yet.
    Leaving,
    Ended,
    Panicked(&'static str),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Thread {
    pub(super) name: Name,
    /// What is still to do, the next instruction last.
    code: Vec<Frame>,
    pub(super) phase: Phase,
    locks: [bool; 2],
    reads: u8,
    writes: bool,
    detached: bool,
    has_child: bool,
    /// The child that was not joined yet.
    child: Option<usize>,
    token: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Frame {
    Do(Instr),
    OnceEnd,
    /// Join a thread; part of main's end.
    JoinThread(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum OnceState {
    Idle,
    Running,
    Done,
}

/// One state of the program.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    pub(super) threads: Vec<Thread>,
    vars: [u8; 2],
    locks: [bool; 2],
    raw: bool,
    readers: u8,
    writer: bool,
    announced: bool,
    waiting: BTreeSet<usize>,
    pub(super) chans: [Chan; 2],
    wg: i8,
    wg_waiters: BTreeSet<usize>,
    permits: u8,
    size: u8,
    requests: Vec<(usize, u8)>,
    once: OnceState,
    arrived: Vec<usize>,
    barrier: u8,
    /// The error that ended the program.
    fatal: Option<&'static str>,
    pub(super) seen: BTreeMap<Name, Vec<Seen>>,
}

impl State {
    pub fn new(program: &Program) -> State {
        let main = |i: usize| i == 0;
        let mut state = State {
            threads: Vec::new(),
            vars: [0; 2],
            locks: [false; 2],
            raw: false,
            readers: 0,
            writer: false,
            announced: false,
            waiting: BTreeSet::new(),
            chans: [Chan::new(program.caps[0]), Chan::new(program.caps[1])],
            wg: program.wg as i8,
            wg_waiters: BTreeSet::new(),
            permits: program.permits,
            size: program.permits,
            requests: Vec::new(),
            once: OnceState::Idle,
            arrived: Vec::new(),
            barrier: program.barrier,
            fatal: None,
            seen: BTreeMap::new(),
        };
        for (i, code) in program.threads.iter().enumerate() {
            let mut frames: Vec<Frame> = Vec::new();
            if main(i) && program.joins {
                frames.extend((1..program.threads.len()).rev().map(Frame::JoinThread));
            }
            frames.extend(code.iter().rev().cloned().map(Frame::Do));
            state.add_thread(i as Name, frames, !main(i) && !program.joins);
        }
        (0..program.threads.len()).for_each(|t| state.done(t));
        state
    }

    fn add_thread(&mut self, name: Name, code: Vec<Frame>, detached: bool) -> usize {
        self.threads.push(Thread {
            name,
            code,
            phase: Phase::Next,
            locks: [false; 2],
            reads: 0,
            writes: false,
            detached,
            has_child: false,
            child: None,
            token: false,
        });
        self.threads.len() - 1
    }

    /// How the program ended, if `successors` gave none.
    pub fn verdict(&self) -> Verdict {
        if let Some(text) = self.fatal {
            return Verdict::Fatal(text);
        }
        let alive = |t: &&Thread| !matches!(t.phase, Phase::Ended | Phase::Panicked(_));
        let panic = |t: &Thread| match t.phase {
            Phase::Panicked(text) => Some(text),
            _ => None,
        };
        let unclaimed = self.threads.iter().filter_map(panic).collect();
        Verdict::Quiet { stuck: self.threads.iter().filter(alive).map(|t| t.name).collect(), unclaimed }
    }

    pub fn seen(&self) -> &BTreeMap<Name, Vec<Seen>> {
        &self.seen
    }

    /// Every state one step away.
    pub fn successors(&self) -> Vec<State> {
        if self.fatal.is_some() {
            return Vec::new();
        }
        (0..self.threads.len()).flat_map(|t| self.steps_of(t)).collect()
    }

    /// The states that one step of thread `t` leads to; none if it is blocked.
    fn steps_of(&self, t: usize) -> Vec<State> {
        let mut next = self.clone();
        match self.threads[t].phase {
            Phase::Ended | Phase::Panicked(_) | Phase::Queued => Vec::new(),
            Phase::Leaving => {
                next.threads[t].phase = Phase::Ended;
                vec![next]
            }
            Phase::Announced => next.when(self.readers == 0, |s| {
                s.announced = false;
                s.take_write(t);
                s.done(t);
            }),
            Phase::Relock => next.when(!self.locks[0], |s| {
                s.locks[0] = true;
                s.done(t);
            }),
            Phase::Released => {
                if self.wg == 0 {
                    next.done(t);
                } else {
                    next.panic(t, "sync: WaitGroup is reused before previous Wait has returned");
                }
                vec![next]
            }
            Phase::Next => {
                let frame = next.threads[t].code.pop().expect("a thread that goes on has something to do");
                next.begin(t, frame)
            }
        }
    }

    /// The state after `f`, if `enabled`.
    fn when(mut self, enabled: bool, f: impl FnOnce(&mut State)) -> Vec<State> {
        if !enabled {
            return Vec::new();
        }
        f(&mut self);
        vec![self]
    }

    /// Thread `t` has completed its instruction, and goes on to the next that is an operation.
    pub(super) fn done(&mut self, t: usize) {
        while let Some(Frame::Do(instr)) = self.threads[t].code.last()
            && self.is_no_operation(t, instr)
        {
            if let Some(Frame::Do(Instr::Spawn(body))) = self.threads[t].code.pop() {
                self.spawn(t, body);
            }
        }
        let code = &self.threads[t].code;
        let (ends, joins) = (code.is_empty(), code.iter().all(|f| matches!(f, Frame::JoinThread(_))));
        self.threads[t].phase = if ends { Phase::Leaving } else { Phase::Next };
        if joins {
            self.drop_child(t);
        }
    }

    /// Whether an instruction does nothing that others could see: what is not held is not released,
    /// what cannot be otherwise is not observed, and a thread begins with its first operation.
    fn is_no_operation(&self, t: usize, instr: &Instr) -> bool {
        let me = &self.threads[t];
        match *instr {
            Instr::Unlock(m) => !me.locks[m as usize],
            Instr::ReadUnlock => me.reads == 0,
            Instr::WriteUnlock => !me.writes,
            Instr::CvWait => !me.locks[0],
            Instr::TrySend(NIL, _) | Instr::TryRecv(NIL) | Instr::Len(NIL) => true,
            Instr::Len(c) => self.chans[c as usize].cap == 0,
            Instr::Join | Instr::Finished => me.child.is_none(),
            Instr::Spawn(_) => true,
            _ => false,
        }
    }

    fn spawn(&mut self, t: usize, body: Vec<Instr>) {
        if !std::mem::replace(&mut self.threads[t].has_child, true) {
            let code = body.into_iter().rev().map(Frame::Do).collect();
            let child = self.add_thread(self.threads[t].name + CHILD, code, false);
            self.threads[t].child = Some(child);
            self.done(child);
        }
    }

    pub(super) fn sees(&mut self, t: usize, seen: Seen) {
        self.seen.entry(self.threads[t].name).or_default().push(seen);
    }

    fn sees_and_done(&mut self, t: usize, seen: Seen) {
        self.sees(t, seen);
        self.done(t);
    }

    /// Thread `t` panics: the program's end, unless somebody may join it.
    pub(super) fn panic(&mut self, t: usize, text: &'static str) {
        // Unwinding drops what the thread owns first.
        self.drop_child(t);
        for frame in std::mem::take(&mut self.threads[t].code).into_iter().rev() {
            if let Frame::JoinThread(other) = frame {
                self.detach(other);
            }
        }
        self.threads[t].phase = Phase::Panicked(text);
        if t == 0 || self.threads[t].detached {
            self.fatal.get_or_insert(text);
        }
    }

    /// Nobody will join the child of `t` any more.
    fn drop_child(&mut self, t: usize) {
        if let Some(child) = self.threads[t].child.take() {
            self.detach(child);
        }
    }

    fn detach(&mut self, thread: usize) {
        self.threads[thread].detached = true;
        if let Phase::Panicked(text) = self.threads[thread].phase {
            self.fatal.get_or_insert(text);
        }
    }

    fn take_write(&mut self, t: usize) {
        self.writer = true;
        self.threads[t].writes = true;
    }

    fn begin(mut self, t: usize, frame: Frame) -> Vec<State> {
        match frame {
            Frame::OnceEnd => {
                self.once = OnceState::Done;
                self.done(t);
                vec![self]
            }
            Frame::JoinThread(other) => self.join(t, other),
            Frame::Do(instr) => match instr {
                Instr::Lock(_)
                | Instr::TryLock(_)
                | Instr::Unlock(_)
                | Instr::RawLock
                | Instr::RawTryLock
                | Instr::RawUnlock
                | Instr::Read
                | Instr::TryRead
                | Instr::ReadUnlock
                | Instr::Write
                | Instr::TryWrite
                | Instr::WriteUnlock => self.lock(t, &instr),
                Instr::Send(..)
                | Instr::TrySend(..)
                | Instr::Recv(_)
                | Instr::TryRecv(_)
                | Instr::Close(_)
                | Instr::Len(_)
                | Instr::Select(..) => self.channel(t, &instr),
                _ => self.other(t, instr),
            },
        }
    }

    fn lock(mut self, t: usize, instr: &Instr) -> Vec<State> {
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

    fn channel(mut self, t: usize, instr: &Instr) -> Vec<State> {
        match *instr {
            Instr::Send(c, v) => self.send_or_queue(t, c, v),
            Instr::Recv(c) => self.receive_or_queue(t, c),
            Instr::TrySend(c, v) => match self.try_send(t, c, v) {
                Some(Ok(())) => self.sees_and_done(t, Seen::Flag(true)),
                Some(Err(text)) => self.panic(t, text),
                None => self.sees_and_done(t, Seen::Flag(false)),
            },
            Instr::TryRecv(c) => {
                let seen = self.try_receive(c).unwrap_or(Seen::WouldBlock);
                self.sees_and_done(t, seen);
            }
            Instr::Close(c) => match self.close(c) {
                Ok(()) => self.done(t),
                Err(text) => self.panic(t, text),
            },
            Instr::Len(c) => {
                let len = self.chans[c as usize].buffer.len() as u8;
                self.sees_and_done(t, Seen::Number(len));
            }
            Instr::Select(ref arms, default) => return self.select(t, arms, default),
            _ => unreachable!("{instr:?} is no channel operation"),
        }
        vec![self]
    }

    fn other(mut self, t: usize, instr: Instr) -> Vec<State> {
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

    fn join(self, t: usize, other: usize) -> Vec<State> {
        let phase = self.threads[other].phase.clone();
        self.when(matches!(phase, Phase::Ended | Phase::Panicked(_)), |s| {
            if let Phase::Panicked(text) = phase {
                s.sees(t, Seen::Joined(text));
                // The panic is handed over, and with that no news any more.
                s.threads[other].phase = Phase::Ended;
            }
            if s.threads[t].child == Some(other) {
                s.threads[t].child = None;
            }
            s.done(t);
        })
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

    /// Complete the operation of a thread that was queued on a channel.
    pub(super) fn complete(&mut self, peer: &Queued, seen: Option<Seen>) {
        if let Some(arm) = peer.arm {
            self.sees(peer.thread, Seen::Arm(arm));
        }
        seen.into_iter().for_each(|s| self.sees(peer.thread, s));
        self.done(peer.thread);
    }
}
