//! TCP.

use super::common::{settings, socket_type, stream, timeouts};
use super::resolve::ToSocketAddrs;
use super::socket::{Socket, outside_of_models};
use crate::port::wait::{Direction, clock};
use selvedge_checkers::ids::SiteRef;
use std::io::{self, ErrorKind};
use std::net::{self, Shutdown, SocketAddr};
use std::os::fd::OwnedFd;
use std::panic::Location;
use std::time::Duration;

/// A TCP connection: std's, with a wait that parks. See the [module](super).
pub struct TcpStream(Socket<net::TcpStream>);

/// A TCP socket that waits for connections: std's, with a wait that parks. See the [module](super).
pub struct TcpListener(Socket<net::TcpListener>);

socket_type!(TcpStream, net::TcpStream, SocketAddr);
socket_type!(TcpListener, net::TcpListener, SocketAddr);
timeouts!(TcpStream);
stream!(TcpStream, net::TcpStream);

settings! { TcpStream:
    /// The address of the other side.
    peer_addr() -> SocketAddr;
    /// Whether small packets are sent at once (`TCP_NODELAY`).
    set_nodelay(nodelay: bool) -> ();
    /// Whether small packets are sent at once (`TCP_NODELAY`).
    nodelay() -> bool;
    /// How many hops a packet may take (`IP_TTL`).
    set_ttl(ttl: u32) -> ();
    /// How many hops a packet may take (`IP_TTL`).
    ttl() -> u32;
    /// Shut down the reading half, the writing half, or both; who waits there is woken.
    shutdown(how: Shutdown) -> ();
}

settings! { TcpListener:
    /// How many hops a packet may take (`IP_TTL`).
    set_ttl(ttl: u32) -> ();
    /// How many hops a packet may take (`IP_TTL`).
    ttl() -> u32;
}

impl TcpStream {
    /// Connect to the first of the addresses that accepts.
    ///
    /// # Errors
    /// Of the last address, if none accepts.
    ///
    /// # Panics
    /// In a model.
    #[track_caller]
    pub fn connect<A: ToSocketAddrs>(addr: A) -> io::Result<TcpStream> {
        outside_of_models("net::TcpStream::connect");
        let site = Location::caller();
        first_of(addr.to_socket_addrs()?, |address| connect(&address, None, site))
    }

    /// Connect to an address, waiting for at most `timeout`.
    ///
    /// # Errors
    /// `TimedOut` if the time is up, `InvalidInput` if it is zero.
    ///
    /// # Panics
    /// In a model.
    #[track_caller]
    pub fn connect_timeout(addr: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        outside_of_models("net::TcpStream::connect_timeout");
        if timeout.is_zero() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "cannot set a 0 duration timeout"));
        }
        let nanos = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        connect(addr, Some(clock::now().saturating_add(nanos)), Location::caller())
    }

    /// Read without taking the bytes.
    ///
    /// # Errors
    /// As for a read.
    #[track_caller]
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.run(Direction::Read, Location::caller(), |inner| inner.peek(buffer))
    }
}

/// The first success, or the last failure.
pub(super) fn first_of<R>(
    addresses: impl Iterator<Item = SocketAddr>,
    attempt: impl FnMut(SocketAddr) -> io::Result<R>,
) -> io::Result<R> {
    let mut last = None;
    for result in addresses.map(attempt) {
        match result {
            Ok(done) => return Ok(done),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::new(ErrorKind::InvalidInput, "could not resolve to any addresses")))
}

fn connect(address: &SocketAddr, deadline: Option<u64>, site: SiteRef) -> io::Result<TcpStream> {
    let started = mio::net::TcpStream::connect(*address)?;
    let stream = TcpStream::from_nonblocking(OwnedFd::from(started).into());
    let connected = stream.0.run_until(Direction::Write, deadline, site, |inner| {
        if let Some(error) = inner.take_error()? {
            return Err(error);
        }
        match inner.peer_addr() {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotConnected => Err(ErrorKind::WouldBlock.into()),
            Err(error) => Err(error),
        }
    });
    match connected {
        Ok(()) => Ok(stream),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            Err(io::Error::new(ErrorKind::TimedOut, "connection timed out"))
        }
        Err(error) => Err(error),
    }
}

impl TcpListener {
    /// Listen on the first of the addresses that can be had; port 0 is any that is free.
    ///
    /// # Errors
    /// Of the last address, if none can be had.
    ///
    /// # Panics
    /// In a model.
    #[track_caller]
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<TcpListener> {
        outside_of_models("net::TcpListener::bind");
        first_of(addr.to_socket_addrs()?, net::TcpListener::bind).map(TcpListener::from)
    }

    /// Wait for a connection.
    ///
    /// # Errors
    /// What the system says; that there are too many descriptors, say.
    #[track_caller]
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, address) = self.0.run(Direction::Read, Location::caller(), net::TcpListener::accept)?;
        Ok((TcpStream::from(stream), address))
    }

    /// The connections, one after the other, for ever.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming(self)
    }
}

/// What [`TcpListener::incoming`] gives: it never ends.
#[derive(Debug)]
pub struct Incoming<'a>(&'a TcpListener);

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    #[track_caller]
    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        Some(self.0.accept().map(|(stream, _)| stream))
    }
}
