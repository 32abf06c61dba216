//! The second factor of an account, as its user sees it: authenticators, backup codes, browsers.

use countersign::factor::{AuthenticatorStatus, BackupCodeSetId, BackupCodesStatus};
use countersign::{AuthenticatorId, DeviceId, Timestamp};

/// The second factor of an account.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct OverviewPage {
    /// Whether it is on.
    pub enabled: bool,
    /// Whether the user may switch it off.
    pub may_disable: bool,
    /// The time from which the account must have one, if it does not yet.
    pub enroll_by: Option<Timestamp>,
    /// The authenticators.
    pub authenticators: Vec<AuthenticatorEntry>,
    /// The backup codes, if a set was issued or imported.
    pub backup_codes: Option<BackupCodesEntry>,
    /// The number of known browsers, if the gate remembers browsers.
    pub devices: Option<usize>,
}

/// The browsers that the account knows.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DevicesPage {
    /// The browsers, the newest first.
    pub devices: Vec<DeviceEntry>,
}

/// A browser that the account knows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceEntry {
    /// The id.
    pub id: DeviceId,
    /// Its name, as the browser presented itself: `Firefox (Linux)`.
    pub label: String,
    /// When it was remembered.
    pub remembered_at: Timestamp,
    /// When its token was accepted last.
    pub last_used_at: Option<Timestamp>,
    /// Until when it signs in without a code, if it does.
    pub trusted_until: Option<Timestamp>,
    /// Whether the request comes from this browser.
    pub here: bool,
}

/// An authenticator in the overview.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthenticatorEntry {
    /// The id.
    pub id: AuthenticatorId,
    /// The name.
    pub name: String,
    /// When it was added.
    pub added_at: Timestamp,
    /// When it was used last.
    pub last_used_at: Option<Timestamp>,
}

/// The backup codes in the overview.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BackupCodesEntry {
    /// When the set was issued or imported.
    pub issued_at: Timestamp,
    /// The number of unused codes.
    pub remaining: usize,
    /// When each code was used, in the order of the backup-code file.
    pub used_at: Vec<Option<Timestamp>>,
    /// New codes that the user has not yet said to be saved.
    pub pending: Option<PendingCodesEntry>,
}

/// New backup codes, while the earlier ones are still valid.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PendingCodesEntry {
    /// The id of the set, for the field `set`.
    pub set: BackupCodeSetId,
    /// When the set was issued.
    pub issued_at: Timestamp,
}

impl From<&BackupCodesStatus> for BackupCodesEntry {
    fn from(status: &BackupCodesStatus) -> Self {
        Self {
            issued_at: status.issued_at,
            remaining: status.remaining,
            used_at: status.used_at.clone(),
            pending: status.pending.map(|pending| PendingCodesEntry {
                set: pending.id,
                issued_at: pending.issued_at,
            }),
        }
    }
}

impl From<&AuthenticatorStatus> for AuthenticatorEntry {
    fn from(status: &AuthenticatorStatus) -> Self {
        Self {
            id: status.id,
            name: status.name.to_string(),
            added_at: status.added_at,
            last_used_at: status.last_used_at,
        }
    }
}
