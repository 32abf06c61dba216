//! What people are told about codes.

use countersign::Rejection;
use countersign::factor::RateLimitState;

use crate::when::{count, span};

/// One answer for every code that was not accepted, so that nobody learns how close a guess was.
pub(crate) const NOT_ACCEPTED: &str = "That code was not accepted. Each code works once, so wait for the next one in \
    your app. If it goes on, check that the clock of your phone is set automatically.";

pub(crate) const WRONG_PASSWORD: &str = "That is not your password.";

/// Why a code or a change was refused.
pub(crate) fn why(rejection: Rejection) -> String {
    match rejection {
        Rejection::Malformed
        | Rejection::WrongCode
        | Rejection::Replayed
        | Rejection::BackupCodeUsed => NOT_ACCEPTED.into(),
        Rejection::ClockFault => {
            "We cannot check codes for your account just now. Please write to us.".into()
        }
        Rejection::Waiting { retry_after } | Rejection::BudgetSpent { retry_after } => {
            format!("Too many wrong codes. Try again in {}.", span(retry_after))
        }
        Rejection::Locked => {
            "Too many wrong codes: your second factor is locked. Write to us to have it unlocked."
                .into()
        }
        Rejection::WrongConfirmation { tries_left } => format!(
            "That is not the code that your app shows for this entry. The QR code and the key stay the same; {} left.",
            count(u64::from(tries_left), "try").replace("trys", "tries")
        ),
        Rejection::TooManyEnrollments { retry_after } => format!(
            "You have begun to set up too many authenticators. Try again in {}.",
            span(retry_after)
        ),
        Rejection::TooManyIssues { retry_after } => format!(
            "You have made new backup codes three times within a day. Try again in {}. The newest codes are valid.",
            span(retry_after)
        ),
        Rejection::IssueExpired => {
            "That took too long. Your earlier backup codes are still valid. Please try again."
                .into()
        }
        Rejection::NameInUse => {
            "Another of your authenticators has this name. Please choose another name.".into()
        }
        Rejection::UnknownAuthenticator => "That authenticator is not there any more.".into(),
        Rejection::TooManyAuthenticators { maximum } => {
            format!("You have {maximum} authenticators already. Remove one first.")
        }
        Rejection::ProofExpired | Rejection::ProofTooWeak | Rejection::ForeignReceipt => {
            "That took a while. To be sure that it is you, please enter a code.".into()
        }
        Rejection::Absent | Rejection::Disabled => "Two-factor authentication is off.".into(),
        _ => "That was refused. Nothing was changed.".into(),
    }
}

/// A hold on attempts, as a page shows it.
pub(crate) struct Wait {
    /// `None`: until somebody ends it.
    pub(crate) seconds: Option<u64>,
    pub(crate) text: String,
}

impl Wait {
    pub(crate) fn of(hold: RateLimitState) -> Option<Self> {
        match hold {
            RateLimitState::Free => None,
            RateLimitState::Waiting { retry_after }
            | RateLimitState::BudgetSpent { retry_after } => Some(Self {
                seconds: Some(retry_after.as_secs()),
                text: span(retry_after),
            }),
            // Locked, and what a later version may know.
            _ => Some(Self {
                seconds: None,
                text: String::new(),
            }),
        }
    }
}
