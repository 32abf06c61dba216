use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use crate::page::Page;

/// A browser without scripts, which follows redirects and keeps one cookie.
#[derive(Clone)]
pub(crate) struct Browser {
    address: SocketAddr,
    cookie: Option<String>,
}

impl Browser {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, cookie: None }
    }

    pub(crate) fn get(&mut self, path: &str) -> Page {
        self.request("GET", path, "")
    }

    /// Sends a form, and returns the page to which the answer leads.
    pub(crate) fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.request("POST", path, &encoded(fields))
    }

    /// Fills in a form of a page, and sends it.
    pub(crate) fn submit(&mut self, page: &Page, action: &str, typed: &[(&str, &str)]) -> Page {
        self.request("POST", action, &filled(page, action, typed))
    }

    /// Sends a form of a page, and does not wait for the answer. As in a real browser, the
    /// connection may serve more requests. On other connections, hyper does not notice that the
    /// browser has gone.
    pub(crate) fn start(&self, page: &Page, action: &str, typed: &[(&str, &str)]) -> Started {
        Started(self.send("POST", action, &filled(page, action, typed), "keep-alive"))
    }

    fn request(&mut self, method: &str, path: &str, body: &str) -> Page {
        let mut page = self.request_once(method, path, body);
        let mut paths = vec![path.to_owned()];
        while page.status == 303 {
            let next = page.header("location").unwrap().to_owned();
            page = self.request_once("GET", &next, "");
            paths.push(next);
            assert!(paths.len() < 10, "redirects in a circle: {paths:?}");
        }
        page
    }

    fn request_once(&mut self, method: &str, path: &str, body: &str) -> Page {
        let mut answer = String::new();
        self.send(method, path, body, "close").read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let page = Page {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            path: path.to_owned(),
            head: head.to_owned(),
            body: body.to_owned(),
        };
        if let Some(cookie) = page.header("set-cookie") {
            let (value, _) = cookie.split_once(';').unwrap();
            self.cookie = (!cookie.contains("Max-Age=0")).then(|| value.to_owned());
        }
        page
    }

    fn send(&self, method: &str, path: &str, body: &str, connection: &str) -> TcpStream {
        let cookie = self.cookie.as_ref();
        let cookie = cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: {connection}\r\n{cookie}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        stream
    }
}

/// A request whose answer nobody has read.
pub(crate) struct Started(TcpStream);

impl Started {
    /// Breaks the connection, as a closed browser does.
    pub(crate) fn go_away(self) {
        SockRef::from(&self.0).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

fn filled(page: &Page, action: &str, typed: &[(&str, &str)]) -> String {
    let hidden = page.hidden_fields(action);
    let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    encoded(&hidden.chain(typed.iter().copied()).collect::<Vec<_>>())
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let fields = fields.iter().map(|(name, value)| format!("{name}={}", encode(value)));
    fields.collect::<Vec<_>>().join("&")
}
