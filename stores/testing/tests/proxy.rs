//! The proxy injects a fault into the requested connection, and into no other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use countersign_store_testing::{Fault, Proxy};

/// A server that echoes every request, and a channel of the requests that it got.
fn echo() -> (SocketAddr, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, sender) = (stream.unwrap(), sender.clone());
            thread::spawn(move || {
                let mut buffer = [0; 1024];
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    sender.send(buffer[..length].to_vec()).unwrap();
                    _ = stream.write_all(&buffer[..length]);
                }
            });
        }
    });
    (address, requests)
}

fn client(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

fn ask(stream: &mut TcpStream, request: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(request)?;
    let mut buffer = [0; 1024];
    let length = stream.read(&mut buffer)?;
    Ok(buffer[..length].to_vec())
}

#[test]
fn the_proxy_forwards_and_counts() {
    let (server, requests) = echo();
    let proxy = Proxy::start(server).unwrap();
    let mut stream = client(&proxy);
    assert_eq!(ask(&mut stream, b"one").unwrap(), b"one");
    assert_eq!(ask(&mut stream, b"two").unwrap(), b"two");
    assert_eq!(requests.recv().unwrap(), b"one");
    assert_eq!(
        (proxy.connections(), proxy.requests(), proxy.injected()),
        (1, 2, 0)
    );
    drop(proxy);
    assert_eq!(ask(&mut stream, b"three").unwrap_or_default(), b"");
}

#[test]
fn the_server_receives_requests_with_dropped_replies() {
    let (server, requests) = echo();
    let proxy = Proxy::start(server).unwrap();
    let (mut faulty, mut other) = (client(&proxy), client(&proxy));
    proxy.inject(b"write", Fault::DropReply);
    assert_eq!(ask(&mut other, b"read").unwrap(), b"read");
    assert_eq!(ask(&mut faulty, b"a write").unwrap(), b"");
    assert_eq!(ask(&mut other, b"a write").unwrap(), b"a write");
    assert_eq!(requests.iter().take(2).last().unwrap(), b"a write");
    assert_eq!(proxy.injected(), 1);
}

#[test]
fn a_dropped_request_never_arrives() {
    let (server, requests) = echo();
    let proxy = Proxy::start(server).unwrap();
    proxy.inject(b"", Fault::DropRequest);
    assert_eq!(ask(&mut client(&proxy), b"one").unwrap_or_default(), b"");
    assert_eq!(ask(&mut client(&proxy), b"two").unwrap(), b"two");
    assert_eq!(requests.recv().unwrap(), b"two");
}

#[test]
fn a_black_hole_swallows_every_answer() {
    let (server, requests) = echo();
    let proxy = Proxy::start(server).unwrap();
    let mut stream = client(&proxy);
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    proxy.inject_always(Fault::BlackHole);
    stream.write_all(b"one").unwrap();
    assert_eq!(requests.recv().unwrap(), b"one");
    proxy.stop_faults();
    stream.write_all(b"two").unwrap();
    assert_eq!(requests.recv().unwrap(), b"two");
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    assert_eq!(ask(&mut client(&proxy), b"three").unwrap(), b"three");
}

#[test]
fn a_reset_cuts_the_request() {
    let (server, requests) = echo();
    let proxy = Proxy::start(server).unwrap();
    let mut stream = client(&proxy);
    proxy.inject(b"", Fault::Reset);
    let error = ask(&mut stream, b"12345678").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(requests.recv().unwrap(), b"1234");
}

#[test]
fn a_stalled_answer_comes_late() {
    let (server, _requests) = echo();
    let proxy = Proxy::start(server).unwrap();
    let mut stream = client(&proxy);
    proxy.inject(b"", Fault::Stall(Duration::from_millis(200)));
    let start = Instant::now();
    assert_eq!(ask(&mut stream, b"late").unwrap(), b"late");
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_silent_network_acknowledges_nothing() {
    let (server, requests) = echo();
    let proxy = Proxy::start(server).unwrap();
    let mut stream = client(&proxy);
    assert_eq!(ask(&mut stream, b"one").unwrap(), b"one");
    proxy.fall_silent().unwrap();
    // The client gives up because nothing is acknowledged.
    socket2::SockRef::from(&stream)
        .set_tcp_user_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let error = ask(&mut stream, b"two").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    let timeout = Duration::from_secs(2);
    let error = TcpStream::connect_timeout(&proxy.address(), timeout).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    proxy.speak_again().unwrap();
    let mut stream = client(&proxy);
    assert_eq!(ask(&mut stream, b"three").unwrap(), b"three");
    let got: Vec<_> = requests.try_iter().collect();
    assert_eq!(got, [b"one".to_vec(), b"three".to_vec()]);
}
