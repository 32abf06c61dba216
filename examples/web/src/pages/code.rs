//! The second page: one field for a code from an app or a backup code.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use countersign::{AcceptedBy, Denied, Rejection, Status};
use serde::Deserialize;

use crate::app::{App, OrFail, to_its_end};
use crate::failure::Failure;
use crate::form::OurForm;
use crate::frame::{Flash, Frame, html};
use crate::mail::Change;
use crate::store::NewSignIn;
use crate::token;
use crate::visitor::{Half, KeptReceipt, SignIn, Stage};
use crate::when::count;
use crate::words::{self, Wait};

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    frame: Frame,
    email: String,
    wait: Option<Wait>,
}

#[derive(Deserialize)]
pub(crate) struct Code {
    code: String,
}

pub(crate) async fn form(State(app): State<App>, half: Half) -> Result<Response, Failure> {
    let Status::Enabled(enabled) = app.verifier().status(&half.user.account()).await? else {
        return changed_meanwhile(&half).await;
    };
    let page = CodePage {
        frame: Frame {
            half: true,
            ..half.visitor.frame("Enter your code").await?
        },
        email: half.user.email,
        wait: Wait::of(enabled.rate_limit),
    };
    Ok(html(&page)?.into_response())
}

pub(crate) async fn verify(
    State(app): State<App>,
    half: Half,
    OurForm(Code { code }): OurForm<Code>,
) -> Result<Response, Failure> {
    let id = token::new()?;
    let store = app.verifier().store().with_sign_in(NewSignIn {
        id: id.clone(),
        user: half.user.id,
    });
    let (verifier, user) = (app.verifier().with_store(store), half.user.clone());
    let service = app.clone();
    let verdict = to_its_end(async move {
        let verdict = verifier.verify(&user.account(), &code).await;
        if let Ok(receipt) = &verdict
            && let AcceptedBy::BackupCode {
                number, remaining, ..
            } = receipt.accepted_by()
        {
            service.tell(&user, &Change::CodeUsed { number, remaining });
        }
        verdict
    })
    .await?;
    let receipt = match verdict {
        Ok(receipt) => receipt,
        Err(Denied::Rejected(Rejection::Absent | Rejection::Disabled)) => {
            return changed_meanwhile(&half).await;
        }
        Err(Denied::Rejected(rejection)) => {
            // The page itself shows how long to wait.
            if rejection.retry_after().is_none() && rejection != Rejection::Locked {
                half.visitor
                    .say(Flash::problem(words::why(rejection)))
                    .await?;
            }
            return Ok(Redirect::to("/sign-in/code").into_response());
        }
        Err(Denied::Failed(error)) => return Err(error.into()),
    };
    let by = receipt.accepted_by();
    // Only now is the sign-in anybody's. It is in the table since the code was accepted.
    let sign_in = SignIn {
        id: id.clone(),
        password_checked_at: half.password_checked_at,
        receipt: Some(KeptReceipt::of(&app, &receipt)),
    };
    if !half.visitor.enter(Stage::Full(sign_in)).await? {
        // One half-signed-in session lets in once. Another request of the browser was first, or has signed out.
        app.users().sign_out(&id).await.or_fail()?;
        return Ok(Redirect::to("/account").into_response());
    }
    if let AcceptedBy::BackupCode {
        number, remaining, ..
    } = by
    {
        let left = count(u64::from(remaining), "code");
        let text =
            format!("You have signed in with backup code {number}. Cross it out: {left} left.");
        half.visitor.say(Flash::notice(text)).await?;
    }
    Ok(Redirect::to("/account").into_response())
}

async fn changed_meanwhile(half: &Half) -> Result<Response, Failure> {
    half.visitor.leave().await?;
    let text = "Your second factor has just been changed. Please sign in again.";
    half.visitor.say(Flash::problem(text)).await?;
    Ok(Redirect::to("/sign-in").into_response())
}
