use actix_http::Request;
use actix_web::Error;
use actix_web::dev::{AppConfig, ServiceFactory, ServiceResponse};
use countersign_gate::NotedRoute;
use std::fmt;

/// A finished app behind its gate, from [`GateApp::into_service`](crate::GateApp::into_service).
/// `HttpServer::new` takes it. Nothing can be added to it.
pub struct Gated<F> {
    service: F,
    routes: Vec<NotedRoute>,
}

/// What `HttpServer` makes its workers' services from.
pub trait AppService<B>:
    ServiceFactory<
        Request,
        Config = AppConfig,
        Response = ServiceResponse<B>,
        Error = Error,
        InitError = (),
    > + 'static
{
}

impl<B, F> AppService<B> for F where
    F: ServiceFactory<
            Request,
            Config = AppConfig,
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static
{
}

impl<F> Gated<F> {
    pub(crate) const fn new(service: F, routes: Vec<NotedRoute>) -> Self {
        Self { service, routes }
    }

    /// Returns the routes and services, in the order in which you added them.
    pub fn routes(&self) -> &[NotedRoute] {
        &self.routes
    }
}

impl<F: ServiceFactory<Request>> ServiceFactory<Request> for Gated<F> {
    type Response = F::Response;
    type Error = F::Error;
    type Config = F::Config;
    type Service = F::Service;
    type InitError = F::InitError;
    type Future = F::Future;

    fn new_service(&self, config: F::Config) -> F::Future {
        self.service.new_service(config)
    }
}

impl<F> fmt::Debug for Gated<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gated")
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}
