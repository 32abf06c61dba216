use std::error::Error;
use std::fmt;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::layout::{Layout, Message, html};

/// Why a handler stopped: it has another page for the user, or the service failed.
pub(crate) enum Failure {
    Page(Box<Response>),
    Internal(Box<dyn Error + Send + Sync>),
}

impl Failure {
    pub(crate) fn not_found() -> Self {
        let text = "There is no page at this address, or you may not see it.";
        Self::message(StatusCode::NOT_FOUND, "Page not found", text)
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
    match html(&page) {
        Ok(page) => (status, page).into_response(),
        Err(_) => (status, title).into_response(),
    }
}

/// Converts any error, so that handlers can use `?`. (So `Failure` itself cannot implement
/// `Error`.)
impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Internal(Box::new(error))
    }
}

/// A boxed error that implements `Error`.
#[derive(Debug)]
pub(crate) struct Boxed(pub(crate) Box<dyn Error + Send + Sync>);

impl fmt::Display for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Boxed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
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
