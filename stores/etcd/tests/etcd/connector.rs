//! A store over a connector of the application.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use countersign_etcd::{EndpointError, EtcdStore};
use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use tower_service::Service;

use crate::support::*;

/// Stands for a TLS connector: it connects to `https` endpoints, without TLS, and counts.
#[derive(Clone)]
struct Counting {
    inner: HttpConnector,
    connections: Arc<AtomicUsize>,
}

impl Service<Uri> for Counting {
    type Response = <HttpConnector as Service<Uri>>::Response;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        assert_eq!(uri.scheme_str(), Some("https"));
        self.connections.fetch_add(1, Ordering::SeqCst);
        Box::pin(self.inner.call(uri))
    }
}

#[tokio::test]
async fn a_connector_makes_the_connections() {
    let server = shared!(SINGLE);
    let mut inner = HttpConnector::new();
    inner.enforce_http(false);
    let connections = Arc::new(AtomicUsize::new(0));
    let connector = Counting {
        inner,
        connections: Arc::clone(&connections),
    };
    let url = format!("https://{}", server.address());
    let store = EtcdStore::with_connector(connector.clone(), [url]).unwrap();
    let store = store.with_prefix(&new_prefix()).unwrap();
    create(&store.with_timeout(PATIENT), &account(1)).await;
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    let malformed = EtcdStore::with_connector(connector, ["etcd"]).unwrap_err();
    assert_eq!(malformed, EndpointError::Malformed { number: 1 });
}
