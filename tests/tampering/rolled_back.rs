//! An older record of the same account, put back with its own revision: what that can do, and what it cannot. The manual
//! says the same (`docs/guide/deploying.md`).

use crate::service::{STEP, Service};
use countersign::testing::block_on;
use countersign::{AcceptedBy, Denied, Rejection, Status};

#[test]
fn it_brings_back_the_backup_codes_that_were_used_since() {
    let service = Service::new();
    let before = service.store.stored();
    let _receipt = service.verify(&service.codes[1]).unwrap();
    service.store.hand(&before.record, &before);
    let receipt = service.verify(&service.codes[1]).unwrap();
    assert!(matches!(
        receipt.accepted_by(),
        AcceptedBy::BackupCode { number: 2, .. }
    ));
    let used_before = service.verify(&service.codes[0]);
    assert!(matches!(
        used_before,
        Err(Denied::Rejected(Rejection::BackupCodeUsed))
    ));
}

#[test]
fn it_makes_failures_be_forgotten() {
    let service = Service::new();
    let before = service.store.stored();
    for _ in 0..50 {
        let outcome = service.verify("00000000");
        assert!(matches!(
            outcome,
            Err(Denied::Rejected(Rejection::WrongCode))
        ));
        service.store.hand(&before.record, &before);
    }
}

#[test]
fn it_brings_back_a_passcode_within_its_window_and_not_after() {
    let service = Service::new();
    let before = service.store.stored();
    let passcode = service.passcode();
    let _receipt = service.verify(&passcode).unwrap();
    service.store.hand(&before.record, &before);
    let _receipt = service.verify(&passcode).unwrap();
    service.store.hand(&before.record, &before);
    service.clock.advance(STEP * 2);
    let outcome = service.verify(&passcode);
    assert!(matches!(
        outcome,
        Err(Denied::Rejected(Rejection::WrongCode))
    ));
}

#[test]
fn it_brings_back_a_second_factor_that_was_switched_off_and_takes_away_none_that_is_there() {
    let service = Service::new();
    let before = service.store.stored();
    let ids = service.authenticators();
    block_on(service.verifier.force_disable(&service.alice)).unwrap();
    let disabled = service.store.stored();
    service.store.hand(&before.record, &before);
    assert_eq!(service.authenticators(), ids);

    // The other way round it is the host's own flag that tells: nobody is let in by `verify`.
    service.store.hand(&disabled.record, &disabled);
    let status = block_on(service.verifier.status(&service.alice)).unwrap();
    assert_eq!(status, Status::Disabled);
    let outcome = service.verify(&service.passcode());
    assert!(matches!(
        outcome,
        Err(Denied::Rejected(Rejection::Disabled))
    ));
}
