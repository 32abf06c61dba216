//! The operator's page: shows the state of an account, but no secret, and unlocks it with a stored
//! reason.

use askama::Template;
use axum::Form;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{Redirect, Response};
use countersign::factor::{EnabledStatus, RateLimitState};
use countersign::session::SecondFactorUse;
use countersign::{Actor, Denied, Rejection, ServerClock};
use countersign_axum::SignedIn;
use countersign_axum::gate::What;
use countersign_axum::gate::words::Words;
use serde::Deserialize;
use tower_sessions::Session;

use crate::app::App;
use crate::events::{self, Event};
use crate::failure::Failure;
use crate::layout::{Layout, html};
use crate::users::{self, User};

#[derive(Template)]
#[template(path = "admin.html")]
struct AdminPage {
    layout: Layout,
    asked: String,
    found: Option<Found>,
}

struct Found {
    user: User,
    factor: Option<EnabledStatus>,
    events: Vec<Event>,
}

#[derive(Default, Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    email: String,
    account: Option<i64>,
}

#[derive(Deserialize)]
pub(crate) struct Unlock {
    csrf: String,
    account: String,
    reason: String,
    clock_confirmed: Option<String>,
}

/// The member if it is an operator who used a second factor. Everybody else gets 404.
async fn operator(app: &App, member: &SignedIn) -> Result<User, Failure> {
    let user = app.user(member).await?;
    let with_factor = member.factors().second != SecondFactorUse::None;
    match with_factor && app.is_operator(&user.email) {
        true => Ok(user),
        false => Err(Failure::NOT_FOUND),
    }
}

pub(crate) async fn show(
    State(app): State<App>,
    member: SignedIn,
    session: Session,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Response, Failure> {
    let user = operator(&app, &member).await?;
    let mut layout = Layout::of(&app, &member, &user, "Accounts");
    if let Some((succeeded, text)) = session.get::<(bool, String)>(RESULT).await? {
        session.remove_value(RESULT).await?;
        match succeeded {
            true => layout.notice = Some(text),
            false => layout.problem = Some(text),
        }
    }
    let Search { email, account } = search.map(|Query(search)| search).unwrap_or_default();
    let asked = users::normal(&email);
    let user = match account {
        Some(id) => app.users.by_id(id).await?,
        None => app.users.by_email(&asked).await?,
    };
    if user.is_none() && !asked.is_empty() {
        layout.problem = Some("There is no account with that address.".into());
    }
    let found = match user {
        Some(user) => Some(find(&app, user).await?),
        None => None,
    };
    html(&AdminPage {
        layout,
        asked: found
            .as_ref()
            .map_or(asked, |found| found.user.email.clone()),
        found,
    })
}

async fn find(app: &App, user: User) -> Result<Found, Failure> {
    let account = user.account();
    Ok(Found {
        user,
        factor: app.factor(&account).await?,
        events: events::latest(&app.users.database, &account, EVENTS).await?,
    })
}

/// Whether codes are accepted, for the template.
pub(crate) fn attempts(state: &RateLimitState) -> String {
    match state {
        RateLimitState::Free => "accepted".into(),
        RateLimitState::Waiting { retry_after } => {
            format!("refused for {} after wrong codes", minutes(*retry_after))
        }
        RateLimitState::BudgetSpent { retry_after } => {
            let wait = minutes(*retry_after);
            format!("refused: the guess budget is spent; next try in {wait}")
        }
        RateLimitState::ClockFault => {
            "refused: a stored time is more than an hour ahead of this server's clock".into()
        }
        _ => "refused: the second factor is locked".into(),
    }
}

/// Ends a wait or a lock. The next page says what became of it.
pub(crate) async fn unlock(
    State(app): State<App>,
    member: SignedIn,
    session: Session,
    Form(form): Form<Unlock>,
) -> Result<Redirect, Failure> {
    let staff = operator(&app, &member).await?;
    member
        .check_csrf(&form.csrf)
        .map_err(Failure::not_our_form)?;
    let account = form.account.parse().map_err(|_| Failure::NOT_FOUND)?;
    let user = app.users.by_id(account).await?;
    let user = user.ok_or(Failure::NOT_FOUND)?;
    let reason = form.reason.trim();
    let clock = match form.clock_confirmed {
        Some(_) => ServerClock::Confirmed,
        None => ServerClock::Unconfirmed,
    };
    let result = match Actor::new(&staff.email, reason) {
        Ok(actor) if reason.chars().count() >= SHORTEST_REASON => {
            match app.verifier.unlock(&user.account(), clock, &actor).await {
                Ok(()) => {
                    if let Some(mail) = (Words::ENGLISH.mail)(&What::Unlocked) {
                        app.post.report(&user.email, &mail);
                    }
                    (true, "Unlocked. Your reason is stored in the log.")
                }
                Err(Denied::Failed(error)) => return Err(error.into()),
                Err(Denied::Rejected(Rejection::ClockFault)) => (false, CLOCK_FAULT),
                Err(_) => (false, "There is nothing to unlock."),
            }
        }
        _ => (
            false,
            "Please write a sentence about how you checked who asked.",
        ),
    };
    session.insert(RESULT, result).await?;
    Ok(Redirect::to(&format!("/admin?account={account}")))
}

fn minutes(wait: std::time::Duration) -> String {
    format!("{} min", wait.as_secs().div_ceil(60))
}

/// The result of the last unlocking, in the session, for the next page.
const RESULT: &str = "unlocking";
const CLOCK_FAULT: &str = "Not unlocked: a stored time is more than an hour ahead of this server's clock. Compare the \
    clocks of all servers, tick the box, and unlock again.";
const EVENTS: i64 = 50;
const SHORTEST_REASON: usize = 10;
