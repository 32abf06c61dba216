use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use countersign::Timestamp;
use countersign_axum::SignedIn;
use countersign_axum::gate::page::{Frame, Viewer};
use countersign_axum::gate::words::{self, Words};

use crate::app::App;
use crate::failure::Failure;
use crate::users::User;

/// The parts of every page.
#[derive(Default)]
pub(crate) struct Layout {
    pub(crate) title: String,
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
            title: title.into(),
            ..Self::default()
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

    pub(crate) fn with_problem(self, problem: impl Into<String>) -> Self {
        let problem = Some(problem.into());
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

pub(crate) fn html(page: &impl Template) -> Result<Response, Failure> {
    Ok(Html(page.render()?).into_response())
}

/// A time on a page, which the gate's script shows in the time zone of the browser.
pub(crate) fn date(time: &Timestamp) -> String {
    (Words::ENGLISH.date_and_time)(*time)
}

/// A time for that script.
pub(crate) fn datetime(time: &Timestamp) -> String {
    words::datetime(*time)
}
