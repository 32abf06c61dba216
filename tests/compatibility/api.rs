//! The names of this version. `earlier.rs` has the same list with the names of the earlier version.

pub(crate) use countersign::otp::{Algorithm, Digits, Period, RandomError, Window};
pub(crate) use countersign::runtime::RandomSource;
pub(crate) use countersign::store::{MemoryStore, Revision, Store};
pub(crate) use countersign::testing::{ManualClock, Phone, block_on};
pub(crate) use countersign::{
    AccountId, AuthenticatorId, AuthenticatorName, Denied, EnrollmentId, EnrollmentRequest, KeyId,
    Keyring, Policy, PolicyBuilder, Proof, Receipt, SealingKey, Status, Timestamp, Verifier,
    VerifierBuilder,
};

use countersign::backup::Argon2Params;
use countersign::factor::{AuthenticatorKind, AuthenticatorStatus, EnabledStatus};
use countersign::store::{ConditionalWrite, Summary, WriteKind, WriteResult};
use countersign::{AcceptedBy, Actor, ServerClock};
use std::fmt::Debug;
use std::time::Duration;

/// A policy with a cheap password hash, and with the limits written out.
pub(crate) fn policy() -> PolicyBuilder {
    Policy::builder()
        .code_hash(Argon2Params::new(8, 1, 1).unwrap())
        .backoff(5, Duration::from_secs(30), Duration::from_secs(3600))
        .hotp_enrollment(true)
}

/// Sets whether a later set of backup codes is pending.
pub(crate) fn pending_codes<S: Store>(
    builder: VerifierBuilder<S>,
    pending: bool,
) -> VerifierBuilder<S> {
    builder.pending_backup_codes(pending)
}

pub(crate) fn request(account_name: &str) -> EnrollmentRequest {
    EnrollmentRequest::new(account_name)
}

pub(crate) fn proof(code: &str) -> Proof<'_> {
    Proof::Code(code)
}

pub(crate) fn unlock(verifier: &Verifier<MemoryStore>, account: &AccountId) {
    let staff = Actor::new("staff", "a test").unwrap();
    block_on(verifier.unlock(account, ServerClock::Unconfirmed, &staff)).unwrap();
}

/// Writes a record into an empty store.
pub(crate) fn put(store: &MemoryStore, account: &AccountId, revision: Revision, record: &[u8]) {
    let summary = Summary::new(true, 0, KeyId::new(1));
    let write = ConditionalWrite::put(None, revision, record, WriteKind::Enrolling, summary);
    let written = block_on(Store::compare_and_swap(store, account, write));
    assert_eq!(written, Ok(WriteResult::Done));
}

/// What the authenticator's passcodes are computed from.
pub(crate) fn moving(authenticator: &AuthenticatorStatus) -> String {
    match authenticator.kind {
        AuthenticatorKind::Totp { period } => period.to_string(),
        other => format!("{other:?}"),
    }
}

pub(crate) fn limit(enabled: &EnabledStatus) -> impl Debug {
    enabled.rate_limit
}

pub(crate) fn accepted(receipt: &Receipt) -> String {
    match receipt.accepted_by() {
        AcceptedBy::Authenticator { id } => format!("accepted by {id}"),
        AcceptedBy::BackupCode {
            number, remaining, ..
        } => format!("accepted as backup code {number}, {remaining} left"),
        AcceptedBy::Enrollment { id } => format!("confirmed {id}"),
        other => panic!("{other:?}"),
    }
}
