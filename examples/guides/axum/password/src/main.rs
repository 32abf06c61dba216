mod pages;
mod users;

use std::env;
use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;
use tower_sessions::{SessionManagerLayer, SessionStore};
use tower_sessions_sqlx_store::PostgresStore;

use users::Users;

#[tokio::main]
async fn main() -> Result<()> {
    let url = env::var("DATABASE_URL").map_err(|_| "set DATABASE_URL")?;
    let options = PgPoolOptions::new().acquire_timeout(Duration::from_secs(5));
    let pool = options.connect(&url).await?;
    sqlx::raw_sql(include_str!("../schema.sql")).execute(&pool).await?;
    let users = Users(pool.clone());
    let sessions = PostgresStore::new(pool);
    sessions.migrate().await?;

    let router = routes(users, sessions);
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("open http://{}", listener.local_addr()?);
    axum::serve(listener, router.into_make_service()).await?;
    Ok(())
}

fn routes(users: Users, sessions: impl SessionStore + Clone) -> Router {
    Router::new()
        .route("/", get(pages::members))
        .route("/sign-in", get(pages::sign_in_page).post(pages::sign_in))
        .route("/sign-up", post(pages::sign_up))
        .route("/sign-out", post(pages::sign_out))
        .layer(SessionManagerLayer::new(sessions))
        .with_state(users)
}

type BoxError = Box<dyn Error + Send + Sync>;
type Result<T, E = BoxError> = std::result::Result<T, E>;

/// Why a handler did not succeed.
struct Problem(BoxError);

impl<E: Into<BoxError>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        eprintln!("a request failed: {}", self.0);
        let text = "That could not be done just now. Please try again in a minute.";
        (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
    }
}
