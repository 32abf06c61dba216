use actix_session::Session;
use actix_web::web::{Data, Form};
use actix_web::{HttpResponse, post};
use countersign::uri::KeyUri;
use countersign::{Denied, EnrollmentId, EnrollmentRequest, FirstFactor, Proof, Rejection};
use serde::Deserialize;

use crate::pages::{codes_page, not_confirmed, setup_page};
use crate::sign_in::{Stage, see_home, stage};
use crate::{App, Problem};

#[derive(Deserialize)]
pub struct Typed {
    code: String,
    entry: Option<u64>,
}

/// Checks the one field for passcodes and backup codes.
#[post("/code")]
pub async fn code(app: Data<App>, session: Session, Form(typed): Form<Typed>) -> Result<HttpResponse, Problem> {
    let Stage::Half { user, checked_at } = stage(&session)? else {
        return Ok(see_home());
    };
    let id: String = session.get("id")?.unwrap_or_default();
    let task = tokio::spawn(async move {
        let receipt = app.verifier.verify(&user.into(), &typed.code).await?;
        let receipt = Some(app.verifier.seal_receipt(&receipt));
        Ok::<_, Problem>(app.sessions.complete(id, &Stage::Full { user, checked_at, receipt }).await?)
    });
    task.await??;
    Ok(see_home())
}

/// Begins the first enrollment.
#[post("/enroll")]
pub async fn enroll(app: Data<App>, session: Session) -> Result<HttpResponse, Problem> {
    let Stage::Full { user, checked_at, .. } = stage(&session)? else {
        return Ok(see_home());
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
    session.insert("enrollment", (enrollment.id(), entry))?;
    let text = "Scan this QR code with your app, and enter the code that the app shows.";
    Ok(setup_page(200, text, &enrollment)?.into())
}

/// Confirms with a passcode. Only then is the second factor on.
#[post("/confirm")]
pub async fn confirm(app: Data<App>, session: Session, Form(typed): Form<Typed>) -> Result<HttpResponse, Problem> {
    let Stage::Full { user, checked_at, .. } = stage(&session)? else {
        return Ok(see_home());
    };
    let begun: Option<(EnrollmentId, u64)> = session.get("enrollment")?;
    let id = match begun {
        Some((id, current)) if Some(current) == typed.entry => id,
        Some(_) => return Err(Denied::Rejected(Rejection::EnrollmentSuperseded).into()),
        None => return Err(Denied::Rejected(Rejection::NoEnrollment).into()),
    };
    let session_id: String = session.get("id")?.unwrap_or_default();
    let task = tokio::spawn(async move {
        let account = user.into();
        match app.verifier.confirm_enrollment(&account, id, &typed.code).await {
            Ok(receipt) => {
                let receipt = Some(app.verifier.seal_receipt(&receipt));
                app.sessions.complete(session_id, &Stage::Full { user, checked_at, receipt }).await?;
                Ok(None)
            }
            Err(Denied::Rejected(
                rejection @ (Rejection::Malformed | Rejection::WrongConfirmation { tries_left: 1.. }),
            )) => {
                let enrollment = app.verifier.pending_enrollment(&account, id).await?;
                Ok(Some(setup_page(422, &not_confirmed(rejection), &enrollment)?))
            }
            Err(denied) => Err(Problem::from(denied)),
        }
    });
    Ok(task.await??.map_or_else(see_home, HttpResponse::from))
}

/// Replaces the backup codes, and shows the new ones.
#[post("/backup-codes")]
pub async fn backup_codes(app: Data<App>, session: Session) -> Result<HttpResponse, Problem> {
    let Stage::Full { user, checked_at, receipt: Some(receipt) } = stage(&session)? else {
        return Err(Denied::Rejected(Rejection::Disabled).into());
    };
    let task = tokio::spawn(async move {
        let proof = Proof::Reauthenticated { first_factor: FirstFactor::password(checked_at), receipt: &receipt };
        app.verifier.issue_backup_codes(&user.into(), proof).await
    });
    Ok(codes_page(&task.await??).into())
}
