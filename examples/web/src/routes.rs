use std::time::Duration;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, map_response_with_state};
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use countersign::session::Freshness;
use countersign_axum::tower_sessions_015::GateSessions;
use countersign_axum::{GateRouter, GateService};
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_http::trace::TraceLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use crate::app::App;
use crate::assets;
use crate::failure::{self, Failure};
use crate::pages::{account, admin, api, link, sign_in, sign_up};

impl App {
    /// Returns the service. Every route is closed, unless it is marked as public.
    pub fn service(&self) -> GateService {
        let sessions = SessionManagerLayer::new(GateSessions::new(self.sessions()))
            .with_name("__Host-session")
            .with_secure(true)
            // With `Strict`, a user who follows a link in one of our mails would not be signed in.
            .with_same_site(SameSite::Lax)
            .with_expiry(Expiry::OnSessionEnd);
        let mut router = GateRouter::new::<Session>(self.gate.clone())
            .public("/", get(async || Redirect::to("/account")))
            .public("/sign-up", get(sign_up::form).post(sign_up::begin))
            .public(
                "/sign-up/{token}",
                get(sign_up::choose).post(sign_up::finish),
            )
            .public("/sign-in", get(sign_in::form).post(sign_in::password))
            .public("/sign-in/link", get(link::ask).post(link::send))
            .public("/sign-in/link/{token}", get(link::open).post(link::enter))
            .public("/api/session", post(api::begin))
            .route("/account", get(account::show))
            .route("/api/account", get(api::account))
            .fresh(
                "/api-token",
                Freshness::minutes(10),
                get(api::ask).post(api::create),
            )
            .route("/admin", get(admin::show))
            .route("/admin/unlock", post(admin::unlock))
            .fallback(async || Failure::not_found());
        for (path, file) in assets::routes() {
            router = router.public(path, file);
        }
        router
            .layer(sessions)
            // The gate checks its own forms. This checks the public ones: the sign-in, for example.
            .layer(CsrfLayer::new().with_rejection_response(from_elsewhere))
            .layer(DefaultBodyLimit::max(LARGEST_FORM))
            .layer(from_fn(always_a_page))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(TraceLayer::new_for_http().make_span_with(span))
            .layer(map_response_with_state(self.clone(), with_headers))
            .with_state(self.clone())
            .into_service()
    }
}

/// The span of a request in the logs: its route, not its path, which may contain a token.
fn span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str);
    tracing::info_span!("request", method = %request.method(), route)
}

async fn with_headers(State(app): State<App>, mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if app.origin.starts_with("https:") {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    // Pages belong to one user. Files that may be cached set their own header.
    let no_store = HeaderValue::from_static("no-store");
    headers.entry(CACHE_CONTROL).or_insert(no_store);
    answer
}

/// Ends requests that take too long, and adds a page to answers without one.
async fn always_a_page(request: Request, next: Next) -> Response {
    let answer = match timeout(LONGEST_REQUEST, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => return failed(StatusCode::SERVICE_UNAVAILABLE),
    };
    let kind = answer.headers().get(CONTENT_TYPE);
    let is_text = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    match answer.status() {
        status if status.is_server_error() && is_text => failed(status),
        status if status.is_client_error() && is_text => {
            let text = "This address does not take such a request, or the form was incomplete.";
            failure::message(status, "That does not work", text)
        }
        _ => answer,
    }
}

fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    failed(StatusCode::INTERNAL_SERVER_ERROR)
}

fn failed(status: StatusCode) -> Response {
    let text = "It is not your fault. Please try again in a minute.";
    failure::message(status, "That could not be done just now", text)
}

fn from_elsewhere(_: ProtectionError) -> Response {
    let text = "That form came from another site, so it was refused. Nothing was changed.";
    failure::message(StatusCode::FORBIDDEN, "Please try again", text)
}

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";
const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With `no-referrer`, a browser would send `Origin: null` with our own forms.
    (REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
];

const LARGEST_FORM: usize = 16 * 1024;
const LONGEST_REQUEST: Duration = Duration::from_secs(30);
