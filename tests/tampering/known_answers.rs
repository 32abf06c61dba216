//! Records made by other software. Every later version must decrypt them.

use crate::controlled_store::ControlledStore;
use countersign::factor::{AuthenticatorKind, EnabledStatus, RateLimitState};
use countersign::otp::Algorithm;
use countersign::record::RecordError;
use countersign::store::{Revision, StoredRecord};
use countersign::testing::{ManualClock, block_on};
use countersign::uri::KeyUriKind;
use countersign::{
    AcceptedBy, AccountId, AuthenticatorId, AuthenticatorName, Denied, EnrollmentId,
    EnrollmentRequest, KeyId, Keyring, Proof, Receipt, Rejection, RequestId, SealingKey, Status,
    Timestamp, Verifier, VerifierError,
};
use data_encoding::HEXLOWER;
use std::time::Duration;

const NOW: u64 = 1_800_000_000;

struct Case {
    verifier: Verifier<ControlledStore>,
    account: AccountId,
    passcodes: Vec<&'static str>,
}

fn case(name: &str) -> Case {
    let line = include_str!("../data/records.txt")
        .lines()
        .find(|line| line.split('\t').next() == Some(name))
        .unwrap();
    let fields: Vec<&str> = line.split('\t').collect();
    let key = SealingKey::from_bytes(hex(fields[2]).as_slice().try_into().unwrap());
    let revision = Revision::from_i64(fields[5].parse().unwrap()).unwrap();
    let store = ControlledStore::default();
    let stored = StoredRecord::new(hex(fields[7]), revision);
    store.set(&stored.record, &stored);
    let keyring = Keyring::new(KeyId::new(fields[1].parse().unwrap()), key);
    let verifier = Verifier::builder(store, keyring, "Example")
        .namespace(if fields[3] == "-" { "" } else { fields[3] })
        .clock(ManualClock::at(Timestamp::from_unix(NOW)))
        .build()
        .unwrap();
    Case {
        verifier,
        account: AccountId::new(fields[4]).unwrap(),
        passcodes: fields[6].split(',').collect(),
    }
}

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

impl Case {
    fn enabled(&self) -> EnabledStatus {
        match block_on(self.verifier.status(&self.account)).unwrap() {
            Status::Enabled(enabled) => enabled,
            other => panic!("{other:?}"),
        }
    }

    /// Verifies with the request id of the records.
    fn request(&self, code: &str) -> Result<Receipt, Denied> {
        let id = (0..16)
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        let id: RequestId = id.parse().unwrap();
        block_on(self.verifier.verify_request(&self.account, code, &id))
    }

    fn verify(&self, code: &str) -> Result<(), Rejection> {
        match block_on(self.verifier.verify(&self.account, code)) {
            Ok(_) => Ok(()),
            Err(Denied::Rejected(rejection) | Denied::Repeated(rejection)) => Err(rejection),
            Err(Denied::Failed(error)) => panic!("{error}"),
        }
    }
}

#[test]
fn an_empty_record_is_a_disabled_account() {
    let case = case("empty");
    let status = block_on(case.verifier.status(&case.account)).unwrap();
    assert_eq!(status, Status::Disabled);
}

#[test]
fn the_smallest_record_opens() {
    let case = case("one");
    assert_eq!(case.enabled().authenticators.len(), 1);
    assert_eq!(case.verify(case.passcodes[0]), Ok(()));
}

#[test]
fn a_record_with_a_refused_name_opens() {
    let case = case("invisible_name");
    let [authenticator] = case.enabled().authenticators.try_into().unwrap();
    let name = authenticator.name.as_str();
    assert_eq!(name, "pho\u{200d}ne\u{200e}");
    assert!(AuthenticatorName::new(name).is_err());
    assert_eq!(case.verify(case.passcodes[0]), Ok(()));
}

#[test]
fn a_full_record_opens() {
    let case = case("everything");
    let enabled = case.enabled();
    let seen: Vec<_> = enabled
        .authenticators
        .iter()
        .map(|one| {
            let times = (
                one.added_at.as_unix(),
                one.last_used_at.map(Timestamp::as_unix),
            );
            (
                one.id.to_string(),
                one.name.to_string(),
                one.algorithm,
                one.digits,
                one.kind,
                times,
            )
        })
        .collect();
    let row = |number: u8, name: &str, algorithm, digits, period, last_used_at| {
        let id = format!("{number:02x}").repeat(8);
        (
            id,
            name.to_owned(),
            algorithm,
            digits,
            AuthenticatorKind::Totp { period },
            (NOW - 86_400, last_used_at),
        )
    };
    assert_eq!(
        seen,
        [
            row(1, "phone", Algorithm::Sha1, 6, 30, Some(NOW - 30)),
            row(2, "tablet", Algorithm::Sha256, 7, 60, Some(NOW - 60)),
            row(3, "watch", Algorithm::Sha512, 8, 15, None),
        ]
    );
    let codes = enabled.backup_codes.unwrap();
    assert_eq!(codes.issued_at.as_unix(), NOW - 3600);
    assert_eq!(codes.remaining, 2);
    assert_eq!(codes.used_at[2], Some(Timestamp::from_unix(NOW - 1800)));
    assert_eq!(enabled.rate_limit, RateLimitState::Free);
}

#[test]
fn used_passcodes_in_a_record_stay_used() {
    let case = case("everything");
    assert_eq!(case.verify(case.passcodes[1]), Err(Rejection::Replayed));
}

#[test]
fn failures_in_a_record_still_count() {
    let case = case("everything");
    assert_eq!(case.verify("000000"), Err(Rejection::WrongCode));
    let rate_limit = case.enabled().rate_limit;
    assert!(
        matches!(rate_limit, RateLimitState::Waiting { .. }),
        "the fifth failure: {rate_limit:?}"
    );
}

#[test]
fn authenticators_and_codes_of_a_record_are_accepted() {
    for code in [0, 2].map(|place| case("everything").passcodes[place]) {
        assert_eq!(case("everything").verify(code), Ok(()));
    }
    for code in ["12345678", "87654321"] {
        assert_eq!(case("everything").verify(code), Ok(()));
    }
    let used = case("everything").verify("00000000");
    assert_eq!(used, Err(Rejection::BackupCodeUsed));
}

#[test]
fn a_pending_enrollment_in_a_record_continues() {
    let case = case("everything");
    let id: EnrollmentId = "11".repeat(16).parse().unwrap();
    let enrollment = block_on(case.verifier.pending_enrollment(&case.account, id)).unwrap();
    let uri = enrollment.key_uri();
    assert_eq!(uri.account(), "a".repeat(1024));
    assert_eq!(uri.issuer(), Some("Example"));
    assert_eq!(uri.secret().expose(), (40..60).collect::<Vec<u8>>());
}

#[test]
fn limits_in_a_record_are_enforced() {
    let case = case("fields");
    let id: AuthenticatorId = "01".repeat(8).parse().unwrap();
    let request = EnrollmentRequest::replacing(id, "alice");
    let proof = || Proof::Code(case.passcodes[0]);
    let begun = case
        .verifier
        .begin_enrollment(&case.account, request, proof());
    assert_eq!(
        block_on(begun).unwrap_err().rejection(),
        Some(Rejection::TooManyEnrollments {
            retry_after: Duration::from_secs(10)
        })
    );
    let issued = case.verifier.issue_backup_codes(&case.account, proof());
    assert_eq!(
        block_on(issued).unwrap_err().rejection(),
        Some(Rejection::TooManyIssues {
            retry_after: Duration::from_secs(86_400 - 7200)
        })
    );
    assert_eq!(case.verify(case.passcodes[0]), Ok(()));
}

#[test]
fn an_extended_record_opens() {
    let seen: Vec<_> = case("extended")
        .enabled()
        .authenticators
        .iter()
        .map(|one| {
            (
                one.kind,
                one.imported,
                one.secret_bits,
                one.is_due_for_renewal(),
            )
        })
        .collect();
    let totp = |period| AuthenticatorKind::Totp { period };
    assert_eq!(
        seen,
        [
            (AuthenticatorKind::Hotp, true, 160, false),
            (totp(60), false, 160, false),
            (totp(30), true, 112, true),
        ]
    );
}

#[test]
fn counters_and_t0_of_a_record_are_used() {
    let verify = |place: usize| {
        let case = case("extended");
        case.verify(case.passcodes[place])
    };
    assert_eq!(verify(0), Err(Rejection::Replayed), "counter 11");
    assert_eq!(verify(1), Ok(()), "counter 14");
    assert_eq!(verify(2), Err(Rejection::WrongCode), "counter 15");
    assert_eq!(verify(3), Ok(()), "T0");
    assert_eq!(verify(4), Ok(()), "112 bits");
}

#[test]
fn a_pending_counter_in_a_record_continues() {
    let case = case("extended");
    let id: EnrollmentId = "11".repeat(16).parse().unwrap();
    let enrollment = block_on(case.verifier.pending_enrollment(&case.account, id)).unwrap();
    let kind = enrollment.key_uri().kind();
    assert_eq!(kind, KeyUriKind::Hotp { counter: 0 });
}

#[test]
fn requests_in_a_record_are_repeated() {
    for (name, remaining) in [("request_accepted", None), ("request_backup_code", Some(2))] {
        let case = case(name);
        let receipt = case.request(case.passcodes[0]).unwrap();
        assert!(receipt.is_repeat());
        let ago = NOW - receipt.at().as_unix();
        match (receipt.accepted_by(), remaining) {
            (AcceptedBy::Authenticator { id }, None) => {
                assert_eq!((id.to_string(), ago), ("02".repeat(8), 29));
            }
            (
                AcceptedBy::BackupCode {
                    set,
                    number: 3,
                    remaining: left,
                },
                remaining,
            ) => {
                let salt: String = (0..16).map(|byte| format!("{byte:02x}")).collect();
                assert_eq!((set.to_string(), ago), (salt, 1));
                assert_eq!(Some(left), remaining);
            }
            other => panic!("{other:?}"),
        }
        assert!(case.verify(case.passcodes[0]).is_err(), "without the id");
    }
    let wrong = case("request_wrong");
    for _ in 0..9 {
        let outcome = wrong.request(wrong.passcodes[0]).unwrap_err();
        assert_eq!(outcome.rejection(), Some(Rejection::WrongCode));
    }
}

#[test]
fn requests_in_a_record_are_joined() {
    for name in ["request_reserved", "request_joined"] {
        let case = case(name);
        let receipt = case.request(case.passcodes[0]).unwrap();
        assert!(!receipt.is_repeat());
        assert_eq!(receipt.at().as_unix(), NOW);
        assert!(case.request(case.passcodes[0]).unwrap().is_repeat());
    }
}

#[test]
fn impossible_requests_in_a_record_are_malformed() {
    for name in [
        "request_unknown_result",
        "request_wrong_number",
        "request_five_joins",
        "request_no_authenticator",
        "request_unused_code",
        "request_code_zero",
        "request_no_code",
        "request_disabled",
        "request_reserved_without_codes",
        "request_code_without_codes",
        "keyed_codes_reserved",
    ] {
        let case = case(name);
        let status = block_on(case.verifier.status(&case.account));
        assert!(
            matches!(status, Err(VerifierError::Record(RecordError::Malformed))),
            "{name}: {status:?}"
        );
    }
}

#[test]
fn keyed_codes_of_a_record_are_accepted() {
    for name in [
        "keyed_codes",
        "keyed_codes_in_two_steps",
        "keyed_codes_wrong",
    ] {
        for (place, expected) in [
            (0, Ok(())),
            (1, Ok(())),
            (2, Err(Rejection::BackupCodeUsed)),
        ] {
            let case = case(name);
            assert_eq!(case.enabled().backup_codes.unwrap().remaining, 2);
            assert_eq!(case.verify(case.passcodes[place]), expected, "{name}");
        }
        let pending = case(name);
        let answer = pending.verify(pending.passcodes[3]);
        assert_eq!(answer.is_ok(), name == "keyed_codes_in_two_steps");
    }
    let case = case("keyed_codes_wrong");
    let repeated = case.request(case.passcodes[2]);
    assert!(matches!(
        repeated,
        Err(Denied::Repeated(Rejection::BackupCodeUsed))
    ));
}

#[test]
fn keyed_codes_have_one_place_in_a_record() {
    for name in [
        "keyed_codes_as_hashes",
        "hashes_as_keyed_codes",
        "keyed_codes_twice",
        "keyed_codes_too_short",
    ] {
        let case = case(name);
        let status = block_on(case.verifier.status(&case.account));
        assert!(
            matches!(status, Err(VerifierError::Record(RecordError::Malformed))),
            "{name}: {status:?}"
        );
    }
}

#[test]
fn an_unknown_record_field_is_named() {
    let case = case("unknown_field");
    let status = block_on(case.verifier.status(&case.account));
    assert!(
        matches!(
            status,
            Err(VerifierError::Record(RecordError::UnknownField(77)))
        ),
        "{status:?}"
    );
}

#[test]
fn an_oversized_record_is_malformed() {
    let case = case("too_long");
    let status = block_on(case.verifier.status(&case.account));
    assert!(
        matches!(status, Err(VerifierError::Record(RecordError::Malformed))),
        "{status:?}"
    );
}
