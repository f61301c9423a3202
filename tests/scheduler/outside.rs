//! Programs that deal with the world: sockets, signals, tasks and other runtimes.
//!
//! Invariant: as in `programs`.

use crate::programs::{Program, fatal, fine, join_all};
use selvedge::net::{TcpListener, TcpStream, UnixStream};
use selvedge::runtime::num_goroutine;
use selvedge::signal::{self, Signal};
use selvedge::{chan, future, go, select, time};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::Duration;

pub(crate) const PROGRAMS: &[Program] = &[
    fine("sockets", sockets),
    fine("signals_are_delivered", signals_are_delivered),
    Program { code: None, ..fine("a_stopped_signal_ends_the_program", a_stopped_signal_ends_the_program) },
    fine("a_server_ends_in_order", a_server_ends_in_order),
    fine("tokio_inside_a_goroutine", tokio_inside_a_goroutine),
    fine("files_are_read_in_parallel", files_are_read_in_parallel),
    fine("a_client_keeps_to_its_rate", a_client_keeps_to_its_rate),
    fine("a_pipeline_ends_or_is_cancelled", a_pipeline_ends_or_is_cancelled),
    fine("a_soak_leaves_nothing", a_soak_leaves_nothing),
    Program {
        bound: false,
        procs: &[2],
        ..fine("stacks_give_their_memory_back", stacks_give_their_memory_back)
    },
    fatal("nobody_wakes_the_task", nobody_wakes_the_task, &["all goroutines are asleep", "[await]:"]),
    fine("a_wait_for_io_is_no_deadlock", a_wait_for_io_is_no_deadlock),
];

fn sockets() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = go(move || {
        for stream in listener.incoming().take(20) {
            let mut stream = stream.unwrap();
            drop(go(move || {
                let mut byte = [0];
                while stream.read(&mut byte).unwrap() != 0 {
                    stream.write_all(&byte).unwrap();
                }
            }));
        }
    });
    let clients = (0..20_u8).map(|n| {
        go(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            for round in 0..50 {
                stream.write_all(&[n ^ round]).unwrap();
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                assert_eq!(byte, [n ^ round]);
                if round % 20 == 0 {
                    time::sleep(Duration::from_micros(300));
                }
            }
        })
    });
    join_all(clients.collect::<Vec<_>>());
    server.join().unwrap();
}

/// Send a signal to this process, as a shell would.
fn kill(name: &str) {
    let status = Command::new("sh").args(["-c", &format!("kill -{name} $PPID")]).status();
    assert!(status.expect("there is a shell").success());
}

fn signals_are_delivered() {
    let signals = signal::notify(&[Signal::Terminate, Signal::Interrupt]);
    let other = signal::notify(&[Signal::User1]);
    kill("TERM");
    assert_eq!(signals.recv(), Some(Signal::Terminate));
    kill("INT");
    assert_eq!(signals.recv(), Some(Signal::Interrupt));
    let (ctx, stop) = signal::notify_context(&selvedge::context::background(), &[Signal::Terminate]);
    kill("TERM");
    ctx.done().recv();
    stop.cancel();
    assert!(other.try_recv().is_err());
    kill("USR1");
    assert_eq!(other.recv(), Some(Signal::User1));
}

fn a_stopped_signal_ends_the_program() {
    let signals = signal::notify(&[Signal::Terminate]);
    kill("TERM");
    assert_eq!(signals.recv(), Some(Signal::Terminate));
    signal::stop(&signals);
    kill("TERM");
    time::sleep(Duration::from_secs(50));
}

#[allow(dead_code, reason = "its main is not ours")]
#[path = "../../examples/graceful_shutdown.rs"]
mod graceful_shutdown;

fn a_server_ends_in_order() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = go(move || graceful_shutdown::serve(listener));
    let mut streams: Vec<_> = (0..5).map(|_| TcpStream::connect(address).unwrap()).collect();
    for stream in &mut streams {
        stream.write_all(b"hello\n").unwrap();
        let mut back = [0; 6];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"hello\n");
    }
    kill("INT");
    assert!(server.join().unwrap());
    for mut stream in streams {
        assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    }
}

#[allow(dead_code, reason = "its main is not ours")]
#[path = "../../examples/tokio_inside.rs"]
mod tokio_inside;

fn tokio_inside_a_goroutine() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let asking = (0..10).map(|n| {
        let handle = runtime.handle().clone();
        go(move || assert_eq!(tokio_inside::ask(&handle, n.to_string()), n.to_string()))
    });
    join_all(asking.collect::<Vec<_>>());
}

#[allow(dead_code, reason = "its main is not ours")]
#[path = "../../examples/parallel_files.rs"]
mod parallel_files;

fn files_are_read_in_parallel() {
    let folder = std::env::temp_dir().join(format!("selvedge-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut paths: Vec<_> = (0..50).map(|n| folder.join(format!("{n}.txt"))).collect();
    for (n, path) in paths.iter().enumerate() {
        std::fs::write(path, "a word ".repeat(n)).unwrap();
    }
    paths.insert(7, folder.join("missing"));
    let counted = parallel_files::count(paths);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!((counted.files, counted.words), (50, 2 * (0..50).sum::<usize>()));
    assert!(matches!(&counted.failed[..], [(path, _)] if path.ends_with("missing")), "{counted:?}");
}

#[allow(dead_code, reason = "its main is not ours")]
#[path = "../../examples/api_client.rs"]
mod api_client;

fn a_client_keeps_to_its_rate() {
    use selvedge::context;
    let address = api_client::serve(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
    let start = std::time::Instant::now();
    let answers = api_client::ask_all(&context::background(), address, 10).unwrap();
    assert_eq!(answers, (0..10).map(|n| n * n).collect::<Vec<u64>>());
    // Five at once, and a hundred a second: the other five at least, since some are busy.
    assert!(start.elapsed() >= Duration::from_millis(50), "{:?}", start.elapsed());
    let (ctx, cancel) = context::with_cancel(&context::background());
    cancel.cancel();
    let refused = api_client::ask_all(&ctx, address, 10);
    assert!(matches!(refused, Err(api_client::Failed::Cancelled)), "{refused:?}");
}

#[allow(dead_code, reason = "its main is not ours")]
#[path = "../../examples/pipeline.rs"]
mod pipeline;

fn a_pipeline_ends_or_is_cancelled() {
    use selvedge::context;
    let metrics = selvedge::sync::Arc::default();
    assert_eq!(pipeline::run(&context::background(), &metrics, 20), (0..60).sum::<u64>());
    let before = num_goroutine();
    let (ctx, cancel) = context::with_timeout(&context::background(), Duration::from_millis(20));
    pipeline::run(&ctx, &metrics, u64::MAX);
    cancel.cancel();
    // Sources that were told to end are about to.
    while num_goroutine() > before {
        time::sleep(Duration::from_millis(1));
    }
}

fn nobody_wakes_the_task() {
    let notify = future::Notify::new();
    drop(future::spawn(std::future::pending::<()>()));
    future::block_on(notify.notified());
}

/// Pages of memory that the process has.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0)
}

/// Some seconds after many goroutines have ended all that is left are their records, and the stacks that processors keep at hand.
fn stacks_give_their_memory_back() {
    const MANY: usize = 20_000;
    let before = resident();
    let (tx, rx) = chan::<()>(0);
    let all: Vec<_> = (0..MANY)
        .map(|_| {
            let rx = rx.clone();
            go(move || assert_eq!(rx.recv(), None))
        })
        .collect();
    time::sleep(Duration::from_millis(10));
    let parked = resident();
    assert!(parked >= before + MANY, "a stack is at least a page: {before} before, {parked} now");
    tx.close();
    join_all(all);
    let begun = std::time::Instant::now();
    // Two rounds of the monitor, which looks every 5 seconds.
    while resident() > before + MANY / 4 && begun.elapsed() < Duration::from_secs(50) {
        time::sleep(Duration::from_millis(50));
    }
    let left = resident();
    assert!(left <= before + MANY / 4, "{before} pages before, {parked} with all of them, {left} are left");
}

/// Many connections, timers and tasks come and go; afterwards there are as many descriptors as before, and no more
/// memory than an earlier round had needed.
fn a_soak_leaves_nothing() {
    fn descriptors() -> usize {
        std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
    }
    fn round() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = go(move || {
            for stream in listener.incoming().take(100) {
                drop(go(move || stream.unwrap().write_all(b"x").unwrap()));
            }
        });
        let clients = (0..100).map(|n| {
            go(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(50))).unwrap();
                stream.read_exact(&mut [0; 1]).unwrap();
                let (_keep, never) = chan::<()>(0);
                select! { recv(never) -> _ => {}, recv(time::after(Duration::from_micros(n))) -> _ => {} }
            })
        });
        join_all(clients.collect::<Vec<_>>());
        server.join().unwrap();
        let tasks: Vec<_> = (0..200_u64)
            .map(|n| {
                future::spawn(async move {
                    let nap = future::sleep(Duration::from_micros(n));
                    future::timeout(Duration::from_secs(50), nap).await.unwrap();
                    if n % 2 == 0 {
                        std::future::pending::<()>().await;
                    }
                })
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            if n % 2 == 0 {
                task.abort();
            }
            assert_eq!(task.join().is_ok(), n % 2 == 1);
        }
    }
    round();
    round();
    let (before, memory) = (descriptors(), resident());
    for _ in 0..20 {
        round();
    }
    assert_eq!(descriptors(), before, "descriptors are left");
    // The last of them may be about to end: what they did is done before.
    let begun = std::time::Instant::now();
    while num_goroutine() > 1 && begun.elapsed() < Duration::from_secs(30) {
        time::sleep(Duration::from_millis(1));
    }
    assert_eq!(num_goroutine(), 1, "goroutines are left");
    // In pages: each processor keeps up to 256 stacks at hand; twenty rounds would leave 6000 of them.
    assert!(resident() < memory + 3000, "memory grew from {memory} to {} pages", resident());
}

/// Nothing of this process can go on, but another process can make it.
fn a_wait_for_io_is_no_deadlock() {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut child = Command::new("sh")
        .args(["-c", "sleep 0.4; echo done"])
        .stdout(OwnedFd::from(theirs))
        .spawn()
        .expect("there is a shell");
    let mut text = String::new();
    ours.read_to_string(&mut text).unwrap();
    assert_eq!(text, "done\n");
    child.wait().unwrap();
}
