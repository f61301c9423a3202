//! From names to addresses, without keeping a goroutine's thread.
//!
//! Invariant: what is an address already asks nobody. A name is looked up by the system's resolver, on a thread
//! of its own; the goroutine parks until it has answered.

use crate::port::wait::{Waiter, Why, is_goroutine};
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::WaitReason;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::option;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{iter, slice, vec};

/// What names addresses: std's trait, with the same implementations.
///
/// It is not std's own because that resolves names in whatever thread it is called on.
///
/// # Examples
/// ```
/// use selvedge::net::ToSocketAddrs;
/// let all: Vec<_> = ("127.0.0.1", 80).to_socket_addrs()?.collect();
/// assert_eq!(all, ["127.0.0.1:80".parse().unwrap()]);
/// assert!("localhost:80".to_socket_addrs()?.next().is_some());
/// # std::io::Result::Ok(())
/// ```
pub trait ToSocketAddrs {
    /// The addresses.
    type Iter: Iterator<Item = SocketAddr>;

    /// The addresses, some of which may be unreachable.
    ///
    /// # Errors
    /// If a name cannot be resolved, or a text is neither.
    fn to_socket_addrs(&self) -> io::Result<Self::Iter>;
}

impl ToSocketAddrs for SocketAddr {
    type Iter = option::IntoIter<SocketAddr>;
    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        Ok(Some(*self).into_iter())
    }
}

/// Types from which an address is made by `into`.
macro_rules! addresses {
    ($($type:ty),*) => {
        $(impl ToSocketAddrs for $type {
            type Iter = option::IntoIter<SocketAddr>;
            fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
                SocketAddr::from(*self).to_socket_addrs()
            }
        })*
    };
}

addresses!(SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl ToSocketAddrs for (&str, u16) {
    type Iter = vec::IntoIter<SocketAddr>;
    #[track_caller]
    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        match self.0.parse::<IpAddr>() {
            Ok(ip) => Ok(vec![SocketAddr::new(ip, self.1)].into_iter()),
            Err(_) => look_up(Name::Parts(self.0.to_owned(), self.1), Location::caller()),
        }
    }
}

impl ToSocketAddrs for (String, u16) {
    type Iter = vec::IntoIter<SocketAddr>;
    #[track_caller]
    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        (&*self.0, self.1).to_socket_addrs()
    }
}

impl ToSocketAddrs for str {
    type Iter = vec::IntoIter<SocketAddr>;
    #[track_caller]
    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        match self.parse::<SocketAddr>() {
            Ok(address) => Ok(vec![address].into_iter()),
            Err(_) => look_up(Name::Whole(self.to_owned()), Location::caller()),
        }
    }
}

impl ToSocketAddrs for String {
    type Iter = vec::IntoIter<SocketAddr>;
    #[track_caller]
    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        (**self).to_socket_addrs()
    }
}

impl<'a> ToSocketAddrs for &'a [SocketAddr] {
    type Iter = iter::Cloned<slice::Iter<'a, SocketAddr>>;
    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        Ok(self.iter().cloned())
    }
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {
    type Iter = T::Iter;
    #[track_caller]
    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        (**self).to_socket_addrs()
    }
}

/// What std resolves.
enum Name {
    Whole(String),
    Parts(String, u16),
}

type Addresses = vec::IntoIter<SocketAddr>;

impl Name {
    fn resolve(&self) -> io::Result<Addresses> {
        match self {
            Name::Whole(text) => std::net::ToSocketAddrs::to_socket_addrs(text),
            Name::Parts(host, port) => std::net::ToSocketAddrs::to_socket_addrs(&(&**host, *port)),
        }
    }
}

/// A look-up that is under way: 0, the address of who waits, or [`ANSWERED`].
struct Query {
    state: AtomicUsize,
    answer: Mutex<Option<io::Result<Addresses>>>,
}

const ANSWERED: usize = 1;

fn look_up(name: Name, site: SiteRef) -> io::Result<Addresses> {
    super::socket::outside_of_models("a name was looked up");
    if !is_goroutine() {
        return name.resolve();
    }
    let query = Arc::new(Query { state: AtomicUsize::new(0), answer: Mutex::new(None) });
    let theirs = Arc::clone(&query);
    std::thread::Builder::new().name("selvedge-resolver".into()).spawn(move || {
        let answer = name.resolve();
        *theirs.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        let waiting = theirs.state.swap(ANSWERED, Ordering::AcqRel);
        if waiting != 0 {
            // SAFETY: it was put there by the release of its wait, which nobody else can end.
            unsafe { Waiter::wake(std::ptr::with_exposed_provenance(waiting)) };
        }
    })?;
    let waiter = Waiter::new();
    let address = (&raw const waiter).expose_provenance();
    let why = Why { reason: WaitReason::Io, site, object: 0 };
    let state = &query.state;
    waiter.park(why, || state.compare_exchange(0, address, Ordering::AcqRel, Ordering::Acquire).is_ok());
    let answer = query.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
    answer.expect("who answered has left the answer")
}
