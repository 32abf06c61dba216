//! Enrolls an authenticator app: shows the key, and confirms it with a passcode from the app.

use std::fs;
use std::path::PathBuf;

use countersign::factor::AuthenticatorStatus;
use countersign::otp::SecretText;
use countersign::uri::qr::Qr;
use countersign::{AuthenticatorName, Denied, Enrollment, EnrollmentRequest, Rejection, Status};

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
    let image = show(app, enrollment)?;
    let account = session.user.account();
    loop {
        let Some(code) = app.terminal.ask_or_back(PROMPT)? else {
            return app.terminal.say(messages::NOT_CONFIRMED);
        };
        match app
            .verifier
            .confirm_enrollment(&account, enrollment.id(), &code)
        {
            Ok(receipt) => {
                session.receipt = Some(app.verifier.seal_receipt(&receipt));
                break;
            }
            Err(Denied::Rejected(Rejection::Malformed)) => {
                app.terminal
                    .say("That is not a code: your app shows 6 digits.")?;
            }
            Err(denied) => {
                app.terminal.say(messages::refusal(&denied))?;
                if !may_try_again(&denied) {
                    return Ok(());
                }
            }
        }
    }
    app.users.set_enrollment(&session.user, None)?;
    if let Some(path) = image {
        // The image contains an active secret. The user may have removed the file already.
        _ = fs::remove_file(path);
    }
    // A service also sends the owner a mail.
    let next = match app.verifier.status(&account)? {
        Status::Enabled(enabled) if enabled.backup_codes.is_some() => {
            "Your backup codes still work."
        }
        _ => "Now type \"codes\" to make backup codes, in case you lose your phone.",
    };
    app.terminal.say(format_args!(
        "Confirmed. From now on, signing in needs your password and a code from your app. The code that you just \
         typed is used up. {next}"
    ))
}

fn may_try_again(denied: &Denied) -> bool {
    match denied {
        Denied::Rejected(Rejection::WrongConfirmation { tries_left }) => *tries_left > 0,
        Denied::Failed(_) => true,
        Denied::Rejected(_) | Denied::Repeated(_) => false,
    }
}

/// Shows the key, the link and the QR code. The QR code comes last, so that only the prompt is
/// below it. Returns the path of the image, if there is one.
fn show(app: &mut App, enrollment: &Enrollment) -> Result<Option<PathBuf>, Stop> {
    let uri = enrollment.key_uri();
    let qr = uri.qr_for_terminal()?;
    let terminal = &mut app.terminal;
    terminal
        .say("\nAdd this key to your authenticator app (time-based, 6 digits, every 30 s):\n")?;
    terminal.say(format_args!(
        "    {}\n",
        uri.secret().to_base32_grouped().expose()
    ))?;
    terminal.say("or open this link on your phone:\n")?;
    terminal.say(format_args!("    {}\n", uri.to_secret_text().expose()))?;
    let image = match &app.qr {
        Some(path) => save::save(terminal, path, qr.png().expose())?,
        None => None,
    };
    if let Some(path) = &image {
        terminal.say(format_args!(
            "(The QR code is also in {}. The file is removed when you confirm.)\n",
            path.display()
        ))?;
    }
    match qr_text(&qr, terminal.size()) {
        Some(text) => {
            terminal.say("or scan this QR code:")?;
            terminal.say(text.expose().trim_end())?;
        }
        None => terminal.say(
            "This terminal is too small for the QR code. To see it, press Enter, make the terminal larger, and type \
             \"confirm\".",
        )?,
    }
    Ok(image)
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
