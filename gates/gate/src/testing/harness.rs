//! The check of all routes, for the tests of an application.

use countersign::session::Access;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::paths::{filled, matches, spellings};
use super::{Browser, Client, TestRequest};
use crate::noted::NotedRoute;

/// A service under test whose routes a [`Harness`] can walk.
pub trait Routes: Client {
    /// Returns the routes that were added, without the gate's own pages.
    fn routes(&self) -> &[NotedRoute];
}

/// Walks every route of a service: as nobody and half signed in, with every method, and with other
/// spellings of its path.
#[derive(Debug)]
#[must_use = "it checks nothing until you call `check`"]
pub struct Harness<S> {
    service: S,
    half: Option<Browser>,
    nobody_only: bool,
    public: BTreeSet<String>,
    first_factor: BTreeSet<String>,
    params: BTreeMap<String, String>,
    methods: Vec<&'static str>,
}

/// What a [`Harness`] found, if no route is open that should not be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The routes that were closed to every request.
    pub closed: Vec<String>,
    /// How many requests were refused.
    pub refused: usize,
    /// The prefixes of closed services and routers. Their inner routes were not walked, only two
    /// paths of each. If a prefix is empty, the harness does not know it, and walked nothing.
    pub not_seen: Vec<String>,
    /// The prefixes of public services. Everything in them is open.
    pub public_not_seen: Vec<String>,
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

impl<S: Routes> Harness<S> {
    /// Makes a harness for a service.
    pub fn new(service: S) -> Self {
        Self {
            service,
            half: None,
            nobody_only: false,
            public: BTreeSet::new(),
            first_factor: BTreeSet::new(),
            params: BTreeMap::new(),
            methods: METHODS.to_vec(),
        }
    }

    /// Takes the cookies of a user whose first factor was right and whose second factor is missing.
    /// The account has a second factor, or must have one.
    pub fn half_signed_in(mut self, browser: &Browser) -> Self {
        self.half = Some(browser.clone());
        self
    }

    /// Walks the routes as nobody only: for a service in whose test no account has a second factor.
    pub fn nobody_only(mut self) -> Self {
        self.nobody_only = true;
        self
    }

    /// Names the routes that should be public, as they were added.
    pub fn public<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        self.public.extend(paths.into_iter().map(str::to_owned));
        self
    }

    /// Names the routes that should be open after the first factor.
    pub fn first_factor<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        let paths = paths.into_iter().map(str::to_owned);
        self.first_factor.extend(paths);
        self
    }

    /// Gives a value to a parameter of paths.
    pub fn param(mut self, name: &str, value: &str) -> Self {
        self.params.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Leaves out a method: `OPTIONS`, for example, if a layer of yours answers it for every path.
    pub fn without_method(mut self, method: &str) -> Self {
        self.methods.retain(|known| *known != method);
        self
    }

    /// Walks the routes.
    ///
    /// # Errors
    /// [`OpenRoutes`].
    pub async fn check(self) -> Result<Report, OpenRoutes> {
        let mut faults = self.faults_of_lists();
        faults.extend(self.fault_of_half().await);
        let mut walk = Vec::new();
        if !self.is_public(UNKNOWN) {
            walk.push((UNKNOWN.to_owned(), true));
        }
        let mut report = Report::default();
        for route in self.service.routes() {
            report.note(route);
            match self.paths(route) {
                Ok(paths) => walk.extend(paths),
                Err(fault) => faults.push(fault),
            }
        }
        for (path, half_too) in &walk {
            let half = self.half.as_ref().filter(|_| *half_too);
            for spelling in self.spellings(path) {
                for method in &self.methods {
                    for browser in std::iter::once(None).chain(half.map(Some)) {
                        match self.try_open(method, &spelling, browser).await {
                            None => report.refused = report.refused.saturating_add(1),
                            Some(fault) => faults.push(fault),
                        }
                    }
                }
            }
        }
        match faults.is_empty() {
            true => Ok(report),
            false => Err(OpenRoutes(faults)),
        }
    }

    /// Compares the lists with the routes. A service without a path can be on no list.
    fn faults_of_lists(&self) -> Vec<String> {
        let named = |route: &&NotedRoute| !route.path.is_empty();
        let routes: Vec<_> = self.service.routes().iter().filter(named).collect();
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
            let is_added = |path: &&String| {
                let mut routes = routes.iter();
                routes.any(|route| route.path == **path && route.access == access)
            };
            for path in list.iter().filter(|path| !is_added(path)) {
                faults.push(format!(
                    "{path} is on your list, but no such route is {words}"
                ));
            }
            let extra =
                |route: &&&NotedRoute| route.access == access && !list.contains(&route.path);
            for route in routes.iter().filter(extra) {
                faults.push(format!("{} is {words}, but not on your list", route.path));
            }
        }
        faults
    }

    /// Whether the browser is half signed in: a closed page sends it to the second factor.
    async fn fault_of_half(&self) -> Option<String> {
        let Some(browser) = &self.half else {
            let fault = "nobody is half signed in; call `half_signed_in`";
            return (!self.nobody_only).then(|| fault.to_owned());
        };
        let probe = browser.prepare(TestRequest::new("GET", UNKNOWN));
        let answer = self.service.send(probe).await;
        let to = answer.header("location").unwrap_or_default();
        let is_half = answer.refused && (to.ends_with("/code") || to.ends_with("/setup"));
        let fault = "the browser is not half signed in; use an account that has a second factor";
        (!is_half).then(|| fault.to_owned())
    }

    /// The paths to walk for a route, and whether a half session must be refused too.
    fn paths(&self, route: &NotedRoute) -> Result<Vec<(String, bool)>, String> {
        let half_too = match route.access {
            Access::Public => return Ok(Vec::new()),
            Access::FirstFactor => false,
            _ => true,
        };
        let path = filled(&route.path, &self.params).map_err(|name| {
            let path = &route.path;
            format!("{path} was not walked; give a value by `.param({name:?}, ..)`")
        })?;
        Ok(match (route.nested, path.as_str()) {
            (true, "") => Vec::new(),
            (true, path) => {
                let below = format!("{}/countersign", path.trim_end_matches('/'));
                vec![(path.to_owned(), half_too), (below, half_too)]
            }
            _ => vec![(path, half_too)],
        })
    }

    /// The path, and other spellings of it, except for those that are paths of a public route.
    fn spellings(&self, path: &str) -> Vec<String> {
        let (plain, others) = spellings(path);
        let others = others.into_iter();
        let closed = others.filter(|spelling| !self.is_public(spelling));
        std::iter::once(plain).chain(closed).collect()
    }

    fn is_public(&self, path: &str) -> bool {
        let mut routes = self.service.routes().iter();
        routes.any(|route| route.access == Access::Public && matches(route, path))
    }

    /// Sends a request, and returns a fault unless the gate refuses it.
    async fn try_open(
        &self,
        method: &str,
        path: &str,
        browser: Option<&Browser>,
    ) -> Option<String> {
        let request = TestRequest::new(method, path);
        let request = match browser {
            Some(browser) => browser.prepare(request),
            None => request,
        };
        let answer = self.service.send(request).await;
        if answer.refused && matches!(answer.status, 303 | 401 | 403) {
            return None;
        }
        let who = browser.map_or("nobody", |_| "half signed in");
        Some(format!("{method} {path} ({who}): {}", answer.status))
    }
}

impl Report {
    fn note(&mut self, route: &NotedRoute) {
        let list = match (route.nested, route.access) {
            (true, Access::Public) => &mut self.public_not_seen,
            (true, _) => &mut self.not_seen,
            (false, Access::Public) => return,
            (false, _) if self.closed.contains(&route.path) => return,
            (false, _) => &mut self.closed,
        };
        list.push(route.path.clone());
    }
}

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
];

/// A path that no service has.
const UNKNOWN: &str = "/countersign-no-such-path";
