use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use countersign::uri::KeyUri;
use countersign::{Denied, EnrollmentId, EnrollmentRequest, FirstFactor, Proof, Rejection};
use serde::Deserialize;
use tower_sessions::Session;

use crate::pages::{Page, codes_page, not_confirmed, setup_page};
use crate::sign_in::{Stage, stage};
use crate::{App, Problem};

#[derive(Deserialize)]
pub struct Typed {
    code: String,
    entry: Option<u64>,
}

/// Checks the one field for passcodes and backup codes.
pub async fn code(State(app): State<App>, session: Session, Form(typed): Form<Typed>) -> Result<Response, Problem> {
    let Stage::Half { user, checked_at } = stage(&session).await? else {
        return Ok(Redirect::to("/").into_response());
    };
    let task = tokio::spawn(async move {
        let receipt = app.verifier.verify(&user.into(), &typed.code).await?;
        let receipt = Some(app.verifier.seal_receipt(&receipt));
        complete(&session, &Stage::Full { user, checked_at, receipt }).await
    });
    task.await??;
    Ok(Redirect::to("/").into_response())
}

/// Completes a login. The next page gives the session a new id.
async fn complete(session: &Session, full: &Stage) -> Result<(), Problem> {
    session.insert("stage", full).await?;
    session.insert("renew", true).await?;
    session.remove_value("enrollment").await?;
    Ok(session.save().await?)
}

/// Begins the first enrollment.
pub async fn enroll(State(app): State<App>, session: Session) -> Result<Response, Problem> {
    let Stage::Full { user, checked_at, .. } = stage(&session).await? else {
        return Ok(Redirect::to("/").into_response());
    };
    let sql = "SELECT email FROM users WHERE id = $1";
    let email: String = sqlx::query_scalar(sql).bind(user).fetch_one(&app.pool).await?;
    let task = tokio::spawn(async move {
        let request = EnrollmentRequest::new(&KeyUri::fit_name(&email, 30));
        let proof = Proof::Password { checked_at };
        app.verifier.begin_enrollment(&user.into(), request, proof).await
    });
    let enrollment = task.await??;
    let entry = enrollment.expires_at().as_unix();
    session.insert("enrollment", (enrollment.id(), entry)).await?;
    let text = "Scan this QR code with your app, and enter the code that the app shows.";
    Ok(setup_page(200, text, &enrollment)?.into_response())
}

/// Confirms with a passcode. Only then is the second factor on.
pub async fn confirm(State(app): State<App>, session: Session, Form(typed): Form<Typed>) -> Result<Response, Problem> {
    let Stage::Full { user, checked_at, .. } = stage(&session).await? else {
        return Ok(Redirect::to("/").into_response());
    };
    let begun: Option<(EnrollmentId, u64)> = session.get("enrollment").await?;
    let id = match begun {
        Some((id, current)) if Some(current) == typed.entry => id,
        Some(_) => return Err(Denied::Rejected(Rejection::EnrollmentSuperseded).into()),
        None => return Err(Denied::Rejected(Rejection::NoEnrollment).into()),
    };
    let task = tokio::spawn(async move {
        let account = user.into();
        match app.verifier.confirm_enrollment(&account, id, &typed.code).await {
            Ok(receipt) => {
                let receipt = Some(app.verifier.seal_receipt(&receipt));
                complete(&session, &Stage::Full { user, checked_at, receipt }).await?;
                Ok::<_, Problem>(Redirect::to("/").into_response())
            }
            Err(Denied::Rejected(
                rejection @ (Rejection::Malformed | Rejection::WrongConfirmation { tries_left: 1.. }),
            )) => {
                let enrollment = app.verifier.pending_enrollment(&account, id).await?;
                Ok(setup_page(422, &not_confirmed(rejection), &enrollment)?.into_response())
            }
            Err(denied) => Err(denied.into()),
        }
    });
    task.await?
}

/// Replaces the backup codes, and shows the new ones.
pub async fn backup_codes(State(app): State<App>, session: Session) -> Result<Page, Problem> {
    let Stage::Full { user, checked_at, receipt: Some(receipt) } = stage(&session).await? else {
        return Err(Denied::Rejected(Rejection::Disabled).into());
    };
    let task = tokio::spawn(async move {
        let proof = Proof::Reauthenticated { first_factor: FirstFactor::password(checked_at), receipt: &receipt };
        app.verifier.issue_backup_codes(&user.into(), proof).await
    });
    Ok(codes_page(&task.await??))
}
