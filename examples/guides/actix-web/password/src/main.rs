mod pages;
mod sessions;
mod users;

use std::error::Error;
use std::time::Duration;
use std::{env, fmt};

use actix_session::{SessionMiddleware, storage::SessionStore};
use actix_web::body::MessageBody;
use actix_web::cookie::{Key, SameSite};
use actix_web::web::{Data, get, post};
use actix_web::{HttpResponse, HttpServer, ResponseError, dev};
use data_encoding::HEXLOWER;
use sqlx::postgres::PgPoolOptions;

use sessions::SessionTable;
use users::Users;

#[actix_web::main]
async fn main() -> Result<()> {
    let url = env::var("DATABASE_URL").map_err(|_| "set DATABASE_URL")?;
    let key = env::var("COOKIE_KEY").map_err(|_| "set COOKIE_KEY")?;
    let key = Key::try_from(&*HEXLOWER.decode(key.as_bytes())?)?;
    let options = PgPoolOptions::new().acquire_timeout(Duration::from_secs(5));
    let pool = options.connect(&url).await?;
    sqlx::raw_sql(include_str!("../schema.sql")).execute(&pool).await?;

    let users = Users(pool.clone());
    let server = HttpServer::new(move || {
        let sessions = SessionTable(pool.clone());
        app(users.clone(), sessions, key.clone())
    });
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:3000".to_owned());
    let server = server.bind(address)?;
    server.addrs().iter().for_each(|address| println!("open http://{address}"));
    Ok(server.run().await?)
}

fn app(
    users: Users,
    sessions: impl SessionStore + 'static,
    key: Key,
) -> actix_web::App<
    impl dev::ServiceFactory<
        dev::ServiceRequest,
        Config = (),
        Response = dev::ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let sessions = SessionMiddleware::builder(sessions, key).cookie_same_site(SameSite::Strict);
    actix_web::App::new()
        .route("/", get().to(pages::members))
        .route("/sign-in", get().to(pages::sign_in_page))
        .route("/sign-in", post().to(pages::sign_in))
        .route("/sign-up", post().to(pages::sign_up))
        .route("/sign-out", post().to(pages::sign_out))
        .app_data(Data::new(users))
        .wrap(sessions.build())
}

type BoxError = Box<dyn Error + Send + Sync>;
type Result<T, E = BoxError> = std::result::Result<T, E>;

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
        eprintln!("a request failed: {self}");
        let text = "That could not be done just now. Please try again in a minute.";
        HttpResponse::ServiceUnavailable().body(text)
    }
}
