use countersign::Rejection;
use countersign::factor::NameError;
use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::page::{Field, Message};

/// Why the gate did not do what a request asked for.
/// [`Words::problem`](crate::words::Words::problem) has the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Problem {
    /// The verifier rejected the code or the change.
    Rejected(Rejection),
    /// The code of a new authenticator has another number of digits.
    NotPasscode {
        /// The number of digits in the app.
        digits: u8,
    },
    /// The codes in a row were not accepted.
    CodesNotAccepted {
        /// How many codes are needed.
        count: u8,
    },
    /// One passcode is not enough now: there is an alarm (`countersign::vigilance`).
    CodesNeeded {
        /// How many codes in a row are needed.
        count: u8,
    },
    /// No code was entered.
    CodeMissing,
    /// No password was entered.
    PasswordMissing,
    /// The password is wrong.
    WrongPassword,
    /// Too many passwords were tried. Nothing was checked.
    TooManyPasswords {
        /// The time to wait.
        retry_after: Duration,
    },
    /// No name was entered.
    NameMissing,
    /// The name is too long.
    NameTooLong,
    /// The name has characters that cannot be shown.
    NameUnprintable,
    /// The backup codes were shown already, and are not shown again.
    CodesShownBefore,
    /// The second factor was changed in the meantime: the user must sign in again.
    ChangedMeanwhile,
    /// The session has ended: the user must sign in again.
    SessionEnded,
    /// The time for the second factor is over: the user must sign in again.
    CodeTooLate,
    /// The account must enroll before anything else.
    MustEnroll,
    /// A message that has a page of its own.
    Message(Message),
}

impl Problem {
    /// Returns the field to correct, if there is one.
    #[must_use]
    pub const fn field(&self) -> Option<Field> {
        match self {
            Self::Rejected(Rejection::NameInUse)
            | Self::NameMissing
            | Self::NameTooLong
            | Self::NameUnprintable => Some(Field::Name),
            Self::PasswordMissing | Self::WrongPassword => Some(Field::Password),
            Self::Rejected(rejection) if is_about_code(*rejection) => Some(Field::Code),
            Self::NotPasscode { .. }
            | Self::CodesNotAccepted { .. }
            | Self::CodesNeeded { .. }
            | Self::CodeMissing => Some(Field::Code),
            _ => None,
        }
    }

    /// Returns the word for programs: the member `code` of a problem in JSON.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejection_code(*rejection),
            Self::NotPasscode { .. } => "not-a-passcode",
            Self::CodesNotAccepted { .. } => "codes-not-accepted",
            Self::CodesNeeded { .. } => "codes-needed",
            Self::CodeMissing => "code-missing",
            Self::PasswordMissing => "password-missing",
            Self::WrongPassword => "wrong-password",
            Self::TooManyPasswords { .. } => "too-many-passwords",
            Self::NameMissing => "name-missing",
            Self::NameTooLong => "name-too-long",
            Self::NameUnprintable => "name-unprintable",
            Self::CodesShownBefore => "codes-shown-before",
            Self::ChangedMeanwhile => "changed-meanwhile",
            Self::SessionEnded => "session-ended",
            Self::CodeTooLate => "code-too-late",
            Self::MustEnroll => "must-enroll",
            Self::Message(message) => message.code(),
        }
    }

    /// Returns the status of an answer in JSON.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Rejected(rejection) => rejection_status(*rejection),
            Self::TooManyPasswords { .. } => 429,
            Self::CodesShownBefore => 409,
            Self::ChangedMeanwhile | Self::SessionEnded | Self::CodeTooLate => 401,
            Self::MustEnroll => 403,
            Self::Message(message) => message.status(),
            _ => 422,
        }
    }

    /// Returns the time to wait, for the header `Retry-After`.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected(rejection) => rejection.retry_after(),
            Self::TooManyPasswords { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Message> for Problem {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}

impl From<NameError> for Problem {
    fn from(error: NameError) -> Self {
        match error {
            NameError::Empty => Self::NameMissing,
            NameError::TooLong { .. } => Self::NameTooLong,
            _ => Self::NameUnprintable,
        }
    }
}

impl Message {
    /// Returns the word for programs: the member `code` of a problem in JSON.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::RecordLost => "record-lost",
            Self::NotOurForm => "not-our-form",
            Self::Failed => "failed",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::Malformed => "malformed",
            Self::SetupReplaced => "setup-replaced",
            Self::SetupExpired => "setup-expired",
            Self::SetupTooManyTries => "setup-too-many-tries",
            Self::SetupOver => "setup-over",
            Self::CodesGone => "codes-gone",
            Self::ChangedMeanwhile => "changed-meanwhile",
            Self::SignIn => "sign-in",
            Self::EnterCode => "enter-code",
            Self::StepUp => "step-up",
        }
    }

    /// Returns the status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::RecordLost | Self::Failed => 500,
            Self::NotOurForm | Self::EnterCode => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Malformed => 400,
            // RFC 9470 has status 401 for factors that are not enough.
            Self::SignIn | Self::StepUp => 401,
            Self::ChangedMeanwhile => 409,
            Self::SetupReplaced
            | Self::SetupExpired
            | Self::SetupTooManyTries
            | Self::SetupOver
            | Self::CodesGone => 410,
        }
    }
}

const fn is_about_code(rejection: Rejection) -> bool {
    matches!(
        rejection,
        Rejection::Malformed
            | Rejection::WrongCode
            | Rejection::Replayed
            | Rejection::ReplayedAhead { .. }
            | Rejection::BackupCodeUsed
            | Rejection::WrongConfirmation { .. }
    )
}

/// One word for every code that was not accepted, so that nobody learns how close a guess was.
const fn rejection_code(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::Malformed
        | Rejection::WrongCode
        | Rejection::Replayed
        | Rejection::BackupCodeUsed => "code-not-accepted",
        Rejection::ReplayedAhead { .. } => "codes-used-ahead",
        Rejection::WrongConfirmation { .. } => "wrong-confirmation",
        Rejection::Waiting { .. } | Rejection::BudgetSpent { .. } => "too-many-codes",
        Rejection::Locked => "locked",
        Rejection::ClockFault => "clock-fault",
        Rejection::ProofTooWeak | Rejection::ProofExpired | Rejection::ForeignReceipt => {
            "proof-needed"
        }
        Rejection::Absent | Rejection::Disabled => "not-enabled",
        Rejection::NoEnrollment
        | Rejection::EnrollmentSuperseded
        | Rejection::EnrollmentExpired => "setup-over",
        Rejection::TooManyEnrollments { .. } => "too-many-setups",
        Rejection::UnknownAuthenticator => "unknown-authenticator",
        Rejection::UnknownDevice => "unknown-device",
        Rejection::NameInUse => "name-in-use",
        Rejection::TooManyAuthenticators { .. } => "too-many-authenticators",
        Rejection::TooManyIssues { .. } => "too-many-backup-code-sets",
        Rejection::IssueExpired => "issue-expired",
        Rejection::NoPendingCodes => "no-pending-codes",
        _ => "refused",
    }
}

const fn rejection_status(rejection: Rejection) -> u16 {
    match rejection {
        Rejection::Locked
        | Rejection::ProofTooWeak
        | Rejection::ProofExpired
        | Rejection::ForeignReceipt => 403,
        Rejection::ClockFault => 503,
        Rejection::UnknownAuthenticator | Rejection::UnknownDevice => 404,
        Rejection::NoEnrollment
        | Rejection::EnrollmentSuperseded
        | Rejection::EnrollmentExpired => 410,
        Rejection::Absent
        | Rejection::Disabled
        | Rejection::SecretInUse
        | Rejection::TooManyAuthenticators { .. }
        | Rejection::IssueExpired
        | Rejection::NoPendingCodes => 409,
        _ if rejection.retry_after().is_some() => 429,
        _ => 422,
    }
}
