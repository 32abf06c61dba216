//! Enrolls an authenticator app: shows the key, and confirms it with a passcode from the app.

use std::io::ErrorKind;
use std::path::Path;

use countersign::factor::AuthenticatorStatus;
use countersign::otp::SecretText;
use countersign::uri::qr::Qr;
use countersign::{AuthenticatorName, Denied, Enrollment, EnrollmentRequest, Rejection, Status};
use countersign_login::private_file;

use crate::sign_in::Session;
use crate::terminal::{Stop, Terminal};
use crate::{App, manage, messages, proof, save};

/// Adds a first or another authenticator.
pub(crate) fn add(app: &mut App, session: &mut Session) -> Result<(), Stop> {
    let name = ask_name(&mut app.terminal, &AuthenticatorName::default())?;
    let request = EnrollmentRequest::new(&session.user.name).authenticator_name(name);
    begin(app, session, request)
}

/// Replaces an authenticator. The old authenticator works until the user confirms the new one.
pub(crate) fn replace(app: &mut App, session: &mut Session) -> Result<(), Stop> {
    let Some(old) = manage::choose(app, session, "Replace")? else {
        return Ok(());
    };
    let AuthenticatorStatus { id, name, .. } = old;
    let name = ask_name(&mut app.terminal, &name)?;
    let request = EnrollmentRequest::replacing(id, &session.user.name).authenticator_name(name);
    begin(app, session, request)
}

/// Shows the pending enrollment again, with the same QR code and key. This also works after the
/// program was killed.
pub(crate) fn resume(app: &mut App, session: &mut Session) -> Result<(), Stop> {
    match pending(app, session)? {
        Some(enrollment) => show_and_confirm(app, session, &enrollment),
        None => app
            .terminal
            .say("There is no authenticator to confirm. Type \"enroll\" to add one."),
    }
}

pub(crate) fn is_pending(app: &mut App, session: &Session) -> Result<bool, Stop> {
    Ok(pending(app, session)?.is_some())
}

fn begin(app: &mut App, session: &mut Session, request: EnrollmentRequest) -> Result<(), Stop> {
    let (account, verifier) = (session.user.account(), &app.verifier);
    let change =
        |proof: countersign::Proof<'_>| verifier.begin_enrollment(&account, request.clone(), proof);
    let enrollment = proof::prove(&mut app.terminal, &app.users, session, change)?;
    let Some(enrollment) = enrollment else {
        return Ok(());
    };
    // If the process ends before this, the user starts again with a new QR code.
    app.users
        .set_enrollment(&session.user, Some(enrollment.id()))?;
    show_and_confirm(app, session, &enrollment)
}

/// Returns the enrollment whose id the application stores, unless it was confirmed, replaced or
/// expired.
fn pending(app: &mut App, session: &Session) -> Result<Option<Enrollment>, Stop> {
    let Some(id) = app.users.enrollment(&session.user)? else {
        return Ok(None);
    };
    let account = session.user.account();
    match app.verifier.pending_enrollment(&account, id) {
        Ok(enrollment) => Ok(Some(enrollment)),
        Err(Denied::Rejected(_) | Denied::Repeated(_)) => {
            app.users.set_enrollment(&session.user, None)?;
            Ok(None)
        }
        Err(Denied::Failed(error)) => Err(error.into()),
    }
}

const PROMPT: &str = "Code that the app shows for the new entry (empty: later): ";

fn show_and_confirm(
    app: &mut App,
    session: &mut Session,
    enrollment: &Enrollment,
) -> Result<(), Stop> {
    let qr = enrollment.key_uri().qr_for_terminal()?;
    show_key(&mut app.terminal, enrollment)?;
    let image = match &app.qr {
        Some(path) => save::save(&mut app.terminal, path, qr.png().expose())?,
        None => None,
    };
    let confirmed = show_qr(&mut app.terminal, &qr, image.as_deref())
        .and_then(|()| confirm(app, session, enrollment));
    // However this ended, the secret in the image can be active.
    let removed = match &image {
        Some(image) => remove(&mut app.terminal, image),
        None => Ok(()),
    };
    let is_confirmed = confirmed?;
    removed?;
    if !is_confirmed {
        return Ok(());
    }
    // A service also sends the owner a mail.
    app.terminal.say(
        "Confirmed. From now on, signing in needs your password and a code from your app. The code that you just \
         typed is used up.",
    )?;
    app.users.set_enrollment(&session.user, None)?;
    app.terminal
        .say(match app.verifier.status(&session.user.account())? {
            Status::Enabled(enabled) if enabled.backup_codes.is_some() => {
                "Your backup codes still work."
            }
            _ => "Now type \"codes\" to make backup codes, in case you lose your phone.",
        })
}

/// Asks for a passcode until one confirms the enrollment. Returns whether one did.
fn confirm(app: &mut App, session: &mut Session, enrollment: &Enrollment) -> Result<bool, Stop> {
    let account = session.user.account();
    loop {
        let Some(code) = app.terminal.ask_or_back(PROMPT)? else {
            app.terminal.say(messages::NOT_CONFIRMED)?;
            return Ok(false);
        };
        match app
            .verifier
            .confirm_enrollment(&account, enrollment.id(), &code)
        {
            Ok(receipt) => {
                session.receipt = Some(app.verifier.seal_receipt(&receipt));
                return Ok(true);
            }
            Err(Denied::Rejected(Rejection::Malformed)) => {
                app.terminal
                    .say("That is not a code: your app shows 6 digits.")?;
            }
            Err(denied) => {
                app.terminal.say(messages::refusal(&denied))?;
                if !may_try_again(&denied) {
                    return Ok(false);
                }
            }
        }
    }
}

fn may_try_again(denied: &Denied) -> bool {
    match denied {
        Denied::Rejected(Rejection::WrongConfirmation { tries_left }) => *tries_left > 0,
        Denied::Failed(_) => true,
        Denied::Rejected(_) | Denied::Repeated(_) => false,
    }
}

fn show_key(terminal: &mut Terminal, enrollment: &Enrollment) -> Result<(), Stop> {
    let uri = enrollment.key_uri();
    terminal
        .say("\nAdd this key to your authenticator app (time-based, 6 digits, every 30 s):\n")?;
    terminal.say(format_args!(
        "    {}\n",
        uri.secret().to_base32_grouped().expose()
    ))?;
    terminal.say("or open this link on your phone:\n")?;
    terminal.say(format_args!("    {}\n", uri.to_secret_text().expose()))
}

/// Shows the QR code last, so that only the prompt is below it.
fn show_qr(terminal: &mut Terminal, qr: &Qr, image: Option<&Path>) -> Result<(), Stop> {
    if let Some(image) = image {
        terminal.say(format_args!(
            "(The QR code is also in {}. The file is removed when you confirm or go back.)\n",
            image.display()
        ))?;
    }
    match qr_text(qr, terminal.size()) {
        Some(text) => {
            terminal.say("or scan this QR code:")?;
            terminal.say(text.expose().trim_end())
        }
        None => terminal.say(
            "This terminal is too small for the QR code. To see it, press Enter, make the terminal larger, and type \
             \"confirm\".",
        ),
    }
}

/// Removes the image. The user may have removed it already.
fn remove(terminal: &mut Terminal, image: &Path) -> Result<(), Stop> {
    match private_file::remove(image) {
        Err(error) if error.kind() != ErrorKind::NotFound => terminal.say(format_args!(
            "{} cannot be removed: {error}. Delete this file, because it contains the key of your authenticator.",
            image.display()
        )),
        _ => Ok(()),
    }
}

/// The largest QR code that fits the terminal together with the prompt and six digits.
fn qr_text(qr: &Qr, size: Option<(usize, usize)>) -> Option<SecretText> {
    let Some((columns, rows)) = size else {
        return Some(qr.terminal());
    };
    let prompt = PROMPT.len().saturating_add(6).div_ceil(columns);
    qr.terminal_that_fits(columns, rows.saturating_sub(prompt))
}

fn ask_name(
    terminal: &mut Terminal,
    default: &AuthenticatorName,
) -> Result<AuthenticatorName, Stop> {
    loop {
        let prompt = format_args!("Name for this authenticator (empty: {default}): ");
        let Some(name) = terminal.ask_or_back(prompt)? else {
            return Ok(default.clone());
        };
        match AuthenticatorName::new(&name) {
            Ok(name) => return Ok(name),
            Err(error) => terminal.say(format_args!("That name cannot be used: {error}."))?,
        }
    }
}
