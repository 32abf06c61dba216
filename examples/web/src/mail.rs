use std::io::{self, Write};

/// A mail to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The address.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// Sends mails.
pub trait Mailer: Send + Sync {
    /// Takes a mail over, to be sent soon. A change that it tells of is on record already.
    fn send(&self, mail: Mail);
}

/// Writes mails to the terminal, in the place of sending them.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminalMailer;

impl Mailer for TerminalMailer {
    fn send(&self, mail: Mail) {
        let rule = "-".repeat(72);
        let Mail { to, subject, text } = mail;
        let shown = format!("{rule}\nTo: {to}\nSubject: {subject}\n\n{text}\n{rule}\n");
        if let Err(error) = io::stdout().write_all(shown.as_bytes()) {
            tracing::error!(%error, "a mail could not be written");
        }
    }
}

/// What an owner is told by mail when the second factor has changed.
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
                "From now on a sign-in takes a code from your app beside the password.".into()
            }
            Self::Added { name } => format!("Codes of \"{name}\" now sign in to your account."),
            Self::Replaced => "The old entry in your app does not sign in any more.".into(),
            Self::Removed { name } => format!("Codes of \"{name}\" do not sign in any more."),
            Self::Disabled => "From now on your password alone signs in.".into(),
            Self::CodesIssued => "Older backup codes do not work any more.".into(),
            Self::CodeUsed { number, remaining } => {
                format!("It was number {number}; {remaining} are left.")
            }
            Self::Unlocked => "Our staff has ended the wait after wrong codes.".into(),
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
