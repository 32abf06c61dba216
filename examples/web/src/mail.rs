use std::io::{self, Write};
use std::sync::Arc;

use countersign_axum::gate::words::MailWords;

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

/// The mails of the service. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) mailer: Arc<dyn Mailer>,
    /// The address of the service for browsers.
    pub(crate) origin: Arc<str>,
}

impl Post {
    pub(crate) fn send(&self, to: &str, subject: &str, text: String) {
        let (to, subject) = (to.to_owned(), format!("{SERVICE}: {subject}"));
        self.mailer.send(Mail { to, subject, text });
    }

    /// Sends a mail about something that happened to an account.
    pub(crate) fn report(&self, to: &str, what: &MailWords) {
        let MailWords { subject, text } = what;
        let otherwise = "If this was not you, change your password and write to us";
        let text = format!("{subject}.\n{text}\n\n{otherwise}: {}", self.origin);
        self.send(to, subject, text);
    }
}
