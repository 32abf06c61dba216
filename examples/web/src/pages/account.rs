//! The account: who one is, the second factor, and what happened.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign::Status;
use countersign::factor::EnabledStatus;

use crate::app::App;
use crate::events;
use crate::failure::Failure;
use crate::frame::{Frame, html};
use crate::visitor::Member;
use crate::when::When;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    email: String,
    factor: Option<Factor>,
    events: Vec<Line>,
}

/// A second factor that is on, as pages show it.
pub(crate) struct Factor {
    pub(crate) authenticators: Vec<Authenticator>,
    pub(crate) codes: Option<Codes>,
}

pub(crate) struct Authenticator {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) added: When,
    pub(crate) used: Option<When>,
}

pub(crate) struct Codes {
    pub(crate) issued: When,
    pub(crate) remaining: usize,
    /// For each code when it was used, in the order of the sheet.
    pub(crate) used: Vec<Option<When>>,
}

impl Codes {
    /// Whether it is time to make a new set.
    pub(crate) const fn few(&self) -> bool {
        self.remaining <= 3
    }
}

/// A line of the log.
pub(crate) struct Line {
    pub(crate) at: When,
    pub(crate) text: &'static str,
    pub(crate) remark: Option<String>,
}

impl From<events::Event> for Line {
    fn from(event: events::Event) -> Self {
        Self {
            at: event.at.into(),
            text: event.text,
            remark: event.remark,
        }
    }
}

impl From<&EnabledStatus> for Factor {
    fn from(enabled: &EnabledStatus) -> Self {
        let authenticators = enabled.authenticators.iter().map(|one| Authenticator {
            id: one.id.to_string(),
            name: one.name.to_string(),
            added: one.added_at.into(),
            used: one.last_used_at.map(When::from),
        });
        let codes = enabled.backup_codes.as_ref().map(|codes| Codes {
            issued: codes.issued_at.into(),
            remaining: codes.remaining,
            used: codes.used_at.iter().map(|at| at.map(When::from)).collect(),
        });
        Self {
            authenticators: authenticators.collect(),
            codes,
        }
    }
}

pub(crate) async fn show(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let account = member.user.account();
    let status = app.verifier().status(&account).await?;
    let events = events::latest(app.database(), &account, EVENTS).await?;
    let page = AccountPage {
        frame: member.frame(&app, "Your account").await?,
        email: member.user.email,
        factor: match &status {
            Status::Enabled(enabled) => Some(enabled.into()),
            _ => None,
        },
        events: events.into_iter().map(without_remark).collect(),
    };
    Ok(html(&page)?.into_response())
}

/// What an operator wrote is the operators' affair.
fn without_remark(event: events::Event) -> Line {
    Line {
        remark: None,
        ..event.into()
    }
}

const EVENTS: i64 = 8;
