use std::error::Error;

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use countersign_axum::NotOurForm;

use crate::BoxError;
use crate::layout::Layout;

/// The status of a handler that stopped. [`with_page`] adds the page.
pub(crate) struct Failure(StatusCode);

impl Failure {
    pub(crate) const NOT_FOUND: Self = Self(StatusCode::NOT_FOUND);

    /// Refuses a form of ours whose token is not that of the session.
    pub(crate) fn not_our_form(_: NotOurForm) -> Self {
        Self(StatusCode::FORBIDDEN)
    }
}

/// Logs any error, so that handlers can use `?`.
impl<E: Into<BoxError>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        tracing::error!(error = &*error as &(dyn Error + 'static), "failed");
        Self(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    layout: Layout,
    text: &'static str,
}

/// Adds a page to an answer about an error that has none.
pub(crate) fn with_page(answer: Response) -> Response {
    let kind = answer.headers().get(CONTENT_TYPE);
    let has_page = kind.is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    let (title, text) = match answer.status() {
        _ if has_page => return answer,
        StatusCode::NOT_FOUND => (
            "Page not found",
            "There is no page at this address, or you may not see it.",
        ),
        StatusCode::FORBIDDEN => (
            "Please try again",
            "The form was out of date, or came from another site. Nothing was changed.",
        ),
        status if status.is_client_error() => (
            "That does not work",
            "This address does not take such a request, or the form was incomplete.",
        ),
        status if status.is_server_error() => (
            "That could not be done just now",
            "It is not your fault. Please try again in a minute.",
        ),
        _ => return answer,
    };
    let layout = Layout::bare(title);
    match (Message { layout, text }).render() {
        Ok(page) => (answer.status(), Html(page)).into_response(),
        Err(_) => answer,
    }
}
