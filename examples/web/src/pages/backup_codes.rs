//! Backup codes: issued after a password, shown once, as a page and as a file.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use countersign::backup::{BackupCodeFile, BackupCodes};
use countersign::otp::SecretText;
use countersign::runtime::Clock;
use serde::Deserialize;

use super::prove::{Asked, ProvePage, Typed, change};
use crate::app::{App, OrFail};
use crate::failure::Failure;
use crate::form::{Nothing, OurForm};
use crate::frame::{Flash, Frame, html};
use crate::mail::Change;
use crate::visitor::Member;
use crate::{SERVICE, token, when};

#[derive(Template)]
#[template(path = "backup_codes.html")]
struct CodesPage {
    frame: Frame,
    codes: BackupCodes,
    text: SecretText,
    file_name: String,
    date: String,
}

#[derive(Deserialize)]
pub(crate) struct File {
    text: String,
}

pub(crate) async fn ask(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    if !member.user.enrolled {
        return Ok(Redirect::to("/account").into_response());
    }
    let token = app.users().offer_once(&member.sign_in.id).await.or_fail()?;
    let page = ProvePage::new(
        member.frame(&app, "Generate backup codes").await?,
        "/two-factor/backup-codes",
        "Ten codes, each good for one sign-in, for when you do not have your phone. They take the place of any \
            that you made before.",
        "Generate backup codes",
        Asked::password_and_receipt(&app, &member),
    )
    .once(token);
    page.show(&app, &member).await
}

/// Shows the codes in the answer itself, because they are kept nowhere. The form works once, so that a reload of this page
/// does not make the codes void that were just printed.
pub(crate) async fn issue(
    State(app): State<App>,
    mut member: Member,
    OurForm(typed): OurForm<Typed>,
) -> Result<Response, Failure> {
    let taken = app.users().take_once(&member.sign_in.id, &typed.once).await;
    if !taken.or_fail()? {
        let text = "That form was sent already, and codes are shown once. If you have saved them, all is well; if not, \
            generate new ones.";
        return member
            .visitor
            .say_at(Flash::problem(text), "/two-factor/backup-codes")
            .await;
    }
    let (owner, service) = (member.user.clone(), app.clone());
    let asked = Asked {
        password: true,
        code: typed.has_code(),
    };
    let issued = change(
        &app,
        &mut member,
        asked,
        typed,
        |verifier, evidence| async move {
            let codes = verifier
                .issue_backup_codes(&owner.account(), evidence.proof())
                .await?;
            service.tell(&owner, &Change::CodesIssued);
            Ok(codes)
        },
    );
    let codes = match issued.await? {
        Ok(codes) => codes,
        Err(flash) => {
            return member
                .visitor
                .say_at(flash, "/two-factor/backup-codes")
                .await;
        }
    };
    let date = when::date(app.clock().now());
    let sheet = BackupCodeFile::english(SERVICE, &date);
    let text = codes.to_text(&sheet);
    member
        .visitor
        .set_sheet(&token::digest(text.expose().as_bytes()))
        .await?;
    let page = CodesPage {
        frame: member.frame(&app, "Your backup codes").await?,
        codes,
        text,
        file_name: sheet.file_name(),
        date,
    };
    Ok(html(&page)?.into_response())
}

/// The page has the text of the file, and sends it here to get it back as a file, so that it works without a script and is
/// kept nowhere. Only the text that was shown last is a file: the session has its digest.
pub(crate) async fn download(
    member: Member,
    OurForm(File { text }): OurForm<File>,
) -> Result<Response, Failure> {
    // The file ends its lines with CR LF. Browsers send them so too, but other clients may send back what HTML made of them.
    let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    let digest = token::digest(text.as_bytes());
    let shown = member.visitor.sheet().await?;
    if !shown.is_some_and(|shown| token::same(&shown, &digest)) {
        return Err(Failure::message(
            StatusCode::FORBIDDEN,
            "These codes are not shown any more",
            "Codes are shown once. If you have not saved them, generate new ones.",
        ));
    }
    let file_name = BackupCodeFile::english(SERVICE, "").file_name();
    let disposition = format!("attachment; filename=\"{file_name}\"");
    let kind = "text/plain; charset=utf-8".to_owned();
    Ok((
        [(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition)],
        text,
    )
        .into_response())
}

pub(crate) async fn saved(
    member: Member,
    OurForm(Nothing {}): OurForm<Nothing>,
) -> Result<Response, Failure> {
    member.visitor.forget_sheet().await?;
    let text = "Good. Keep your backup codes where only you can get at them, and not on the phone.";
    member.visitor.say_at(Flash::notice(text), "/account").await
}
