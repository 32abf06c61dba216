//! The account page: the user, the second factor, and the log.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign::Status;
use countersign::factor::EnabledStatus;
use countersign_axum::SignedIn;

use crate::app::App;
use crate::events;
use crate::failure::Failure;
use crate::layout::{Layout, ShownTime, html};

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
    pub(crate) added: ShownTime,
    pub(crate) used: Option<ShownTime>,
}

pub(crate) struct Codes {
    pub(crate) issued: ShownTime,
    pub(crate) remaining: usize,
    /// The time when each code was used, in the order of the file.
    pub(crate) used: Vec<Option<ShownTime>>,
}

impl Codes {
    /// Whether the user should generate a new set.
    pub(crate) const fn few(&self) -> bool {
        self.remaining <= 3
    }
}

/// A line of the log.
pub(crate) struct Line {
    pub(crate) at: ShownTime,
    pub(crate) text: String,
    pub(crate) client: String,
    pub(crate) remark: Option<String>,
}

impl From<events::Event> for Line {
    fn from(event: events::Event) -> Self {
        Self {
            at: event.at.into(),
            text: event.text,
            client: event.client,
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
            used: one.last_used_at.map(ShownTime::from),
        });
        let codes = enabled.backup_codes.as_ref().map(|codes| Codes {
            issued: codes.issued_at.into(),
            remaining: codes.remaining,
            used: codes
                .used_at
                .iter()
                .map(|at| at.map(ShownTime::from))
                .collect(),
        });
        Self {
            authenticators: authenticators.collect(),
            codes,
        }
    }
}

pub(crate) async fn show(State(app): State<App>, member: SignedIn) -> Result<Response, Failure> {
    let user = app.user(&member).await?;
    let account = member.account();
    let status = app.verifier().status(account).await?;
    let events = events::latest(app.database(), account, EVENTS).await?;
    // The operator's remark is not for the user.
    let events = events.into_iter().map(|event| Line {
        remark: None,
        ..event.into()
    });
    let page = AccountPage {
        layout: Layout::of(&app, &member, &user, "Your account"),
        email: user.email,
        factor: match &status {
            Status::Enabled(enabled) => Some(enabled.into()),
            _ => None,
        },
        events: events.collect(),
    };
    Ok(html(&page)?.into_response())
}

const EVENTS: i64 = 8;
