//! Unix sockets: `std::os::unix::net`.

use super::common::{settings, socket_type, stream, timeouts};
use super::socket::{Socket, outside_of_models};
use crate::port::wait::{Direction, unblock};
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::{self, SocketAddr};
use std::panic::Location;
use std::path::Path;

/// A connection on a Unix socket: std's, with a wait that parks. See the [module](super).
///
/// # Examples
/// ```
/// use selvedge::net::UnixStream;
/// use std::io::{Read, Write};
/// let (mut one, mut other) = UnixStream::pair()?;
/// one.write_all(b"hello")?;
/// drop(one);
/// let mut text = String::new();
/// other.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # std::io::Result::Ok(())
/// ```
pub struct UnixStream(Socket<net::UnixStream>);

/// A Unix socket that waits for connections: std's, with a wait that parks. See the [module](super).
pub struct UnixListener(Socket<net::UnixListener>);

/// A Unix socket for packets: std's, with a wait that parks. See the [module](super).
pub struct UnixDatagram(Socket<net::UnixDatagram>);

socket_type!(UnixStream, net::UnixStream, SocketAddr);
socket_type!(UnixListener, net::UnixListener, SocketAddr);
socket_type!(UnixDatagram, net::UnixDatagram, SocketAddr);
timeouts!(UnixStream);
timeouts!(UnixDatagram);
stream!(UnixStream, net::UnixStream);

settings! { UnixStream:
    /// The address of the other side.
    peer_addr() -> SocketAddr;
    /// Shut down the reading half, the writing half, or both; who waits there is woken.
    shutdown(how: Shutdown) -> ();
}

settings! { UnixDatagram:
    /// The address it is connected to.
    peer_addr() -> SocketAddr;
    /// Shut down the reading half, the writing half, or both; who waits there is woken.
    shutdown(how: Shutdown) -> ();
}

impl UnixStream {
    /// Connect to the socket at this path.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// In a model.
    pub fn connect<P: AsRef<Path>>(path: P) -> io::Result<UnixStream> {
        outside_of_models("net::UnixStream::connect");
        let path = path.as_ref();
        match mio::net::UnixStream::connect(path) {
            Ok(stream) => Ok(UnixStream::from_nonblocking(OwnedFd::from(stream).into())),
            // The listener's queue is full, and nothing tells when it is not: only a blocking call waits.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                unblock(|| net::UnixStream::connect(path)).map(UnixStream::from)
            }
            Err(error) => Err(error),
        }
    }

    /// Two that are connected to each other.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// In a model.
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        outside_of_models("net::UnixStream::pair");
        net::UnixStream::pair().map(|(one, other)| (one.into(), other.into()))
    }
}

impl UnixListener {
    /// Listen at a path, where no file must be.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// In a model.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixListener> {
        outside_of_models("net::UnixListener::bind");
        net::UnixListener::bind(path).map(UnixListener::from)
    }

    /// Wait for a connection.
    ///
    /// # Errors
    /// What the system says.
    #[track_caller]
    pub fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let (stream, address) = self.0.run(Direction::Read, Location::caller(), net::UnixListener::accept)?;
        Ok((UnixStream::from(stream), address))
    }

    /// The connections, one after the other, for ever.
    pub fn incoming(&self) -> UnixIncoming<'_> {
        UnixIncoming(self)
    }
}

/// What [`UnixListener::incoming`] gives: it never ends.
#[derive(Debug)]
pub struct UnixIncoming<'a>(&'a UnixListener);

impl Iterator for UnixIncoming<'_> {
    type Item = io::Result<UnixStream>;

    #[track_caller]
    fn next(&mut self) -> Option<io::Result<UnixStream>> {
        Some(self.0.accept().map(|(stream, _)| stream))
    }
}

impl UnixDatagram {
    /// A socket at a path, where no file must be.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// In a model.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixDatagram> {
        outside_of_models("net::UnixDatagram::bind");
        net::UnixDatagram::bind(path).map(UnixDatagram::from)
    }

    /// A socket without an address.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// In a model.
    pub fn unbound() -> io::Result<UnixDatagram> {
        outside_of_models("net::UnixDatagram::unbound");
        net::UnixDatagram::unbound().map(UnixDatagram::from)
    }

    /// Two that are connected to each other.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// In a model.
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        outside_of_models("net::UnixDatagram::pair");
        net::UnixDatagram::pair().map(|(one, other)| (one.into(), other.into()))
    }

    /// Let [`send`](UnixDatagram::send) go to the socket at this path.
    ///
    /// # Errors
    /// What the system says.
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        self.0.get().connect(path)
    }

    /// Receive a packet: its size and where it came from. What does not fit is lost.
    ///
    /// # Errors
    /// What the system says, and `WouldBlock` at the end of the timeout.
    #[track_caller]
    pub fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.run(Direction::Read, Location::caller(), |inner| inner.recv_from(buffer))
    }

    /// Receive a packet.
    ///
    /// # Errors
    /// As for [`recv_from`](UnixDatagram::recv_from).
    #[track_caller]
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.run(Direction::Read, Location::caller(), |inner| inner.recv(buffer))
    }

    /// Send a packet to the socket at this path.
    ///
    /// # Errors
    /// What the system says.
    #[track_caller]
    pub fn send_to<P: AsRef<Path>>(&self, buffer: &[u8], path: P) -> io::Result<usize> {
        let path = path.as_ref();
        self.0.run(Direction::Write, Location::caller(), |inner| inner.send_to(buffer, path))
    }

    /// Send a packet to the socket this is connected to.
    ///
    /// # Errors
    /// What the system says.
    #[track_caller]
    pub fn send(&self, buffer: &[u8]) -> io::Result<usize> {
        self.0.run(Direction::Write, Location::caller(), |inner| inner.send(buffer))
    }
}
