use std::time::Duration;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;

use crate::app::App;
use crate::assets;
use crate::cookie;
use crate::failure::{self, Failure};
use crate::pages::{
    account, admin, authenticators, backup_codes, code, disable, setup, sign_in, sign_up,
};

impl App {
    /// Returns the router of the service.
    pub fn router(&self) -> Router {
        let app = pages()
            .fallback(async || Failure::not_found())
            .method_not_allowed_fallback(async || {
                let text =
                    "This address does not accept that kind of request. Nothing was changed.";
                Failure::message(StatusCode::METHOD_NOT_ALLOWED, "That does not work", text)
            })
            .layer(from_fn_with_state(self.clone(), cookie::layer))
            .layer(CsrfLayer::new().with_rejection_response(from_elsewhere))
            .layer(DefaultBodyLimit::max(LARGEST_FORM))
            .merge(assets::router())
            .layer(from_fn(always_a_page))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(TraceLayer::new_for_http().make_span_with(span));
        let app = if self.origin().starts_with("https:") {
            app.layer(header(STRICT_TRANSPORT_SECURITY, "max-age=31536000"))
        } else {
            app
        };
        app.layer(header(CONTENT_SECURITY_POLICY, POLICY))
            .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
            // With `no-referrer`, a browser would send `Origin: null` with our own forms.
            .layer(header(REFERRER_POLICY, "same-origin"))
            .layer(header(OPENER_POLICY, "same-origin"))
            .layer(header(RESOURCE_POLICY, "same-origin"))
            .layer(header(
                PERMISSIONS_POLICY,
                "camera=(), geolocation=(), microphone=()",
            ))
            // Pages belong to one user and must not be cached. Files that may be cached set their
            // own header.
            .layer(SetResponseHeaderLayer::if_not_present(
                CACHE_CONTROL,
                HeaderValue::from_static("no-store"),
            ))
            .with_state(self.clone())
    }
}

fn pages() -> Router<App> {
    Router::new()
        .route("/", get(async || Redirect::to("/account")))
        .route("/sign-up", get(sign_up::form).post(sign_up::begin))
        .route(
            "/sign-up/{token}",
            get(sign_up::choose).post(sign_up::finish),
        )
        .route("/sign-in", get(sign_in::form).post(sign_in::password))
        .route("/sign-in/code", get(code::form).post(code::verify))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/account", get(account::show))
        .route("/two-factor/enable", get(setup::ask).post(setup::begin))
        .route(
            "/two-factor/setup/{tag}",
            get(setup::show).post(setup::confirm),
        )
        .route("/two-factor/setup/{tag}/cancel", post(setup::cancel))
        .route(
            "/two-factor/add",
            get(authenticators::ask_add).post(authenticators::add),
        )
        .route(
            "/two-factor/authenticators/{id}/replace",
            get(authenticators::ask_replace).post(authenticators::replace),
        )
        .route(
            "/two-factor/authenticators/{id}/remove",
            get(authenticators::ask_remove).post(authenticators::remove),
        )
        .route(
            "/two-factor/disable",
            get(disable::ask).post(disable::disable),
        )
        .route(
            "/two-factor/backup-codes",
            get(backup_codes::ask).post(backup_codes::issue),
        )
        .route(
            "/two-factor/backup-codes/file",
            post(backup_codes::download),
        )
        .route("/two-factor/backup-codes/saved", post(backup_codes::saved))
        .route("/admin", get(admin::show))
        .route("/admin/unlock", post(admin::unlock))
}

/// The span of a request in the logs: its route, not its path, which may contain a token.
fn span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str);
    tracing::info_span!("request", method = %request.method(), route)
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// Ends requests that take too long, and adds a page to answers without one.
async fn always_a_page(request: Request, next: Next) -> Response {
    let text = "It is not your fault. Please try again in a minute.";
    let title = "That could not be done just now";
    match timeout(LONGEST_REQUEST, next.run(request)).await {
        Ok(answer) if answer.status() != StatusCode::INTERNAL_SERVER_ERROR => answer,
        Ok(answer) if answer.body().size_hint().exact() != Some(0) => answer,
        Ok(_) => failure::message(StatusCode::INTERNAL_SERVER_ERROR, title, text),
        Err(_) => failure::message(StatusCode::SERVICE_UNAVAILABLE, title, text),
    }
}

fn from_elsewhere(_: ProtectionError) -> Response {
    let text = "That form came from another site. Nothing was changed.";
    failure::message(StatusCode::FORBIDDEN, "That was not our form", text)
}

fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    let text = "It is not your fault. Please try again in a minute.";
    let title = "That could not be done just now";
    failure::message(StatusCode::INTERNAL_SERVER_ERROR, title, text).into_response()
}

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

const LARGEST_FORM: usize = 16 * 1024;
const LONGEST_REQUEST: Duration = Duration::from_secs(30);
