//! The code page: one field for a code from an app or a backup code.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use countersign::{AcceptedBy, Denied, Rejection, Status};
use serde::Deserialize;

use crate::app::{App, OrFail, run_to_completion};
use crate::failure::Failure;
use crate::form::OurForm;
use crate::layout::{Flash, Layout, html};
use crate::mail::Change;
use crate::messages::{self, Wait};
use crate::session::{KeptReceipt, Partial, SignIn, Stage};
use crate::store::NewSignIn;
use crate::time_format::count;
use crate::token;

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    layout: Layout,
    email: String,
    wait: Option<Wait>,
}

#[derive(Deserialize)]
pub(crate) struct Code {
    code: String,
}

pub(crate) async fn form(State(app): State<App>, partial: Partial) -> Result<Response, Failure> {
    let Status::Enabled(enabled) = app.verifier().status(&partial.user.account()).await? else {
        return changed_meanwhile(&partial).await;
    };
    let page = CodePage {
        layout: Layout {
            partial: true,
            ..partial.visitor.layout("Enter your code").await?
        },
        email: partial.user.email,
        wait: Wait::of(enabled.rate_limit),
    };
    Ok(html(&page)?.into_response())
}

pub(crate) async fn verify(
    State(app): State<App>,
    partial: Partial,
    OurForm(Code { code }): OurForm<Code>,
) -> Result<Response, Failure> {
    let id = token::new()?;
    let store = app.verifier().store().with_sign_in(NewSignIn {
        id: id.clone(),
        user: partial.user.id,
    });
    let (verifier, user) = (app.verifier().with_store(store), partial.user.clone());
    let service = app.clone();
    let result = run_to_completion(async move {
        let result = verifier.verify(&user.account(), &code).await;
        if let Ok(receipt) = &result
            && let AcceptedBy::BackupCode {
                number, remaining, ..
            } = receipt.accepted_by()
        {
            service.notify(&user, &Change::CodeUsed { number, remaining });
        }
        result
    })
    .await?;
    let receipt = match result {
        Ok(receipt) => receipt,
        Err(Denied::Rejected(Rejection::Absent | Rejection::Disabled)) => {
            return changed_meanwhile(&partial).await;
        }
        Err(Denied::Rejected(rejection)) => {
            // The page itself shows how long to wait.
            if rejection.retry_after().is_none() && rejection != Rejection::Locked {
                partial
                    .visitor
                    .say(Flash::problem(messages::refusal(rejection)))
                    .await?;
            }
            return Ok(Redirect::to("/sign-in/code").into_response());
        }
        Err(Denied::Failed(error)) => return Err(error.into()),
    };
    let by = receipt.accepted_by();
    // The store inserted the sign-in with the accepted code. Only now does a session name it.
    let sign_in = SignIn {
        id: id.clone(),
        password_checked_at: partial.password_checked_at,
        receipt: Some(KeptReceipt::of(&app, &receipt)),
    };
    if !partial.visitor.enter(Stage::SignedIn(sign_in)).await? {
        // Another request of this browser signed in first, or signed out: a session signs in at
        // most once.
        app.users().sign_out(&id).await.or_fail()?;
        return Ok(Redirect::to("/account").into_response());
    }
    if let AcceptedBy::BackupCode {
        number, remaining, ..
    } = by
    {
        let left = count(u64::from(remaining), "code");
        let text = format!(
            "You have signed in with backup code {number}. Cross it out: you have {left} left."
        );
        partial.visitor.say(Flash::notice(text)).await?;
    }
    Ok(Redirect::to("/account").into_response())
}

async fn changed_meanwhile(partial: &Partial) -> Result<Response, Failure> {
    partial.visitor.leave().await?;
    let text = "Your second factor has just been changed. Please sign in again.";
    partial.visitor.say(Flash::problem(text)).await?;
    Ok(Redirect::to("/sign-in").into_response())
}
