use std::error::Error;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use countersign_axum::NotOurForm;

use crate::BoxError;
use crate::layout::{Layout, Message};

/// Why a handler stopped: it has another page for the user, or the service failed.
pub(crate) enum Failure {
    Page(Box<Response>),
    Internal(BoxError),
}

impl Failure {
    pub(crate) fn not_found() -> Self {
        let text = "There is no page at this address, or you may not see it.";
        Self::message(StatusCode::NOT_FOUND, "Page not found", text)
    }

    /// Refuses a form of ours whose token is not that of the session.
    pub(crate) fn not_our_form(_: NotOurForm) -> Self {
        let text = "The form was out of date. Nothing was changed.";
        Self::message(StatusCode::FORBIDDEN, "Please try again", text)
    }

    pub(crate) fn message(status: StatusCode, title: &'static str, text: &'static str) -> Self {
        Self::Page(Box::new(message(status, title, text)))
    }
}

/// A page about an error, which is the same for everybody.
pub(crate) fn message(status: StatusCode, title: &'static str, text: &'static str) -> Response {
    let page = Message {
        layout: Layout::bare(title),
        text,
        link: ("/account", "Go to your account"),
    };
    match page.render() {
        Ok(page) => (status, Html(page)).into_response(),
        Err(_) => (status, title).into_response(),
    }
}

/// Converts any error, so that handlers can use `?`.
impl<E: Into<BoxError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Internal(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => *page,
            Self::Internal(error) => {
                tracing::error!(error = &*error as &(dyn Error + 'static), "failed");
                message(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "That could not be done just now",
                    "It is not your fault. Please try again in a minute.",
                )
            }
        }
    }
}
