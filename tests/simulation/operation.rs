//! The operations that a client can ask for, the answers, and the apps of the user.

use crate::rules::{LOOK_AHEAD, PERIOD, ROW_LOOK_AHEAD, ROW_STEPS};
use countersign::factor::BackupCodeSetId;
use countersign::otp::Hotp;
use countersign::testing::Phone;
use countersign::{
    AuthenticatorId, Denied, DeviceToken, EnrollmentId, Receipt, Rejection, Removed, SealedReceipt,
    Timestamp, Trusted, VerifierError,
};

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Begin {
        replaces: Option<AuthenticatorId>,
        /// Whether the new authenticator is counter-based.
        token: bool,
        proof: Shown,
    },
    Confirm {
        /// The index of the enrollment among the known enrollments.
        phone: usize,
        id: EnrollmentId,
        typed: String,
    },
    Verify {
        typed: String,
        /// The number of the request id, if the form has one.
        request: Option<u8>,
        /// The index of the token of the device, among all tokens that were returned.
        device: Option<usize>,
    },
    /// Passcodes of consecutive time steps or counters.
    VerifyRow {
        typed: Vec<String>,
    },
    /// Makes a device known, or trusted.
    Remember {
        kept: Kept,
        altered: bool,
        trusted: bool,
    },
    /// Signs in with a token alone.
    Trust {
        token: usize,
    },
    ForgetDevices,
    PasswordChanged,
    Issue {
        proof: Shown,
    },
    /// The user has saved the codes of this issue.
    ConfirmSaved {
        /// The operation that issued the codes.
        of: usize,
        set: BackupCodeSetId,
    },
    /// The user has not saved the codes of this issue.
    Discard {
        of: usize,
        set: BackupCodeSetId,
    },
    Remove {
        id: AuthenticatorId,
        /// Whether the last authenticator stays.
        unless_last: bool,
        proof: Shown,
    },
    Disable {
        proof: Shown,
    },
    ForceDisable,
    Unlock {
        /// Whether the caller confirms the server's clock.
        confirmed: bool,
    },
    Reseal,
    Erase,
    Status,
}

/// The proof that a client presents.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    Typed(String),
    Receipt {
        kept: Kept,
        /// Whether the text was changed.
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
    /// The stage of the server's key rotation.
    pub(crate) stage: usize,
}

impl Operation {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Begin { .. } => "asked: begin an enrollment",
            Self::Confirm { .. } => "asked: confirm an enrollment",
            Self::Verify {
                device: Some(_), ..
            } => "asked: verify on a device",
            Self::Verify { request: None, .. } => "asked: verify",
            Self::Verify { .. } => "asked: verify a request",
            Self::VerifyRow { .. } => "asked: verify_consecutive",
            Self::Remember { .. } => "asked: remember a device",
            Self::Trust { .. } => "asked: trusted_device",
            Self::ForgetDevices => "asked: forget_devices",
            Self::PasswordChanged => "asked: password_changed",
            Self::Issue { .. } => "asked: issue codes",
            Self::ConfirmSaved { .. } => "asked: confirm_saved",
            Self::Discard { .. } => "asked: discard codes",
            Self::Remove { .. } => "asked: remove an authenticator",
            Self::Disable { .. } => "asked: disable",
            Self::ForceDisable => "asked: force_disable",
            Self::Unlock { .. } => "asked: unlock",
            Self::Reseal => "asked: reseal",
            Self::Erase => "asked: erase",
            Self::Status => "asked: status",
        }
    }

    /// The request id and the code of a form.
    pub(crate) fn request(&self) -> Option<(u8, &str)> {
        match self {
            Self::Verify {
                typed,
                request: Some(id),
                ..
            } => Some((*id, typed)),
            _ => None,
        }
    }

    /// The index of the token that the operation sends.
    pub(crate) const fn device(&self) -> Option<usize> {
        match self {
            Self::Verify { device, .. } => *device,
            Self::Trust { token } => Some(*token),
            _ => None,
        }
    }

    /// The presented proof, if the operation needs one.
    pub(crate) const fn proof(&self) -> Option<&Shown> {
        match self {
            Self::Begin { proof, .. }
            | Self::Issue { proof }
            | Self::Remove { proof, .. }
            | Self::Disable { proof } => Some(proof),
            _ => None,
        }
    }

    /// The code in the operation: a login code, or the code of a proof.
    pub(crate) fn typed(&self) -> Option<&str> {
        match (self, self.proof()) {
            (Self::Verify { typed, .. }, _) | (_, Some(Shown::Typed(typed))) => Some(typed),
            _ => None,
        }
    }
}

/// The answer to the client.
#[derive(Debug)]
pub(crate) enum Answer {
    Accepted(Receipt, SealedReceipt),
    Removed(Removed),
    Remembered(DeviceToken),
    Trusted(Trusted),
    Done,
    Rejected(Rejection),
    /// An earlier call counted the failure.
    Repeated(Rejection),
    /// The answer is that the effect is unknown.
    Unsettled,
    Failed(VerifierError),
    /// The caller was killed before the answer.
    Killed,
}

impl Answer {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Accepted(receipt, _) if receipt.is_repeat() => "answer: accepted before",
            Self::Accepted(..) => "answer: accepted",
            Self::Removed(_) | Self::Remembered(_) | Self::Done => "answer: done",
            Self::Trusted(_) => "answer: trusted",
            Self::Rejected(rejection) => of_rejection(*rejection),
            Self::Repeated(_) => "answer: rejected before",
            Self::Unsettled => "answer: effect unknown",
            Self::Failed(VerifierError::Store(_)) => "answer: the store failed",
            Self::Failed(VerifierError::Contended) => "answer: contended",
            Self::Failed(_) => "answer: another error",
            Self::Killed => "killed in mid-operation",
        }
    }
}

impl From<Denied> for Answer {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Rejected(rejection) => Self::Rejected(rejection),
            Denied::Repeated(rejection) => Self::Repeated(rejection),
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
        Rejection::Malformed => "answer: malformed",
        Rejection::WrongCode => "answer: wrong code",
        Rejection::Replayed => "answer: replayed",
        Rejection::ReplayedAhead { .. } => "answer: replayed ahead",
        Rejection::BackupCodeUsed => "answer: backup code used",
        Rejection::Absent => "answer: absent",
        Rejection::Disabled => "answer: disabled",
        Rejection::Locked => "answer: locked",
        Rejection::Waiting { .. } => "answer: waiting",
        Rejection::BudgetSpent { .. } => "answer: budget spent",
        Rejection::ClockFault => "answer: clock fault",
        Rejection::ProofTooWeak => "answer: proof too weak",
        Rejection::ProofExpired => "answer: proof expired",
        Rejection::ForeignReceipt => "answer: foreign receipt",
        Rejection::NoEnrollment => "answer: no enrollment",
        Rejection::EnrollmentSuperseded => "answer: enrollment superseded",
        Rejection::EnrollmentExpired => "answer: enrollment expired",
        Rejection::WrongConfirmation { .. } => "answer: wrong confirmation",
        Rejection::UnknownAuthenticator => "answer: unknown authenticator",
        Rejection::LastAuthenticator => "answer: last authenticator",
        Rejection::TooManyAuthenticators { .. } => "answer: too many authenticators",
        Rejection::TooManyEnrollments { .. } => "answer: too many enrollments",
        Rejection::TooManyIssues { .. } => "answer: too many issues",
        Rejection::IssueExpired => "answer: issue expired",
        Rejection::UnknownDevice => "answer: unknown device",
        Rejection::DeviceNotTrusted => "answer: device not trusted",
        Rejection::NoPendingCodes => "answer: no pending codes",
        _ => "answer: another rejection",
    }
}

/// What shows the passcodes: an app, or a counter-based token.
#[derive(Clone)]
pub(crate) enum Device {
    Phone(Phone),
    Token(Hotp),
}

/// An authenticator app or a token, and what the owner knows about its state.
#[derive(Clone)]
pub(crate) struct KnownPhone {
    pub(crate) enrollment: EnrollmentId,
    pub(crate) device: Device,
    pub(crate) id: Option<AuthenticatorId>,
    pub(crate) active: bool,
    pub(crate) begun_by: usize,
    /// The last accepted time step or counter.
    pub(crate) last: Option<u64>,
}

impl KnownPhone {
    pub(crate) const fn is_token(&self) -> bool {
        matches!(self.device, Device::Token(_))
    }

    /// What the device shows this many time steps from `at`, or counters from the next one.
    pub(crate) fn passcode(&self, at: Timestamp, ahead: i64) -> String {
        let number = match self.device {
            Device::Phone(_) => at.as_unix() / PERIOD,
            Device::Token(_) => self.next(),
        };
        self.passcode_of(number.saturating_add_signed(ahead))
    }

    /// The passcode of a time step or counter.
    pub(crate) fn passcode_of(&self, number: u64) -> String {
        match &self.device {
            Device::Phone(phone) => phone.passcode(Timestamp::from_unix(number * PERIOD)),
            Device::Token(hotp) => hotp.generate(number).expose().to_owned(),
        }
    }

    /// Whether the verifier knows this code around this time, used or not.
    pub(crate) fn shows(&self, typed: &str, at: Timestamp) -> bool {
        self.number_of(typed, at).is_some()
    }

    /// The latest time step of the window, or counter up to the end of the look-ahead, that has
    /// this code. The counter before the next one counts too.
    pub(crate) fn number_of(&self, typed: &str, at: Timestamp) -> Option<u64> {
        let candidates = match self.device {
            Device::Phone(_) => {
                let step = at.as_unix() / PERIOD;
                step - 1..=step + 1
            }
            Device::Token(_) => self.last.unwrap_or(0)..=self.next() + LOOK_AHEAD,
        };
        let has = |number: &u64| self.passcode_of(*number) == typed;
        candidates.rev().find(has)
    }

    /// The last number of the latest unused row around this time that has these passcodes.
    pub(crate) fn end_of_row(&self, typed: &[String], at: Timestamp) -> Option<u64> {
        let count = typed.len() as u64;
        let firsts = match self.device {
            Device::Phone(_) => {
                let step = at.as_unix() / PERIOD;
                step - ROW_STEPS..=step + ROW_STEPS + 1 - count
            }
            Device::Token(_) if count < 4 => return None,
            Device::Token(_) => self.next()..=self.next() + ROW_LOOK_AHEAD,
        };
        let has = |first: &u64| {
            let unused = self.last.is_none_or(|last| *first > last);
            unused
                && (*first..)
                    .zip(typed)
                    .all(|(it, typed)| self.passcode_of(it) == *typed)
        };
        Some(firsts.rev().find(has)? + count - 1)
    }

    fn next(&self) -> u64 {
        self.last.map_or(0, |last| last + 1)
    }
}
