use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use countersign::Timestamp;
use countersign_axum::SignedIn;
use countersign_axum::gate::page::{Frame, Viewer};
use countersign_axum::gate::{self, words::Words};
use time::format_description::well_known::Rfc3339;

use crate::app::App;
use crate::failure::Failure;
use crate::users::User;
use crate::{SERVICE, assets};

/// The parts of every page.
pub(crate) struct Layout {
    pub(crate) service: &'static str,
    pub(crate) title: String,
    pub(crate) style: &'static str,
    /// The style sheet and the script of the gate's pages.
    pub(crate) gate_style: String,
    pub(crate) gate_script: String,
    /// The token for the forms of this page. Empty for visitors.
    pub(crate) csrf: String,
    pub(crate) notice: Option<String>,
    pub(crate) problem: Option<String>,
    pub(crate) operator: bool,
}

impl Layout {
    /// A page for everybody.
    pub(crate) fn bare(title: impl Into<String>) -> Self {
        Self {
            service: SERVICE,
            title: title.into(),
            style: assets::style_path(),
            gate_style: gate::style(GATE),
            gate_script: gate::script(GATE),
            csrf: String::new(),
            notice: None,
            problem: None,
            operator: false,
        }
    }

    /// A page for a user.
    pub(crate) fn of(app: &App, signed_in: &SignedIn, user: &User, title: &str) -> Self {
        Self {
            csrf: signed_in.csrf().to_owned(),
            operator: app.is_operator(&user.email),
            ..Self::bare(title)
        }
    }

    pub(crate) fn with_problem(self, problem: Option<String>) -> Self {
        Self { problem, ..self }
    }
}

/// The frame of the service around a page of the gate.
#[derive(Template)]
#[template(path = "around.html")]
struct Around<'a> {
    layout: Layout,
    main: &'a str,
}

pub(crate) fn around(frame: &Frame, title: &str, main: &str) -> String {
    let mut layout = Layout::bare(title);
    if frame.viewer == Viewer::Full {
        layout.csrf.clone_from(&frame.csrf);
    }
    let page = Around { layout, main };
    page.render().unwrap_or_default()
}

/// A page with a short message.
#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct Message {
    pub(crate) layout: Layout,
    pub(crate) text: &'static str,
    pub(crate) link: (&'static str, &'static str),
}

pub(crate) fn html(page: &impl Template) -> Result<Response, Failure> {
    Ok(Html(page.render()?).into_response())
}

/// A time on a page, which the gate's script shows in the time zone of the browser.
pub(crate) fn date(time: &Timestamp) -> String {
    (Words::ENGLISH.date_and_time)(*time)
}

/// A time for that script.
pub(crate) fn datetime(time: &Timestamp) -> String {
    let seconds = i64::try_from(time.as_unix()).unwrap_or_default();
    let time = time::OffsetDateTime::from_unix_timestamp(seconds).map(|time| time.format(&Rfc3339));
    time.ok().and_then(Result::ok).unwrap_or_default()
}

/// The prefix of the gate's pages.
const GATE: &str = "/two-factor";
