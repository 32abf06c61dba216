use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use crate::Fault;

/// A network that fails when it is told to: it listens on a port of its own and forwards to a server.
///
/// What it reads at once from a client counts as one request: so it is with the protocols of databases, as long as a
/// request is not longer than 128 KiB. Requests are no more than bytes here; to strike a certain one, name bytes that stand
/// in it, such as the record that a statement writes.
///
/// ```no_run
/// use countersign_store_testing::{Durability, Fault, Postgres, Proxy};
///
/// let server = Postgres::start(Durability::Fast)?;
/// let proxy = Proxy::start(server.address())?;
/// let url = server.url_at(proxy.address());
/// // ... open a pool at `url` ...
/// proxy.strike(b"the record", Fault::DropReply);
/// // ... write the record: it lands, and the pool gives an error ...
/// assert_eq!(proxy.struck(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    plan: Mutex<Plan>,
    links: Mutex<Vec<Weak<Link>>>,
    closed: AtomicBool,
    connections: AtomicUsize,
    requests: AtomicUsize,
    struck: AtomicUsize,
}

#[derive(Debug)]
enum Plan {
    Forward,
    Once(Vec<u8>, Fault),
    Always(Fault),
}

/// A connection from a client and the one to the server that belongs to it.
#[derive(Debug)]
struct Link {
    client: TcpStream,
    server: TcpStream,
    replies: Mutex<Replies>,
}

#[derive(Debug, Clone, Copy)]
enum Replies {
    Forward,
    Delay(Duration),
    Discard,
    Close,
    /// The link is reset when it is let go of, so it must not be closed in an orderly way.
    Reset,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If there is no port.
    pub fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server,
            plan: Mutex::new(Plan::Forward),
            links: Mutex::default(),
            closed: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            struck: AtomicUsize::new(0),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept(&listener));
        Ok(Self { shared, address })
    }

    /// Where clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Strikes the next request with these bytes in it, and no other; no bytes are in every request.
    pub fn strike(&self, bytes: impl Into<Vec<u8>>, fault: Fault) {
        *lock(&self.shared.plan) = Plan::Once(bytes.into(), fault);
    }

    /// Strikes every request from now on, those of new connections too.
    pub fn strike_all(&self, fault: Fault) {
        *lock(&self.shared.plan) = Plan::Always(fault);
    }

    /// Strikes no request from now on. What was done to a connection stays done.
    pub fn heal(&self) {
        *lock(&self.shared.plan) = Plan::Forward;
    }

    /// How many requests were struck.
    #[must_use]
    pub fn struck(&self) -> usize {
        self.shared.struck.load(Ordering::SeqCst)
    }

    /// How many requests came, the struck ones among them.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// How many connections were opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for clients; if that fails there is none.
        _ = TcpStream::connect(self.address);
        let links = std::mem::take(&mut *lock(&self.shared.links));
        for link in links.iter().filter_map(Weak::upgrade) {
            link.close();
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.closed.load(Ordering::SeqCst) {
                return;
            }
            self.connections.fetch_add(1, Ordering::SeqCst);
            // Without a server the client is dropped, and finds its connection closed.
            if let Ok(link) = client.and_then(|client| Link::new(client, self.server)) {
                let (link, shared) = (Arc::new(link), Arc::clone(self));
                lock(&self.links).push(Arc::downgrade(&link));
                let replies = Arc::clone(&link);
                // An error on either side ends the link, as it would without a proxy.
                thread::spawn(move || {
                    _ = shared.forward_requests(&link);
                    link.shut_down(&link.server);
                });
                thread::spawn(move || {
                    _ = replies.forward_replies();
                    replies.shut_down(&replies.client);
                });
            }
        }
    }

    fn forward_requests(&self, link: &Link) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let length = (&link.client).read(&mut buffer)?;
            let request = buffer.get(..length).unwrap_or_default();
            if request.is_empty() {
                return Ok(());
            }
            self.requests.fetch_add(1, Ordering::SeqCst);
            match self.fault_for(request) {
                None => {}
                Some(Fault::DropRequest) => {
                    link.close();
                    return Ok(());
                }
                Some(Fault::Reset) => {
                    let (half, _) = request.split_at(length >> 1);
                    (&link.server).write_all(half)?;
                    return link.reset();
                }
                Some(Fault::DropReply) => link.set(Replies::Close),
                Some(Fault::BlackHole) => link.set(Replies::Discard),
                Some(Fault::Stall(time)) => link.set(Replies::Delay(time)),
            }
            (&link.server).write_all(request)?;
        }
    }

    fn fault_for(&self, request: &[u8]) -> Option<Fault> {
        let mut plan = lock(&self.plan);
        let fault = match &*plan {
            Plan::Forward => return None,
            Plan::Once(bytes, _) if !contains(request, bytes) => return None,
            Plan::Once(_, fault) => *fault,
            Plan::Always(fault) => *fault,
        };
        if matches!(*plan, Plan::Once(..)) {
            *plan = Plan::Forward;
        }
        self.struck.fetch_add(1, Ordering::SeqCst);
        Some(fault)
    }
}

impl Link {
    fn new(client: TcpStream, server: SocketAddr) -> io::Result<Self> {
        let server = TcpStream::connect(server)?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
        }
        Ok(Self {
            client,
            server,
            replies: Mutex::new(Replies::Forward),
        })
    }

    fn forward_replies(&self) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let length = (&self.server).read(&mut buffer)?;
            let reply = buffer.get(..length).unwrap_or_default();
            if reply.is_empty() {
                return Ok(());
            }
            let replies = *lock(&self.replies);
            match replies {
                Replies::Forward => {}
                Replies::Discard => continue,
                Replies::Close | Replies::Reset => {
                    self.close();
                    return Ok(());
                }
                Replies::Delay(time) => {
                    thread::sleep(time);
                    self.set(Replies::Forward);
                }
            }
            (&self.client).write_all(reply)?;
        }
    }

    fn set(&self, replies: Replies) {
        *lock(&self.replies) = replies;
    }

    fn close(&self) {
        self.shut_down(&self.client);
        self.shut_down(&self.server);
    }

    fn shut_down(&self, stream: &TcpStream) {
        if !matches!(*lock(&self.replies), Replies::Reset) {
            // Of a stream that is closed already there is nothing to close.
            _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// A stream that does not linger is reset when its last owner lets go of it.
    fn reset(&self) -> io::Result<()> {
        self.set(Replies::Reset);
        for stream in [&self.client, &self.server] {
            SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
        }
        // Wakes the thread that waits for replies, and sends nothing.
        self.server.shutdown(Shutdown::Read)
    }
}

fn contains(request: &[u8], bytes: &[u8]) -> bool {
    bytes.is_empty() || request.windows(bytes.len()).any(|window| window == bytes)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const BUFFER: usize = 128 * 1024;
