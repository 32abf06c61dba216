//! The messages about codes and changes.

use countersign::Rejection;
use countersign::factor::RateLimitState;

use crate::time_format::{count, span};

/// One message for every code that was not accepted, so that nobody learns how close a guess was.
pub(crate) const NOT_ACCEPTED: &str = "That code was not accepted. Each code works once, so wait for the next one in \
    your app. If this keeps happening, check that the clock of your phone is set automatically.";

pub(crate) const WRONG_PASSWORD: &str = "That is not your password.";

const CLOCK_FAULT: &str = "We cannot check codes for your account just now. Please write to us.";
const LOCKED: &str =
    "Too many wrong codes: your second factor is locked. Write to us to have it unlocked.";

/// Tells the user why a code or a change was refused.
pub(crate) fn refusal(rejection: Rejection) -> String {
    match rejection {
        Rejection::Malformed
        | Rejection::WrongCode
        | Rejection::Replayed
        | Rejection::BackupCodeUsed => NOT_ACCEPTED.into(),
        Rejection::ClockFault => CLOCK_FAULT.into(),
        Rejection::Waiting { retry_after } | Rejection::BudgetSpent { retry_after } => {
            format!("Too many wrong codes. Try again in {}.", span(retry_after))
        }
        Rejection::Locked => LOCKED.into(),
        Rejection::WrongConfirmation { tries_left } => format!(
            "That is not the code of this entry. You have {} left. The QR code and key stay the same.",
            count(u64::from(tries_left), "try").replace("trys", "tries")
        ),
        Rejection::TooManyEnrollments { retry_after } => format!(
            "You started to set up too many authenticators. Try again in {}.",
            span(retry_after)
        ),
        Rejection::TooManyIssues { retry_after } => format!(
            "You made three sets of backup codes within a day. Try again in {}. The newest set is valid.",
            span(retry_after)
        ),
        Rejection::IssueExpired => {
            "That took too long. No new backup codes were made. Please try again.".into()
        }
        Rejection::NameInUse => {
            "Another of your authenticators has this name. Please choose another name.".into()
        }
        Rejection::UnknownAuthenticator => "You no longer have that authenticator.".into(),
        Rejection::TooManyAuthenticators { maximum } => {
            format!("You have {maximum} authenticators already. Remove one first.")
        }
        Rejection::ProofExpired | Rejection::ProofTooWeak | Rejection::ForeignReceipt => {
            "To make sure that it is you, please enter a code.".into()
        }
        Rejection::Absent | Rejection::Disabled => "Two-factor authentication is off.".into(),
        _ => "That was refused. Nothing was changed.".into(),
    }
}

/// The reason why the verifier checks no code now, as a page shows it.
pub(crate) struct Wait {
    /// The seconds until the next attempt. `None`: until somebody unlocks the account, or an
    /// unknown time.
    pub(crate) seconds: Option<u64>,
    pub(crate) text: String,
}

impl Wait {
    pub(crate) fn of(state: RateLimitState) -> Option<Self> {
        match state {
            RateLimitState::Free => None,
            RateLimitState::Waiting { retry_after }
            | RateLimitState::BudgetSpent { retry_after } => Some(Self {
                seconds: Some(retry_after.as_secs()),
                text: span(retry_after),
            }),
            RateLimitState::ClockFault => Some(Self {
                seconds: None,
                text: CLOCK_FAULT.into(),
            }),
            // Locked, or a state of a later version.
            _ => Some(Self {
                seconds: None,
                text: LOCKED.into(),
            }),
        }
    }
}
