//! The proof for a change: from the session if it is recent, otherwise from the user. The verifier
//! checks the proof and makes the change in one atomic write. This module only decides what to ask
//! for.

use askama::Template;
use axum::response::{IntoResponse, Response};
use countersign::factor::RateLimitState;
use countersign::runtime::Clock;
use countersign::{Denied, FirstFactor, Proof, SealedReceipt, Status, Timestamp, Verifier};
use serde::Deserialize;

use crate::app::{App, OrFail, run_to_completion};
use crate::failure::Failure;
use crate::layout::{Flash, Layout, html};
use crate::messages::{self, Wait};
use crate::session::Member;
use crate::store::AppStore;
use crate::time_format::span;
use crate::users::Checked;

/// The inputs that a form asks for.
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

    /// The password if the session has a recent receipt; otherwise a code.
    pub(crate) fn password_or_code(app: &App, member: &Member) -> Self {
        let recent = has_recent_receipt(app, member);
        Self {
            password: recent,
            code: !recent,
        }
    }

    /// The password, and a code if the session has no recent receipt.
    pub(crate) fn password_and_receipt(app: &App, member: &Member) -> Self {
        Self {
            password: true,
            code: !has_recent_receipt(app, member),
        }
    }

    /// The inputs that the form asked for: a code, or the password. If these inputs are no longer
    /// enough, the verifier refuses them.
    pub(crate) const fn sent(typed: &Typed) -> Self {
        Self {
            password: typed.code.is_empty(),
            code: !typed.code.is_empty(),
        }
    }
}

fn has_recent_receipt(app: &App, member: &Member) -> bool {
    let age = app.verifier().policy().proof_age().as_secs();
    let now = app.clock().now();
    let receipt = member.sign_in.receipt.as_ref();
    // A minute less, because filling in the form takes time.
    receipt.is_some_and(|receipt| now.saturating_since(receipt.at) < age.saturating_sub(60))
}

/// A page that explains a change, and asks for the proof.
#[derive(Template)]
#[template(path = "prove.html")]
pub(crate) struct ProvePage {
    layout: Layout,
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
    /// Creates a page with this text, and a form that this button sends to `action`.
    pub(crate) fn new(
        layout: Layout,
        action: impl Into<String>,
        text: impl Into<String>,
        button: &'static str,
        asked: Asked,
    ) -> Self {
        Self {
            layout,
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

    /// Marks the change as dangerous, because the user loses something.
    pub(crate) fn dangerous(self) -> Self {
        Self {
            danger: true,
            ..self
        }
    }

    /// Asks for a name too, and suggests this one.
    pub(crate) fn naming(self, name: &'static str) -> Self {
        Self {
            name: Some(name),
            ..self
        }
    }

    /// The form works once, with this token.
    pub(crate) fn once(self, token: String) -> Self {
        Self {
            once: Some(token),
            ..self
        }
    }

    /// Shows the page. If the page asks for a code and the account must wait, the page shows how
    /// long.
    pub(crate) async fn show(mut self, app: &App, member: &Member) -> Result<Response, Failure> {
        if self.asked.code {
            let status = app.verifier().status(&member.user.account()).await?;
            let state = match status {
                Status::Enabled(enabled) => enabled.rate_limit,
                _ => RateLimitState::Free,
            };
            self.wait = Wait::of(state);
        }
        Ok(html(&self)?.into_response())
    }
}

/// The fields of a form that asks for a proof.
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

/// A proof that owns its parts, for a separate task.
pub(crate) enum OwnedProof {
    Code(String),
    Reauthenticated(Timestamp, SealedReceipt),
    Password(Timestamp),
}

impl OwnedProof {
    pub(crate) fn proof(&self) -> Proof<'_> {
        match self {
            Self::Code(code) => Proof::Code(code),
            Self::Reauthenticated(password_checked_at, receipt) => Proof::Reauthenticated {
                first_factor: FirstFactor::password(*password_checked_at),
                receipt,
            },
            Self::Password(checked_at) => Proof::Password {
                checked_at: *checked_at,
            },
        }
    }
}

/// Makes a change in a separate task, if the proof is enough. Otherwise it returns a message for
/// the user. Steps that follow the change, such as the mail to the owner, belong in `make`.
pub(crate) async fn change<T, F>(
    app: &App,
    member: &mut Member,
    asked: Asked,
    typed: Typed,
    make: impl FnOnce(Verifier<AppStore>, OwnedProof) -> F,
) -> Result<Result<T, Flash>, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Denied>> + Send + 'static,
{
    if asked.password {
        let checked = app.users().check(&member.user.email, typed.password);
        match checked.await.or_fail()? {
            Checked::Correct(_) => {
                member.sign_in.password_checked_at = app.clock().now();
                member.keep().await?;
            }
            Checked::Wrong => return Ok(Err(Flash::problem(messages::WRONG_PASSWORD))),
            Checked::TooMany { retry_after } => {
                let text = format!(
                    "Too many wrong passwords. Try again in {}.",
                    span(retry_after)
                );
                return Ok(Err(Flash::problem(text)));
            }
        }
    }
    let checked_at = member.sign_in.password_checked_at;
    let proof = match (asked.code, &member.sign_in.receipt) {
        (true, _) => OwnedProof::Code(typed.code),
        (false, Some(receipt)) => OwnedProof::Reauthenticated(checked_at, receipt.sealed.clone()),
        (false, None) => OwnedProof::Password(checked_at),
    };
    let verifier = app.verifier_keeping(&member.sign_in);
    match run_to_completion(make(verifier, proof)).await? {
        Ok(made) => Ok(Ok(made)),
        Err(Denied::Rejected(rejection)) => Ok(Err(Flash::problem(messages::refusal(rejection)))),
        Err(Denied::Failed(error)) => Err(error.into()),
    }
}
