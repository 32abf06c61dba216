mod pages;
mod second_factor;
mod sessions;
mod sign_in;
mod store;

use std::num::NonZeroUsize;
use std::{env, error, fmt};

use actix_session::SessionMiddleware;
use actix_web::body::MessageBody;
use actix_web::cookie::{Key, SameSite};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::Data;
use actix_web::{HttpResponse, HttpServer, ResponseError};
use countersign::runtime::TokioPool;
use countersign::{Denied, KeyId, Keyring, SealingKey, Verifier};
use countersign_sqlx::PostgresStore;
use data_encoding::HEXLOWER_PERMISSIVE;
use sqlx::PgPool;

use pages::{FAILED, HOME, Page, page, refused};
use sessions::SessionTable;
use store::FlagStore;

type BoxError = Box<dyn error::Error + Send + Sync>;

#[derive(Clone)]
struct App {
    pool: PgPool,
    sessions: SessionTable,
    verifier: Verifier<FlagStore>,
}

#[actix_web::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt::init();
    let url = env::var("DATABASE_URL").map_err(|_| "set DATABASE_URL")?;
    let cookie_key = Key::from(&secret::<64>("COOKIE_KEY")?);
    let key = SealingKey::from_bytes(&secret("SECOND_FACTOR_KEY_1")?);
    let options = PostgresStore::pool_options();
    // The second factor has a pool of its own, in which nobody begins transactions.
    let (pool, records) = (options.clone().connect(&url).await?, options.connect(&url).await?);
    sqlx::raw_sql(include_str!("../schema.sql")).execute(&pool).await?;
    let store = FlagStore::new(records);
    store.records.create_table().await?;
    let verifier = Verifier::builder(store, Keyring::new(KeyId::new(1), key), "Example")
        .hash_executor(TokioPool::new(HASHES_AT_ONCE))
        .build()?;
    let app = App { pool: pool.clone(), sessions: SessionTable(pool), verifier };
    let server = HttpServer::new(move || {
        let sessions = SessionMiddleware::builder(app.sessions.clone(), cookie_key.clone())
            .cookie_name("__Host-session".into())
            .cookie_same_site(SameSite::Strict);
        actix_web::App::new()
            .wrap(sessions.build())
            .wrap(from_fn(answer_errors))
            .app_data(Data::new(app.clone()))
            .service(sign_in::home)
            .service(sign_in::sign_up)
            .service(sign_in::sign_in)
            .service(sign_in::sign_out)
            .service(second_factor::code)
            .service(second_factor::enroll)
            .service(second_factor::confirm)
            .service(second_factor::backup_codes)
    });
    let server = server.bind(env::var("ADDRESS").unwrap_or("127.0.0.1:3000".into()))?;
    server.addrs().iter().for_each(|address| println!("open http://{address}"));
    Ok(server.run().await?)
}

fn secret<const N: usize>(name: &str) -> Result<[u8; N], BoxError> {
    let hint = || format!("set {name} to the output of `openssl rand -hex {N}`");
    let text = env::var(name).map_err(|_| hint())?;
    let bytes = HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).map_err(|_| hint())?;
    Ok(bytes.try_into().map_err(|_| hint())?)
}

/// Each password hash takes 19 MiB and keeps a core busy.
const HASHES_AT_ONCE: NonZeroUsize = NonZeroUsize::new(4).unwrap();

impl From<Page> for HttpResponse {
    fn from(page: Page) -> Self {
        let mut response = Self::build(StatusCode::from_u16(page.status).unwrap_or_default());
        response.content_type("text/html; charset=utf-8").insert_header((CACHE_CONTROL, "no-store"));
        if let Some(time) = page.retry_after {
            response.insert_header((RETRY_AFTER, time.as_secs()));
        }
        response.body(page.html)
    }
}

/// Why a handler did not succeed.
#[derive(Debug)]
struct Problem(BoxError);

impl<E: Into<BoxError>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Problem {
    fn error_response(&self) -> HttpResponse {
        if let Some(rejection) = self.0.downcast_ref().and_then(Denied::rejection) {
            return refused(rejection).into();
        }
        tracing::error!(error = &*self.0 as &dyn error::Error, "a request failed");
        page(503, FAILED, HOME).into()
    }
}

/// Shows the page for failures if the session cannot be loaded or saved.
async fn answer_errors(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    next.call(request).await.map_err(|error| Problem::from(error.to_string()).into())
}
