use actix_session::storage::CookieSessionStore;
use actix_web::cookie::Key;
use actix_web::web::post;
use countersign_actix::testing::{Browser, Harness, TestService, must_enroll};
use countersign_actix::{Door, FirstFactorKind};
use sqlx::PgPool;

use crate::users::Users;
use crate::{Result, app};

/// Asks for every route with every method, without a sign-in and after the first factor.
#[actix_web::test]
async fn only_the_sign_in_pages_are_open() -> Result<()> {
    let users = Users(PgPool::connect_lazy("postgres://127.0.0.1")?);
    let enter = async |door: Door| door.first_factor(1, FirstFactorKind::Password).await;
    let app = app(must_enroll()?, users, CookieSessionStore::default(), Key::generate());
    let app = app.public("/enter", post().to(enter)).into_service();
    let service = TestService::new(app).await;
    let mut browser = Browser::new();
    browser.post(&service, "/enter", "").await;
    let harness = Harness::new(service).half_signed_in(&browser);
    harness.public(["/enter", "/sign-in", "/sign-up"]).check().await?;
    Ok(())
}
