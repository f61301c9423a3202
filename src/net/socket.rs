//! A descriptor that goroutines and threads wait for: what all the types of this module share.
//!
//! Invariants: an attempt never blocks; who has to wait waits for an event later than those it had seen before
//! its attempt. A stream that gave less than was asked for is known to be empty until the next event, which saves
//! the attempt that would only say so.

use crate::port::{
    self,
    wait::{Direction, Lock, Source, Why, clock, is_goroutine},
};
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::WaitReason;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A socket, of a type of std's.
pub(super) struct Socket<S: AsFd> {
    /// None once it was given away.
    inner: Option<S>,
    /// Set under `registering`.
    source: OnceLock<&'static Source>,
    registering: Lock,
    /// Whether its user wants no waiting.
    nonblocking: AtomicBool,
    closed: AtomicBool,
    /// In nanoseconds; 0 for none.
    read_timeout: AtomicU64,
    write_timeout: AtomicU64,
}

/// What operations on a socket give that was closed by `close`: Go's `net.ErrClosed`.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("use of closed network connection")
    }
}

impl std::error::Error for Closed {}

/// Whether the error says that the socket was closed by `close`, here or in another goroutine.
///
/// # Examples
/// ```
/// use selvedge::net::{self, TcpListener};
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// listener.close();
/// assert!(net::is_closed(&listener.accept().unwrap_err()));
/// # std::io::Result::Ok(())
/// ```
#[doc(alias = "ErrClosed")]
pub fn is_closed(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Closed>())
}

/// A socket cannot be used in a model.
#[track_caller]
pub(super) fn outside_of_models(what: &str) {
    assert!(
        port::model().is_none(),
        "selvedge: {what} inside a model: what a network does can be neither explored nor repeated; give the \
         code under test an in-memory connection (two channels, say), or run the test once, on real \
         sockets, with #[selvedge::test(production)]"
    );
}

impl<S: AsFd> Socket<S> {
    /// A socket that is non-blocking already.
    pub(super) fn new(inner: S) -> Socket<S> {
        Socket {
            inner: Some(inner),
            source: OnceLock::new(),
            registering: Lock::new(),
            nonblocking: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            read_timeout: AtomicU64::new(0),
            write_timeout: AtomicU64::new(0),
        }
    }

    /// The socket as std knows it.
    #[inline]
    pub(super) fn get(&self) -> &S {
        self.inner.as_ref().expect("it is given away by value")
    }

    fn fd(&self) -> RawFd {
        self.get().as_fd().as_raw_fd()
    }

    /// Give the descriptor away; the netpoller forgets it.
    pub(super) fn into_inner(mut self) -> S {
        self.forget();
        self.inner.take().expect("it is given away once")
    }

    fn forget(&mut self) {
        if let (Some(source), Some(inner)) = (self.source.take(), &self.inner) {
            source.deregister(inner.as_fd().as_raw_fd());
        }
    }

    pub(super) fn set_nonblocking(&self, nonblocking: bool) {
        self.nonblocking.store(nonblocking, Ordering::Relaxed);
        if let Some(source) = self.source.get().filter(|_| nonblocking) {
            source.interrupt();
        }
    }

    pub(super) fn is_nonblocking(&self) -> bool {
        self.nonblocking.load(Ordering::Relaxed)
    }

    fn timeout_of(&self, direction: Direction) -> &AtomicU64 {
        match direction {
            Direction::Read => &self.read_timeout,
            Direction::Write => &self.write_timeout,
        }
    }

    pub(super) fn set_timeout(&self, direction: Direction, timeout: Option<Duration>) -> io::Result<()> {
        if timeout == Some(Duration::ZERO) {
            return Err(io::Error::new(ErrorKind::InvalidInput, "cannot set a 0 duration timeout"));
        }
        let nanos = timeout.map_or(0, |t| u64::try_from(t.as_nanos()).unwrap_or(u64::MAX - 1));
        self.timeout_of(direction).store(nanos, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn timeout(&self, direction: Direction) -> Option<Duration> {
        match self.timeout_of(direction).load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    /// A handle more: it has the same settings, and its own waits.
    pub(super) fn try_clone(&self, clone: impl FnOnce(&S) -> io::Result<S>) -> io::Result<Socket<S>> {
        outside_of_models("a socket was used");
        let other = Socket::new(clone(self.get())?);
        other.nonblocking.store(self.is_nonblocking(), Ordering::Relaxed);
        for direction in [Direction::Read, Direction::Write] {
            let timeout = self.timeout_of(direction).load(Ordering::Relaxed);
            other.timeout_of(direction).store(timeout, Ordering::Relaxed);
        }
        Ok(other)
    }

    /// Nobody uses it any more: who waits is woken with an error.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        // It also ends the waits of plain threads, in the kernel, and of a listener's.
        shut_down(self.fd());
        if let Some(source) = self.source.get() {
            source.interrupt();
        }
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Do something that may have to wait, until it need not any more.
    ///
    /// # Errors
    /// Those of `attempt`; `WouldBlock` at the end of the timeout, as std's on Unix.
    #[inline]
    pub(super) fn run<R>(
        &self,
        direction: Direction,
        site: SiteRef,
        attempt: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        self.run_until(direction, None, site, attempt)
    }

    /// As [`Socket::run`], at most until a deadline of its own instead of the timeout.
    pub(super) fn run_until<R>(
        &self,
        direction: Direction,
        deadline: Option<u64>,
        site: SiteRef,
        mut attempt: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        outside_of_models("a socket was used");
        let mut wait = Wait { socket: self, direction, deadline, timed: deadline.is_some(), site };
        loop {
            if self.is_closed() {
                return Err(io::Error::new(ErrorKind::NotConnected, Closed));
            }
            let seen = self.source.get().map_or(0, |source| source.ticks(direction));
            match attempt(self.get()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => wait.wait(seen, error)?,
                // What it says is a consequence of the close.
                Err(_) if self.is_closed() => {}
                result => return result,
            }
        }
    }

    /// Read from a stream: as [`Socket::run`], for what asks for `size` bytes and gives how many came.
    #[inline]
    pub(super) fn read_stream(
        &self,
        size: usize,
        site: SiteRef,
        mut attempt: impl FnMut(&S) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.run(Direction::Read, site, |socket| {
            // Who waits otherwise than by the netpoller knows of data before it does.
            let polled = self.source.get().filter(|_| is_goroutine() && !self.is_nonblocking());
            let Some(source) = polled else { return attempt(socket) };
            let ticks = source.ticks(Direction::Read);
            if source.is_drained(Direction::Read, ticks) {
                return Err(ErrorKind::WouldBlock.into());
            }
            let read = attempt(socket)?;
            if read > 0 && read < size && cfg!(any(target_os = "linux", target_os = "android")) {
                source.drained(Direction::Read, ticks);
            }
            Ok(read)
        })
    }

    /// The source, for a goroutine that has to wait.
    fn source(&self) -> io::Result<&'static Source> {
        if let Some(source) = self.source.get() {
            return Ok(source);
        }
        self.registering.lock();
        let source = match self.source.get() {
            Some(source) => Ok(*source),
            None => Source::register(self.fd()).inspect(|source| _ = self.source.set(source)),
        };
        self.registering.unlock();
        source
    }
}

/// The waits of one operation.
struct Wait<'a, S: AsFd> {
    socket: &'a Socket<S>,
    direction: Direction,
    deadline: Option<u64>,
    /// Whether the deadline is known.
    timed: bool,
    site: SiteRef,
}

impl<S: AsFd> Wait<'_, S> {
    /// Wait for an event later than `seen`; `refused` is why.
    #[cold]
    fn wait(&mut self, seen: u32, refused: io::Error) -> io::Result<()> {
        let (socket, direction) = (self.socket, self.direction);
        if socket.is_nonblocking() {
            return Err(refused);
        }
        if !std::mem::replace(&mut self.timed, true) {
            let timeout = socket.timeout_of(direction).load(Ordering::Relaxed);
            self.deadline = (timeout != 0).then(|| clock::now().saturating_add(timeout));
        }
        let timed_out = if is_goroutine() {
            let source = socket.source()?;
            let object = std::ptr::from_ref(source).addr();
            source.wait(
                direction,
                seen,
                self.deadline,
                Why { reason: WaitReason::Io, site: self.site, object },
            )
        } else {
            wait_in_kernel(socket.fd(), direction, self.deadline)?
        };
        if timed_out { Err(refused) } else { Ok(()) }
    }
}

impl<S: AsFd> Drop for Socket<S> {
    fn drop(&mut self) {
        self.forget();
    }
}

impl<S: AsFd + Into<OwnedFd>> From<Socket<S>> for OwnedFd {
    fn from(socket: Socket<S>) -> OwnedFd {
        socket.into_inner().into()
    }
}

/// Wait as a plain thread; gives whether the time is up.
fn wait_in_kernel(fd: RawFd, direction: Direction, deadline: Option<u64>) -> io::Result<bool> {
    let events = match direction {
        Direction::Read => libc::POLLIN,
        Direction::Write => libc::POLLOUT,
    };
    let mut one = libc::pollfd { fd, events, revents: 0 };
    loop {
        let limit = match deadline {
            None => -1,
            // Up to the next millisecond: no wait is too short.
            Some(deadline) => {
                let left = deadline.saturating_sub(clock::now()).div_ceil(1_000_000);
                i32::try_from(left).unwrap_or(i32::MAX)
            }
        };
        // SAFETY: one descriptor, which outlives the call.
        match unsafe { libc::poll(&raw mut one, 1, limit) } {
            0 if deadline.is_some_and(|deadline| deadline <= clock::now()) => return Ok(true),
            0 => {}
            -1 => {
                let error = io::Error::last_os_error();
                if error.kind() != ErrorKind::Interrupted {
                    return Err(error);
                }
            }
            _ => return Ok(false),
        }
    }
}

/// Shut both directions down, whatever kind of socket it is.
fn shut_down(fd: RawFd) {
    // SAFETY: takes numbers only. That a socket is not connected is no concern: who waits is woken all the same.
    unsafe { libc::shutdown(fd, libc::SHUT_RDWR) };
}
