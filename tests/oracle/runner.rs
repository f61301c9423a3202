//! The same program, run by the engine through the surface that users have.

use super::language::{Arm, CHILD, Instr, NIL, Name, Outcome, Program, Seen, Verdict};
use selvedge::harness::config::LeakPolicy;
use selvedge::sync::atomic::{AtomicU8, Ordering::SeqCst};
use selvedge::sync::{
    Arc, Barrier, Condvar, Mutex, MutexGuard, Once, RawMutex, RawRwLock, Semaphore, WaitGroup,
};
use selvedge::thread::{self, Thread};
use selvedge::{Evidence, Explorer, Finding, Goroutine, Select, Severity, Slug, chan, choose, go};
use std::collections::{BTreeMap, BTreeSet};
use std::mem::ManuallyDrop;
use std::sync::Mutex as StdMutex;

/// What the engine came to.
pub(super) struct Observed {
    pub outcomes: BTreeSet<Outcome>,
    pub executions: u64,
    pub exhausted: bool,
}

/// Every outcome the engine finds in `program`.
pub(super) fn explore(program: &Program, explorer: Explorer) -> Observed {
    let log = Arc::new(StdMutex::new(Log::default()));
    let outcomes = Arc::new(StdMutex::new(BTreeSet::new()));
    let explorer = explorer.spurious(0).leaks(LeakPolicy::Allow);
    let (program, inner) = (Arc::new(program.clone()), Arc::clone(&log));
    let found = Arc::clone(&outcomes);
    let outcome = explorer.observe(
        move || {
            *inner.lock().unwrap() = Log::default();
            run(&program, &inner);
        },
        move |observed| {
            let log = std::mem::take(&mut *log.lock().unwrap());
            found.lock().unwrap().insert(log.outcome(observed.findings));
        },
    );
    assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
    let outcomes = std::mem::take(&mut *outcomes.lock().unwrap());
    Observed { outcomes, executions: outcome.executions, exhausted: outcome.exhausted }
}

/// What an execution leaves behind.
#[derive(Default)]
struct Log {
    seen: BTreeMap<Name, Vec<Seen>>,
    /// Goroutine numbers and the threads they run.
    names: BTreeMap<u64, Name>,
}

impl Log {
    fn outcome(self, findings: &[Finding]) -> Outcome {
        let verdict = self.verdict(findings);
        Outcome { seen: self.seen, verdict }.normal()
    }

    fn verdict(&self, findings: &[Finding]) -> Verdict {
        let mut stuck = None;
        let mut panics = Vec::new();
        for finding in findings.iter().filter(|f| f.slug.severity() == Severity::Error) {
            match &finding.evidence {
                Evidence::Stuck { blocked, .. } => {
                    let names: BTreeSet<Name> =
                        blocked.iter().map(|b| self.names[&u64::from(b.g.0)]).collect();
                    let main = names.contains(&0);
                    assert_eq!(main, finding.slug != Slug::LeakedGoroutine, "{finding:?}");
                    assert!(stuck.replace(names).is_none(), "{findings:?}");
                }
                Evidence::Panic { message, .. } => panics.push(known(message)),
                // Why somebody is stuck.
                Evidence::Notification { .. } => {}
                _ => panic!("unexpected: {finding:?}"),
            }
        }
        match (stuck, panics.first()) {
            (None, Some(fatal)) => Verdict::Fatal(fatal),
            (stuck, _) => {
                Verdict::Quiet { stuck: stuck.unwrap_or_default(), unclaimed: panics.into_iter().collect() }
            }
        }
    }
}

/// The texts that programs of the language can panic with.
fn known(message: &str) -> &'static str {
    const TEXTS: &[&str] = &[
        "send on closed channel",
        "close of closed channel",
        "close of nil channel",
        "sync: unlock of unlocked mutex",
        "sync: negative WaitGroup counter",
        "sync: WaitGroup is reused before previous Wait has returned",
        "semaphore: released more than held",
    ];
    TEXTS.iter().find(|t| **t == message).unwrap_or_else(|| panic!("unexpected: {message:?}"))
}

/// The shared objects of one execution.
struct Objects {
    vars: [AtomicU8; 2],
    locks: [Mutex<()>; 2],
    raw: RawMutex,
    rw: RawRwLock,
    cv: Condvar,
    chans: [selvedge::chan::Chan<u8>; 3],
    wg: WaitGroup,
    sem: Semaphore,
    once: Once,
    barrier: Barrier,
    threads: StdMutex<BTreeMap<Name, Thread>>,
    log: Arc<StdMutex<Log>>,
}

impl Objects {
    fn sees(&self, name: Name, seen: Seen) {
        self.log.lock().unwrap().seen.entry(name).or_default().push(seen);
    }

    fn is(&self, name: Name, g: u64) {
        self.log.lock().unwrap().names.insert(g, name);
    }
}

fn run(program: &Program, log: &Arc<StdMutex<Log>>) {
    let [a, b] = program.caps;
    let objects = Arc::new(Objects {
        vars: [AtomicU8::new(0), AtomicU8::new(0)],
        locks: [Mutex::new(()), Mutex::new(())],
        raw: RawMutex::new(),
        rw: RawRwLock::new(),
        cv: Condvar::new(),
        chans: [chan::Chan::new(a.into()), chan::Chan::new(b.into()), chan::Chan::nil()],
        wg: WaitGroup::new(),
        sem: Semaphore::new(program.permits.into()),
        once: Once::new(),
        barrier: Barrier::new(program.barrier.into()),
        threads: StdMutex::default(),
        log: Arc::clone(log),
    });
    if program.wg > 0 {
        objects.wg.add(program.wg.into());
    }
    objects.is(0, 0);
    objects.threads.lock().unwrap().insert(0, thread::current());
    let mut others = Vec::new();
    for (i, code) in program.threads.iter().enumerate().skip(1) {
        let name = i as Name;
        let (shared, code) = (Arc::clone(&objects), code.clone());
        let handle = thread::spawn(move || ThreadState::new(name, &shared).run(&code));
        objects.is(name, number(handle.thread()));
        objects.threads.lock().unwrap().insert(name, handle.thread().clone());
        others.extend(program.joins.then_some(handle));
    }
    ThreadState::new(0, &objects).run(&program.threads[0]);
    for handle in others {
        joined(0, &objects, handle.join());
    }
}

/// The number reports give a thread: its id in the model, counted from zero.
fn number(thread: &Thread) -> u64 {
    let id = format!("{:?}", thread.id());
    let digits: String = id.chars().filter(char::is_ascii_digit).collect();
    digits.parse::<u64>().expect("an id has a number") - 1
}

fn joined(name: Name, objects: &Objects, result: thread::Result<()>) {
    if let Err(panic) = result {
        let text = panic.downcast_ref::<&'static str>().expect("a misuse panics with a text");
        objects.sees(name, Seen::Joined(known(text)));
    }
}

/// What a thread knows by itself.
struct ThreadState<'a> {
    name: Name,
    objects: &'a Arc<Objects>,
    /// Dropped only where the program says so: a thread that ends keeps its locks.
    locks: [Option<ManuallyDrop<MutexGuard<'a, ()>>>; 2],
    reads: u32,
    writes: bool,
    has_child: bool,
    child: Option<Goroutine<()>>,
}

impl<'a> ThreadState<'a> {
    fn new(name: Name, objects: &'a Arc<Objects>) -> ThreadState<'a> {
        let locks = [None, None];
        ThreadState { name, objects, locks, reads: 0, writes: false, has_child: false, child: None }
    }

    fn sees(&self, seen: Seen) {
        self.objects.sees(self.name, seen);
    }

    fn flag(&self, flag: bool) {
        self.sees(Seen::Flag(flag));
    }

    /// Each instruction has a place of its own, as in a program without loops.
    fn run(&mut self, code: &[Instr]) {
        for (i, instr) in code.iter().enumerate() {
            match i {
                0 => perform!(self, instr),
                1 => perform!(self, instr),
                2 => perform!(self, instr),
                3 => perform!(self, instr),
                4 => perform!(self, instr),
                5 => perform!(self, instr),
                _ => unimplemented!("longer programs"),
            }
        }
    }

    fn run_in_once(&mut self, instr: &Instr) {
        perform!(self, instr)
    }

    fn hold(&mut self, m: u8, guard: MutexGuard<'a, ()>) {
        self.locks[m as usize] = Some(ManuallyDrop::new(guard));
    }

    fn received(&self, value: Option<u8>) {
        self.sees(value.map_or(Seen::Closed, Seen::Number));
    }

    #[track_caller]
    fn select(&mut self, arms: &[Arm], default: bool) {
        let chans = &self.objects.chans;
        let mut select = Select::new();
        for arm in arms {
            match *arm {
                Arm::Recv(c) => select.recv(chans[c as usize].receiver()),
                Arm::Send(c, v) => select.send(chans[c as usize].sender(), v),
            };
        }
        let taken = if default { select.try_now() } else { Some(select.wait()) };
        let Some(mut taken) = taken else { return self.sees(Seen::WouldBlock) };
        self.sees(Seen::Arm(taken.index() as u8));
        if let Arm::Recv(c) = arms[taken.index()] {
            self.received(taken.recv(chans[c as usize].receiver()));
        }
    }

    #[track_caller]
    fn cv_wait(&mut self) {
        if let Some(guard) = self.locks[0].take() {
            let guard = self.objects.cv.wait(ManuallyDrop::into_inner(guard)).unwrap();
            self.hold(0, guard);
        }
    }

    fn spawn(&mut self, body: &[Instr]) {
        if std::mem::replace(&mut self.has_child, true) {
            return;
        }
        let (name, shared, code) = (self.name + CHILD, Arc::clone(self.objects), body.to_vec());
        let handle = go(move || ThreadState::new(name, &shared).run(&code));
        self.objects.is(name, handle.id());
        self.child = Some(handle);
    }
}

/// Perform one instruction. A macro, because the engine knows places in the source by their line.
macro_rules! perform {
    ($self:ident, $instr:expr) => {{
        let objects: &Arc<Objects> = $self.objects;
        match $instr {
            &Instr::Load(x) => $self.sees(Seen::Number(objects.vars[x as usize].load(SeqCst))),
            &Instr::Store(x, v) => objects.vars[x as usize].store(v, SeqCst),
            &Instr::Add(x) => $self.sees(Seen::Number(objects.vars[x as usize].fetch_add(1, SeqCst))),
            &Instr::Cas(x, old, new) => {
                $self.flag(objects.vars[x as usize].compare_exchange(old, new, SeqCst, SeqCst).is_ok())
            }
            &Instr::Lock(m) => {
                let guard = objects.locks[m as usize].lock().unwrap();
                $self.hold(m, guard);
            }
            &Instr::TryLock(m) => {
                let guard = objects.locks[m as usize].try_lock().ok();
                $self.flag(guard.is_some());
                guard.into_iter().for_each(|g| $self.hold(m, g));
            }
            &Instr::Unlock(m) => {
                if let Some(guard) = $self.locks[m as usize].take() {
                    drop(ManuallyDrop::into_inner(guard));
                }
            }
            Instr::RawLock => objects.raw.lock(),
            Instr::RawTryLock => $self.flag(objects.raw.try_lock()),
            Instr::RawUnlock => objects.raw.unlock(),
            Instr::Read => {
                objects.rw.read_lock();
                $self.reads += 1;
            }
            Instr::TryRead => {
                let got = objects.rw.try_read_lock();
                $self.flag(got);
                $self.reads += u32::from(got);
            }
            Instr::ReadUnlock => {
                if $self.reads > 0 {
                    $self.reads -= 1;
                    objects.rw.read_unlock();
                }
            }
            Instr::Write => {
                objects.rw.lock();
                $self.writes = true;
            }
            Instr::TryWrite => {
                let got = objects.rw.try_lock();
                $self.flag(got);
                $self.writes |= got;
            }
            Instr::WriteUnlock => {
                if std::mem::take(&mut $self.writes) {
                    objects.rw.unlock();
                }
            }
            Instr::CvWait => $self.cv_wait(),
            Instr::NotifyOne => objects.cv.notify_one(),
            Instr::NotifyAll => objects.cv.notify_all(),
            Instr::TrySend(NIL, _) | Instr::TryRecv(NIL) => {}
            &Instr::Send(c, v) => objects.chans[c as usize].send(v),
            &Instr::TrySend(c, v) => $self.flag(objects.chans[c as usize].try_send(v).is_ok()),
            &Instr::Recv(c) => {
                let value = objects.chans[c as usize].recv();
                $self.received(value);
            }
            &Instr::TryRecv(c) => $self.sees(match objects.chans[c as usize].try_recv() {
                Ok(v) => Seen::Number(v),
                Err(chan::TryRecvError::Empty) => Seen::WouldBlock,
                Err(chan::TryRecvError::Closed) => Seen::Closed,
            }),
            &Instr::Close(c) => objects.chans[c as usize].close(),
            &Instr::Len(c) => {
                let ch = &objects.chans[c as usize];
                if ch.cap() > 0 {
                    $self.sees(Seen::Number(ch.len() as u8));
                }
            }
            Instr::Select(arms, default) => $self.select(arms, *default),
            Instr::WgAdd => objects.wg.add(1),
            Instr::WgDone => objects.wg.done(),
            Instr::WgWait => objects.wg.wait(),
            &Instr::Acquire(n) => objects.sem.acquire(n.into()),
            &Instr::TryAcquire(n) => $self.flag(objects.sem.try_acquire(n.into())),
            &Instr::Release(n) => objects.sem.release(n.into()),
            Instr::Once(body) => {
                let mut ran = false;
                objects.once.call_once(|| {
                    ran = true;
                    $self.flag(true);
                    $self.run_in_once(body);
                });
                if !ran {
                    $self.flag(false);
                }
            }
            Instr::OnceDone => $self.flag(objects.once.is_completed()),
            Instr::Barrier => $self.flag(objects.barrier.wait().is_leader()),
            Instr::Park => thread::park(),
            Instr::Unpark(t) => {
                let handle = objects.threads.lock().unwrap().get(t).cloned();
                handle.expect("every thread has begun").unpark();
            }
            Instr::Spawn(body) => $self.spawn(body),
            Instr::Join => {
                if let Some(child) = $self.child.take() {
                    joined($self.name, objects, child.join());
                }
            }
            Instr::Finished => {
                if let Some(child) = &$self.child {
                    $self.flag(child.is_finished());
                }
            }
            &Instr::Choose(n) => $self.sees(Seen::Number(choose(n.into()) as u8)),
            Instr::Yield => thread::yield_now(),
        }
    }};
}
use perform;

const _: () = assert!(NIL == 2, "the nil channel is the third of `Objects::chans`");
