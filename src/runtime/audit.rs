//! Debug builds of programs whose goroutines change threads: addresses of thread-locals on the stack of one that waits.
//!
//! A goroutine that goes on on another thread must not have kept a reference to a variable of the one it left. When
//! one parks, the words of its stack are compared with the memory that the thread-locals of its thread lie in. What is
//! found counts if it is in a frame of the program's own; those of the runtime and of std do not, since they ask anew.
//! Invariants: nothing is printed, and no name looked up, where a goroutine parks, since locks may be held there: the
//! monitor does that. A place is told of once.
//!
//! Does not detect: addresses that are not on the stack; those the compiler works out again from a register, as it
//! may in optimised builds; variables of libraries that were loaded later. What lies on the stack may be left over
//! from an earlier call, so a report says that there *may* be a reference.
//!
//! Source: rust-lang/unsafe-code-guidelines#602.

#[cfg(all(debug_assertions, target_os = "linux", not(miri)))]
pub(super) use system::{Blocks, look, tell};

#[cfg(not(all(debug_assertions, target_os = "linux", not(miri))))]
pub(super) use elsewhere::{Blocks, look, tell};

#[cfg(not(all(debug_assertions, target_os = "linux", not(miri))))]
mod elsewhere {
    use crate::runtime::g::G;

    /// Where a thread's variables are: nobody asks.
    #[derive(Default)]
    pub(crate) struct Blocks {}

    #[inline(always)]
    pub(crate) fn look(_: &'static G) {}

    #[inline(always)]
    pub(crate) fn tell() {}
}

#[cfg(all(debug_assertions, target_os = "linux", not(miri)))]
mod system {
    use crate::runtime::g::G;
    use crate::runtime::stack_pointer::stack_pointer;
    use crate::runtime::symbols::{Frame, Symbols};
    use crate::runtime::{arena, mode, monitor};
    use std::collections::BTreeSet;
    use std::ops::Range;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Mutex, OnceLock, PoisonError};

    /// Looks at what was found, in the life of the process.
    const MOST: usize = 200;

    /// Where a thread's variables are.
    #[derive(Default)]
    pub(crate) struct Blocks(OnceLock<Vec<Range<usize>>>);

    /// An address that was found.
    struct Found {
        /// The return addresses of the stack, and where the frame of each ends.
        frames: Vec<(usize, usize)>,
        /// Where on the stack it is.
        at: usize,
        id: u64,
        created: Option<selvedge_checkers::ids::SiteRef>,
    }

    static FOUND: Mutex<Vec<Found>> = Mutex::new(Vec::new());
    static ANY: AtomicBool = AtomicBool::new(false);
    static COUNT: AtomicUsize = AtomicUsize::new(0);

    /// The running goroutine `g` is about to leave its stack.
    pub(crate) fn look(g: &'static G) {
        if !mode::migrates() || g.is_bound() {
            return;
        }
        let Some(top) = arena::end_of(stack_pointer()) else { return };
        let blocks = g.thread().audit.0.get_or_init(blocks);
        let mut at = stack_pointer().next_multiple_of(size_of::<usize>());
        while at < top {
            // SAFETY: memory of the stack that this runs on, which is mapped and aligned.
            let word = unsafe { std::ptr::with_exposed_provenance::<usize>(at).read_volatile() };
            if blocks.iter().any(|block| block.contains(&word)) {
                note(g, at);
            }
            at += size_of::<usize>();
        }
    }

    #[cold]
    fn note(g: &'static G, at: usize) {
        if COUNT.fetch_add(1, Ordering::Relaxed) >= MOST {
            return;
        }
        let mut frames = Vec::new();
        // SAFETY: the lock that is left out is for systems whose unwinder is not safe on several threads.
        unsafe {
            backtrace::trace_unsynchronized(|frame| {
                frames.push((frame.ip().addr(), frame.sp().addr()));
                frame.sp().addr() <= at
            });
        }
        let found = Found { frames, at, id: g.id(), created: g.site() };
        FOUND.lock().unwrap_or_else(PoisonError::into_inner).push(found);
        if !ANY.swap(true, Ordering::Relaxed) {
            monitor::interrupt();
        }
    }

    /// The memory of this thread's variables, less those of the C library, which keep no references.
    fn blocks() -> Vec<Range<usize>> {
        extern "C" fn each(info: *mut libc::dl_phdr_info, _: usize, found: *mut libc::c_void) -> libc::c_int {
            // SAFETY: the loader passes a valid description, and what we passed is the vector.
            let (info, found) = unsafe { (&*info, &mut *found.cast::<Vec<Range<usize>>>()) };
            // SAFETY: the name is null or a string, and the headers are as many as it says.
            let (name, headers) = unsafe {
                let name =
                    if info.dlpi_name.is_null() { c"" } else { std::ffi::CStr::from_ptr(info.dlpi_name) };
                (name, std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)))
            };
            let name = name.to_string_lossy();
            let of_the_system =
                ["/libc.", "/libc-", "/ld-", "/libpthread"].iter().any(|part| name.contains(part));
            let start = info.dlpi_tls_data.addr();
            if !of_the_system && start != 0 {
                let tls = headers.iter().filter(|header| header.p_type == libc::PT_TLS);
                found.extend(tls.map(|header| start..start + header.p_memsz as usize));
            }
            0
        }
        let mut found = Vec::<Range<usize>>::new();
        // SAFETY: the function has the signature that is asked for, and is done with the vector when this returns.
        unsafe { libc::dl_iterate_phdr(Some(each), (&raw mut found).cast()) };
        found
    }

    /// Say what was found. By the monitor.
    #[inline]
    pub(crate) fn tell() {
        if ANY.load(Ordering::Relaxed) && ANY.swap(false, Ordering::Relaxed) {
            tell_all();
        }
    }

    #[cold]
    fn tell_all() {
        static TOLD: Mutex<BTreeSet<(String, Option<u32>)>> = Mutex::new(BTreeSet::new());
        let found = std::mem::take(&mut *FOUND.lock().unwrap_or_else(PoisonError::into_inner));
        let mut symbols = Symbols::new();
        for Found { frames, at, id, created } in found {
            let Some(&(ip, _)) = frames.iter().find(|&&(_, end)| at < end) else { continue };
            let Some(Frame { function, file, line, .. }) = symbols.of(&[ip]).into_iter().next() else {
                continue;
            };
            if !TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert((function.clone(), line)) {
                continue;
            }
            let place =
                file.map_or(String::new(), |file| format!(", {}:{}", file.display(), line.unwrap_or(0)));
            let created = created.map_or(String::new(), |site| format!("\ncreated by go\n\t{site}"));
            eprintln!(
                "selvedge: goroutine {id} may hold a reference to a thread-local variable while it waits, in \
                 {function}{place}{created}\nIt may go on on another thread, where the variable is another.\nhelp: \
                 let go of it before the wait, declare it with selvedge::goroutine_local!, or keep the thread with \
                 runtime::lock_os_thread()\n"
            );
        }
    }
}
