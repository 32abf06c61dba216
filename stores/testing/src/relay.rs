use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// The network in front of a server: every byte arrives late, and the network can be cut.
///
/// A failover on one computer loses nothing, because the kernel delivers what a killed server sent.
/// The delay of a relay keeps bytes under way, and a cut drops them. A cut is silent: connections
/// stay open, and nothing arrives. If a cut closed the connections, both sides would notice it at
/// once, as they never do on a real network.
///
/// A [`Proxy`](crate::Proxy) injects faults into single requests instead.
#[derive(Debug)]
pub struct Relay {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Debug)]
struct Shared {
    delay: Duration,
    server: Mutex<SocketAddr>,
    cut: Mutex<Option<Cut>>,
    links: Mutex<Vec<Weak<Link>>>,
    closed: AtomicBool,
}

/// Whose bytes the relay drops.
#[derive(Debug)]
struct Cut {
    clients: Vec<IpAddr>,
    /// Whether these clients are cut off, or all others.
    cuts_listed: bool,
    /// The connections that clients opened while they were cut off.
    waiting: Vec<TcpStream>,
}

/// A connection from a client, and its connection to the server.
#[derive(Debug)]
struct Link {
    client: TcpStream,
    server: TcpStream,
    from: IpAddr,
    /// Whether bytes were dropped. The connection is of no use after that.
    broken: AtomicBool,
}

impl Relay {
    /// Listens on a free port of 127.0.0.1, and delays each byte by `delay` in both directions.
    ///
    /// # Errors
    /// If no port is free.
    pub fn start(server: SocketAddr, delay: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            delay,
            server: Mutex::new(server),
            cut: Mutex::default(),
            links: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept(&listener));
        Ok(Self { shared, address })
    }

    /// The address for clients.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Drops every byte from now on, also those under way. Connections stay open, and new ones are
    /// accepted.
    pub fn cut(&self) {
        self.cut_except(&[]);
    }

    /// Cuts off all clients but those with these addresses.
    pub fn cut_except(&self, clients: &[IpAddr]) {
        self.cut_off(clients, false);
    }

    /// Cuts off the clients with these addresses only.
    pub fn cut_from(&self, clients: &[IpAddr]) {
        self.cut_off(clients, true);
    }

    fn cut_off(&self, clients: &[IpAddr], cuts_listed: bool) {
        let cut = Cut {
            clients: clients.to_vec(),
            cuts_listed,
            waiting: Vec::new(),
        };
        let mut current = lock(&self.shared.cut);
        let cut = current.insert(cut);
        for link in self.shared.links() {
            if cut.cuts_off(link.from) {
                link.broken.store(true, Ordering::SeqCst);
            }
        }
    }

    /// Ends the cut. Closes the connections that lost bytes.
    pub fn heal(&self) {
        *lock(&self.shared.cut) = None;
        for link in self.shared.links() {
            if link.broken.load(Ordering::SeqCst) {
                link.close();
            }
        }
    }

    /// Leads to another server from now on, and closes all connections to the old one. So a relay
    /// is also the fixed address of a primary that changes.
    pub fn lead_to(&self, server: SocketAddr) {
        *lock(&self.shared.server) = server;
        for link in self.shared.links() {
            link.close();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for clients. If that fails, the thread has ended.
        _ = TcpStream::connect(self.address);
        for link in self.shared.links() {
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
            // Without a client or a server, there is nothing to do.
            _ = client.and_then(|client| self.open(client));
        }
    }

    fn open(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        let from = client.peer_addr()?.ip();
        let mut cut = lock(&self.cut);
        if let Some(cut) = &mut *cut
            && cut.cuts_off(from)
        {
            cut.waiting.push(client);
            return Ok(());
        }
        // Both locks are held until the link is known, so that no cut and no change misses it.
        let server = lock(&self.server);
        let link = Arc::new(Link::new(client, from, *server)?);
        let mut links = lock(&self.links);
        links.retain(|link| link.strong_count() > 0);
        links.push(Arc::downgrade(&link));
        drop((links, server, cut));
        self.forward(&link, Link::client);
        self.forward(&link, Link::server);
        Ok(())
    }

    /// Starts the threads for one direction. An error on either side ends the link.
    fn forward(&self, link: &Arc<Link>, from: fn(&Link) -> (&TcpStream, &TcpStream)) {
        let (sender, receiver) = mpsc::channel();
        let (delay, reading, writing) = (self.delay, Arc::clone(link), Arc::clone(link));
        thread::spawn(move || {
            _ = read(from(&reading).0, &sender, delay);
        });
        thread::spawn(move || {
            _ = writing.write(from(&writing).1, &receiver);
            writing.close_unless_broken();
        });
    }

    fn links(&self) -> Vec<Arc<Link>> {
        lock(&self.links).iter().filter_map(Weak::upgrade).collect()
    }
}

impl Cut {
    fn cuts_off(&self, client: IpAddr) -> bool {
        self.clients.contains(&client) == self.cuts_listed
    }
}

/// Reads until the connection ends, and notes when each piece is due.
fn read(
    mut stream: &TcpStream,
    to: &Sender<(Instant, Vec<u8>)>,
    delay: Duration,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = stream.read(&mut buffer)?;
        let piece = buffer.get(..length).unwrap_or_default();
        let now = Instant::now();
        let due = now.checked_add(delay).unwrap_or(now);
        if piece.is_empty() || to.send((due, piece.to_vec())).is_err() {
            return Ok(());
        }
    }
}

impl Link {
    fn new(client: TcpStream, from: IpAddr, server: SocketAddr) -> io::Result<Self> {
        let server = TcpStream::connect(server)?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
        }
        Ok(Self {
            client,
            server,
            from,
            broken: AtomicBool::new(false),
        })
    }

    /// From the client to the server.
    fn client(&self) -> (&TcpStream, &TcpStream) {
        (&self.client, &self.server)
    }

    /// From the server to the client.
    fn server(&self) -> (&TcpStream, &TcpStream) {
        (&self.server, &self.client)
    }

    /// Writes each piece when it is due, unless the network is cut by then.
    fn write(&self, mut to: &TcpStream, pieces: &Receiver<(Instant, Vec<u8>)>) -> io::Result<()> {
        for (due, piece) in pieces {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if !self.broken.load(Ordering::SeqCst) {
                to.write_all(&piece)?;
            }
        }
        Ok(())
    }

    /// A cut is silent, so the other side must not see that one side has ended.
    fn close_unless_broken(&self) {
        if !self.broken.load(Ordering::SeqCst) {
            self.close();
        }
    }

    fn close(&self) {
        for stream in [&self.client, &self.server] {
            // The stream may be closed already.
            _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const BUFFER: usize = 128 * 1024;
