//! Why a change may be made: what the session holds, if it is fresh, and what the person types now. The verifier judges the
//! proof, in the same swap as the change; here is only decided what to ask for.

use askama::Template;
use axum::response::{IntoResponse, Response};
use countersign::factor::RateLimitState;
use countersign::runtime::Clock;
use countersign::{Denied, Proof, SealedReceipt, Status, Timestamp, Verifier};
use serde::Deserialize;

use crate::app::{App, OrFail, to_its_end};
use crate::failure::Failure;
use crate::frame::{Flash, Frame, html};
use crate::store::HostStore;
use crate::users::Checked;
use crate::visitor::Member;
use crate::when::span;
use crate::words::{self, Wait};

/// What a form asks for.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) password: bool,
    pub(crate) code: bool,
}

impl Asked {
    pub(crate) const PASSWORD: Self = Self {
        password: true,
        code: false,
    };
    pub(crate) const BOTH: Self = Self {
        password: true,
        code: true,
    };

    /// The password if the session's own receipt is fresh; else a code.
    pub(crate) fn password_or_code(app: &App, member: &Member) -> Self {
        let fresh = has_fresh_receipt(app, member);
        Self {
            password: fresh,
            code: !fresh,
        }
    }

    /// The password, and a code if the session's own receipt is not fresh.
    pub(crate) fn password_and_receipt(app: &App, member: &Member) -> Self {
        Self {
            password: true,
            code: !has_fresh_receipt(app, member),
        }
    }

    /// What was asked for when the form was shown: a code, or else the password. If that is not enough by now, the verifier
    /// says so.
    pub(crate) const fn sent(typed: &Typed) -> Self {
        Self {
            password: typed.code.is_empty(),
            code: !typed.code.is_empty(),
        }
    }
}

fn has_fresh_receipt(app: &App, member: &Member) -> bool {
    let age = app.verifier().policy().proof_age().as_secs();
    let now = app.clock().now();
    let receipt = member.sign_in.receipt.as_ref();
    // A minute less, for the time that it takes to fill the form in.
    receipt.is_some_and(|receipt| now.saturating_since(receipt.at) < age.saturating_sub(60))
}

/// A page that asks whether it is to be done, and for the proof.
#[derive(Template)]
#[template(path = "prove.html")]
pub(crate) struct ProvePage {
    frame: Frame,
    action: String,
    text: String,
    button: &'static str,
    danger: bool,
    name: Option<&'static str>,
    once: Option<String>,
    asked: Asked,
    wait: Option<Wait>,
}

impl ProvePage {
    /// With this text, and a form that is sent to `action` by this button.
    pub(crate) fn new(
        frame: Frame,
        action: impl Into<String>,
        text: impl Into<String>,
        button: &'static str,
        asked: Asked,
    ) -> Self {
        Self {
            frame,
            action: action.into(),
            text: text.into(),
            button,
            danger: false,
            name: None,
            once: None,
            asked,
            wait: None,
        }
    }

    /// Something is lost by it.
    pub(crate) fn dangerous(self) -> Self {
        Self {
            danger: true,
            ..self
        }
    }

    /// Asks for a name, and suggests this one.
    pub(crate) fn naming(self, name: &'static str) -> Self {
        Self {
            name: Some(name),
            ..self
        }
    }

    /// The form is good for one sending, with this token.
    pub(crate) fn once(self, token: String) -> Self {
        Self {
            once: Some(token),
            ..self
        }
    }

    /// Shows the page. If it asks for a code and none is looked at now, it says how long to wait.
    pub(crate) async fn show(mut self, app: &App, member: &Member) -> Result<Response, Failure> {
        if self.asked.code {
            let status = app.verifier().status(&member.user.account()).await?;
            let hold = match status {
                Status::Enabled(enabled) => enabled.rate_limit,
                _ => RateLimitState::Free,
            };
            self.wait = Wait::of(hold);
        }
        Ok(html(&self)?.into_response())
    }
}

/// What such a form sends.
#[derive(Deserialize)]
pub(crate) struct Typed {
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) once: String,
}

impl Typed {
    pub(crate) const fn has_password(&self) -> bool {
        !self.password.is_empty()
    }

    pub(crate) const fn has_code(&self) -> bool {
        !self.code.is_empty()
    }
}

/// A proof that owns its parts, for a task of its own.
pub(crate) enum Evidence {
    Code(String),
    Reauthenticated(Timestamp, SealedReceipt),
    Password(Timestamp),
}

impl Evidence {
    pub(crate) fn proof(&self) -> Proof<'_> {
        match self {
            Self::Code(code) => Proof::Code(code),
            Self::Reauthenticated(password_checked_at, receipt) => Proof::Reauthenticated {
                password_checked_at: *password_checked_at,
                receipt,
            },
            Self::Password(checked_at) => Proof::Password {
                checked_at: *checked_at,
            },
        }
    }
}

/// Makes a change with what was typed, in a task of its own, if it is proof enough. Else it gives the words to say why not.
/// What belongs to the change, as the mail to the owner, is for `make` to do.
pub(crate) async fn change<T, F>(
    app: &App,
    member: &mut Member,
    asked: Asked,
    typed: Typed,
    make: impl FnOnce(Verifier<HostStore>, Evidence) -> F,
) -> Result<Result<T, Flash>, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Denied>> + Send + 'static,
{
    if asked.password {
        let checked = app.users().check(&member.user.email, typed.password);
        match checked.await.or_fail()? {
            Checked::Right(_) => {
                member.sign_in.password_checked_at = app.clock().now();
                member.keep().await?;
            }
            Checked::Wrong => return Ok(Err(Flash::problem(words::WRONG_PASSWORD))),
            Checked::TooMany { retry_after } => {
                let text = format!("Too many tries. Try again in {}.", span(retry_after));
                return Ok(Err(Flash::problem(text)));
            }
        }
    }
    let checked_at = member.sign_in.password_checked_at;
    let evidence = match (asked.code, &member.sign_in.receipt) {
        (true, _) => Evidence::Code(typed.code),
        (false, Some(receipt)) => Evidence::Reauthenticated(checked_at, receipt.sealed.clone()),
        (false, None) => Evidence::Password(checked_at),
    };
    let verifier = app.verifier_keeping(&member.sign_in);
    match to_its_end(make(verifier, evidence)).await? {
        Ok(made) => Ok(Ok(made)),
        Err(Denied::Rejected(rejection)) => Ok(Err(Flash::problem(words::why(rejection)))),
        Err(Denied::Failed(error)) => Err(error.into()),
    }
}
