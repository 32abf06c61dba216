//! The program that `tests/compatibility/run` builds with an earlier version. It tells the same
//! stories: `write` prints the records, and `open` reads records from standard input.

#[path = "record.rs"]
mod record;
#[path = "stories.rs"]
mod stories;
#[path = "world.rs"]
mod world;

/// The names of the earlier version. `api.rs` has the same list with the names of this version.
mod api {
    pub(crate) use countersign::testing::{ManualClock, Phone, block_on};
    pub(crate) use countersign::{
        AccountId, Algorithm, AuthenticatorId, AuthenticatorName, Denied, Digits, EnrollmentId,
        EnrollmentRequest, KeyId, Keyring, MemoryStore, Period, Policy, PolicyBuilder, Proof,
        RandomError, RandomSource, Receipt, Revision, SealingKey, Status, Store, Timestamp,
        Verifier, VerifierBuilder, Window,
    };

    use countersign::{
        AcceptedBy, AuthenticatorStatus, DigestParams, Enabled, Hold, Summary, Swap, SwapKind,
        Swapped,
    };
    use std::time::Duration;

    pub(crate) fn policy() -> PolicyBuilder {
        Policy::builder()
            .code_digest(DigestParams::new(8, 1, 1).unwrap())
            .waits(5, Duration::from_secs(30), Duration::from_secs(3600))
    }

    /// In the earlier version, no set of backup codes is pending.
    pub(crate) fn pending_codes<S: Store>(
        builder: VerifierBuilder<S>,
        _: bool,
    ) -> VerifierBuilder<S> {
        builder
    }

    pub(crate) fn request(account_name: &str) -> EnrollmentRequest {
        EnrollmentRequest::additional(account_name)
    }

    pub(crate) fn proof(code: &str) -> Proof<'_> {
        Proof::Passcode(code)
    }

    pub(crate) fn unlock(verifier: &Verifier<MemoryStore>, account: &AccountId) {
        block_on(verifier.unlock(account)).unwrap();
    }

    pub(crate) fn put(store: &MemoryStore, account: &AccountId, revision: Revision, record: &[u8]) {
        let summary = Summary::new(true, 0, KeyId::new(1));
        let swap = Swap::write(None, revision, record, SwapKind::Enrolling, summary);
        assert_eq!(
            block_on(Store::compare_and_swap(store, account, swap)),
            Ok(Swapped::Done)
        );
    }

    pub(crate) fn moving(authenticator: &AuthenticatorStatus) -> String {
        authenticator.period.to_string()
    }

    pub(crate) fn limit(enabled: &Enabled) -> Hold {
        enabled.hold
    }

    pub(crate) fn accepted(receipt: &Receipt) -> String {
        match receipt.by() {
            AcceptedBy::Authenticator { id } => format!("accepted by {id}"),
            AcceptedBy::BackupCode { number, remaining } => {
                format!("accepted as backup code {number}, {remaining} left")
            }
            AcceptedBy::Enrollment { id } => format!("confirmed {id}"),
            other => panic!("{other:?}"),
        }
    }
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("write") => {
            let ended = stories::FIRST_FORM.iter().chain(&stories::ENDED);
            for story in ended.chain(&stories::SOON_FIRST_FORM) {
                println!("{}", story.tell().opened());
            }
        }
        Some("open") => {
            for line in std::io::stdin().lines() {
                println!("{}", record::Record::parse(&line.unwrap()).opened());
            }
        }
        other => panic!("write or open, not {other:?}"),
    }
}
