//! The operator's page: shows the state of an account, but no secret, and unlocks it with a stored
//! reason.

use askama::Template;
use axum::Form;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use countersign::factor::{EnabledStatus, RateLimitState};
use countersign::runtime::Clock;
use countersign::session::SecondFactorUse;
use countersign::{Actor, Denied, Rejection, ServerClock, Status};
use countersign_axum::SignedIn;
use serde::Deserialize;

use crate::app::App;
use crate::events::{self, Event};
use crate::failure::Failure;
use crate::layout::{Layout, html};
use crate::mail;
use crate::users::{self, User};

#[derive(Template)]
#[template(path = "admin.html")]
struct AdminPage {
    layout: Layout,
    asked: String,
    found: Option<Found>,
}

struct Found {
    id: i64,
    email: String,
    /// The flag and the record disagree: a row was lost or restored.
    lost: bool,
    factor: Option<EnabledStatus>,
    attempts: String,
    events: Vec<Event>,
}

#[derive(Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    email: String,
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
        false => Err(Failure::not_found()),
    }
}

pub(crate) async fn show(
    State(app): State<App>,
    member: SignedIn,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Response, Failure> {
    let user = operator(&app, &member).await?;
    let email = search.map(|Query(search)| search.email).unwrap_or_default();
    let layout = Layout::of(&app, &member, &user, "Accounts");
    page(&app, layout, users::normal(&email)).await
}

async fn page(app: &App, mut layout: Layout, asked: String) -> Result<Response, Failure> {
    let found = match app.users.by_email(&asked).await? {
        Some(user) => Some(find(app, user).await?),
        None => None,
    };
    if found.is_none() && !asked.is_empty() {
        layout.problem = Some("There is no account with that address.".into());
    }
    let page = AdminPage {
        layout,
        asked,
        found,
    };
    html(&page)
}

async fn find(app: &App, user: User) -> Result<Found, Failure> {
    let account = user.account();
    let (factor, attempts) = match app.verifier.status(&account).await? {
        Status::Enabled(enabled) => {
            let attempts = attempts_text(enabled.rate_limit);
            (Some(enabled), attempts)
        }
        _ => (None, String::new()),
    };
    Ok(Found {
        id: user.id,
        email: user.email,
        lost: user.enrolled && factor.is_none(),
        factor,
        attempts,
        events: events::latest(&app.database, &account, EVENTS).await?,
    })
}

fn attempts_text(state: RateLimitState) -> String {
    match state {
        RateLimitState::Free => "accepted".into(),
        RateLimitState::Waiting { retry_after } => {
            format!("refused for {} after wrong codes", minutes(retry_after))
        }
        RateLimitState::BudgetSpent { retry_after } => {
            format!(
                "refused: the guess budget is spent; next try in {}",
                minutes(retry_after)
            )
        }
        RateLimitState::ClockFault => {
            "refused: a stored time is more than an hour ahead of this server's clock".into()
        }
        _ => "refused: the second factor is locked".into(),
    }
}

/// Ends a wait or a lock. The operator and the reason are stored with the event.
pub(crate) async fn unlock(
    State(app): State<App>,
    member: SignedIn,
    Form(form): Form<Unlock>,
) -> Result<Response, Failure> {
    let staff = operator(&app, &member).await?;
    member
        .check_csrf(&form.csrf)
        .map_err(Failure::not_our_form)?;
    let account = form.account.parse().map_err(|_| Failure::not_found())?;
    let Some(user) = app.users.by_id(account).await? else {
        return Err(Failure::not_found());
    };
    let mut layout = Layout::of(&app, &member, &staff, "Accounts");
    let reason = form.reason.trim();
    if !(SHORTEST_REASON..=LONGEST_REASON).contains(&reason.chars().count()) {
        let text = "Please write a sentence about how you checked who asked.";
        layout.problem = Some(text.into());
        return page(&app, layout, user.email).await;
    }
    let clock = match form.clock_confirmed {
        Some(_) => ServerClock::Confirmed,
        None => ServerClock::Unconfirmed,
    };
    let Ok(actor) = Actor::new(&staff.email, reason) else {
        let text = "Please write one shorter line, without line breaks.";
        layout.problem = Some(text.into());
        return page(&app, layout, user.email).await;
    };
    match app.verifier.unlock(&user.account(), clock, &actor).await {
        Ok(()) => {
            let event = Event {
                account: user.account().as_str().to_owned(),
                at: app.clock.now(),
                text: "Unlocked by our staff".into(),
                client: String::new(),
                remark: Some(format!("{}: {reason}", staff.email)),
            };
            events::insert(&app.database, &event).await?;
            let text = "Our staff unlocked it after too many wrong codes.";
            let subject = "Your second factor was unlocked";
            app.send(mail::about(&user.email, &app.origin, subject, text));
            layout.notice = Some("Unlocked. Your reason is stored in the log.".into());
        }
        Err(Denied::Rejected(Rejection::ClockFault)) => {
            let text = "Not unlocked: a stored time is more than an hour ahead of this server's clock. Compare the \
                clocks of all servers, tick the box, and unlock again.";
            layout.problem = Some(text.into());
        }
        Err(Denied::Rejected(_)) => layout.problem = Some("There is nothing to unlock.".into()),
        Err(Denied::Failed(error)) => return Err(error.into()),
    }
    page(&app, layout, user.email).await
}

fn minutes(wait: std::time::Duration) -> String {
    format!("{} min", wait.as_secs().div_ceil(60))
}

const EVENTS: i64 = 50;
const SHORTEST_REASON: usize = 10;
const LONGEST_REASON: usize = 500;
