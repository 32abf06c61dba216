use actix_session::storage::CookieSessionStore;
use actix_web::cookie::Key;
use actix_web::test::TestRequest;
use actix_web::web::post;
use countersign_actix::testing::{Harness, must_enroll};
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
    let harness = Harness::new(app).sign_in(TestRequest::post().uri("/enter"));
    harness.open("/enter").open("/sign-in").open("/sign-up").run().await?;
    Ok(())
}
