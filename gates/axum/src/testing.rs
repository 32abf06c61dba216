//! A browser, and a check of all routes, for your own tests.
//!
//! Put a [`Harness`] into the tests of your service. It fails if a route is open that is not on
//! your list: one that somebody added with [`public`](crate::GateRouter::public), for example.
//!
//! ```no_run
//! use countersign_axum::GateService;
//! use countersign_axum::testing::{Browser, Harness};
//!
//! async fn nothing_is_open(service: GateService) {
//!     let mut browser = Browser::new();
//!     let form = "name=alice&password=right";
//!     browser.post(&service, "/sign-in", form).await; // alice has a second factor
//!     let report = Harness::new(service)
//!         .half_signed_in(&browser)
//!         .public(["/", "/sign-in"])
//!         .param("id", "7")
//!         .check()
//!         .await
//!         .unwrap();
//!     assert_eq!(report.not_seen, ["/files"]);
//! }
//! ```
//!
//! # Needs
//!
//! The feature `testing`.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use countersign_gate::countersign::session::Access;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use tower_service::Service;

use crate::guard::Refused;
use crate::router::NotedRoute;
use crate::service::GateService;

pub use countersign_gate::testing::{Browser, Client, TestAnswer, TestRequest, must_enroll};

/// Sends requests straight to the service, without a network. A request that cannot be built gets
/// status 0.
impl Client for GateService {
    async fn send(&self, request: TestRequest) -> TestAnswer {
        let mut built = Request::builder()
            .method(request.method.as_str())
            .uri(&request.path);
        for (name, value) in &request.headers {
            built = built.header(name, value);
        }
        let Ok(request) = built.body(Body::from(request.body)) else {
            return TestAnswer::default();
        };
        let (parts, body) = answer(self, request).await.into_parts();
        let headers = parts.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        let body = axum::body::to_bytes(body, usize::MAX).await;
        TestAnswer {
            status: parts.status.as_u16(),
            headers: headers.collect(),
            body: body.unwrap_or_default().into(),
        }
    }
}

async fn answer(service: &GateService, request: Request) -> Response {
    let Ok(answer) = service.clone().call(request).await;
    answer
}

/// Walks every route of a service, anonymous and half signed in, with every method.
#[derive(Debug)]
#[must_use = "it checks nothing until you call `check`"]
pub struct Harness {
    service: GateService,
    half: Option<String>,
    public: BTreeSet<String>,
    first_factor: BTreeSet<String>,
    params: BTreeMap<String, String>,
    methods: Vec<Method>,
}

/// What a [`Harness`] found, if no route is open that should not be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How many requests were refused.
    pub refused: usize,
    /// The prefixes of nested services and routers. Their inner routes were not walked; only a path
    /// of each was. An empty one is a merged router, which was not walked at all.
    pub not_seen: Vec<String>,
}

/// The error of a [`Harness`]: routes that are open and should not be, and other faults.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct OpenRoutes(Vec<String>);

impl OpenRoutes {
    /// Returns one line for each fault.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Debug for OpenRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}\n")
    }
}

impl Harness {
    /// Makes a harness for a service.
    pub fn new(service: GateService) -> Self {
        Self {
            service,
            half: None,
            public: BTreeSet::new(),
            first_factor: BTreeSet::new(),
            params: BTreeMap::new(),
            methods: vec![
                Method::GET,
                Method::HEAD,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
                Method::OPTIONS,
                Method::TRACE,
            ],
        }
    }

    /// Takes the cookies of a user whose first factor was right and whose second factor is missing.
    pub fn half_signed_in(mut self, browser: &Browser) -> Self {
        self.half = Some(browser.cookie_header());
        self
    }

    /// Names the routes that should be public, as they were added.
    pub fn public<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        self.public.extend(paths.into_iter().map(str::to_owned));
        self
    }

    /// Names the routes that should be open after the first factor.
    pub fn first_factor<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        self.first_factor
            .extend(paths.into_iter().map(str::to_owned));
        self
    }

    /// Gives a value to a parameter of paths.
    pub fn param(mut self, name: &str, value: &str) -> Self {
        self.params.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Leaves out a method: `OPTIONS`, for example, if a layer of yours answers it for every path.
    pub fn without_method(mut self, method: &Method) -> Self {
        self.methods.retain(|known| known != method);
        self
    }

    /// Walks the routes.
    ///
    /// # Errors
    /// [`OpenRoutes`].
    pub async fn check(self) -> Result<Report, OpenRoutes> {
        let (mut faults, mut refused) = (self.faults_of_lists(), 0_usize);
        let mut walk = vec![("/countersign-no-such-path".to_owned(), true)];
        for route in self.service.routes() {
            match self.paths(route) {
                Ok(paths) => walk.extend(paths),
                Err(fault) => faults.push(fault),
            }
        }
        for (path, half_too) in &walk {
            for method in &self.methods {
                let half = self.half.as_deref().filter(|_| *half_too);
                for cookies in std::iter::once(None).chain(half.map(Some)) {
                    match self.try_open(method, path, cookies).await {
                        None => refused = refused.saturating_add(1),
                        Some(fault) => faults.push(fault),
                    }
                }
            }
        }
        if !faults.is_empty() {
            return Err(OpenRoutes(faults));
        }
        let nested = self.service.routes().iter().filter(|route| route.nested);
        Ok(Report {
            refused,
            not_seen: nested.map(|route| route.path.clone()).collect(),
        })
    }

    /// Compares the lists with the routes.
    fn faults_of_lists(&self) -> Vec<String> {
        let routes = self.service.routes();
        let lists = [
            (&self.public, Access::Public, "public"),
            (
                &self.first_factor,
                Access::FirstFactor,
                "open after the first factor",
            ),
        ];
        let mut faults = Vec::new();
        for (list, access, words) in lists {
            let added = |path: &&String| {
                routes
                    .iter()
                    .any(|route| route.path == **path && route.access == access)
            };
            for path in list.iter().filter(|path| !added(path)) {
                faults.push(format!(
                    "{path} is on your list, but no such route is {words}"
                ));
            }
            let extra = routes
                .iter()
                .filter(|route| route.access == access && !list.contains(&route.path));
            for route in extra {
                faults.push(format!("{} is {words}, but not on your list", route.path));
            }
        }
        if self.half.is_none() {
            faults.push("nobody is half signed in; call `half_signed_in`".to_owned());
        }
        faults
    }

    /// The paths to walk for a route, and whether a half session must be refused too.
    fn paths(&self, route: &NotedRoute) -> Result<Vec<(String, bool)>, String> {
        let half_too = match route.access {
            Access::Public => return Ok(Vec::new()),
            Access::FirstFactor => false,
            _ => true,
        };
        let path = self.filled(&route.path)?;
        Ok(match (route.nested, path.as_str()) {
            (true, "") => Vec::new(),
            (true, path) => {
                let below = format!("{}/countersign", path.trim_end_matches('/'));
                vec![(path.to_owned(), half_too), (below, half_too)]
            }
            _ => vec![(path, half_too)],
        })
    }

    /// Fills in the parameters of a path.
    fn filled(&self, path: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = path;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let name = name.trim_start_matches('*');
            let value = self.params.get(name).ok_or_else(|| {
                format!("{path} was not walked; give a value by `.param({name:?}, ..)`")
            })?;
            filled = filled + before + value;
            rest = after;
        }
        Ok(filled + rest)
    }

    /// Sends a request, and returns a fault unless the gate refuses it.
    async fn try_open(&self, method: &Method, path: &str, cookies: Option<&str>) -> Option<String> {
        let who = cookies.map_or("nobody", |_| "half signed in");
        let mut request = Request::builder().method(method).uri(path);
        if let Some(cookies) = cookies {
            request = request.header(header::COOKIE, cookies);
        }
        let Ok(request) = request.body(Body::empty()) else {
            return Some(format!("{method} {path}: this is no path"));
        };
        let answer = answer(&self.service, request).await;
        let refusal = [
            StatusCode::SEE_OTHER,
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
        ];
        let is_refused = answer.extensions().get::<Refused>().is_some();
        if is_refused && refusal.contains(&answer.status()) {
            return None;
        }
        Some(format!("{method} {path} ({who}): {}", answer.status()))
    }
}
