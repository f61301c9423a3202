//! A server that ends in order: `cargo run --example graceful_shutdown`, then Ctrl-C.
//!
//! Each connection is a goroutine that answers line by line. The first SIGINT or SIGTERM closes the listener, tells
//! the connections by a context, and waits for them; a second one, or five seconds, ends the wait.

use selvedge::context::{self, Context};
use selvedge::net::{Shutdown, TcpListener, TcpStream};
use selvedge::signal::{self, Signal};
use selvedge::sync::{Arc, WaitGroup};
use selvedge::{chan, go, select, time};
use std::io::{self, BufRead, BufReader, Write};

/// How long connections may take to end.
const PATIENCE: time::Duration = time::Duration::from_secs(5);

#[selvedge::main]
fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:7878")?;
    println!("listening on {}; Ctrl-C to stop", listener.local_addr()?);
    let in_order = serve(listener);
    println!("{}", if in_order { "every connection has ended" } else { "gave up on some connections" });
    Ok(())
}

/// Serve until a signal comes; true if every connection ended in order afterwards.
pub(crate) fn serve(listener: TcpListener) -> bool {
    let signals = signal::notify(&[Signal::Interrupt, Signal::Terminate]);
    let (ctx, cancel) = context::with_cancel(&context::background());
    let listener = Arc::new(listener);
    let connections = WaitGroup::new();
    let acceptor = {
        let (listener, connections) = (Arc::clone(&listener), connections.clone());
        go(move || accept(&listener, &ctx, &connections))
    };

    let name = signals.recv().map_or_else(String::new, |signal| signal.to_string());
    println!("got {name}: shutting down");
    listener.close();
    acceptor.join().expect("accepting does not panic");
    cancel.cancel();

    let (done, all) = chan::<()>(0);
    go(move || {
        connections.wait();
        done.close();
    });
    let in_order = select! {
        recv(all) -> _ => true,
        recv(signals) -> _ => false,
        recv(time::after(PATIENCE)) -> _ => false,
    };
    signal::stop(&signals);
    in_order
}

fn accept(listener: &TcpListener, ctx: &Context, connections: &WaitGroup) {
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => {
                let ctx = ctx.clone();
                connections.go(move || {
                    if let Err(error) = answer(stream, &ctx) {
                        eprintln!("a connection failed: {error}");
                    }
                });
            }
            // Closed, which is how it ends; anything else ends it, too.
            Err(_) => return,
        }
    }
}

/// Give every line back, until the other side ends or the context does.
fn answer(stream: TcpStream, ctx: &Context) -> io::Result<()> {
    let stream = Arc::new(stream);
    let theirs = Arc::clone(&stream);
    // What was read is still answered.
    let stop = context::after_func(ctx, move || drop(theirs.shutdown(Shutdown::Read)));
    for line in BufReader::new(&*stream).lines() {
        let line = line?;
        writeln!(&*stream, "{line}")?;
    }
    stop.stop();
    Ok(())
}
