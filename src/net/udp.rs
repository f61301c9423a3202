//! UDP.

use super::common::{settings, socket_type, timeouts};
use super::resolve::ToSocketAddrs;
use super::socket::{Socket, outside_of_models};
use super::tcp::first_of;
use crate::port::wait::Direction;
use std::io;
use std::net::{self, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::Location;

/// A UDP socket: std's, with a wait that parks. See the [module](super).
///
/// # Examples
/// ```
/// use selvedge::net::UdpSocket;
/// let (one, other) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
/// one.send_to(b"ping", other.local_addr()?)?;
/// let mut buffer = [0; 16];
/// let (size, from) = other.recv_from(&mut buffer)?;
/// assert_eq!((&buffer[..size], from), (&b"ping"[..], one.local_addr()?));
/// # std::io::Result::Ok(())
/// ```
pub struct UdpSocket(Socket<net::UdpSocket>);

socket_type!(UdpSocket, net::UdpSocket, SocketAddr);
timeouts!(UdpSocket);

settings! { UdpSocket:
    /// The address it is connected to.
    peer_addr() -> SocketAddr;
    /// Whether it may send to broadcast addresses.
    set_broadcast(broadcast: bool) -> ();
    /// Whether it may send to broadcast addresses.
    broadcast() -> bool;
    /// How many hops a packet may take (`IP_TTL`).
    set_ttl(ttl: u32) -> ();
    /// How many hops a packet may take (`IP_TTL`).
    ttl() -> u32;
    /// Whether it gets its own multicast packets.
    set_multicast_loop_v4(on: bool) -> ();
    /// Whether it gets its own multicast packets.
    multicast_loop_v4() -> bool;
    /// How many hops a multicast packet may take.
    set_multicast_ttl_v4(ttl: u32) -> ();
    /// How many hops a multicast packet may take.
    multicast_ttl_v4() -> u32;
    /// Whether it gets its own multicast packets.
    set_multicast_loop_v6(on: bool) -> ();
    /// Whether it gets its own multicast packets.
    multicast_loop_v6() -> bool;
    /// Join a multicast group.
    join_multicast_v4(group: &Ipv4Addr, interface: &Ipv4Addr) -> ();
    /// Join a multicast group.
    join_multicast_v6(group: &Ipv6Addr, interface: u32) -> ();
    /// Leave a multicast group.
    leave_multicast_v4(group: &Ipv4Addr, interface: &Ipv4Addr) -> ();
    /// Leave a multicast group.
    leave_multicast_v6(group: &Ipv6Addr, interface: u32) -> ();
}

impl UdpSocket {
    /// A socket at the first of the addresses that can be had; port 0 is any that is free.
    ///
    /// # Errors
    /// Of the last address, if none can be had.
    ///
    /// # Panics
    /// In a model.
    #[track_caller]
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<UdpSocket> {
        outside_of_models("net::UdpSocket::bind");
        first_of(addr.to_socket_addrs()?, net::UdpSocket::bind).map(UdpSocket::from)
    }

    /// Let [`send`](UdpSocket::send) and [`recv`](UdpSocket::recv) be with one of these addresses only.
    ///
    /// # Errors
    /// Of the last address, if none can be used.
    #[track_caller]
    pub fn connect<A: ToSocketAddrs>(&self, addr: A) -> io::Result<()> {
        first_of(addr.to_socket_addrs()?, |address| self.0.get().connect(address))
    }

    /// Receive a packet: its size and where it came from. What does not fit is lost.
    ///
    /// # Errors
    /// What the system says, and `WouldBlock` at the end of the timeout.
    #[track_caller]
    pub fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.run(Direction::Read, Location::caller(), |inner| inner.recv_from(buffer))
    }

    /// As [`recv_from`](UdpSocket::recv_from), and leave the packet there.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.run(Direction::Read, Location::caller(), |inner| inner.peek_from(buffer))
    }

    /// Send a packet to the first of the addresses.
    ///
    /// # Errors
    /// What the system says, or that there is no address.
    #[track_caller]
    pub fn send_to<A: ToSocketAddrs>(&self, buffer: &[u8], addr: A) -> io::Result<usize> {
        let site = Location::caller();
        let first = addr.to_socket_addrs()?.take(1);
        first_of(first, |to| self.0.run(Direction::Write, site, |inner| inner.send_to(buffer, to)))
    }

    /// Receive a packet from the address this is connected to.
    ///
    /// # Errors
    /// As for [`recv_from`](UdpSocket::recv_from).
    #[track_caller]
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.run(Direction::Read, Location::caller(), |inner| inner.recv(buffer))
    }

    /// As [`recv`](UdpSocket::recv), and leave the packet there.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.run(Direction::Read, Location::caller(), |inner| inner.peek(buffer))
    }

    /// Send a packet to the address this is connected to.
    ///
    /// # Errors
    /// What the system says.
    #[track_caller]
    pub fn send(&self, buffer: &[u8]) -> io::Result<usize> {
        self.0.run(Direction::Write, Location::caller(), |inner| inner.send(buffer))
    }
}
