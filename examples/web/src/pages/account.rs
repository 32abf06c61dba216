//! The account page: the user, the second factor, and the log.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign::Status;
use countersign::factor::EnabledStatus;

use crate::app::App;
use crate::events;
use crate::failure::Failure;
use crate::layout::{Layout, html};
use crate::session::Member;
use crate::time_format::FormattedTime;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    layout: Layout,
    email: String,
    factor: Option<Factor>,
    events: Vec<Line>,
}

/// An active second factor, as pages show it.
pub(crate) struct Factor {
    pub(crate) authenticators: Vec<Authenticator>,
    pub(crate) codes: Option<Codes>,
}

pub(crate) struct Authenticator {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) added: FormattedTime,
    pub(crate) used: Option<FormattedTime>,
}

pub(crate) struct Codes {
    pub(crate) issued: FormattedTime,
    pub(crate) remaining: usize,
    /// The time when each code was used, in the order of the file.
    pub(crate) used: Vec<Option<FormattedTime>>,
}

impl Codes {
    /// Whether the user should generate a new set.
    pub(crate) const fn few(&self) -> bool {
        self.remaining <= 3
    }
}

/// A line of the log.
pub(crate) struct Line {
    pub(crate) at: FormattedTime,
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
            used: one.last_used_at.map(FormattedTime::from),
        });
        let codes = enabled.backup_codes.as_ref().map(|codes| Codes {
            issued: codes.issued_at.into(),
            remaining: codes.remaining,
            used: codes
                .used_at
                .iter()
                .map(|at| at.map(FormattedTime::from))
                .collect(),
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
        layout: member.layout(&app, "Your account").await?,
        email: member.user.email,
        factor: match &status {
            Status::Enabled(enabled) => Some(enabled.into()),
            _ => None,
        },
        events: events.into_iter().map(without_remark).collect(),
    };
    Ok(html(&page)?.into_response())
}

/// Hides the operator's remark from the user.
fn without_remark(event: events::Event) -> Line {
    Line {
        remark: None,
        ..event.into()
    }
}

const EVENTS: i64 = 8;
