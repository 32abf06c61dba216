//! Any bytes, damaged records, and records under another revision. No such record decrypts: every
//! call returns the same error and writes nothing.

use super::service::{KNOWN, START, Service, staff};
use super::{Edit, edited, sealing};
use arbitrary::Arbitrary;
use countersign::record::RecordError;
use countersign::store::Revision;
use countersign::testing::block_on;
use countersign::{Denied, ServerClock, VerifierError};

#[derive(Debug, Arbitrary)]
enum Input<'a> {
    Bytes(&'a [u8]),
    /// One of the known records after edits, and perhaps under another revision.
    Damaged(u8, Option<i64>, Vec<(u16, Edit)>),
}

pub(super) fn run(input: &[u8]) {
    let Some(input) = super::read(input) else {
        return;
    };
    let (record, revision) = match input {
        Input::Bytes(bytes) => (bytes.to_vec(), KNOWN[0].revision),
        Input::Damaged(which, revision, edits) => {
            let known = &KNOWN[usize::from(which) % KNOWN.len()];
            let revision = revision.and_then(|number| Revision::from_i64(number).ok());
            (
                edited(&known.record, &edits),
                revision.unwrap_or(known.revision),
            )
        }
    };
    let service = Service::with_record(&record, revision);
    let genuine = KNOWN
        .iter()
        .any(|known| known.record == record && known.revision == revision);
    match service.status() {
        Ok(_) => assert!(genuine, "a record decrypts that was never written"),
        Err(VerifierError::Record(error)) => {
            assert!(!genuine, "a genuine record does not decrypt: {error}");
            refuses(&service, error);
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// Every call fails with this error and leaves the record unchanged. The record can be erased,
/// unless it names another account.
pub(super) fn refuses(service: &Service, error: RecordError) {
    let before = service.stored();
    let is =
        |denied: Denied| matches!(denied, Denied::Failed(VerifierError::Record(e)) if e == error);
    let (verifier, account) = (&service.verifier, &service.account);
    let id = format!("{START:032}").parse().expect("32 digits");
    assert!(is(service.verify("123456").unwrap_err()));
    assert!(is(service.verify("12345678").unwrap_err()));
    assert!(is(service.begin(None).unwrap_err()));
    assert!(is(service.confirm(id, "123456").unwrap_err()));
    for clock in [ServerClock::Unconfirmed, ServerClock::Confirmed] {
        assert!(is(
            block_on(verifier.unlock(account, clock, &staff())).unwrap_err()
        ));
    }
    assert!(is(
        block_on(verifier.force_disable(account, &staff())).unwrap_err()
    ));
    let resealed = block_on(verifier.reseal(account));
    assert!(matches!(resealed, Err(VerifierError::Record(e)) if e == error));
    assert!(service.stored() == before, "a damaged record was replaced");
    match block_on(verifier.erase(account, &staff())) {
        Ok(()) => {
            assert!(
                !sealing::names_another(&before.record),
                "the record of another account was erased"
            );
            assert_ne!(error, RecordError::OtherAccount);
        }
        Err(VerifierError::Record(RecordError::OtherAccount)) => {
            assert!(
                sealing::names_another(&before.record),
                "a record of this account was not erased"
            );
            assert!(service.stored() == before, "a record was replaced");
        }
        Err(other) => panic!("{other:?}"),
    }
}
