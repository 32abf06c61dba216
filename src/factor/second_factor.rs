use super::action_limits::{Issuing, Recent};
use super::authenticator::{Authenticator, Pending};
use super::code_set::CodeSet;
use super::device::{DeviceStatus, Devices};
use super::ended::{EndReason, Ended, EndedAuthenticator};
use super::moving_factor::MovingFactor;
use super::rate_limit::{Charge, RateLimit, RateLimitState};
use super::request::LastRequest;
use crate::backup::{HashJob, PendingCodeSet};
use crate::factor::BackupCodeSetId;
use crate::otp::{Algorithm, Secret};
use crate::store::WriteKind;
use crate::{
    AcceptedBy, AuthenticatorId, AuthenticatorName, Policy, Rejection, ServerClock, Timestamp,
};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// At most ten enrollments begin within ten minutes.
pub(crate) type Beginnings = Recent<10, 600>;

/// The state of one account's second factor.
#[derive(Clone, Debug)]
pub(crate) struct SecondFactor {
    pub(crate) authenticators: Vec<Authenticator>,
    pub(crate) pending: Option<Box<Pending>>,
    pub(crate) code_set: Option<CodeSet>,
    /// A set of backup codes that is pending next to the current one.
    pub(crate) pending_codes: Option<Box<PendingCodeSet>>,
    pub(crate) rate_limit: RateLimit,
    pub(crate) beginnings: Beginnings,
    pub(crate) issuing: Issuing,
    /// The import that the record was made by, or is being made by.
    pub(crate) import: Option<ImportFingerprint>,
    /// The last attempt, if it had a request id.
    pub(crate) last_request: Option<Box<LastRequest>>,
    /// The devices that the user signed in with before.
    pub(crate) devices: Devices,
    /// Authenticators that are no longer active, if there are any.
    pub(crate) ended: Option<Box<Ended>>,
}

/// Identifies an import: the first 16 bytes of SHA-256 over its authenticators.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ImportFingerprint(pub(crate) [u8; 16]);

impl fmt::Debug for ImportFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportFingerprint").finish_non_exhaustive()
    }
}

/// The result of a decision about an account.
#[expect(
    clippy::large_enum_variant,
    reason = "lives for one step, on the stack"
)]
pub(crate) enum Step<T> {
    /// Write nothing, and give this answer.
    Answer(T),
    /// Write this state, and give the answer after the state is stored.
    Write(SecondFactor, WriteKind, T),
}

/// An accepted code. It is used up when the write is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted {
    pub(crate) by: AcceptedBy,
    pub(crate) at: Timestamp,
    /// How far the phone's clock was off, in seconds.
    pub(crate) clock_offset: Option<i32>,
}

/// The answer to an attempt, or to a change whose proof may be a code.
#[derive(Debug)]
pub(crate) enum Outcome<T> {
    Accepted(T),
    Rejected(Rejection),
    /// The same request was rejected before, for this reason. Nothing is counted now.
    Repeated(Rejection),
    /// The attempt is counted as a failure. Compute this hash, and ask again.
    HashNeeded {
        job: HashJob,
        /// The first set that had the salt of the hash.
        set: BackupCodeSetId,
        charge: Charge,
        /// Whether an earlier call counted the attempt.
        joined: bool,
    },
    /// An overtaken token was shown, so its device is forgotten. Ask again.
    DeviceForgotten,
}

impl<T> Step<Outcome<T>> {
    pub(crate) const fn reject(rejection: Rejection) -> Self {
        Self::Answer(Outcome::Rejected(rejection))
    }
}

impl SecondFactor {
    pub(crate) const fn new(now: Timestamp, policy: &Policy) -> Self {
        Self {
            authenticators: Vec::new(),
            pending: None,
            code_set: None,
            pending_codes: None,
            rate_limit: RateLimit::new(now, policy),
            beginnings: Beginnings::new(),
            issuing: Issuing::new(),
            import: None,
            last_request: None,
            devices: Devices::new(),
            ended: None,
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        !self.authenticators.is_empty()
    }

    /// The number of unused codes of the current set. The user may never have seen the codes of a
    /// pending one.
    pub(crate) fn codes_left(&self) -> usize {
        self.code_set.as_ref().map_or(0, CodeSet::remaining)
    }

    pub(crate) fn status(&self, now: Timestamp, policy: &Policy) -> Status {
        if !self.is_enabled() {
            return Status::Disabled;
        }
        let authenticator = |active: &Authenticator| AuthenticatorStatus {
            id: active.id,
            name: active.name.clone(),
            kind: active.moving.into(),
            algorithm: active.parameters.algorithm,
            digits: active.parameters.digits.get(),
            secret_bits: active.secret.bits(),
            imported: active.imported,
            added_at: active.added_at,
            last_used_at: active.last_used_at,
        };
        Status::Enabled(EnabledStatus {
            authenticators: self.authenticators.iter().map(authenticator).collect(),
            backup_codes: self.code_set.as_ref().map(|codes| BackupCodesStatus {
                issued_at: codes.issued_at(),
                remaining: codes.remaining(),
                used_at: codes.used_at(),
                imported: codes.is_imported(),
                long: codes.is_keyed(),
                pending: self.pending_codes.as_deref().map(PendingCodesStatus::of),
            }),
            rate_limit: self.rate_limit.state(now, policy),
            devices: self.devices.status(policy),
            ended: self.ended().to_vec(),
        })
    }

    /// The ended authenticators in the record, in the order in which they ended.
    pub(crate) fn ended(&self) -> &[EndedAuthenticator] {
        self.ended.as_ref().map_or(&[], |ended| ended.kept())
    }

    /// The authenticators that this decision ended.
    pub(crate) fn just_ended(&self) -> &[EndedAuthenticator] {
        self.ended.as_ref().map_or(&[], |ended| ended.just_ended())
    }

    /// Keeps the authenticators that this decision ended in the record.
    pub(crate) fn keep_just_ended(&mut self) {
        if let Some(ended) = &mut self.ended {
            ended.keep();
        }
    }

    /// Removes the authenticators for which `ends` is true.
    pub(super) fn end_authenticators(
        &mut self,
        ends: impl Fn(&Authenticator) -> bool,
        reason: EndReason,
        now: Timestamp,
    ) {
        let gone = self.authenticators.iter().filter(|active| ends(active));
        let gone: Vec<_> = gone.map(|active| active.ended(reason, now)).collect();
        self.authenticators.retain(|active| !ends(active));
        if !gone.is_empty() {
            self.ended.get_or_insert_default().add(gone);
        }
    }

    /// Notes an authenticator whose place another one took.
    pub(super) fn end_replaced(&mut self, replaced: &Authenticator, now: Timestamp) {
        let ended = self.ended.get_or_insert_default();
        ended.add([replaced.ended(EndReason::Replaced, now)]);
    }

    /// Whether this authenticator is active.
    pub(super) fn check_authenticator(&self, id: AuthenticatorId) -> Result<(), Rejection> {
        let found = self.authenticators.iter().any(|active| active.id == id);
        found.then_some(()).ok_or(Rejection::UnknownAuthenticator)
    }

    /// Whether another enrollment may begin now.
    pub(super) fn check_beginnings(&self, now: Timestamp) -> Result<(), Rejection> {
        let too_often = |retry_after| Rejection::TooManyEnrollments { retry_after };
        self.beginnings.admit(now, too_often)
    }

    /// Removes everything that belongs to a second factor, except the limits.
    pub(super) fn clear(&mut self, reason: EndReason, now: Timestamp) {
        self.end_authenticators(|_| true, reason, now);
        self.pending = None;
        self.code_set = None;
        self.pending_codes = None;
        self.issuing.right = None;
        self.import = None;
        self.devices.clear();
    }

    /// Drops what no longer counts, before a write of this kind.
    pub(crate) fn forget_expired(&mut self, kind: WriteKind, now: Timestamp) {
        use WriteKind::{Accepted, DeviceRemembered, Joined, Rejected, Resealed, Reserved};
        // A service remembers the device of a form before a repeat of that form can arrive.
        let keeps_request = matches!(
            kind,
            Accepted | DeviceRemembered | Joined | Rejected | Resealed | Reserved
        );
        self.last_request
            .take_if(|last| !keeps_request || !last.counts(now));
        self.beginnings.forget(now);
        self.issuing.forget(now);
        if !matches!(kind, Joined | Resealed | Reserved) {
            self.devices.drop_spent();
        }
    }

    /// Ends back-off and lock-out and refills part of the guess budget, without a proof.
    pub(crate) fn unlock(
        mut self,
        now: Timestamp,
        clock: ServerClock,
        policy: &Policy,
    ) -> Step<Result<(), Rejection>> {
        match clock {
            ServerClock::Confirmed => {
                self.rate_limit.reset_future_times(now);
                self.beginnings.reset_future_times(now);
                self.issuing.reset_future_times(now);
                self.devices.reset_future_times(now);
            }
            ServerClock::Unconfirmed => {
                let clock_fault = self.rate_limit.has_clock_fault(now)
                    || self.beginnings.has_clock_fault(now)
                    || self.issuing.issues.has_clock_fault(now);
                if clock_fault {
                    return Step::Answer(Err(Rejection::ClockFault));
                }
            }
        }
        self.rate_limit.unlock(now, policy);
        Step::Write(self, WriteKind::Unlocked, Ok(()))
    }

    /// Removes all authenticators without a proof.
    pub(crate) fn force_disable(mut self, now: Timestamp) -> Step<Result<(), Rejection>> {
        self.clear(EndReason::ForceDisabled, now);
        self.rate_limit.succeed();
        Step::Write(self, WriteKind::Disabled, Ok(()))
    }
}

/// The status of an account's second factor, to show to the user. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Status {
    /// There is no record.
    ///
    /// `Absent` is not the same as [`Disabled`](Self::Disabled). If your own flag says that the
    /// account is enrolled, the row was lost or rolled back. Do not let the user in with the
    /// password alone.
    Absent,
    /// There is a record without an active authenticator.
    Disabled,
    /// At least one authenticator is active.
    Enabled(EnabledStatus),
}

/// An account with an active second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct EnabledStatus {
    /// The active authenticators, at least one, in the order in which the user added them. A
    /// replacement takes the place of the authenticator that it replaced.
    pub authenticators: Vec<AuthenticatorStatus>,
    /// The backup codes, if a set was issued or imported.
    pub backup_codes: Option<BackupCodesStatus>,
    /// Whether the verifier would check a code of the account now. A known device does not wait.
    pub rate_limit: RateLimitState,
    /// The devices that the user signed in with before, oldest first.
    #[cfg_attr(feature = "serde", serde(default))]
    pub devices: Vec<DeviceStatus>,
    /// The authenticators that were removed or replaced, at most twenty, in that order. Empty
    /// unless the verifier keeps them
    /// ([`keep_ended_authenticators`](crate::VerifierBuilder::keep_ended_authenticators)).
    #[cfg_attr(feature = "serde", serde(default))]
    pub ended: Vec<EndedAuthenticator>,
}

/// One active authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct AuthenticatorStatus {
    /// Its id, to replace or remove it.
    pub id: AuthenticatorId,
    /// The user's name for it.
    pub name: AuthenticatorName,
    /// Whether its passcodes come from the time or from a counter.
    pub kind: AuthenticatorKind,
    /// The hash function of its passcodes.
    pub algorithm: Algorithm,
    /// The digits of its passcodes.
    pub digits: u8,
    /// The length of its secret, in bits.
    pub secret_bits: usize,
    /// Whether it was imported from another system.
    pub imported: bool,
    /// When it was confirmed. For an imported one, when it was added to the other system.
    pub added_at: Timestamp,
    /// When one of its passcodes was last accepted, including the one that confirmed it.
    pub last_used_at: Option<Timestamp>,
}

impl AuthenticatorStatus {
    /// Whether the user should replace the authenticator, because its secret has fewer than the 128
    /// bits that RFC 4226 (section 4, R6) requires. Only imported authenticators can have such a
    /// secret.
    ///
    /// The authenticator works until it is replaced. Begin an enrollment with
    /// [`EnrollmentRequest::replacing`](crate::EnrollmentRequest::replacing).
    #[must_use]
    pub const fn is_due_for_renewal(&self) -> bool {
        self.secret_bits < Secret::MINIMUM_BITS
    }
}

/// The type of an authenticator, by what changes from one passcode to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum AuthenticatorKind {
    /// The time (RFC 6238). A new passcode appears once per period.
    Totp {
        /// The period, in seconds.
        period: u64,
    },
    /// A counter (RFC 4226). A new passcode appears when the user asks for one.
    Hotp,
}

impl From<MovingFactor> for AuthenticatorKind {
    fn from(moving: MovingFactor) -> Self {
        match moving {
            MovingFactor::Time { period, .. } => Self::Totp {
                period: period.as_secs(),
            },
            MovingFactor::Counter { .. } => Self::Hotp,
        }
    }
}

/// The current set of backup codes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BackupCodesStatus {
    /// When the set was issued. For an imported set whose time is unknown, when it was imported.
    pub issued_at: Timestamp,
    /// The number of unused codes.
    pub remaining: usize,
    /// When each code was used, in the order of the backup-code file or of the import.
    pub used_at: Vec<Option<Timestamp>>,
    /// Whether another system issued the set. Offer the user a new set.
    #[cfg_attr(feature = "serde", serde(default))]
    pub imported: bool,
    /// Whether the codes have at least 112 bits and a fast digest. Then a right code is accepted
    /// while a limit holds other codes, except for a lock-out that
    /// [`ConsecutiveCodes::unlock`](crate::factor::ConsecutiveCodes::unlock) does not end.
    #[cfg_attr(feature = "serde", serde(default))]
    pub long: bool,
    /// A later set, until the user has saved it or uses one of its codes. Its codes are valid, too.
    #[cfg_attr(feature = "serde", serde(default))]
    pub pending: Option<PendingCodesStatus>,
}

/// A set of backup codes that is pending next to the current one.
///
/// [`Verifier::confirm_saved`](crate::Verifier::confirm_saved) or the first accepted code of the
/// set ends the current set. Nothing else does, and a pending set does not expire. So remind the
/// user until one of the two happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PendingCodesStatus {
    /// Its id, to confirm or discard it.
    pub id: BackupCodeSetId,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The number of its codes. None of them is used.
    pub remaining: usize,
}

impl PendingCodesStatus {
    const fn of(set: &PendingCodeSet) -> Self {
        Self {
            id: BackupCodeSetId::from_bytes(*set.id()),
            issued_at: set.issued_at(),
            remaining: set.remaining(),
        }
    }
}
