//! Where the threads that run goroutines spend their time: what the CPU profile is made of.
//!
//! Each of those threads has a timer of its own on its CPU clock, which sends it `SIGPROF` every [`PERIOD`] of time
//! that it used. The handler notes the stack and whose it is in a slot of a table; a collector empties the slots and
//! sees to threads that are new. Invariants: the handler allocates nothing, takes no lock, keeps `errno`, and runs on
//! the signal stack that each of our threads has; a slot is written by one handler, from free to full, and read by the
//! collector alone, from full to free; no other thread gets a timer, so none is interrupted.
//!
//! Does not see: other threads than those that run goroutines; time in the kernel is told as the call into it.
//! Samples that find no free slot are counted as lost.
//!
//! The unwinder is safe in a handler since it finds its tables without a lock (`_dl_find_object`, glibc 2.35); where
//! the system lacks that, only the innermost function is noted.
//!
//! Source: Go's `runtime/cpuprof.go` and, for timers of threads, `runtime/os_linux.go`; timer_create(2).

use super::clock::Nanos;
use super::trace::Trace;
use selvedge_checkers::ids::SiteRef;
use std::collections::BTreeMap;

/// Time between two samples of a thread: a hundred a second, as Go.
pub(crate) const PERIOD: Nanos = 10_000_000;

/// What samples are alike in: where, and the goroutine's name and the place it was started, if it was one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) trace: Trace,
    pub(crate) name: Option<String>,
    pub(crate) created: Option<(&'static str, u32)>,
}

/// What was sampled.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    pub(crate) places: BTreeMap<Place, u64>,
    /// How many found no room.
    pub(crate) lost: u64,
}

/// Why there is no profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Runs,
    SignalTaken,
    System,
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) use system::Sampler;

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub(crate) use elsewhere::Sampler;

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod elsewhere {
    use super::{Refusal, Samples};

    /// There is none.
    pub(crate) enum Sampler {}

    impl Sampler {
        pub(crate) fn start() -> Result<Sampler, Refusal> {
            Err(Refusal::System)
        }

        pub(crate) fn finish(self) -> Samples {
            match self {}
        }
    }
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod system {
    use super::{PERIOD, Place, Refusal, Samples, SiteRef};
    use crate::runtime::g::G;
    use crate::runtime::{arena, m, start};
    use std::cell::UnsafeCell;
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
    use std::sync::{Arc, OnceLock};
    use std::time::Duration;

    /// Frames of a sample.
    const DEPTH: usize = 64;
    /// Bytes of a name that are kept.
    const NAME: usize = 48;
    /// Samples between two rounds of the collector.
    const ROOM: usize = 512;
    /// Frames of the handler itself, at most.
    const HANDLER: usize = 16;
    const ROUND: Duration = Duration::from_millis(20);

    const FREE: u32 = 0;
    const WRITTEN: u32 = 1;
    const FULL: u32 = 2;

    struct Slot {
        state: AtomicU32,
        sample: UnsafeCell<Sample>,
    }

    // SAFETY: `sample` belongs to whoever moved `state` to `WRITTEN`, or to the collector while it is `FULL`.
    unsafe impl Sync for Slot {}

    #[derive(Clone, Copy)]
    struct Sample {
        frames: [usize; DEPTH],
        len: usize,
        name: [u8; NAME],
        name_len: usize,
        created: Option<SiteRef>,
    }

    const EMPTY: Sample = Sample { frames: [0; DEPTH], len: 0, name: [0; NAME], name_len: 0, created: None };

    static TABLE: OnceLock<Box<[Slot]>> = OnceLock::new();
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    static LOST: AtomicU64 = AtomicU64::new(0);
    /// Whether samples are wanted.
    static ON: AtomicBool = AtomicBool::new(false);
    /// Whether the unwinder may be used in a handler.
    static UNWINDS: AtomicBool = AtomicBool::new(false);
    /// There is one profile at a time.
    static TAKEN: AtomicBool = AtomicBool::new(false);

    type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

    /// A profile that is being taken.
    pub(crate) struct Sampler {
        stop: Arc<AtomicBool>,
        collector: Option<std::thread::JoinHandle<Samples>>,
    }

    impl Sampler {
        /// Begin.
        pub(crate) fn start() -> Result<Sampler, Refusal> {
            start::ensure();
            if TAKEN.swap(true, Ordering::Acquire) {
                return Err(Refusal::Runs);
            }
            let begun = begin();
            if begun.is_err() {
                TAKEN.store(false, Ordering::Release);
            }
            begun
        }

        /// The end, and what was sampled.
        pub(crate) fn finish(mut self) -> Samples {
            self.end()
        }

        fn end(&mut self) -> Samples {
            self.stop.store(true, Ordering::Relaxed);
            let Some(collector) = self.collector.take() else { return Samples::default() };
            collector.thread().unpark();
            let samples = collector.join().unwrap_or_default();
            TAKEN.store(false, Ordering::Release);
            samples
        }
    }

    impl Drop for Sampler {
        fn drop(&mut self) {
            self.end();
        }
    }

    fn begin() -> Result<Sampler, Refusal> {
        let slot = || Slot { state: AtomicU32::new(FREE), sample: UnsafeCell::new(EMPTY) };
        TABLE.get_or_init(|| (0..ROOM).map(|_| slot()).collect());
        // The unwinder sets itself up the first time it runs, which is not to be in the handler.
        let _ = crate::runtime::trace::here();
        // SAFETY: the name is a string, and only whether there is such a function is looked at.
        let lock_free = unsafe { !libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()).is_null() };
        UNWINDS.store(lock_free, Ordering::Relaxed);
        install()?;
        LOST.store(0, Ordering::Relaxed);
        ON.store(true, Ordering::SeqCst);
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let body = move || collect(&asked);
        match std::thread::Builder::new().name("selvedge-profiler".into()).spawn(body) {
            Ok(collector) => Ok(Sampler { stop, collector: Some(collector) }),
            Err(_) => {
                ON.store(false, Ordering::SeqCst);
                Err(Refusal::System)
            }
        }
    }

    /// Handle the signal, unless somebody else does. The handler stays: a signal may still be on its way when a
    /// profile ends.
    fn install() -> Result<(), Refusal> {
        // SAFETY: all zeroes is a valid `sigaction`; the handler has the signature that `SA_SIGINFO` asks for, and
        // does only what a handler may.
        unsafe {
            let mut before: libc::sigaction = std::mem::zeroed();
            libc::sigaction(libc::SIGPROF, std::ptr::null(), &raw mut before);
            let handler: Handler = on_tick;
            if before.sa_sigaction == handler as usize {
                return Ok(());
            }
            if before.sa_sigaction != libc::SIG_DFL && before.sa_sigaction != libc::SIG_IGN {
                return Err(Refusal::SignalTaken);
            }
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
            libc::sigaction(libc::SIGPROF, &raw const action, std::ptr::null_mut());
        }
        Ok(())
    }

    /// The timer of a thread; gone when dropped.
    struct Timer(libc::timer_t);

    impl Timer {
        fn of(tid: u32) -> Option<Timer> {
            // The clock of a thread's CPU time, as clock_getcpuclockid(3) makes it: the number's complement, then
            // "of a thread" (4) and "as the scheduler counts" (2).
            let clock = (!(tid as libc::clockid_t) << 3) | 6;
            // SAFETY: all zeroes is a valid `sigevent` and `timer_t`; the pointers outlive the calls.
            unsafe {
                let mut event: libc::sigevent = std::mem::zeroed();
                event.sigev_notify = libc::SIGEV_THREAD_ID;
                event.sigev_signo = libc::SIGPROF;
                event.sigev_notify_thread_id = tid as libc::c_int;
                let mut timer: libc::timer_t = std::mem::zeroed();
                if libc::timer_create(clock, &raw mut event, &raw mut timer) != 0 {
                    return None;
                }
                let timer = Timer(timer);
                let period = libc::timespec { tv_sec: 0, tv_nsec: PERIOD as _ };
                let every = libc::itimerspec { it_interval: period, it_value: period };
                (libc::timer_settime(timer.0, 0, &raw const every, std::ptr::null_mut()) == 0)
                    .then_some(timer)
            }
        }
    }

    impl Drop for Timer {
        fn drop(&mut self) {
            // SAFETY: it was made, and is deleted once.
            unsafe { libc::timer_delete(self.0) };
        }
    }

    /// The collector's life.
    fn collect(stop: &AtomicBool) -> Samples {
        let mut timers: BTreeMap<u32, Option<Timer>> = BTreeMap::new();
        let mut samples = Samples::default();
        loop {
            let over = stop.load(Ordering::Relaxed);
            if over {
                timers.clear();
                ON.store(false, Ordering::SeqCst);
                // Who is in the handler now has a moment to come out; who does not is lost.
                std::thread::sleep(Duration::from_millis(1));
            } else {
                let tids =
                    m::all().into_iter().map(|m| m.tid.load(Ordering::Relaxed)).filter(|&tid| tid != 0);
                tids.for_each(|tid| _ = timers.entry(tid).or_insert_with(|| Timer::of(tid)));
            }
            empty(&mut samples);
            if over {
                samples.lost = LOST.load(Ordering::Relaxed);
                return samples;
            }
            std::thread::park_timeout(ROUND);
        }
    }

    fn empty(samples: &mut Samples) {
        for slot in TABLE.get().into_iter().flatten() {
            if slot.state.load(Ordering::Acquire) != FULL {
                continue;
            }
            // SAFETY: it is full, so it is the collector's until it is free.
            let sample = unsafe { *slot.sample.get() };
            slot.state.store(FREE, Ordering::Release);
            let name = String::from_utf8_lossy(&sample.name[..sample.name_len]).into_owned();
            let place = Place {
                trace: sample.frames[..sample.len].to_vec(),
                name: (!name.is_empty()).then_some(name),
                created: sample.created.map(|site| (site.file(), site.line())),
            };
            *samples.places.entry(place).or_insert(0) += 1;
        }
    }

    extern "C" fn on_tick(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
        if !ON.load(Ordering::Relaxed) {
            return;
        }
        // SAFETY: the address is this thread's for as long as the handler runs.
        let errno = unsafe { *libc::__errno_location() };
        if let Some(table) = TABLE.get() {
            let slot = &table[NEXT.fetch_add(1, Ordering::Relaxed) % ROOM];
            let ours =
                slot.state.compare_exchange(FREE, WRITTEN, Ordering::Acquire, Ordering::Relaxed).is_ok();
            if ours {
                // SAFETY: the slot is ours until it is full, and the kernel passes a valid context.
                unsafe { fill(&mut *slot.sample.get(), context) };
                slot.state.store(FULL, Ordering::Release);
            } else {
                LOST.fetch_add(1, Ordering::Relaxed);
            }
        }
        // SAFETY: as above.
        unsafe { *libc::__errno_location() = errno };
    }

    /// # Safety
    /// `context` is that of a signal that interrupted this thread.
    unsafe fn fill(sample: &mut Sample, context: *mut libc::c_void) {
        // SAFETY: by the contract.
        let (ip, sp) = unsafe { interrupted(&*context.cast::<libc::ucontext_t>()) };
        let g = arena::at(sp);
        sample.len = 0;
        (sample.name_len, sample.created) = (0, None);
        if let Some(g) = g {
            sample.created = g.site();
            keep_name(sample, g);
        }
        if UNWINDS.load(Ordering::Relaxed) {
            unwind(sample, ip, g);
        }
        if sample.len == 0 {
            sample.frames[0] = ip;
            sample.len = 1;
        }
        // Other frames have return addresses, which are past the call.
        sample.frames[0] += 1;
    }

    /// Of the goroutine that this thread runs: nobody else frees its name.
    fn keep_name(sample: &mut Sample, g: &'static G) {
        // SAFETY: it is null, or a name that is freed by this thread alone, which is in the handler.
        let Some(name) = (unsafe { g.name.load(Ordering::Relaxed).as_ref() }) else { return };
        let bytes = name.as_bytes();
        sample.name_len = bytes.len().min(NAME);
        sample.name[..sample.name_len].copy_from_slice(&bytes[..sample.name_len]);
    }

    fn unwind(sample: &mut Sample, ip: usize, g: Option<&'static G>) {
        let (mut found, mut before) = (false, 0);
        // SAFETY: the lock that is left out is for systems whose unwinder is not safe on several threads.
        unsafe {
            backtrace::trace_unsynchronized(|frame| {
                if !found {
                    // The handler's own, until the one that was interrupted.
                    found = frame.ip().addr() == ip;
                    before += 1;
                    if !found {
                        return before < HANDLER;
                    }
                }
                let own =
                    g.is_none_or(|g| arena::at(frame.sp().addr()).is_some_and(|at| std::ptr::eq(at, g)));
                if own || sample.len == 0 {
                    sample.frames[sample.len] = frame.ip().addr();
                    sample.len += 1;
                }
                own && sample.len < DEPTH
            });
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn interrupted(context: &libc::ucontext_t) -> (usize, usize) {
        let registers = &context.uc_mcontext.gregs;
        (registers[libc::REG_RIP as usize] as usize, registers[libc::REG_RSP as usize] as usize)
    }

    #[cfg(target_arch = "aarch64")]
    fn interrupted(context: &libc::ucontext_t) -> (usize, usize) {
        (context.uc_mcontext.pc as usize, context.uc_mcontext.sp as usize)
    }
}
