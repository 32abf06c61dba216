mod pages;
mod second_factor;
mod sessions;
mod sign_in;
mod store;

use std::env;
use std::error::Error;
use std::num::NonZeroUsize;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use countersign::runtime::TokioPool;
use countersign::{Denied, KeyId, Keyring, SealingKey, Verifier};
use countersign_sqlx::PostgresStore;
use data_encoding::HEXLOWER_PERMISSIVE;
use sqlx::PgPool;
use tower_sessions::SessionManagerLayer;

use pages::{FAILED, HOME, Page, page, refused};
use sessions::SessionTable;
use store::FlagStore;

#[derive(Clone)]
struct App {
    pool: PgPool,
    verifier: Verifier<FlagStore>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt::init();
    let url = env::var("DATABASE_URL").map_err(|_| "set DATABASE_URL")?;
    let options = PostgresStore::pool_options();
    // The second factor has a pool of its own, in which nobody begins transactions.
    let (pool, records) = (options.clone().connect(&url).await?, options.connect(&url).await?);
    sqlx::raw_sql(include_str!("../schema.sql")).execute(&pool).await?;
    let store = FlagStore::new(records);
    store.records.create_table().await?;
    let verifier =
        Verifier::builder(store, keyring()?, "Example").hash_executor(TokioPool::new(HASHES_AT_ONCE)).build()?;
    let router = Router::new()
        .route("/", get(sign_in::home))
        .route("/sign-up", post(sign_in::sign_up))
        .route("/sign-in", post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/code", post(second_factor::code))
        .route("/enroll", post(second_factor::enroll))
        .route("/confirm", post(second_factor::confirm))
        .route("/backup-codes", post(second_factor::backup_codes))
        .layer(SessionManagerLayer::new(SessionTable(pool.clone())).with_name("__Host-session"))
        .layer(from_fn(keep_new_cookie))
        .with_state(App { pool, verifier });
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:3000".into());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("open http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, router).await?)
}

fn keyring() -> Result<Keyring, Box<dyn Error>> {
    let hint = "set SECOND_FACTOR_KEY_1 to the output of `openssl rand -hex 32`";
    let text = env::var("SECOND_FACTOR_KEY_1").map_err(|_| hint)?;
    let bytes = HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).map_err(|_| hint)?;
    let key = SealingKey::from_bytes(bytes.as_slice().try_into().map_err(|_| hint)?);
    Ok(Keyring::new(KeyId::new(1), key))
}

/// Each password hash takes 19 MiB and keeps a core busy.
const HASHES_AT_ONCE: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// The session layer deletes the cookie of a session that it does not find. If a form is sent
/// twice, the layer would delete the cookie that the first answer has just set. So only signing out
/// deletes the cookie.
async fn keep_new_cookie(request: Request, next: Next) -> Response {
    let signs_out = request.uri().path() == "/sign-out";
    let mut response = next.run(request).await;
    let cookie = response.headers().get(header::SET_COOKIE).map(HeaderValue::to_str);
    if !signs_out && matches!(cookie, Some(Ok(cookie)) if cookie.contains("Max-Age=0")) {
        response.headers_mut().remove(header::SET_COOKIE);
    }
    response
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or_default();
        let mut response = (status, Html(self.html)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(time) = self.retry_after {
            headers.insert(header::RETRY_AFTER, time.as_secs().into());
        }
        response
    }
}

/// Why a handler did not succeed.
struct Problem(Box<dyn Error + Send + Sync>);

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Some(rejection) = self.0.downcast_ref().and_then(Denied::rejection) {
            return refused(rejection).into_response();
        }
        tracing::error!(error = &*self.0, "a request failed");
        page(503, FAILED, HOME).into_response()
    }
}
