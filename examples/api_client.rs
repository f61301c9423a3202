//! A client that keeps to a rate, tries again with growing pauses, and can be cancelled: `cargo run --example api_client`.
//!
//! The service is part of the program: it answers a line with a line, and is busy now and then.

use selvedge::context::{self, Context};
use selvedge::net::{TcpListener, TcpStream};
use selvedge::rate::{self, Limiter};
use selvedge::sync::{Arc, ErrGroup, Mutex};
use selvedge::time::{self, Duration};
use selvedge::{go, select};
use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;

const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(crate) enum Failed {
    Cancelled,
    Busy { attempts: u32 },
    Io(Arc<io::Error>),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Cancelled => write!(f, "cancelled"),
            Failed::Busy { attempts } => write!(f, "busy at each of {attempts} attempts"),
            Failed::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Failed {}

#[selvedge::main]
fn main() -> io::Result<()> {
    let address = serve(TcpListener::bind("127.0.0.1:0")?)?;
    let (ctx, cancel) = context::with_timeout(&context::background(), Duration::from_secs(5));
    let _cancel = cancel.defer();
    match ask_all(&ctx, address, 10) {
        Ok(answers) => println!("{answers:?}"),
        Err(error) => println!("gave up: {error}"),
    }
    Ok(())
}

/// Ask for so many numbers' squares at once, at most a hundred requests a second. The first that fails for good
/// cancels the others.
pub(crate) fn ask_all(ctx: &Context, address: SocketAddr, requests: u64) -> Result<Vec<u64>, Failed> {
    let limiter = Arc::new(Limiter::new(rate::every(Duration::from_millis(10)), 5));
    let (group, ctx) = ErrGroup::with_context(ctx);
    let answers = Arc::new(Mutex::new(vec![0; requests as usize]));
    for n in 0..requests {
        let (ctx, limiter, answers) = (ctx.clone(), Arc::clone(&limiter), Arc::clone(&answers));
        group.go(move || {
            let answer = fetch(&ctx, &limiter, address, n)?;
            answers.lock().unwrap()[n as usize] = answer;
            Ok(())
        });
    }
    group.wait()?;
    Ok(std::mem::take(&mut *answers.lock().unwrap()))
}

/// One request, tried again while the service is busy.
fn fetch(ctx: &Context, limiter: &Limiter, address: SocketAddr, n: u64) -> Result<u64, Failed> {
    for attempt in 0..ATTEMPTS {
        limiter.wait(ctx).map_err(|_| Failed::Cancelled)?;
        if let Some(answer) = call(address, n).map_err(|error| Failed::Io(Arc::new(error)))? {
            return Ok(answer);
        }
        select! {
            recv(time::after(FIRST_PAUSE * 2_u32.pow(attempt))) -> _ => {}
            recv(ctx.done()) -> _ => return Err(Failed::Cancelled),
        }
    }
    Err(Failed::Busy { attempts: ATTEMPTS })
}

/// Call the service once; `None` if it is busy.
fn call(address: SocketAddr, n: u64) -> io::Result<Option<u64>> {
    let mut stream = TcpStream::connect(address)?;
    writeln!(stream, "{n}")?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(answer.trim().parse().ok())
}

/// A service that squares, and is busy for every third caller.
pub(crate) fn serve(listener: TcpListener) -> io::Result<SocketAddr> {
    let address = listener.local_addr()?;
    go(move || {
        for (caller, stream) in listener.incoming().enumerate() {
            let Ok(stream) = stream else { return };
            go(move || {
                let mut line = String::new();
                let asked = BufReader::new(&stream).read_line(&mut line);
                let square = line.trim().parse::<u64>().ok().filter(|_| asked.is_ok()).map(|n| n * n);
                let answer = square.filter(|_| caller % 3 != 2).map_or("busy".to_owned(), |n| n.to_string());
                // Who does not listen any more needs no answer.
                let _ = writeln!(&stream, "{answer}");
            });
        }
    });
    Ok(address)
}
