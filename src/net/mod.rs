//! TCP, UDP and Unix sockets in the shape of `std::net`: a goroutine that waits parks, and its thread goes on.
//!
//! The types, their methods and their errors are std's; what differs is who waits. A goroutine waits with
//! the scheduler's netpoller; a plain thread waits in the kernel, as with std. Names are resolved on a thread of
//! their own.
//!
//! Beyond std, every socket has `close`, as Go's: whoever waits on it, in whichever goroutine, is woken with an
//! error ([`is_closed`]). Dropping the last handle closes the descriptor, as in std.
//!
//! Inside a model there is no network: what comes over a socket cannot be explored, nor repeated. Opening or using
//! one there panics, and says what to do instead.
//!
//! Invariants: every descriptor is non-blocking from the moment it is ours until it is given away; it is
//! registered with the netpoller from the first wait of a goroutine until it is closed or given away.
//!
//! # Examples
//! ```
//! use selvedge::go;
//! use selvedge::net::{TcpListener, TcpStream};
//! use std::io::{Read, Write};
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let address = listener.local_addr()?;
//! let server = go(move || {
//!     let (mut stream, _) = listener.accept()?;
//!     let mut word = [0; 5];
//!     stream.read_exact(&mut word)?;
//!     stream.write_all(&word)
//! });
//! let mut stream = TcpStream::connect(address)?;
//! stream.write_all(b"hello")?;
//! let mut back = String::new();
//! stream.read_to_string(&mut back)?;
//! assert_eq!(back, "hello");
//! server.join().unwrap()?;
//! # std::io::Result::Ok(())
//! ```

mod common;
mod resolve;
mod socket;
mod tcp;
mod udp;
mod unix;

pub use resolve::ToSocketAddrs;
pub use socket::is_closed;
pub use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6};
pub use tcp::{Incoming, TcpListener, TcpStream};
pub use udp::UdpSocket;
pub use unix::{UnixDatagram, UnixIncoming, UnixListener, UnixStream};

#[cfg(test)]
#[path = "net_tests.rs"]
mod tests;
