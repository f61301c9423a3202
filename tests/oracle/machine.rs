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
    pub(super) code: Vec<Frame>,
    pub(super) phase: Phase,
    pub(super) locks: [bool; 2],
    pub(super) reads: u8,
    pub(super) writes: bool,
    pub(super) detached: bool,
    pub(super) has_child: bool,
    /// The child that was not joined yet.
    pub(super) child: Option<usize>,
    pub(super) token: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Frame {
    Do(Instr),
    OnceEnd,
    /// Join a thread; part of main's end.
    JoinThread(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum OnceState {
    Idle,
    Running,
    Done,
}

/// One state of the program.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct State {
    pub(super) threads: Vec<Thread>,
    pub(super) vars: [u8; 2],
    pub(super) locks: [bool; 2],
    pub(super) raw: bool,
    pub(super) readers: u8,
    pub(super) writer: bool,
    pub(super) announced: bool,
    pub(super) waiting: BTreeSet<usize>,
    pub(super) chans: [Chan; 2],
    pub(super) wg: i8,
    pub(super) wg_waiters: BTreeSet<usize>,
    pub(super) permits: u8,
    pub(super) size: u8,
    pub(super) requests: Vec<(usize, u8)>,
    pub(super) once: OnceState,
    pub(super) arrived: Vec<usize>,
    pub(super) barrier: u8,
    /// The error that ended the program.
    pub(super) fatal: Option<&'static str>,
    pub(super) seen: BTreeMap<Name, Vec<Seen>>,
}

impl State {
    pub(super) fn new(program: &Program) -> State {
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
    pub(super) fn verdict(&self) -> Verdict {
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

    pub(super) fn seen(&self) -> &BTreeMap<Name, Vec<Seen>> {
        &self.seen
    }

    /// Every state one step away.
    pub(super) fn successors(&self) -> Vec<State> {
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
    pub(super) fn when(mut self, enabled: bool, f: impl FnOnce(&mut State)) -> Vec<State> {
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

    pub(super) fn sees_and_done(&mut self, t: usize, seen: Seen) {
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

    pub(super) fn join(self, t: usize, other: usize) -> Vec<State> {
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

    /// Complete the operation of a thread that was queued on a channel.
    pub(super) fn complete(&mut self, peer: &Queued, seen: Option<Seen>) {
        if let Some(arm) = peer.arm {
            self.sees(peer.thread, Seen::Arm(arm));
        }
        seen.into_iter().for_each(|s| self.sees(peer.thread, s));
        self.done(peer.thread);
    }
}
