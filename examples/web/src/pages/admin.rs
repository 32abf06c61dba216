//! The operator's page: shows the state of an account, but no secret, and unlocks it with a stored
//! reason.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use countersign::factor::RateLimitState;
use countersign::{Denied, Rejection, ServerClock, Status};
use serde::Deserialize;

use super::account::{Factor, Line};
use crate::app::{App, OrFail, run_to_completion};
use crate::events;
use crate::failure::Failure;
use crate::form::OurForm;
use crate::layout::{Flash, Layout, html};
use crate::mail::Change;
use crate::session::Operator;
use crate::time_format::span;
use crate::users::User;

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
    factor: Option<Factor>,
    attempts: String,
    events: Vec<Line>,
}

#[derive(Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    email: String,
}

#[derive(Deserialize)]
pub(crate) struct Unlock {
    account: String,
    reason: String,
    clock_confirmed: Option<String>,
}

pub(crate) async fn show(
    State(app): State<App>,
    Operator(member): Operator,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Response, Failure> {
    let email = search.map(|Query(search)| search.email).unwrap_or_default();
    let asked = email.trim().to_ascii_lowercase();
    let mut layout = member.layout(&app, "Accounts").await?;
    let found = match app.users().by_email(&asked).await.or_fail()? {
        Some(user) => Some(find(&app, user).await?),
        None => None,
    };
    if found.is_none() && !asked.is_empty() {
        layout.flash = Some(Flash::problem("There is no account with that address."));
    }
    let page = AdminPage {
        layout,
        asked,
        found,
    };
    Ok(html(&page)?.into_response())
}

async fn find(app: &App, user: User) -> Result<Found, Failure> {
    let account = user.account();
    let status = app.verifier().status(&account).await?;
    let events = events::latest(app.database(), &account, EVENTS).await?;
    let (factor, attempts) = match &status {
        Status::Enabled(enabled) => (Some(enabled.into()), attempts_text(enabled.rate_limit)),
        _ => (None, String::new()),
    };
    Ok(Found {
        id: user.id,
        email: user.email,
        lost: user.enrolled && factor.is_none(),
        factor,
        attempts,
        events: events.into_iter().map(Line::from).collect(),
    })
}

fn attempts_text(state: RateLimitState) -> String {
    match state {
        RateLimitState::Free => "accepted".into(),
        RateLimitState::Waiting { retry_after } => {
            format!("refused for {} after wrong codes", span(retry_after))
        }
        RateLimitState::BudgetSpent { retry_after } => {
            format!(
                "refused: the guess budget is spent; next try in {}",
                span(retry_after)
            )
        }
        RateLimitState::ClockFault => {
            "refused: a stored time is more than an hour ahead of this server's clock".into()
        }
        _ => "refused: the second factor is locked".into(),
    }
}

/// Ends a wait or a lock. The operator and the reason are stored in the same transaction.
pub(crate) async fn unlock(
    State(app): State<App>,
    Operator(member): Operator,
    OurForm(Unlock {
        account,
        reason,
        clock_confirmed,
    }): OurForm<Unlock>,
) -> Result<Response, Failure> {
    let account = account.parse().map_err(|_| Failure::not_found())?;
    let Some(user) = app.users().by_id(account).await.or_fail()? else {
        return Err(Failure::not_found());
    };
    let back = format!("/admin?email={}", urlencoded(&user.email));
    let reason = reason.trim();
    if !(SHORTEST_REASON..=LONGEST_REASON).contains(&reason.chars().count()) {
        let text = "Please write a sentence about how you checked who asked.";
        return member.visitor.say_at(Flash::problem(text), &back).await;
    }
    let remark = format!("{}: {reason}", member.user.email);
    let verifier = app.verifier();
    let verifier = verifier.with_store(verifier.store().with_remark(remark));
    let clock = match clock_confirmed {
        Some(_) => ServerClock::Confirmed,
        None => ServerClock::Unconfirmed,
    };
    let unlocked = run_to_completion(async move {
        verifier.unlock(&user.account(), clock).await?;
        app.notify(&user, &Change::Unlocked);
        Ok::<_, Denied>(())
    });
    let flash = match unlocked.await? {
        Ok(()) => Flash::notice("Unlocked. Your reason is stored in the log."),
        Err(Denied::Rejected(Rejection::ClockFault)) => Flash::problem(
            "Not unlocked: a stored time is more than an hour ahead of this server's clock. Compare the clocks of all \
             servers, tick the box, and unlock again.",
        ),
        Err(Denied::Rejected(_)) => Flash::problem("There is nothing to unlock."),
        Err(Denied::Failed(error)) => return Err(error.into()),
    };
    member.visitor.say_at(flash, &back).await
}

/// Encodes an address for a query.
fn urlencoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        encoded
    })
}

const EVENTS: i64 = 50;
const SHORTEST_REASON: usize = 10;
const LONGEST_REASON: usize = 500;
