use std::time::Duration;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::map_response_with_state;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use countersign::session::Freshness;
use countersign_axum::tower_sessions_015::GateSessions;
use countersign_axum::{GateRouter, GateService};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use crate::app::App;
use crate::assets;
use crate::failure::{Failure, with_page};
use crate::pages::{account, admin, api, link, sign_in, sign_up};

impl App {
    /// Returns the service. Every route is closed, unless it is marked as public.
    pub fn service(&self) -> GateService {
        let sessions = SessionManagerLayer::new(GateSessions::new(self.sessions.clone()))
            .with_name("__Host-session")
            .with_secure(true)
            // With `Strict`, a user who follows a link in one of our mails would not be signed in.
            .with_same_site(SameSite::Lax)
            .with_expiry(Expiry::OnSessionEnd);
        let fresh = Freshness::minutes(10);
        GateRouter::new::<Session>(self.gate.clone())
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
            .public("/style.css", get(assets::style))
            .public("/favicon.ico", get(assets::icon))
            .route("/account", get(account::show))
            .route("/api/account", get(api::account))
            .fresh("/api-token", fresh, get(api::ask).post(api::create))
            .route("/admin", get(admin::show))
            .route("/admin/unlock", post(admin::unlock))
            .fallback(async || Failure::NOT_FOUND)
            // One layer allocates less than several do. The first one runs first.
            .layer((
                TraceLayer::new_for_http().make_span_with(span),
                CatchPanicLayer::new(),
                TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST_REQUEST),
                DefaultBodyLimit::max(LARGEST_FORM),
                CsrfLayer::new(), // For the public forms: the gate checks its own.
                sessions,
            ))
            .layer(map_response_with_state(self.clone(), finish))
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

/// Adds the page of an error, and the headers.
async fn finish(State(app): State<App>, answer: Response) -> Response {
    let mut answer = with_page(answer);
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if app.post.origin.starts_with("https:") {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert("strict-transport-security", year);
    }
    // Pages belong to one user. Files that may be cached set their own header.
    let no_store = HeaderValue::from_static("no-store");
    headers.entry(CACHE_CONTROL).or_insert(no_store);
    answer
}

const HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    ),
    ("x-content-type-options", "nosniff"),
    // With `no-referrer`, a browser would send `Origin: null` with our own forms.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=()",
    ),
];

const LARGEST_FORM: usize = 16 * 1024;
const LONGEST_REQUEST: Duration = Duration::from_secs(30);
