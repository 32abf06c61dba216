use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::Uri;
use hyper::http::uri::Scheme;

/// The endpoints of one cluster, and the one that answered last.
#[derive(Debug)]
pub(crate) struct Endpoints {
    list: Box<[Endpoint]>,
    preferred: AtomicUsize,
}

/// The scheme, host and port of a member.
#[derive(Debug)]
pub(crate) struct Endpoint {
    text: String,
    has_tls: bool,
}

/// The error for endpoints that the store does not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// There is no endpoint.
    #[error("etcd needs at least one endpoint, such as http://127.0.0.1:2379")]
    Missing,
    /// A text is not the URL of an endpoint. The error does not show the text, which may contain a
    /// password.
    #[error(
        "endpoint {number} is not `http://HOST:PORT` or `https://HOST:PORT`; \
         give a user and a password by `with_user`"
    )]
    Malformed {
        /// The position of the endpoint, from 1.
        number: usize,
    },
    /// `EtcdStore::new` cannot connect to an `https` endpoint.
    #[error("the endpoint {endpoint} needs TLS; give a TLS connector by `with_connector`")]
    NeedsTls {
        /// The endpoint.
        endpoint: String,
    },
}

impl Endpoints {
    pub(crate) fn parse<I>(urls: I) -> Result<Self, EndpointError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let parse = |(number, url): (_, I::Item)| {
            Endpoint::parse(url.as_ref()).ok_or(EndpointError::Malformed { number })
        };
        let list: Box<[_]> = (1..).zip(urls).map(parse).collect::<Result<_, _>>()?;
        if list.is_empty() {
            return Err(EndpointError::Missing);
        }
        Ok(Self {
            list,
            preferred: AtomicUsize::new(0),
        })
    }

    /// Fails if an endpoint needs TLS.
    pub(crate) fn without_tls(self) -> Result<Self, EndpointError> {
        match self.list.iter().find(|endpoint| endpoint.has_tls) {
            None => Ok(self),
            Some(endpoint) => Err(EndpointError::NeedsTls {
                endpoint: endpoint.text.clone(),
            }),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The number of the endpoint that a call begins with.
    pub(crate) fn preferred(&self) -> usize {
        self.preferred.load(Ordering::Relaxed)
    }

    /// The number of the next endpoint. The first one follows the last one.
    pub(crate) fn after(&self, number: usize) -> usize {
        let next = number.saturating_add(1);
        if next < self.list.len() { next } else { 0 }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the list is not empty, and every number is less than its length"
    )]
    pub(crate) fn get(&self, number: usize) -> &Endpoint {
        &self.list[number]
    }

    /// Prefers the next endpoint, unless another call has already turned away from this one.
    pub(crate) fn turn_away(&self, from: usize) {
        let next = self.after(from);
        // An error means that another call was first.
        _ = self
            .preferred
            .compare_exchange(from, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(Endpoint::text)
    }
}

impl Endpoint {
    fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let has_tls = uri.scheme()? == &Scheme::HTTPS;
        let has_scheme = has_tls || uri.scheme()? == &Scheme::HTTP;
        let authority = uri.authority()?;
        let text = authority.as_str();
        let is_plain = authority.host() != "" && !text.contains('@');
        let has_port = text == authority.host() || authority.port_u16().is_some();
        let has_no_path = matches!(uri.path(), "" | "/") && uri.query().is_none();
        (has_scheme && is_plain && has_port && has_no_path).then(|| Self {
            text: url.trim_end_matches('/').to_owned(),
            has_tls,
        })
    }

    /// `http://HOST:PORT`
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_scheme_a_host_and_a_port() {
        for good in [
            "http://127.0.0.1:2379",
            "http://etcd",
            "https://[::1]:2379/",
            "HTTPS://etcd.internal:2379",
        ] {
            let endpoints = Endpoints::parse([good]).unwrap();
            assert_eq!(endpoints.get(0).text(), good.trim_end_matches('/'));
        }
        for bad in [
            "",
            "etcd:2379",
            "127.0.0.1:2379",
            "unix:///run/etcd.sock",
            "http://",
            "http://user:secret@etcd:2379",
            "http://etcd:2379/v3",
            "http://etcd:2379/?a",
            "http://etcd:23790000",
        ] {
            let error = Endpoints::parse(["http://a", bad]).unwrap_err();
            assert_eq!(error, EndpointError::Malformed { number: 2 }, "{bad}");
        }
        let none: [&str; 0] = [];
        assert_eq!(Endpoints::parse(none).unwrap_err(), EndpointError::Missing);
    }

    #[test]
    fn calls_begin_after_a_failed_endpoint() {
        let endpoints = Endpoints::parse(["http://a", "http://b", "http://c"]).unwrap();
        assert_eq!(endpoints.preferred(), 0);
        endpoints.turn_away(0);
        assert_eq!(endpoints.preferred(), 1);
        // A second call failed on the same endpoint.
        endpoints.turn_away(0);
        assert_eq!(endpoints.preferred(), 1);
        endpoints.turn_away(1);
        endpoints.turn_away(2);
        assert_eq!(endpoints.preferred(), 0);
    }
}
