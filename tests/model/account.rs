//! The state of an account in the reference model, and the proofs that it checks.

use super::issue_rules::Right;

use super::rate_limit::{Recent, Throttle};
use countersign::testing::Phone;
use countersign::{AuthenticatorId, EnrollmentId, KeyId};

/// An app entry on a phone.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) phone: Phone,
    /// The key URI. Within an account, key URIs differ only in the secret.
    pub(crate) uri: String,
    pub(crate) name: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Active {
    pub(crate) id: AuthenticatorId,
    pub(crate) app: App,
    pub(crate) added_at: u64,
    /// Every time step that was ever accepted, and the time of each acceptance.
    pub(crate) accepted: Vec<(u64, u64)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) id: EnrollmentId,
    pub(crate) app: App,
    pub(crate) replaces: Option<AuthenticatorId>,
    pub(crate) begun_at: u64,
    pub(crate) wrong: u8,
}

#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) text: String,
    pub(crate) used_at: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Set {
    /// The number of the set among all sets that were ever stored, on either account.
    pub(crate) number: usize,
    pub(crate) issued_at: u64,
    pub(crate) codes: Vec<Code>,
}

/// An account that has a record.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) active: Vec<Active>,
    pub(crate) pending: Option<Pending>,
    pub(crate) set: Option<Set>,
    pub(crate) throttle: Throttle,
    pub(crate) beginnings: Recent,
    /// When rights to issue codes were granted.
    pub(crate) issues: Recent,
    pub(crate) right: Option<Right>,
    pub(crate) sealed_with: KeyId,
}

/// What the accepted code of a login or a proof came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    App(AuthenticatorId),
    Code {
        /// The number of the set.
        set: usize,
        number: u8,
        remaining: u8,
    },
    Enrollment(AuthenticatorId),
}

/// A proof with its values.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    Password { checked_at: u64 },
    Code(String),
    Reauthenticated { checked_at: u64, receipt: Receipt },
}

/// A receipt as the caller presents it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt {
    pub(crate) who: usize,
    pub(crate) at: u64,
    pub(crate) by: By,
    pub(crate) seal: Seal,
}

/// Whether the service sealed the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    Genuine,
    /// The text was changed, or another namespace sealed it.
    Foreign,
    /// The version or the key is unknown.
    Unknown,
}
