//! The account page: the user, the second factor, and the log.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign::factor::EnabledStatus;
use countersign_axum::{GateMessage, SignedIn};

use crate::app::App;
use crate::events::{self, Event};
use crate::failure::Failure;
use crate::layout::{Layout, html};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    layout: Layout,
    email: String,
    factor: Option<EnabledStatus>,
    events: Vec<Event>,
}

pub(crate) async fn show(
    State(app): State<App>,
    member: SignedIn,
    GateMessage(notice): GateMessage,
) -> Result<Response, Failure> {
    let user = app.user(&member).await?;
    let mut events = events::latest(&app.users.database, member.account(), EVENTS).await?;
    for event in &mut events {
        // It is not for the user.
        event.remark = None;
    }
    let mut layout = Layout::of(&app, &member, &user, "Your account");
    layout.notice = notice;
    html(&AccountPage {
        layout,
        email: user.email,
        factor: app.factor(member.account()).await?,
        events,
    })
}

const EVENTS: i64 = 8;
