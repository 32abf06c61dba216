use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use socket2::{SockFilter, SockRef};

use crate::Fault;

/// A proxy that injects network faults. It listens on a port of its own and forwards to a server.
///
/// One read from a client counts as one request. This fits the protocols of databases, for requests
/// of up to 128 KiB. The proxy does not parse requests. To select a request, give bytes that the
/// request contains, such as the record that a statement writes.
///
/// ```no_run
/// use countersign_store_testing::{Durability, Fault, Postgres, Proxy};
///
/// let server = Postgres::start(Durability::Fast)?;
/// let proxy = Proxy::start(server.address())?;
/// let url = server.url_at(proxy.address());
/// // ... open a pool at `url` ...
/// proxy.inject(b"the record", Fault::DropReply);
/// // ... write the record: the server applies it, and the pool returns an error ...
/// assert_eq!(proxy.injected(), 1);
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
    listener: TcpListener,
    plan: Mutex<Plan>,
    links: Mutex<Vec<Weak<Link>>>,
    closed: AtomicBool,
    connections: AtomicUsize,
    requests: AtomicUsize,
    injected: AtomicUsize,
}

#[derive(Debug)]
enum Plan {
    Forward,
    Once(Vec<u8>, Fault),
    Always(Fault),
}

/// A connection from a client, and its connection to the server.
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
    /// The last owner of the link resets it. Until then, nothing may shut the link down.
    Reset,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If no port is free.
    pub fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server,
            listener,
            plan: Mutex::new(Plan::Forward),
            links: Mutex::default(),
            closed: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            injected: AtomicUsize::new(0),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept());
        Ok(Self { shared, address })
    }

    /// The address for clients.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Injects a fault into the next request that contains these bytes, and into no other. An empty
    /// text matches every request.
    pub fn inject(&self, bytes: impl Into<Vec<u8>>, fault: Fault) {
        *lock(&self.shared.plan) = Plan::Once(bytes.into(), fault);
    }

    /// Injects a fault into every request from now on, also on new connections.
    pub fn inject_always(&self, fault: Fault) {
        *lock(&self.shared.plan) = Plan::Always(fault);
    }

    /// Injects no fault from now on. Connections that a fault has changed stay as they are.
    pub fn stop_faults(&self) {
        *lock(&self.shared.plan) = Plan::Forward;
    }

    /// Loses every packet of a client from now on: no request, no acknowledgement and no attempt to
    /// connect gets through, as if the cable was cut. Connections that exist now never work again.
    ///
    /// With [`Fault::BlackHole`], the operating system of the proxy still acknowledges requests.
    ///
    /// # Errors
    /// If the operating system refuses the filter.
    pub fn fall_silent(&self) -> io::Result<()> {
        SockRef::from(&self.shared.listener).attach_filter(&[DROP])?;
        for link in lock(&self.shared.links).iter().filter_map(Weak::upgrade) {
            link.set(Replies::Discard);
            SockRef::from(&link.client).attach_filter(&[DROP])?;
        }
        Ok(())
    }

    /// Lets clients connect again after [`fall_silent`](Self::fall_silent).
    ///
    /// # Errors
    /// If the operating system does not remove the filter.
    pub fn speak_again(&self) -> io::Result<()> {
        SockRef::from(&self.shared.listener).detach_filter()
    }

    /// The number of requests that got a fault.
    #[must_use]
    pub fn injected(&self) -> usize {
        self.shared.injected.load(Ordering::SeqCst)
    }

    /// The number of requests, with and without a fault.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// The number of connections that clients opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // There may be no filter.
        _ = self.speak_again();
        // Wakes the thread that waits for clients. If that fails, the thread has ended.
        _ = TcpStream::connect(self.address);
        let links = std::mem::take(&mut *lock(&self.shared.links));
        for link in links.iter().filter_map(Weak::upgrade) {
            link.close();
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Self>) {
        for client in self.listener.incoming() {
            if self.closed.load(Ordering::SeqCst) {
                return;
            }
            self.connections.fetch_add(1, Ordering::SeqCst);
            // Without a server, the client is dropped and its connection closed.
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
        self.injected.fetch_add(1, Ordering::SeqCst);
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
            // The stream may be closed already.
            _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// A stream without linger time is reset when its last owner drops it.
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

/// A filter of a single instruction: keep 0 bytes of each packet.
const DROP: SockFilter = SockFilter::new(RETURN, 0, 0, 0);
/// `BPF_RET | BPF_K` of <https://www.kernel.org/doc/html/latest/networking/filter.html>.
const RETURN: u16 = 0x06;
