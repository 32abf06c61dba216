use axum::routing::post;
use countersign_axum::testing::{Browser, Harness, must_enroll};
use countersign_axum::{Door, FirstFactorKind};
use sqlx::PgPool;
use tower_sessions::MemoryStore;

use crate::users::Users;
use crate::{Result, routes};

/// Asks for every route with every method, without a sign-in and after the first factor.
#[tokio::test]
async fn only_the_sign_in_pages_are_open() -> Result<()> {
    let users = Users(PgPool::connect_lazy("postgres://127.0.0.1")?);
    let enter = async |door: Door| door.first_factor(1, FirstFactorKind::Password).await;
    let router = routes(must_enroll()?, users, MemoryStore::default());
    let service = router.public("/enter", post(enter)).into_service();
    let mut browser = Browser::new();
    browser.post(&service, "/enter", "").await;
    let harness = Harness::new(service).half_signed_in(&browser);
    harness.public(["/enter", "/sign-in", "/sign-up"]).check().await?;
    Ok(())
}
