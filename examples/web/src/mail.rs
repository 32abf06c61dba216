use std::io::{self, Write};

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

/// A change of the second factor, which is reported to the owner by mail.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Enabled,
    Added { name: String },
    Replaced,
    Removed { name: String },
    Disabled,
    CodesIssued,
    CodeUsed { number: u8, remaining: u8 },
    Unlocked,
}

impl Change {
    pub(crate) fn mail(&self, to: &str, service: &str, origin: &str) -> Mail {
        let subject = match self {
            Self::Enabled => "Two-factor authentication is on".into(),
            Self::Added { name } => format!("Authenticator \"{name}\" was added"),
            Self::Replaced => "Your authenticator was replaced".into(),
            Self::Removed { name } => format!("Authenticator \"{name}\" was removed"),
            Self::Disabled => "Two-factor authentication is off".into(),
            Self::CodesIssued => "You have new backup codes".into(),
            Self::CodeUsed { .. } => "A backup code was used to sign in".into(),
            Self::Unlocked => "Your second factor was unlocked".into(),
        };
        let what = match self {
            Self::Enabled => {
                "From now on, signing in needs your password and a code from your app.".into()
            }
            Self::Added { .. } => "Its codes can now sign in to your account.".into(),
            Self::Replaced => "The old entry in your app no longer works.".into(),
            Self::Removed { .. } => "Its codes no longer work.".into(),
            Self::Disabled => "From now on, signing in needs only your password.".into(),
            Self::CodesIssued => "Your earlier backup codes no longer work.".into(),
            Self::CodeUsed { number, remaining } => {
                format!("It was code number {number}. Codes left: {remaining}.")
            }
            Self::Unlocked => "Our staff unlocked it after too many wrong codes.".into(),
        };
        Mail {
            to: to.to_owned(),
            subject: format!("{service}: {subject}"),
            text: format!(
                "{subject}.\n{what}\n\nIf this was not you, change your password and write to us: {origin}"
            ),
        }
    }
}
