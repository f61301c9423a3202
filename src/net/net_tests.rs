//! Sockets, as goroutines and plain threads use them.
//!
//! Invariant: loopback and pairs only; nothing depends on how long anything takes, but for sleeps that make a wait likely.

use super::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream, is_closed};
use crate::sync::Arc;
use crate::{go, time};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let size = stream.read(&mut buffer)?;
        if size == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..size])?;
    }
}

/// A server that answers `count` connections.
fn server(count: usize) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    go(move || {
        for stream in listener.incoming().take(count) {
            let stream = stream.unwrap();
            drop(go(move || echo(stream)));
        }
    });
    address
}

#[test]
fn many_goroutines_talk_to_one_server() {
    let address = server(50);
    let clients: Vec<_> = (0..50_u8)
        .map(|n| {
            go(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                for round in 0..40_u8 {
                    // From less than a buffer to more than one.
                    let message = vec![n ^ round; 1 + usize::from(round) * 61];
                    stream.write_all(&message).unwrap();
                    let mut back = vec![0; message.len()];
                    stream.read_exact(&mut back).unwrap();
                    assert_eq!(back, message);
                }
                stream.shutdown(Shutdown::Write).unwrap();
                assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
}

#[test]
fn a_plain_thread_is_a_client_like_another() {
    let address = server(1);
    let mut stream = TcpStream::connect(address).unwrap();
    for _ in 0..100 {
        stream.write_all(b"hello").unwrap();
        let mut back = [0; 5];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"hello");
    }
}

#[test]
fn more_than_the_kernel_keeps_is_written_as_it_is_read() {
    let (mut one, mut other) = UnixStream::pair().unwrap();
    let writer = go(move || one.write_all(&vec![7; 4 << 20]).unwrap());
    let reader = go(move || {
        let mut all = Vec::new();
        other.read_to_end(&mut all).unwrap();
        all
    });
    writer.join().unwrap();
    let all = reader.join().unwrap();
    assert!(all.len() == 4 << 20 && all.iter().all(|&byte| byte == 7));
}

/// The end of a stream that came together with its last bytes is seen after a short read.
#[test]
fn an_end_that_came_with_the_last_bytes_is_seen() {
    for _ in 0..200 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let reader = go(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut all = Vec::new();
            let mut buffer = [0; 64];
            loop {
                match stream.read(&mut buffer).unwrap() {
                    0 => return all,
                    size => all.extend_from_slice(&buffer[..size]),
                }
            }
        });
        let writer = go(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(b"one").unwrap();
            stream.write_all(b"two").unwrap();
        });
        writer.join().unwrap();
        assert_eq!(reader.join().unwrap(), b"onetwo");
    }
}

#[test]
fn reads_time_out_and_then_go_on() {
    let read = |mut stream: UnixStream, mut other: UnixStream| {
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let start = Instant::now();
        let error = stream.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert!(start.elapsed() >= Duration::from_millis(20));
        other.write_all(b"x").unwrap();
        assert_eq!(stream.read(&mut [0; 8]).unwrap(), 1);
        assert_eq!(stream.read_timeout().unwrap(), Some(Duration::from_millis(20)));
        assert_eq!(
            stream.set_read_timeout(Some(Duration::ZERO)).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    };
    let (one, other) = UnixStream::pair().unwrap();
    go(move || read(one, other)).join().unwrap();
    let (one, other) = UnixStream::pair().unwrap();
    read(one, other);
}

#[test]
fn a_close_wakes_who_waits() {
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    let mut waiting: Vec<_> = (0..3)
        .map(|_| {
            let listener = Arc::clone(&listener);
            go(move || is_closed(&listener.accept().unwrap_err()))
        })
        .collect();
    let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
    let (pair, _other) = UnixStream::pair().unwrap();
    let pair = Arc::new(pair);
    let theirs = Arc::clone(&socket);
    waiting.push(go(move || is_closed(&theirs.recv(&mut [0; 8]).unwrap_err())));
    let theirs = Arc::clone(&pair);
    waiting.push(go(move || is_closed(&(&*theirs).read(&mut [0; 8]).unwrap_err())));
    let theirs = Arc::clone(&listener);
    let thread = std::thread::spawn(move || is_closed(&theirs.accept().unwrap_err()));
    let theirs = Arc::clone(&socket);
    let other_thread = std::thread::spawn(move || is_closed(&theirs.recv(&mut [0; 8]).unwrap_err()));
    time::sleep(Duration::from_millis(20));
    listener.close();
    socket.close();
    pair.close();
    assert!(waiting.into_iter().all(|one| one.join().unwrap()));
    assert!(thread.join().unwrap() && other_thread.join().unwrap());
    // Nobody listens any more.
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_shutdown_wakes_the_reader() {
    let (one, _other) = UnixStream::pair().unwrap();
    let one = Arc::new(one);
    let theirs = Arc::clone(&one);
    let reader = go(move || (&*theirs).read(&mut [0; 8]).unwrap());
    time::sleep(Duration::from_millis(5));
    one.shutdown(Shutdown::Read).unwrap();
    assert_eq!(reader.join().unwrap(), 0);
}

#[test]
fn two_handles_of_a_socket_wait_each_for_itself() {
    go(|| {
        let (one, mut other) = UnixStream::pair().unwrap();
        let mut clone = one.try_clone().unwrap();
        let mut one = one;
        let reader = go(move || clone.read(&mut [0; 1]).unwrap());
        let second = go(move || one.read(&mut [0; 1]).unwrap());
        time::sleep(Duration::from_millis(2));
        other.write_all(b"ab").unwrap();
        assert_eq!((reader.join().unwrap(), second.join().unwrap()), (1, 1));
    })
    .join()
    .unwrap();
}

#[test]
fn connecting_fails_as_with_std() {
    go(|| {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(TcpStream::connect(free).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        // Reserved for documentation: nobody answers, or there is no way to there.
        let nowhere = "192.0.2.1:9".parse().unwrap();
        let start = Instant::now();
        TcpStream::connect_timeout(&nowhere, Duration::from_millis(30)).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(20));
        assert_eq!(TcpStream::connect("not an address").unwrap_err().kind(), ErrorKind::InvalidInput);
    })
    .join()
    .unwrap();
}

#[test]
fn names_are_resolved_while_others_run() {
    let address = server(1);
    let client = go(move || {
        let stream = TcpStream::connect(("localhost", address.port())).unwrap();
        stream.peer_addr().unwrap()
    });
    assert_eq!(client.join().unwrap(), address);
}

#[test]
fn unix_sockets_have_paths() {
    let folder = std::env::temp_dir().join(format!("selvedge-net-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let listener = UnixListener::bind(folder.join("stream")).unwrap();
    let answering = go(move || listener.accept().unwrap().0.write_all(b"hello").unwrap());
    let mut text = String::new();
    UnixStream::connect(folder.join("stream")).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
    answering.join().unwrap();
    let (one, other) =
        (UnixDatagram::bind(folder.join("packets")).unwrap(), UnixDatagram::unbound().unwrap());
    let receiving = go(move || one.recv(&mut [0; 16]).unwrap());
    other.send_to(b"packet", folder.join("packets")).unwrap();
    assert_eq!(receiving.join().unwrap(), 6);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_descriptor_goes_to_std_and_back() {
    go(|| {
        let (mut one, other) = UnixStream::pair().unwrap();
        other.set_nonblocking(true).unwrap();
        assert_eq!((&other).read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
        other.set_nonblocking(false).unwrap();
        let number = other.as_raw_fd();
        let mut plain = std::os::unix::net::UnixStream::from(other);
        one.write_all(b"ab").unwrap();
        assert_eq!((plain.read(&mut [0; 1]).unwrap(), plain.as_raw_fd()), (1, number));
        let mut again = UnixStream::from(OwnedFd::from(plain));
        assert_eq!(again.read(&mut [0; 9]).unwrap(), 1);
        let late = go(move || again.read(&mut [0; 9]).unwrap());
        time::sleep(Duration::from_millis(2));
        one.write_all(b"abc").unwrap();
        assert_eq!(late.join().unwrap(), 3);
    })
    .join()
    .unwrap();
}

/// Others run while one computes and the only other one waits for I/O.
#[test]
fn io_is_found_beside_a_hog() {
    let (mut one, mut other) = UnixStream::pair().unwrap();
    let hogs: Vec<_> = (0..2)
        .map(|_| {
            go(|| {
                let start = Instant::now();
                while start.elapsed() < Duration::from_millis(100) {}
            })
        })
        .collect();
    let reader = go(move || {
        for _ in 0..20 {
            other.read_exact(&mut [0; 1]).unwrap();
        }
    });
    for _ in 0..20 {
        one.write_all(b"x").unwrap();
        time::sleep(Duration::from_millis(1));
    }
    reader.join().unwrap();
    hogs.into_iter().for_each(|hog| hog.join().unwrap());
}

#[cfg(feature = "check")]
#[test]
fn a_model_has_no_network() {
    assert!(crate::trial_tests::panics_with("inside a model", || {
        let _ = TcpListener::bind("127.0.0.1:0");
    }));
    let (one, _other) = UnixStream::pair().unwrap();
    assert!(crate::trial_tests::panics_with("inside a model", move || {
        let _ = (&one).write(b"x");
    }));
}
