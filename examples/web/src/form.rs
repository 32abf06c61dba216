use axum::Form;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tower_sessions::Session;

use crate::app::App;
use crate::failure::Failure;
use crate::session::CSRF;
use crate::token;

/// A form that contains the token of this session. A layer of the router also checks the origin of
/// the request.
pub(crate) struct OurForm<T>(pub(crate) T);

#[derive(Deserialize)]
struct Guarded<T> {
    csrf: String,
    #[serde(flatten)]
    form: T,
}

impl<T: DeserializeOwned + Send> FromRequest<App> for OurForm<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let session = request.extensions().get::<Session>().cloned();
        let session = session.ok_or_else(Failure::out_of_date)?;
        let form = Form::<Guarded<T>>::from_request(request, app).await;
        let Form(guarded) = form.map_err(|rejected| Failure::not_our_form(rejected.status()))?;
        match session.get::<String>(CSRF).await? {
            Some(expected) if token::equal(&expected, &guarded.csrf) => Ok(Self(guarded.form)),
            _ => Err(Failure::out_of_date()),
        }
    }
}

/// A name in the path. If it cannot be read, the answer is 404.
pub(crate) struct Named(pub(crate) String);

impl FromRequestParts<App> for Named {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let path = Path::from_request_parts(parts, app).await;
        path.map_or_else(|_| Err(Failure::not_found()), |Path(name)| Ok(Self(name)))
    }
}

/// A form without fields of its own.
#[derive(Deserialize)]
pub(crate) struct Nothing {}
