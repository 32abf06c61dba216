//! What a client can ask of the service, and what it is told.

use countersign::{
    AuthenticatorId, Denied, EnrollmentId, Receipt, Rejection, Removed, SealedReceipt, Timestamp,
    VerifierError,
};

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Begin {
        replaces: Option<AuthenticatorId>,
        proof: Shown,
    },
    Confirm {
        /// The place of the enrollment among those that are known.
        phone: usize,
        id: EnrollmentId,
        typed: String,
    },
    Verify {
        typed: String,
    },
    Issue {
        proof: Shown,
    },
    Remove {
        id: AuthenticatorId,
        proof: Shown,
    },
    Disable {
        proof: Shown,
    },
    ForceDisable,
    Unlock {
        /// Whether somebody has compared the machine's clock.
        compared: bool,
    },
    Reseal,
    Erase,
    Status,
}

/// The proof that a client shows.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    Typed(String),
    Receipt {
        kept: Kept,
        /// Whether somebody has changed its text.
        altered: bool,
        password_checked_at: Timestamp,
    },
    Password(Timestamp),
}

/// A receipt as a session keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) sealed: SealedReceipt,
    pub(crate) at: Timestamp,
    /// The operation that was accepted.
    pub(crate) of: usize,
    /// How far its machine was with the change of keys.
    pub(crate) stage: usize,
}

impl Operation {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Begin { .. } => "asked: begin an enrollment",
            Self::Confirm { .. } => "asked: confirm an enrollment",
            Self::Verify { .. } => "asked: verify",
            Self::Issue { .. } => "asked: issue codes",
            Self::Remove { .. } => "asked: remove an authenticator",
            Self::Disable { .. } => "asked: disable",
            Self::ForceDisable => "asked: force_disable",
            Self::Unlock { .. } => "asked: unlock",
            Self::Reseal => "asked: reseal",
            Self::Erase => "asked: erase",
            Self::Status => "asked: status",
        }
    }

    /// What is shown as a proof, if the operation takes one.
    pub(crate) const fn proof(&self) -> Option<&Shown> {
        match self {
            Self::Begin { proof, .. }
            | Self::Issue { proof }
            | Self::Remove { proof, .. }
            | Self::Disable { proof } => Some(proof),
            _ => None,
        }
    }

    /// What was typed as an attempt, throttled and used up.
    pub(crate) fn typed(&self) -> Option<&str> {
        match (self, self.proof()) {
            (Self::Verify { typed }, _) | (_, Some(Shown::Typed(typed))) => Some(typed),
            _ => None,
        }
    }
}

/// What the client was told.
#[derive(Debug)]
pub(crate) enum Answer {
    Accepted(Receipt, SealedReceipt),
    Removed(Removed),
    Done,
    Rejected(Rejection),
    /// The host is told that what became of it is unknown.
    Unsettled,
    Failed(VerifierError),
    /// Nobody was there any more to be told.
    Killed,
}

impl Answer {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Accepted(..) => "told: accepted",
            Self::Removed(_) | Self::Done => "told: done",
            Self::Rejected(rejection) => of_rejection(*rejection),
            Self::Unsettled => "told: effect unknown",
            Self::Failed(VerifierError::Store(_)) => "told: the store failed",
            Self::Failed(VerifierError::Contended) => "told: contended",
            Self::Failed(_) => "told: another error",
            Self::Killed => "killed in mid-operation",
        }
    }
}

impl From<Denied> for Answer {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Rejected(rejection) => Self::Rejected(rejection),
            Denied::Failed(error) => error.into(),
        }
    }
}

impl From<VerifierError> for Answer {
    fn from(error: VerifierError) -> Self {
        match error {
            VerifierError::Unsettled(_) => Self::Unsettled,
            error => Self::Failed(error),
        }
    }
}

const fn of_rejection(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::Malformed => "told: malformed",
        Rejection::WrongCode => "told: wrong code",
        Rejection::Replayed => "told: replayed",
        Rejection::BackupCodeUsed => "told: backup code used",
        Rejection::Absent => "told: absent",
        Rejection::Disabled => "told: disabled",
        Rejection::Locked => "told: locked",
        Rejection::Waiting { .. } => "told: waiting",
        Rejection::BudgetSpent { .. } => "told: budget spent",
        Rejection::ClockFault => "told: clock fault",
        Rejection::ProofTooWeak => "told: proof too weak",
        Rejection::ProofExpired => "told: proof expired",
        Rejection::ForeignReceipt => "told: foreign receipt",
        Rejection::NoEnrollment => "told: no enrollment",
        Rejection::EnrollmentSuperseded => "told: enrollment superseded",
        Rejection::EnrollmentExpired => "told: enrollment expired",
        Rejection::WrongConfirmation { .. } => "told: wrong confirmation",
        Rejection::UnknownAuthenticator => "told: unknown authenticator",
        Rejection::TooManyAuthenticators { .. } => "told: too many authenticators",
        Rejection::TooManyEnrollments { .. } => "told: too many enrollments",
        Rejection::TooManyIssues { .. } => "told: too many issues",
        Rejection::IssueExpired => "told: issue expired",
        _ => "told: another rejection",
    }
}
