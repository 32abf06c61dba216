//! A harness for your own tests: it walks the routes of your app without the second factor.
//!
//! ```
//! use actix_web::test::TestRequest;
//! use countersign_actix::testing::Harness;
//! # use actix_web::{HttpResponse, web};
//! # use actix_session::{SessionMiddleware, storage::CookieSessionStore};
//! # use countersign_actix::{Door, FirstFactorKind, Gate, GateApp};
//! # use countersign_actix::gate::{Accounts, BoxError, MemoryRows, PasswordCheck, Separate};
//! # use countersign_actix::gate::countersign::session::Requirement;
//! # use countersign_actix::gate::countersign::store::MemoryStore;
//! # use countersign_actix::gate::countersign::{AccountId, KeyId, Keyring, SealingKey, Verifier};
//! # struct Users;
//! # impl Accounts for Users {
//! #     async fn account_name(&self, _: &AccountId) -> Result<String, BoxError> {
//! #         Ok("alice".into())
//! #     }
//! #     async fn check_password(
//! #         &self,
//! #         _: &AccountId,
//! #         _: &str,
//! #     ) -> Result<PasswordCheck, BoxError> {
//! #         Ok(PasswordCheck::Wrong)
//! #     }
//! #     async fn requirement(&self, _: &AccountId) -> Result<Requirement, BoxError> {
//! #         Ok(Requirement::Required)
//! #     }
//! # }
//! # async fn sign_in(door: Door) -> HttpResponse {
//! #     door.first_factor(1_u64, FirstFactorKind::Password).await
//! # }
//! # async fn invoice() -> &'static str { "" }
//! # #[actix_web::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let store = Separate::new(MemoryStore::new(), MemoryRows::new());
//! # let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
//! # let verifier = Verifier::builder(store, keyring, "Example").build()?;
//! # let gate = Gate::builder(verifier, Users).build();
//! # let key = actix_web::cookie::Key::generate();
//! # let sessions = SessionMiddleware::new(CookieSessionStore::default(), key);
//! let app = GateApp::new(gate)
//!     .public("/sign-in", web::post().to(sign_in))
//!     .route("/invoices/{id}", web::get().to(invoice));
//!
//! let report = Harness::new(app.wrap(sessions).into_service())
//!     // The account in this test has a second factor, or must have one.
//!     .sign_in(TestRequest::post().uri("/sign-in").set_form([("name", "alice")]))
//!     .open("/sign-in")
//!     .param("id", "7")
//!     .run()
//!     .await?;
//! assert_eq!(report.closed, ["/invoices/{id}"]);
//! # Ok(())
//! # }
//! ```

use actix_http::Request;
use actix_web::body::MessageBody;
use actix_web::cookie::Cookie;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::LOCATION;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, init_service};
use actix_web::{Error, HttpResponse};
use countersign_gate::countersign::session::Access;
use std::collections::BTreeMap;
use std::fmt;

pub use countersign_gate::testing::must_enroll;

use crate::access::Refused;
use crate::gated::{AppService, Gated};

/// Walks the routes of an app: once as nobody, and once after the first factor.
#[must_use = "call `run`"]
pub struct Harness<F> {
    app: Gated<F>,
    sign_in: Option<TestRequest>,
    open: Vec<String>,
    params: BTreeMap<String, String>,
}

/// What the harness found: nothing is open that you did not name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The routes that were closed to every request.
    pub closed: Vec<String>,
    /// The routes that you named by [`Harness::open`]. The harness did not walk them.
    pub open: Vec<String>,
    /// The number of services whose routes the harness does not see. All of them are closed.
    pub not_seen: usize,
    /// The number of public services, whose routes the harness does not see. All of them are open.
    pub public_not_seen: usize,
    /// The number of requests.
    pub requests: usize,
}

/// Why the harness is not content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// These requests were answered, and you did not name their routes by [`Harness::open`].
    LeftOpen(Vec<String>),
    /// The sign-in did not lead to a half session. It was answered with this status.
    NotHalfSignedIn(StatusCode),
    /// The parameter of a route has no value. Name one by [`Harness::param`].
    NoParam(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeftOpen(requests) => {
                f.write_str("these requests were answered without the second factor; ")?;
                f.write_str("close their routes, or name them by `Harness::open`:")?;
                requests
                    .iter()
                    .try_for_each(|request| write!(f, "\n  {request}"))
            }
            Self::NotHalfSignedIn(status) => write!(
                f,
                "the sign-in was answered with {status}, and not sent to the code page; use an \
                 account that has a second factor"
            ),
            Self::NoParam(name) => {
                write!(
                    f,
                    "the parameter `{name}` has no value; name one by `Harness::param`"
                )
            }
        }
    }
}

impl std::error::Error for Finding {}

impl<F> fmt::Debug for Harness<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

impl<F> Harness<F> {
    /// Makes a harness for an app.
    pub const fn new(app: Gated<F>) -> Self {
        Self {
            app,
            sign_in: None,
            open: Vec::new(),
            params: BTreeMap::new(),
        }
    }

    /// The request that passes the first factor of a test account. The account has a second factor,
    /// or must have one. Without it, the harness walks the routes as nobody only.
    pub fn sign_in(mut self, request: TestRequest) -> Self {
        self.sign_in = Some(request);
        self
    }

    /// A route that is open on purpose, with the path that you gave to `GateApp`. For a route of
    /// `GateApp::first_factor`, this is not necessary.
    pub fn open(mut self, path: &str) -> Self {
        self.open.push(path.to_owned());
        self
    }

    /// A value for the parameter of a path.
    pub fn param(mut self, name: &str, value: &str) -> Self {
        self.params.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Walks all routes, with every method and some other spellings of their paths.
    ///
    /// # Errors
    /// [`Finding`].
    pub async fn run<B>(self) -> Result<Report, Finding>
    where
        F: AppService<B>,
        B: MessageBody + 'static,
    {
        let Self {
            app,
            sign_in,
            open,
            params,
        } = self;
        let routes = app.routes().to_vec();
        let app = init_service(app).await;
        let mut stages = vec![("as nobody", Vec::new())];
        if let Some(request) = sign_in {
            let answer = call(&app, request).await;
            let cookies: Vec<_> = answer.cookies().map(Cookie::into_owned).collect();
            let probe = with(
                &cookies,
                TestRequest::with_uri("/no-such-page-of-the-application"),
            );
            if !is_half_signed_in(&call(&app, probe).await) {
                return Err(Finding::NotHalfSignedIn(answer.status()));
            }
            stages.push(("after the first factor", cookies));
        }
        let mut report = Report::default();
        let mut left_open = Vec::new();
        for route in routes {
            let Some(path) = route.path else {
                match route.access {
                    Access::Public => {
                        report.public_not_seen = report.public_not_seen.saturating_add(1);
                    }
                    _ => report.not_seen = report.not_seen.saturating_add(1),
                }
                continue;
            };
            if open.contains(&path) {
                report.open.push(path);
                continue;
            }
            let before = left_open.len();
            for spelling in spellings(&fill(&path, &params)?) {
                for (stage, cookies) in &stages {
                    if route.access == Access::FirstFactor && !cookies.is_empty() {
                        continue;
                    }
                    for method in METHODS {
                        let request = TestRequest::with_uri(&spelling).method(method.clone());
                        report.requests = report.requests.saturating_add(1);
                        if !is_refused(&call(&app, with(cookies, request)).await) {
                            left_open.push(format!("{method} {spelling}, {stage}"));
                        }
                    }
                }
            }
            if left_open.len() == before && !report.closed.contains(&path) {
                report.closed.push(path);
            }
        }
        if left_open.is_empty() {
            Ok(report)
        } else {
            Err(Finding::LeftOpen(left_open))
        }
    }
}

const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

fn with(cookies: &[Cookie<'static>], request: TestRequest) -> TestRequest {
    let add = |request: TestRequest, cookie: &Cookie<'static>| request.cookie(cookie.clone());
    cookies.iter().fold(request, add)
}

/// Puts values in the place of the parameters: `{id}`, `{id:[0-9]+}`.
fn fill(path: &str, params: &BTreeMap<String, String>) -> Result<String, Finding> {
    let mut filled = String::new();
    let mut rest = path;
    while let Some((before, parameter)) = rest.split_once('{') {
        let mut depth = 1_usize;
        let end = parameter.char_indices().find(|(_, c)| {
            match c {
                '{' => depth = depth.saturating_add(1),
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        });
        let end = end.map_or(parameter.len(), |(at, _)| at);
        let (inside, after) = parameter.split_at_checked(end).unwrap_or((parameter, ""));
        let name = inside.split(':').next().unwrap_or_default();
        let value = params
            .get(name)
            .ok_or_else(|| Finding::NoParam(name.to_owned()))?;
        filled.push_str(before);
        filled.push_str(value);
        rest = after.strip_prefix('}').unwrap_or(after);
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The path, and spellings that some routers and proxies take for the same path.
fn spellings(path: &str) -> Vec<String> {
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    let name = path.trim_start_matches('/');
    let mut all = vec![
        path.clone(),
        format!("{path}/"),
        format!("/{path}"),
        format!("/.{path}"),
        format!("/%2e{path}"),
        format!("/%2E%2E{path}"),
        format!("{path}?to=/"),
        path.to_uppercase(),
    ];
    if let Some(first) = name.bytes().next() {
        all.push(format!(
            "/%{first:02x}{}",
            name.get(1..).unwrap_or_default()
        ));
    }
    all
}

/// Sends a request, and returns the answer without its body.
async fn call<B>(
    app: &impl Service<Request, Response = ServiceResponse<B>, Error = Error>,
    request: TestRequest,
) -> HttpResponse<()> {
    match app.call(request.to_request()).await {
        Ok(answer) => answer.into_parts().1.drop_body(),
        Err(error) => error.error_response().drop_body(),
    }
}

fn is_refused(answer: &HttpResponse<()>) -> bool {
    answer.extensions().contains::<Refused>()
}

/// Whether a closed page sends the browser with these cookies to the second factor.
fn is_half_signed_in(answer: &HttpResponse<()>) -> bool {
    let to = answer.headers().get(LOCATION).map(|to| to.as_bytes());
    is_refused(answer) && to.is_some_and(|to| to.ends_with(b"/code") || to.ends_with(b"/setup"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_path_are_filled() {
        let params = BTreeMap::from([("id".to_owned(), "7".to_owned())]);
        let fill = |path| fill(path, &params);
        assert_eq!(fill("/a/{id}/b/{id:[0-9]{1,3}}").unwrap(), "/a/7/b/7");
        assert_eq!(fill("/a").unwrap(), "/a");
        let missing = fill("/a/{name:.*}").unwrap_err();
        assert_eq!(missing, Finding::NoParam("name".to_owned()));
    }
}
