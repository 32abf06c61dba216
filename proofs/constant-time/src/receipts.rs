//! The message authentication code of a receipt. Its key is derived from the sealing key. Only this
//! key is poisoned, because a receipt and its content are public.

use crate::memcheck::poison;
use crate::random::Repeatable;
use crate::report::Report;
use countersign::blocking::Verifier;
use countersign::store::MemoryStore;
use countersign::testing::ManualClock;
use countersign::{
    AccountId, EnrollmentRequest, FirstFactor, KeyId, Keyring, Proof, Rejection, SealedReceipt,
    SealingKey, Timestamp,
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

/// Opens a receipt that was sealed at [`NOW`]. This function first poisons the key.
pub(crate) fn run(report: &Report, key: &[u8; 32], account: &AccountId, sealed: &SealedReceipt) {
    let mut key = *key;
    poison(&mut key);
    let present = |receipt: &SealedReceipt| {
        let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(&key));
        // The store is empty, so that the verifier decrypts no record with the key.
        let (store, random) = (MemoryStore::new(), Repeatable::new());
        let verifier = Verifier::builder_with_random(store, keyring, "Example", random)
            .clock(ManualClock::at(NOW))
            .build_blocking()
            .expect("a verifier");
        let proof = Proof::Reauthenticated {
            first_factor: FirstFactor::password(NOW),
            receipt,
        };
        let request = EnrollmentRequest::new("alice");
        let denied = verifier
            .begin_enrollment(account, request, proof)
            .expect_err("there is no authenticator");
        denied.rejection()
    };
    report.proof("receipt that is authentic", 1, || {
        // The receipt is valid, but its authenticator does not exist.
        assert_eq!(present(sealed), Some(Rejection::ProofExpired));
    });
    let changed = with_another_time(sealed);
    report.proof("receipt that was changed", 1, || {
        assert_eq!(present(&changed), Some(Rejection::ForeignReceipt));
    });
}

fn with_another_time(receipt: &SealedReceipt) -> SealedReceipt {
    // The time comes after version and key, and before the account.
    const TIME: usize = 12;
    let mut text = receipt.as_str().to_owned();
    let other = if text[TIME..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    text.replace_range(TIME..=TIME, other);
    SealedReceipt::from(text)
}
