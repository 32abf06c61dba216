//! The proof for a change: from the session if it is recent, otherwise from the user.

use countersign::runtime::{Clock, SystemClock};
use countersign::{Denied, FirstFactor, Proof, Rejection};

use crate::messages;
use crate::sign_in::Session;
use crate::terminal::{Stop, Terminal};
use crate::users::Users;

/// Makes a change, and asks for the proof that it needs. `None`: the verifier refused the change,
/// and the user has seen why.
///
/// The verifier checks the proof and makes the change in one atomic write, so this function decides
/// nothing.
pub(crate) fn prove<T>(
    terminal: &mut Terminal,
    users: &Users,
    session: &mut Session,
    change: impl Fn(Proof<'_>) -> Result<T, Denied>,
) -> Result<Option<T>, Stop> {
    let mut refused = match change(proof(session)) {
        Ok(done) => return Ok(Some(done)),
        Err(denied) => denied,
    };
    // The receipt is too old, or its authenticator is gone. If the second factor is off, the password
    // is enough; if it is on, the verifier asks for a code.
    if is_expired(&refused) && session.receipt.take().is_some() {
        match change(proof(session)) {
            Ok(done) => return Ok(Some(done)),
            Err(denied) => refused = denied,
        }
    }
    if is_expired(&refused) {
        let password = terminal
            .ask_password("You signed in a while ago. Please enter your password again: ")?;
        if users.check(&session.user.name, &password)?.is_none() {
            terminal.say("That is not your password. Nothing was changed.")?;
            return Ok(None);
        }
        session.password_checked_at = SystemClock.now();
        match change(proof(session)) {
            Ok(done) => return Ok(Some(done)),
            Err(denied) => refused = denied,
        }
    }
    while needs_code(&refused) {
        let prompt =
            "To make sure that it is you: code from your app, or a backup code (empty: back): ";
        let Some(code) = terminal.ask_or_back(prompt)? else {
            return Ok(None);
        };
        match change(Proof::Code(&code)) {
            Ok(done) => return Ok(Some(done)),
            Err(denied) => refused = denied,
        }
        if needs_code(&refused) {
            terminal.say(messages::refusal(&refused))?;
        }
    }
    terminal.say(messages::refusal(&refused))?;
    Ok(None)
}

const fn proof(session: &Session) -> Proof<'_> {
    match &session.receipt {
        Some(receipt) => Proof::Reauthenticated {
            first_factor: FirstFactor::password(session.password_checked_at),
            receipt,
        },
        None => Proof::Password {
            checked_at: session.password_checked_at,
        },
    }
}

fn is_expired(denied: &Denied) -> bool {
    denied.rejection() == Some(Rejection::ProofExpired)
}

fn needs_code(denied: &Denied) -> bool {
    denied.rejection().is_some_and(|rejection| {
        matches!(rejection, Rejection::ProofExpired | Rejection::ProofTooWeak)
            || messages::is_about_the_code(rejection)
    })
}
