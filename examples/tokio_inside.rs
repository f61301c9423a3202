//! A future of tokio's inside a goroutine: `cargo run --example tokio_inside`.
//!
//! Futures that need tokio's reactor or timers find it through their thread. A goroutine may change threads, so it does
//! not enter the runtime: it hands the future to it by its handle, and waits for the task, which any executor can poll.

use selvedge::{future, go};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let handle = runtime.handle().clone();
    let answers: Vec<String> = (0..3)
        .map(|n| {
            let handle = handle.clone();
            go(move || ask(&handle, format!("hello {n}")))
        })
        .map(|goroutine| goroutine.join().expect("asking does not panic"))
        .collect();
    println!("{answers:?}");
    assert_eq!(answers, ["hello 0", "hello 1", "hello 2"]);
    Ok(())
}

/// Send a text through a server of tokio's and back. The goroutine parks meanwhile, its thread runs others.
pub(crate) fn ask(tokio: &Handle, text: String) -> String {
    let asked = tokio.spawn(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            let mut text = Vec::new();
            stream.read_to_end(&mut text).await?;
            tokio::time::sleep(Duration::from_millis(1)).await;
            stream.write_all(&text).await
        });
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await?;
        let mut back = String::new();
        stream.read_to_string(&mut back).await?;
        server.await??;
        Ok::<_, std::io::Error>(back)
    });
    future::block_on(asked).expect("the task does not panic").expect("the loopback works")
}
