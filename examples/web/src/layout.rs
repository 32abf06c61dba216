use askama::Template;
use axum::response::Html;
use serde::{Deserialize, Serialize};

use crate::SERVICE;
use crate::assets;

/// The parts of every page.
pub(crate) struct Layout {
    pub(crate) service: &'static str,
    pub(crate) title: &'static str,
    pub(crate) style: &'static str,
    pub(crate) script: &'static str,
    /// The token for the forms of this page. Empty on pages without a form.
    pub(crate) csrf: String,
    pub(crate) flash: Option<Flash>,
    /// The email address of the user who is signed in.
    pub(crate) email: Option<String>,
    /// Whether the password was correct and the code is missing.
    pub(crate) partial: bool,
    pub(crate) operator: bool,
}

impl Layout {
    /// A page without a session.
    pub(crate) fn bare(title: &'static str) -> Self {
        Self {
            service: SERVICE,
            title,
            style: assets::style_path(),
            script: assets::script_path(),
            csrf: String::new(),
            flash: None,
            email: None,
            partial: false,
            operator: false,
        }
    }

    /// The problem with the form on this page.
    pub(crate) fn problem(&self) -> Option<&str> {
        let flash = self.flash.as_ref()?;
        (!flash.good).then_some(&*flash.text)
    }

    /// The text that was typed into a field, if it is not secret.
    pub(crate) fn typed(&self) -> &str {
        let typed = self.flash.as_ref().and_then(|flash| flash.typed.as_deref());
        typed.unwrap_or_default()
    }
}

/// A message for the next page. Forms answer with a redirect, so that a reload does not send the
/// form again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Flash {
    pub(crate) good: bool,
    pub(crate) text: String,
    pub(crate) typed: Option<String>,
}

impl Flash {
    pub(crate) fn notice(text: impl Into<String>) -> Self {
        Self {
            good: true,
            text: text.into(),
            typed: None,
        }
    }

    pub(crate) fn problem(text: impl Into<String>) -> Self {
        Self {
            good: false,
            ..Self::notice(text)
        }
    }

    pub(crate) fn with_typed(self, typed: &str) -> Self {
        Self {
            typed: Some(typed.to_owned()),
            ..self
        }
    }
}

/// A page with a short message.
#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct Message {
    pub(crate) layout: Layout,
    pub(crate) text: &'static str,
    pub(crate) link: (&'static str, &'static str),
}

pub(crate) fn html(page: &impl Template) -> Result<Html<String>, askama::Error> {
    page.render().map(Html)
}
