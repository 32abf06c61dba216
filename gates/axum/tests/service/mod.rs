//! The service under test, over any session crate.

use axum::Form;
use axum::extract::{Path, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{Route, any, post};
use countersign::session::Freshness;
use countersign_axum::gate::testing::SECRET;
use countersign_axum::{
    Door, FirstFactorKind, Fresh, Gate, GateRouter, GateService, GateSession, HalfSignedIn,
    SignedIn,
};
use std::convert::Infallible;
use tower_layer::Layer;
use tower_service::Service;

/// The routes that `countersign_gate::testing` asks for.
pub(crate) fn router<T: GateSession>(gate: Gate) -> GateRouter {
    GateRouter::new::<T>(gate)
        .public("/", any(home))
        .public("/enter/{kind}", post(enter))
        .public("/leave", post(leave))
        .public_nest_service("/open", any(async || "open"))
        .first_factor("/half", any(half))
        .route("/secret", any(secret))
        .route("/secret/{id}", any(secret))
        .nest_service("/secret/nested", any(async || SECRET))
        .fresh(
            "/fresh",
            Freshness::minutes(5).with_second_factor(),
            any(fresh),
        )
}

/// The service, with the layer of a session crate.
pub(crate) fn service<T, L>(gate: Gate, layer: L) -> GateService
where
    T: GateSession,
    L: Layer<Route> + Clone + Send + Sync + 'static,
    L::Service: Service<Request> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request>>::Response: IntoResponse + 'static,
    <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
    <L::Service as Service<Request>>::Future: Send + 'static,
{
    router::<T>(gate).layer(layer).into_service()
}

async fn home(signed_in: Option<SignedIn>) -> String {
    match signed_in {
        Some(user) => format!("hello {}", user.account()),
        None => "hello".to_owned(),
    }
}

async fn secret(_: SignedIn) -> &'static str {
    SECRET
}

async fn fresh(_: Fresh<5>) -> &'static str {
    SECRET
}

async fn half(_: HalfSignedIn) -> &'static str {
    "half"
}

#[derive(serde::Deserialize)]
struct Account {
    account: String,
}

async fn enter(Path(kind): Path<String>, door: Door, Form(form): Form<Account>) -> Response {
    let kind = match kind.as_str() {
        "email" => FirstFactorKind::Email,
        "sso" => FirstFactorKind::SingleSignOn,
        "passkey" => FirstFactorKind::Passkey,
        "token" => FirstFactorKind::ApiToken,
        "remembered" => FirstFactorKind::RememberedBrowser,
        _ => FirstFactorKind::Password,
    };
    let account = countersign::AccountId::new(form.account).unwrap();
    door.first_factor(account, kind).await
}

async fn leave(door: Door) -> Response {
    door.sign_out().await
}
