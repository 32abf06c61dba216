use askama::Template;
use axum::response::Html;
use serde::{Deserialize, Serialize};

use crate::SERVICE;
use crate::statics;

/// What all pages have.
pub(crate) struct Frame {
    pub(crate) service: &'static str,
    pub(crate) title: &'static str,
    pub(crate) style: &'static str,
    pub(crate) script: &'static str,
    /// The token that a form brings back. Empty on pages without a form.
    pub(crate) csrf: String,
    pub(crate) flash: Option<Flash>,
    /// Who is signed in.
    pub(crate) email: Option<String>,
    /// Whether the password was right and the code is not given yet.
    pub(crate) half: bool,
    pub(crate) operator: bool,
}

impl Frame {
    /// A page that knows nobody.
    pub(crate) fn bare(title: &'static str) -> Self {
        Self {
            service: SERVICE,
            title,
            style: statics::style_path(),
            script: statics::script_path(),
            csrf: String::new(),
            flash: None,
            email: None,
            half: false,
            operator: false,
        }
    }

    /// What went wrong with the form on this page.
    pub(crate) fn problem(&self) -> Option<&str> {
        let flash = self.flash.as_ref()?;
        (!flash.good).then_some(&*flash.text)
    }

    /// What was typed into a field that is no secret.
    pub(crate) fn typed(&self) -> &str {
        let typed = self.flash.as_ref().and_then(|flash| flash.typed.as_deref());
        typed.unwrap_or_default()
    }
}

/// What the next page says first. Forms answer with a redirect, so that a reload sends nothing twice; this is what they
/// have to say.
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

/// A page of a few words.
#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct Message {
    pub(crate) frame: Frame,
    pub(crate) text: &'static str,
    pub(crate) link: (&'static str, &'static str),
}

pub(crate) fn html(page: &impl Template) -> Result<Html<String>, askama::Error> {
    page.render().map(Html)
}
