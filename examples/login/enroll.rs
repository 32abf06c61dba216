//! Enrolling an authenticator app: show the key, and believe in it only when the app has shown a passcode of it.

use std::fs;
use std::path::PathBuf;

use countersign::factor::AuthenticatorStatus;
use countersign::otp::SecretText;
use countersign::uri::qr::Qr;
use countersign::{AuthenticatorName, Denied, Enrollment, EnrollmentRequest, Rejection, Status};

use crate::sign_in::Session;
use crate::terminal::{Stop, Terminal};
use crate::{App, manage, proof, save, words};

/// An authenticator beside those that there are, the first one included.
pub(crate) async fn add(app: &mut App, session: &mut Session) -> Result<(), Stop> {
    let name = ask_name(&mut app.terminal, &AuthenticatorName::default())?;
    let request = EnrollmentRequest::new(&session.user.name).authenticator_name(name);
    begin(app, session, request).await
}

/// An authenticator in the place of another, which works until the new one is confirmed.
pub(crate) async fn replace(app: &mut App, session: &mut Session) -> Result<(), Stop> {
    let Some(old) = manage::choose(app, session, "Replace").await? else {
        return Ok(());
    };
    let AuthenticatorStatus { id, name, .. } = old;
    let name = ask_name(&mut app.terminal, &name)?;
    let request = EnrollmentRequest::replacing(id, &session.user.name).authenticator_name(name);
    begin(app, session, request).await
}

/// Goes on with what was begun earlier: the same QR code and key, also after this process was killed.
pub(crate) async fn resume(app: &mut App, session: &mut Session) -> Result<(), Stop> {
    match pending(app, session).await? {
        Some(enrollment) => show_and_confirm(app, session, &enrollment).await,
        None => app
            .terminal
            .say("No enrollment is waiting. Begin one: enroll."),
    }
}

pub(crate) async fn is_waiting(app: &mut App, session: &Session) -> Result<bool, Stop> {
    Ok(pending(app, session).await?.is_some())
}

async fn begin(
    app: &mut App,
    session: &mut Session,
    request: EnrollmentRequest,
) -> Result<(), Stop> {
    let (account, verifier) = (session.user.account(), &app.verifier);
    let change = async |proof: countersign::Proof<'_>| {
        verifier
            .begin_enrollment(&account, request.clone(), proof)
            .await
    };
    let begun = proof::prove(&mut app.terminal, &app.users, session, change).await?;
    let Some(enrollment) = begun else {
        return Ok(());
    };
    // If the process ends before this, the enrollment can only be begun anew: nothing is lost but a QR code.
    app.users
        .set_enrollment(&session.user, Some(enrollment.id()))
        .await?;
    show_and_confirm(app, session, &enrollment).await
}

/// The enrollment that the host remembers, unless it is confirmed, void or too old by now.
async fn pending(app: &mut App, session: &Session) -> Result<Option<Enrollment>, Stop> {
    let Some(id) = app.users.enrollment(&session.user).await? else {
        return Ok(None);
    };
    let account = session.user.account();
    match app.verifier.pending_enrollment(&account, id).await {
        Ok(enrollment) => Ok(Some(enrollment)),
        Err(Denied::Rejected(_)) => {
            app.users.set_enrollment(&session.user, None).await?;
            Ok(None)
        }
        Err(Denied::Failed(error)) => Err(error.into()),
    }
}

const PROMPT: &str = "Passcode that the app shows for the new entry (empty: later): ";

async fn show_and_confirm(
    app: &mut App,
    session: &mut Session,
    enrollment: &Enrollment,
) -> Result<(), Stop> {
    let picture = show(app, enrollment)?;
    let account = session.user.account();
    loop {
        let Some(passcode) = app.terminal.ask_or_back(PROMPT)? else {
            return app.terminal.say("Not confirmed yet. Go on with: confirm.");
        };
        match app
            .verifier
            .confirm_enrollment(&account, enrollment.id(), &passcode)
            .await
        {
            Ok(receipt) => {
                session.receipt = Some(app.verifier.seal_receipt(&receipt));
                break;
            }
            Err(Denied::Rejected(Rejection::Malformed)) => {
                app.terminal.say("A passcode is 6 digits.")?;
            }
            Err(denied) => {
                app.terminal.say(words::why(&denied))?;
                if !may_try_again(&denied) {
                    return Ok(());
                }
            }
        }
    }
    app.users.set_enrollment(&session.user, None).await?;
    if let Some(path) = picture {
        // Its secret is active now. If somebody has removed it already, all the better.
        _ = fs::remove_file(path);
    }
    // A service also writes to the owner by mail.
    let next = match app.verifier.status(&account).await? {
        Status::Enabled(enabled) if enabled.backup_codes.is_some() => {
            "Your backup codes stay as they are."
        }
        _ => "Next: codes, in case the phone gets lost.",
    };
    app.terminal.say(format_args!(
        "Confirmed. From now on a sign-in takes a code beside the password; this one is used up. {next}"
    ))
}

fn may_try_again(denied: &Denied) -> bool {
    match denied {
        Denied::Rejected(Rejection::WrongConfirmation { tries_left }) => *tries_left > 0,
        Denied::Failed(_) => true,
        Denied::Rejected(_) => false,
    }
}

/// Key, link and QR code: not everybody has a camera. The code comes last, so that nothing but the prompt moves it up.
/// Gives the file that the picture is in, if there is one.
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
    terminal.say("or open this on the phone:\n")?;
    terminal.say(format_args!("    {}\n", uri.to_secret_text().expose()))?;
    let picture = match &app.qr {
        Some(path) => save::save(terminal, path, qr.png().expose())?,
        None => None,
    };
    if picture.is_some() {
        terminal.say("(The QR code is saved as a picture too, until it is confirmed.)\n")?;
    }
    match drawn(&qr, terminal.size()) {
        Some(text) => {
            terminal.say("or, best of all, scan this:")?;
            terminal.say(text.expose().trim_end())?;
        }
        None => terminal.say(
            "This terminal is too small for the QR code. Make it larger and choose: confirm.",
        )?,
    }
    Ok(picture)
}

/// The code as large as the terminal shows it at once, with the prompt and six digits below.
fn drawn(qr: &Qr, size: Option<(usize, usize)>) -> Option<SecretText> {
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
        let prompt = format_args!("What is it on, for your own list (empty: {default})? ");
        let Some(name) = terminal.ask_or_back(prompt)? else {
            return Ok(default.clone());
        };
        match AuthenticatorName::new(&name) {
            Ok(name) => return Ok(name),
            Err(error) => terminal.say(format_args!("That does not work: {error}."))?,
        }
    }
}
