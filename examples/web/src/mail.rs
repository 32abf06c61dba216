use std::io::{self, Write};

use countersign_axum::gate::What;

use crate::SERVICE;

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The email address of the recipient.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
}

/// Sends mails.
pub trait Mailer: Send + Sync {
    /// Accepts a mail, to be sent soon. The change that it reports is stored already.
    fn send(&self, mail: Mail);
}

/// Prints mails to the terminal instead of sending them.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminalMailer;

impl Mailer for TerminalMailer {
    fn send(&self, mail: Mail) {
        let rule = "-".repeat(72);
        let Mail { to, subject, text } = mail;
        let shown = format!("{rule}\nTo: {to}\nSubject: {subject}\n\n{text}\n{rule}\n");
        if let Err(error) = io::stdout().write_all(shown.as_bytes()) {
            tracing::error!(%error, "a mail could not be printed");
        }
    }
}

/// The mail about something that happened to an account, if its owner must know.
pub(crate) fn of(what: &What) -> Option<(String, String)> {
    Some(match what {
        What::Enabled => (
            "Two-factor authentication is on".into(),
            "From now on, signing in needs your password and a code from your app.".into(),
        ),
        What::Added { name } => (
            format!("Authenticator \"{name}\" was added"),
            "Its codes can now sign in to your account.".into(),
        ),
        What::Replaced { .. } => (
            "Your authenticator was replaced".into(),
            "The old entry in your app no longer works.".into(),
        ),
        What::Removed { name } => (
            format!("Authenticator \"{name}\" was removed"),
            "Its codes no longer work.".into(),
        ),
        What::Disabled => (
            "Two-factor authentication is off".into(),
            "From now on, signing in needs only your password.".into(),
        ),
        What::BackupCodesIssued { pending: true } => (
            "You have new backup codes".into(),
            "Your earlier backup codes work until you say that you have saved the new ones, or until \
             you use one of the new ones."
                .into(),
        ),
        What::BackupCodesIssued { pending: false } => (
            "You have new backup codes".into(),
            "Any earlier backup codes no longer work.".into(),
        ),
        What::BackupCodesConfirmed => (
            "Your new backup codes are saved".into(),
            "Your earlier backup codes no longer work.".into(),
        ),
        What::BackupCodeUsed { number, remaining } => (
            "A backup code was used to sign in".into(),
            format!("It was code number {number}. Codes left: {remaining}."),
        ),
        _ => return None,
    })
}

/// A mail to the owner of an account.
pub(crate) fn about(to: &str, origin: &str, subject: &str, text: &str) -> Mail {
    Mail {
        to: to.to_owned(),
        subject: format!("{SERVICE}: {subject}"),
        text: format!(
            "{subject}.\n{text}\n\nIf this was not you, change your password and write to us: {origin}"
        ),
    }
}
