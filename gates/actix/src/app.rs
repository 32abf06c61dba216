use actix_service::IntoServiceFactory;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{
    HttpServiceFactory, Service, ServiceFactory, ServiceRequest, ServiceResponse, Transform,
};
use actix_web::http::StatusCode;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::ServiceConfig;
use actix_web::{App, Error, HttpRequest, Route, Scope, web};
use countersign_gate::countersign::session::{Access, Freshness};
use countersign_gate::{Gate, NotedRoute};
use std::fmt;

#[cfg(feature = "actix-session")]
use actix_session::{SessionMiddleware, storage::SessionStore};

use crate::access::check;
#[cfg(feature = "actix-session")]
use crate::actix_sessions::{GateSessions, KeyChoice, answer_quietly, count_cookies};
use crate::exchange::{Mounted, peer_address, plain};
use crate::gated::{AppService, Gated};
use crate::pages;
use crate::session::{GateSession, find};

/// An app in which every route is closed until the second factor has passed, unless you open it.
///
/// Use it in place of actix-web's `App`. It ends as a [`Gated`], to which nothing can be added, so
/// there is no way around the gate. The gate's own pages are under its prefix, `/two-factor`.
///
/// The access belongs to the route, not to the path: actix-web's router finds the route first, and
/// the gate checks the visitor right before the route. So no spelling of a path leads around the
/// gate.
///
/// A browser that is refused is sent to the page where it goes on: status 303. A client that
/// accepts JSON gets a problem of RFC 9457, with status 401 or 403. This also holds for paths
/// without a route, and for other methods.
///
/// Routes come before services: see [`service`](Self::service). Middleware of yours runs before the
/// gate. Whatever it answers itself, it answers to everybody.
pub struct GateApp<T> {
    app: App<T>,
    mounted: Mounted,
    closed: Scope,
    default: Route,
    routes: Vec<NotedRoute>,
}

#[cfg(feature = "actix-session")]
impl GateApp<()> {
    /// Makes an app behind this gate, over sessions of actix-session.
    #[must_use]
    pub fn new(gate: Gate) -> GateApp<impl Endpoint<Response = ServiceResponse>> {
        Self::with_session::<actix_session::Session>(gate)
    }
}

impl GateApp<()> {
    /// Makes an app behind this gate, over another session crate. Add its middleware by
    /// [`wrap`](GateApp::wrap).
    #[must_use]
    pub fn with_session<S: GateSession>(
        gate: Gate,
    ) -> GateApp<impl Endpoint<Response = ServiceResponse>> {
        let mounted = Mounted {
            gate,
            find_session: find::<S>,
            client_address: peer_address,
        };
        GateApp {
            app: App::new().service(pages::resource(&mounted.gate)),
            mounted,
            closed: web::scope(""),
            default: web::to(async || plain(StatusCode::NOT_FOUND)),
            routes: Vec::new(),
        }
    }
}

/// The part of an app that its middleware wraps, as actix-web defines it.
pub trait Endpoint:
    ServiceFactory<ServiceRequest, Config = (), Error = Error, InitError = ()> + 'static
{
}

impl<T> Endpoint for T where
    T: ServiceFactory<ServiceRequest, Config = (), Error = Error, InitError = ()> + 'static
{
}

impl<T: Endpoint> GateApp<T> {
    /// Adds a closed route: only a full session reaches it.
    #[must_use]
    pub fn route(self, path: &str, route: Route) -> Self {
        self.add(path, Access::Full, route)
    }

    /// Adds a route for everybody.
    #[must_use]
    pub fn public(self, path: &str, route: Route) -> Self {
        self.add(path, Access::Public, route)
    }

    /// Adds a route for half sessions, next to the gate's own code page. A full session does not
    /// reach it.
    #[must_use]
    pub fn first_factor(self, path: &str, route: Route) -> Self {
        self.add(path, Access::FirstFactor, route)
    }

    /// Adds a closed route whose visitors must have fresh factors. A browser whose factors are too
    /// old is sent to the page that asks for them.
    #[must_use]
    pub fn fresh(self, path: &str, freshness: Freshness, route: Route) -> Self {
        self.add(path, Access::Fresh(freshness), route)
    }

    fn add(mut self, path: &str, access: Access, route: Route) -> Self {
        let open = access == Access::Public;
        self.routes.push(NotedRoute::new(path, access));
        let route = if open {
            route
        } else {
            route.wrap(guard(access))
        };
        self.app = self.app.route(path, route);
        self
    }

    /// Notes a service, which does not tell its paths.
    fn note_service(&mut self, access: Access) {
        self.routes.push(NotedRoute::nested("", access));
    }

    /// Adds closed services: scopes, resources, handlers with the macro `#[get("/path")]`. Only a
    /// full session reaches them.
    ///
    /// The routes that you add by the methods above come first, whatever the order in your code.
    /// The harness does not see the routes of services, and says so.
    #[must_use]
    pub fn service(mut self, service: impl HttpServiceFactory + 'static) -> Self {
        self.note_service(Access::Full);
        self.closed = self.closed.service(service);
        self
    }

    /// Adds closed services by a function, as actix-web's `App::configure` does.
    #[must_use]
    pub fn configure(mut self, configure: impl FnOnce(&mut ServiceConfig)) -> Self {
        self.note_service(Access::Full);
        self.closed = self.closed.configure(configure);
        self
    }

    /// Adds a service for everybody: files, for example. Everything in it is open.
    #[must_use]
    pub fn public_service(mut self, service: impl HttpServiceFactory + 'static) -> Self {
        self.note_service(Access::Public);
        self.app = self.app.service(service);
        self
    }

    /// The route for all other requests. It is closed. Default: status 404.
    #[must_use]
    pub fn default_service(mut self, route: Route) -> Self {
        self.default = route;
        self
    }

    /// Adds data for your handlers: see actix-web's `App::app_data`.
    #[must_use]
    pub fn app_data<U: 'static>(mut self, data: U) -> Self {
        self.app = self.app.app_data(data);
        self
    }

    /// How to find the address of the client, for your notices. Default: the peer of the
    /// connection. If a proxy of yours is the peer, read the header that it sets.
    #[must_use]
    pub const fn client_address(mut self, find: fn(&HttpRequest) -> Option<String>) -> Self {
        self.mounted.client_address = find;
        self
    }

    /// Adds middleware around everything so far, the gate included: see actix-web's `App::wrap`.
    #[must_use]
    pub fn wrap<M, B>(self, middleware: M) -> GateApp<impl Endpoint<Response = ServiceResponse<B>>>
    where
        M: Transform<
                T::Service,
                ServiceRequest,
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static,
    {
        GateApp {
            app: self.app.wrap(middleware),
            mounted: self.mounted,
            closed: self.closed,
            default: self.default,
            routes: self.routes,
        }
    }

    /// Ends the app. Give it to `HttpServer::new`, or to `actix_web::test::init_service`.
    #[must_use]
    pub fn into_service<B>(self) -> Gated<impl AppService<B>>
    where
        T: ServiceFactory<ServiceRequest, Response = ServiceResponse<B>>,
        B: MessageBody + 'static,
    {
        let closed = self.closed.wrap(guard(Access::Full));
        let default = self.default.wrap(guard(Access::Full));
        let app = self.app.app_data(self.mounted).service(closed);
        Gated::new(app.default_service(default).into_factory(), self.routes)
    }
}

#[cfg(feature = "actix-session")]
impl<T, B> GateApp<T>
where
    T: Endpoint<Response = ServiceResponse<B>>,
    B: MessageBody + 'static,
{
    /// Adds the middleware of actix-session, so that a request that comes late sets no cookie: see
    /// [`GateSessions`](crate::GateSessions).
    #[must_use]
    pub fn sessions<Store, Keys>(
        self,
        sessions: SessionMiddleware<GateSessions<Store, Keys>>,
    ) -> GateApp<impl Endpoint<Response = ServiceResponse<impl MessageBody>>>
    where
        Store: SessionStore + 'static,
        Keys: KeyChoice<Store> + 'static,
    {
        self.wrap(from_fn(count_cookies))
            .wrap(sessions)
            .wrap(from_fn(answer_quietly))
    }
}

/// The check before a route.
fn guard<S, B>(
    access: Access,
) -> impl Transform<
    S,
    ServiceRequest,
    Response = ServiceResponse<BoxBody>,
    Error = Error,
    InitError = (),
    Transform = impl Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error>,
>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    from_fn(move |request: ServiceRequest, next: Next<B>| check(access, request, next))
}

impl<T> fmt::Debug for GateApp<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateApp")
            .field("gate", &self.mounted.gate)
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}
