//! The relay delays bytes, drops them without a sign, and leads to another server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use countersign_store_testing::Relay;
use socket2::{Domain, Socket, Type};

/// A server that answers every byte with its own name.
fn server(name: u8) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                while let Ok(1) = stream.read(&mut [0]) {
                    _ = stream.write_all(&[name]);
                }
            });
        }
    });
    address
}

fn client(relay: &Relay) -> TcpStream {
    let stream = TcpStream::connect(relay.address()).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// A client with another address.
fn client_elsewhere(relay: &Relay) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let from: SocketAddr = (ELSEWHERE, 0).into();
    socket.bind(&from.into()).unwrap();
    socket.connect(&relay.address().into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

fn ask(stream: &mut TcpStream) -> std::io::Result<u8> {
    stream.write_all(b"?")?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    Ok(answer[0])
}

/// Asserts that nothing arrives for this time, not even the end of the connection.
fn is_silent(stream: &mut TcpStream, time: Duration) {
    stream.set_read_timeout(Some(time)).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    stream.set_read_timeout(Some(LONG)).unwrap();
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

#[test]
fn bytes_arrive_late_in_both_directions() {
    let delay = Duration::from_millis(100);
    let relay = Relay::start(server(b'a'), delay).unwrap();
    let mut stream = client(&relay);
    let start = Instant::now();
    assert_eq!(ask(&mut stream).unwrap(), b'a');
    assert!(start.elapsed() >= 2 * delay);
}

#[test]
fn a_cut_is_silent_until_it_ends() {
    let relay = Relay::start(server(b'a'), Duration::ZERO).unwrap();
    let mut before = client(&relay);
    assert_eq!(ask(&mut before).unwrap(), b'a');
    relay.cut_except(&[ELSEWHERE.into()]);
    let mut during = client(&relay);
    // The relay accepts clients in order. So it has accepted the client before this one.
    assert_eq!(ask(&mut client_elsewhere(&relay)).unwrap(), b'a');
    for stream in [&mut before, &mut during] {
        stream.write_all(b"?").unwrap();
        is_silent(stream, SHORT);
    }
    relay.heal();
    for stream in [&mut before, &mut during] {
        let error = ask(stream).unwrap_err();
        assert_ne!(error.kind(), ErrorKind::WouldBlock);
    }
    assert_eq!(ask(&mut client(&relay)).unwrap(), b'a');
}

#[test]
fn a_cut_drops_bytes_under_way() {
    let delay = Duration::from_millis(250);
    let relay = Relay::start(server(b'a'), delay).unwrap();
    loop {
        let mut stream = client(&relay);
        assert_eq!(ask(&mut stream).unwrap(), b'a');
        let start = Instant::now();
        stream.write_all(b"?").unwrap();
        relay.cut();
        // On a busy computer, the byte can arrive before the cut.
        if start.elapsed() < delay {
            is_silent(&mut stream, 4 * delay);
            return;
        }
        relay.heal();
    }
}

#[test]
fn a_cut_can_leave_some_clients_out() {
    let relay = Relay::start(server(b'a'), Duration::ZERO).unwrap();
    let (mut before, mut cut_off) = (client(&relay), client_elsewhere(&relay));
    assert_eq!(ask(&mut cut_off).unwrap(), b'a');
    let cuts: [&dyn Fn(); 2] = [
        &|| {
            relay.cut_except(&[Ipv4Addr::LOCALHOST.into()]);
        },
        &|| {
            relay.cut_from(&[ELSEWHERE.into()]);
        },
    ];
    for cut in cuts {
        cut();
        for stream in [&mut before, &mut client(&relay)] {
            assert_eq!(ask(stream).unwrap(), b'a');
        }
        for stream in [&mut cut_off, &mut client_elsewhere(&relay)] {
            stream.write_all(b"?").unwrap();
            is_silent(stream, SHORT);
        }
        relay.heal();
        cut_off = client_elsewhere(&relay);
        assert_eq!(ask(&mut cut_off).unwrap(), b'a');
    }
}

#[test]
fn the_relay_leads_to_another_server() {
    let relay = Relay::start(server(b'a'), Duration::ZERO).unwrap();
    let mut before = client(&relay);
    assert_eq!(ask(&mut before).unwrap(), b'a');
    relay.lead_to(server(b'b'));
    assert!(ask(&mut before).is_err());
    assert_eq!(ask(&mut client(&relay)).unwrap(), b'b');
}
