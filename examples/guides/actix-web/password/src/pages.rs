use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::header::{ContentType, LOCATION};
use actix_web::web::{Data, Form};

use crate::users::{Login, Users};
use crate::{Problem, Result};

/// The page for members.
pub async fn members(users: Data<Users>, session: Session) -> Result<HttpResponse, Problem> {
    let Some(user) = session.get::<i64>("user")? else {
        return Ok(see("/sign-in"));
    };
    let email = users.email(user).await?.replace('<', "&lt;");
    Ok(html(format!(
        r#"<p>Hello, {email}.</p>
        <form method="post" action="/sign-out">
        <button>Sign out</button></form>"#
    )))
}

pub async fn sign_in_page() -> HttpResponse {
    html(SIGN_IN.to_owned())
}

pub async fn sign_up(
    users: Data<Users>,
    Form(login): Form<Login>,
) -> Result<HttpResponse, Problem> {
    if users.sign_up(login).await? {
        Ok(see("/sign-in"))
    } else {
        Ok(HttpResponse::Conflict().body("This address has an account."))
    }
}

pub async fn sign_in(
    users: Data<Users>,
    session: Session,
    Form(login): Form<Login>,
) -> Result<HttpResponse, Problem> {
    let Some(user) = users.sign_in(&login.email, &login.password).await? else {
        return Ok(HttpResponse::UnprocessableEntity().body("Wrong address or password."));
    };
    session.renew();
    session.insert("user", user)?;
    Ok(see("/"))
}

pub async fn sign_out(session: Session) -> HttpResponse {
    session.purge();
    see("/sign-in")
}

fn html(text: String) -> HttpResponse {
    HttpResponse::Ok().insert_header(ContentType::html()).body(text)
}

fn see(path: &'static str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}

const SIGN_IN: &str = r#"<form method="post" action="/sign-in">
    <input name="email" type="email" autocomplete="username" required>
    <input name="password" type="password" required>
    <button>Sign in</button> <button formaction="/sign-up">Sign up</button></form>"#;
