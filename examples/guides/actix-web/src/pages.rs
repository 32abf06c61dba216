use std::time::Duration;

use countersign::backup::BackupCodes;
use countersign::uri::qr::QrError;
use countersign::{Enrollment, Rejection};

pub struct Page {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub html: String,
}

/// Shows nothing that a user typed, so nothing has to be escaped.
pub fn page(status: u16, text: &str, forms: &str) -> Page {
    let html = format!("<!doctype html><title>Example</title><p>{text}</p>{forms}");
    Page { status, retry_after: None, html }
}

pub fn setup_page(status: u16, text: &str, enrollment: &Enrollment) -> Result<Page, QrError> {
    let (uri, entry) = (enrollment.key_uri(), enrollment.expires_at().as_unix());
    let (qr, key) = (uri.qr()?.svg(), uri.secret().to_base32_grouped());
    let form = format!(
        r#"<div style="width:20em">{}</div><p>Or type this key: <b>{}</b></p>
        <form method="post" action="/confirm"><input type="hidden" name="entry" value="{entry}">
        <input name="code" autocomplete="off" required> <button>Confirm</button></form>"#,
        qr.expose(),
        key.expose()
    );
    Ok(page(status, text, &form))
}

pub fn codes_page(codes: &BackupCodes) -> Page {
    let list: String = codes.iter().map(|code| format!("<li>{code}</li>")).collect();
    let text = "New backup codes. Each works once. Save them now: they are not shown again.";
    page(200, text, &format!("<ol>{list}</ol>{HOME}"))
}

/// The text of the setup page after a code that does not confirm.
pub fn not_confirmed(rejection: Rejection) -> String {
    match rejection {
        Rejection::WrongConfirmation { tries_left } => {
            format!("That is not the code of this entry. QR code and key stay the same; {tries_left} tries left.")
        }
        _ => "That is not a code: your app shows 6 digits.".into(),
    }
}

/// The page for a rejection: what happened, and the form for the next step.
pub fn refused(rejection: Rejection) -> Page {
    let (status, text, forms) = match rejection {
        Rejection::Malformed | Rejection::WrongCode | Rejection::Replayed | Rejection::BackupCodeUsed => {
            (422, NOT_ACCEPTED, CODE)
        }
        Rejection::Waiting { .. } | Rejection::BudgetSpent { .. } => (429, TOO_MANY, CODE),
        Rejection::Locked => (429, LOCKED, HOME),
        Rejection::ClockFault => (503, CLOCK_FAULT, HOME),
        Rejection::ProofExpired | Rejection::ForeignReceipt => (403, EXPIRED, SIGN_IN),
        Rejection::ProofTooWeak => (409, "Two-factor authentication is already on.", HOME),
        Rejection::Absent | Rejection::Disabled => (409, "Two-factor authentication is off.", OFF),
        Rejection::TooManyEnrollments { .. } => (429, TOO_MANY_SETUPS, HOME),
        Rejection::WrongConfirmation { tries_left: 0 } => (410, NO_TRIES_LEFT, OFF),
        Rejection::EnrollmentExpired => (410, TOO_OLD, OFF),
        Rejection::EnrollmentSuperseded => (410, SUPERSEDED, HOME),
        Rejection::NoEnrollment => (410, "This setup is over: finished or cancelled.", HOME),
        Rejection::TooManyIssues { .. } => (429, TOO_MANY_ISSUES, HOME),
        Rejection::IssueExpired => (409, TOO_SLOW, ON),
        _ => (403, "That was refused. Nothing was changed.", HOME),
    };
    let retry_after = rejection.retry_after();
    let wait = retry_after.map(|time| format!(" Try again in {} s.", time.as_secs()));
    let text = format!("{text}{}", wait.unwrap_or_default());
    Page { retry_after, ..page(status, &text, forms) }
}

const NOT_ACCEPTED: &str = "That code was not accepted. Each code works once, so wait for the next one in your app. \
    If it goes on, check that the clock of your phone is set automatically.";
const TOO_MANY: &str = "Too many wrong codes.";
const LOCKED: &str = "Too many wrong codes: your second factor is locked. Write to us to have it unlocked.";
const CLOCK_FAULT: &str = "We cannot check codes for your account just now. Please write to us.";
const EXPIRED: &str = "That took a while. To be sure that it is you, please sign in again.";
const TOO_MANY_SETUPS: &str = "You started to set up too many authenticators.";
const NO_TRIES_LEFT: &str = "Too many wrong codes. Delete this entry from your app, and begin again.";
const TOO_OLD: &str = "This QR code is too old. Delete its entry from your app, and begin again.";
const SUPERSEDED: &str = "You began again in another tab. Delete this entry, and go on there.";
const TOO_MANY_ISSUES: &str = "You made new backup codes three times within a day. The newest codes are valid.";
const TOO_SLOW: &str = "That took too long. No new backup codes were made. Please try again.";
pub const FAILED: &str = "That could not be done just now. It is not your fault. Please try again in a minute.";

pub const HOME: &str = r#"<a href="/">Go on</a>"#;
pub const SIGN_IN: &str = r#"<form method="post" action="/sign-in">
    <input name="email" type="email" autocomplete="username" required>
    <input name="password" type="password" required>
    <button>Sign in</button> <button formaction="/sign-up">Sign up</button></form>"#;
pub const CODE: &str = r#"<form method="post" action="/code">
    <input name="code" autocomplete="one-time-code" required> <button>Go on</button></form>
    <form method="post" action="/sign-out"><button>Sign out</button></form>"#;
pub const OFF: &str = r#"<form method="post" action="/enroll"><button>Enable 2FA</button></form>
    <form method="post" action="/sign-out"><button>Sign out</button></form>"#;
pub const ON: &str = r#"<form method="post" action="/backup-codes">
    <button>Make backup codes</button></form>
    <form method="post" action="/sign-out"><button>Sign out</button></form>"#;
