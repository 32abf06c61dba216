use axum::body::Body;
use axum::extract::Request;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::response::Response;
use axum::routing::IntoMakeService;
use axum::{Router, ServiceExt};
use countersign_gate::NotedRoute;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

use crate::late::{self, SentCookies};

/// A service behind a gate: [`GateRouter::into_service`](crate::GateRouter::into_service) makes it.
///
/// It is a tower service, and no router: nothing can be added behind the gate any more.
#[derive(Clone)]
pub struct GateService {
    router: Router,
    routes: Arc<[NotedRoute]>,
}

impl GateService {
    pub(crate) fn new(router: Router, routes: Vec<NotedRoute>) -> Self {
        let routes = routes.into();
        Self { router, routes }
    }

    /// Returns the routes that were added, in their order, without the gate's own pages.
    #[must_use]
    pub fn routes(&self) -> &[NotedRoute] {
        &self.routes
    }

    /// Makes what `axum::serve` takes.
    #[must_use]
    pub fn into_make_service(self) -> IntoMakeService<Self> {
        ServiceExt::<Request>::into_make_service(self)
    }

    /// The same, and the gate tells your application the network address of a client.
    #[must_use]
    pub fn into_make_service_with_connect_info<C>(self) -> IntoMakeServiceWithConnectInfo<Self, C> {
        ServiceExt::<Request>::into_make_service_with_connect_info(self)
    }
}

impl Service<Request<Body>> for GateService {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.router, context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut router = self.router.clone();
        Box::pin(async move {
            let sent = SentCookies::of(request.headers());
            let (answer, note) = late::noting(router.call(request)).await;
            let Ok(mut answer) = answer;
            sent.keep(&note, answer.headers_mut());
            late::mark_secure(answer.headers_mut());
            Ok(answer)
        })
    }
}

impl fmt::Debug for GateService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateService")
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}
