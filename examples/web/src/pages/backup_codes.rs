//! Backup codes: issued after a password check, and shown once, as a page and as a file.

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
use crate::layout::{Flash, Layout, html};
use crate::mail::Change;
use crate::session::Member;
use crate::{SERVICE, time_format, token};

#[derive(Template)]
#[template(path = "backup_codes.html")]
struct CodesPage {
    layout: Layout,
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
        member.layout(&app, "Generate backup codes").await?,
        "/two-factor/backup-codes",
        "You get ten codes. Each signs you in once, when you do not have your phone. They replace all your earlier \
            codes.",
        "Generate backup codes",
        Asked::password_and_receipt(&app, &member),
    )
    .once(token);
    page.show(&app, &member).await
}

/// Shows the codes in the answer itself, because they are stored nowhere. The form works once:
/// otherwise a reload of this page would replace the codes that were just printed.
pub(crate) async fn issue(
    State(app): State<App>,
    mut member: Member,
    OurForm(typed): OurForm<Typed>,
) -> Result<Response, Failure> {
    let taken = app.users().take_once(&member.sign_in.id, &typed.once).await;
    if !taken.or_fail()? {
        let text = "Your new backup codes are shown once, and the page was shown already. If you have not saved them, \
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
        |verifier, proof| async move {
            let codes = verifier
                .issue_backup_codes(&owner.account(), proof.proof())
                .await?;
            service.notify(&owner, &Change::CodesIssued);
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
    let date = time_format::date(app.clock().now());
    let file = BackupCodeFile::english(SERVICE, &date);
    let text = codes.to_text(&file);
    member
        .visitor
        .set_file(&token::hash(text.expose().as_bytes()))
        .await?;
    let page = CodesPage {
        layout: member.layout(&app, "Your backup codes").await?,
        codes,
        text,
        file_name: file.file_name(),
        date,
    };
    Ok(html(&page)?.into_response())
}

/// Returns the file. The page sends the text of the file here, so that the download works without a
/// script and nothing stores the text. Only the text that was shown last is accepted: the session
/// has its hash.
pub(crate) async fn download(
    member: Member,
    OurForm(File { text }): OurForm<File>,
) -> Result<Response, Failure> {
    // The file ends its lines with CR LF. Browsers send CR LF too, but other clients may send LF,
    // as in the HTML.
    let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    let hash = token::hash(text.as_bytes());
    let shown = member.visitor.file().await?;
    if !shown.is_some_and(|shown| token::equal(&shown, &hash)) {
        return Err(Failure::message(
            StatusCode::FORBIDDEN,
            "These codes are no longer shown",
            "Backup codes are shown once. If you have not saved them, generate new ones.",
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
    member.visitor.forget_file().await?;
    let text =
        "Good. Keep your backup codes in a place that only you can reach, and not on your phone.";
    member.visitor.say_at(Flash::notice(text), "/account").await
}
