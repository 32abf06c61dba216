use axum::Router;
use axum::extract::Request;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{IntoMakeService, MethodRouter, Route, any};
use countersign_gate::countersign::session::{Access, Freshness};
use countersign_gate::{Gate, NotedRoute};
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use tower_layer::Layer;
use tower_service::Service;

use crate::exchange::plain;
use crate::guard::{Core, Guard, guard};
use crate::pages::page;
use crate::service::GateService;
use crate::session::{GateSession, find};

/// A router whose routes are closed unless you open them.
///
/// It wraps axum's [`Router`]. [`route`](Self::route) adds a page for signed-in users. Everything
/// else is closed too: unknown paths, methods that a route does not take, nested services. Only
/// [`public`](Self::public) and [`first_factor`](Self::first_factor) open a route, and each says so
/// where you read your routes. At the end the router becomes a [`GateService`], so that nothing can
/// be added behind the gate.
///
/// The gate's own pages are under its prefix.
///
/// A browser that may not have a page is sent to the page that comes first: your sign-in page, the
/// code page, or the page that asks for a factor again. Other clients ask for
/// `application/json` and get status 401 or 403 with a problem (RFC 9457).
///
/// # Layers
///
/// A layer that you add by [`layer`](Self::layer) runs before the gate, whatever the order of the
/// calls. So it sees requests that the gate will refuse, and it must not answer with a page that
/// should be closed. Add the layer of your session crate this way.
///
/// To run a layer behind the gate, add it to a [`MethodRouter`] before you pass it on.
#[must_use = "a router does nothing until it becomes a service"]
pub struct GateRouter<S = ()> {
    core: Arc<Core>,
    router: Router<S>,
    fallback: MethodRouter<S>,
    layers: Vec<AddLayer>,
    routes: Vec<NotedRoute>,
}

type AddLayer = Box<dyn FnOnce(Router) -> Router + Send>;

impl<S> GateRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    /// Makes a router for a gate. `T` is the type of your sessions.
    ///
    /// ```
    /// # use countersign_axum::{Gate, GateRouter};
    /// # fn example(gate: Gate) {
    /// # extern crate tower_sessions_015 as tower_sessions;
    /// use tower_sessions::Session;
    ///
    /// let router = GateRouter::<()>::new::<Session>(gate);
    /// # let _ = router;
    /// # }
    /// ```
    pub fn new<T: GateSession>(gate: Gate) -> Self {
        Self {
            core: Arc::new(Core {
                gate,
                find: find::<T>,
            }),
            router: Router::new(),
            fallback: any(not_found),
            layers: Vec::new(),
            routes: Vec::new(),
        }
    }

    /// Adds a route for signed-in users.
    ///
    /// # Panics
    /// If axum's router panics: the path is none, or overlaps with another one.
    pub fn route(self, path: &str, methods: MethodRouter<S>) -> Self {
        self.add(path, methods, Access::Full)
    }

    /// Adds a route for everybody.
    ///
    /// # Panics
    /// As [`route`](Self::route).
    pub fn public(self, path: &str, methods: MethodRouter<S>) -> Self {
        self.add(path, methods, Access::Public)
    }

    /// Adds a route for users whose first factor was right, and whose second factor is missing.
    ///
    /// # Panics
    /// As [`route`](Self::route).
    pub fn first_factor(self, path: &str, methods: MethodRouter<S>) -> Self {
        self.add(path, methods, Access::FirstFactor)
    }

    /// Adds a route for signed-in users with fresh factors.
    ///
    /// # Panics
    /// As [`route`](Self::route).
    pub fn fresh(self, path: &str, freshness: Freshness, methods: MethodRouter<S>) -> Self {
        self.add(path, methods, Access::Fresh(freshness))
    }

    /// Adds a service for signed-in users under a prefix.
    ///
    /// # Panics
    /// As [`route`](Self::route).
    pub fn nest_service<T>(self, path: &str, service: T) -> Self
    where
        T: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        T::Response: IntoResponse,
        T::Future: Send + 'static,
    {
        self.add_service(path, service, Access::Full)
    }

    /// Adds a service for everybody under a prefix: style sheets and images, for example.
    ///
    /// # Panics
    /// As [`route`](Self::route).
    pub fn public_nest_service<T>(self, path: &str, service: T) -> Self
    where
        T: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        T::Response: IntoResponse,
        T::Future: Send + 'static,
    {
        self.add_service(path, service, Access::Public)
    }

    /// Adds all routes of a router of axum, for signed-in users.
    ///
    /// # Panics
    /// As [`route`](Self::route).
    pub fn merge(mut self, router: Router<S>) -> Self {
        let layer = from_fn_with_state(self.guard(Access::Full), guard);
        self.router = self.router.merge(router.layer(layer));
        self.note("", Access::Full, true)
    }

    /// Adds all routes of a router of axum under a prefix, for signed-in users.
    ///
    /// # Panics
    /// As [`route`](Self::route).
    pub fn nest(mut self, path: &str, router: Router<S>) -> Self {
        let layer = from_fn_with_state(self.guard(Access::Full), guard);
        self.router = self.router.nest(path, router.layer(layer));
        self.note(path, Access::Full, true)
    }

    /// Answers a signed-in user whose path is unknown. Others are refused as everywhere, so that an
    /// unknown path tells them nothing.
    pub fn fallback<H, T>(mut self, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.fallback = any(handler);
        self
    }

    /// Adds a layer that runs before the gate and around all routes. The last one that you add runs
    /// first.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.layers
            .push(Box::new(move |router| router.layer(layer)));
        self
    }

    /// Provides the state of the handlers.
    pub fn with_state<S2>(self, state: S) -> GateRouter<S2> {
        GateRouter {
            core: self.core,
            router: self.router.with_state(state.clone()),
            fallback: self.fallback.with_state(state),
            layers: self.layers,
            routes: self.routes,
        }
    }

    fn add(mut self, path: &str, methods: MethodRouter<S>, access: Access) -> Self {
        let layer = from_fn_with_state(self.guard(access), guard);
        self.router = self.router.route(path, methods.layer(layer));
        self.note(path, access, false)
    }

    fn add_service<T>(mut self, path: &str, service: T, access: Access) -> Self
    where
        T: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        T::Response: IntoResponse,
        T::Future: Send + 'static,
    {
        let layer = from_fn_with_state(self.guard(access), guard);
        self.router = self.router.nest_service(path, layer.layer(service));
        self.note(path, access, true)
    }

    fn note(mut self, path: &str, access: Access, nested: bool) -> Self {
        self.routes.push(match nested {
            true => NotedRoute::nested(path, access),
            false => NotedRoute::new(path, access),
        });
        self
    }

    fn guard(&self, access: Access) -> Guard {
        Guard {
            core: Arc::clone(&self.core),
            access,
        }
    }
}

impl GateRouter {
    /// Puts the gate in front of everything, and adds the gate's own pages.
    ///
    /// # Panics
    /// If axum's router panics: one of your paths overlaps with the gate's prefix.
    #[must_use]
    pub fn into_service(self) -> GateService {
        let closed = from_fn_with_state(self.guard(Access::Full), guard);
        let prefix = self.core.gate.prefix();
        let mut router = self.router;
        for path in [
            prefix,
            &format!("{prefix}/"),
            &format!("{prefix}/{{*page}}"),
        ] {
            router = router.route(path, any(page).with_state(Arc::clone(&self.core)));
        }
        router = router.fallback_service(self.fallback.layer(closed));
        for layer in self.layers {
            router = layer(router);
        }
        GateService::new(router, self.routes)
    }

    /// Makes what `axum::serve` takes.
    ///
    /// # Panics
    /// As [`into_service`](Self::into_service).
    #[must_use]
    pub fn into_make_service(self) -> IntoMakeService<GateService> {
        self.into_service().into_make_service()
    }

    /// The same, and the gate tells your application the network address of a client.
    ///
    /// # Panics
    /// As [`into_service`](Self::into_service).
    #[must_use]
    pub fn into_make_service_with_connect_info<C>(
        self,
    ) -> IntoMakeServiceWithConnectInfo<GateService, C> {
        self.into_service().into_make_service_with_connect_info()
    }
}

async fn not_found() -> impl IntoResponse {
    plain(StatusCode::NOT_FOUND)
}

impl<S> fmt::Debug for GateRouter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateRouter")
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}
