use actix_web::HttpResponse;
use actix_web::http::header::{ContentType, LOCATION};
use actix_web::web::{Data, Form};
use countersign_actix::{Door, FirstFactorKind, SignedIn};

use crate::users::{Login, Users};
use crate::{Problem, Result};

/// The page for members.
pub async fn members(users: Data<Users>, user: SignedIn) -> Result<HttpResponse, Problem> {
    let (user, csrf) = (user.account().as_str().parse()?, user.csrf());
    let email = users.email(user).await?.replace('<', "&lt;");
    Ok(html(format!(
        r#"<p>Hello, {email}.</p>
        <p><a href="/two-factor">Second factor</a></p>
        <form method="post" action="/two-factor/sign-out"><input type="hidden" name="csrf" value="{csrf}">
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
    door: Door,
    Form(login): Form<Login>,
) -> Result<HttpResponse, Problem> {
    let Some(user) = users.sign_in(&login.email, &login.password).await? else {
        return Ok(HttpResponse::UnprocessableEntity().body("Wrong address or password."));
    };
    Ok(door.first_factor(user, FirstFactorKind::Password).await)
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
