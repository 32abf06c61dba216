//! An attacker restores an older record of the same account with its own revision. The guide states
//! the same effects and limits (`docs/guide/deploying.md`).

use crate::service::{STEP, Service, staff};
use countersign::testing::block_on;
use countersign::{AcceptedBy, Denied, Rejection, Status};

#[test]
fn a_rollback_restores_used_backup_codes() {
    let service = Service::new();
    let before = service.store.stored();
    let _receipt = service.verify(&service.codes[1]).unwrap();
    service.store.set(&before.record, &before);
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
fn a_rollback_erases_counted_failures() {
    let service = Service::new();
    let before = service.store.stored();
    for _ in 0..50 {
        let outcome = service.verify("00000000");
        assert!(matches!(
            outcome,
            Err(Denied::Rejected(Rejection::WrongCode))
        ));
        service.store.set(&before.record, &before);
    }
}

#[test]
fn a_rollback_restores_only_passcodes_in_the_window() {
    let service = Service::new();
    let before = service.store.stored();
    let passcode = service.passcode();
    let _receipt = service.verify(&passcode).unwrap();
    service.store.set(&before.record, &before);
    let _receipt = service.verify(&passcode).unwrap();
    service.store.set(&before.record, &before);
    service.clock.advance(STEP * 2);
    let outcome = service.verify(&passcode);
    assert!(matches!(
        outcome,
        Err(Denied::Rejected(Rejection::WrongCode))
    ));
}

#[test]
fn a_rollback_restores_a_disabled_second_factor() {
    let service = Service::new();
    let before = service.store.stored();
    let ids = service.authenticators();
    block_on(service.verifier.force_disable(&service.alice, &staff())).unwrap();
    let disabled = service.store.stored();
    service.store.set(&before.record, &before);
    assert_eq!(service.authenticators(), ids);

    // An attacker restores a disabled record. Only the application's own flag still shows that the
    // second factor was on. `verify` refuses the code.
    service.store.set(&disabled.record, &disabled);
    let status = block_on(service.verifier.status(&service.alice)).unwrap();
    assert_eq!(status, Status::Disabled);
    let outcome = service.verify(&service.passcode());
    assert!(matches!(
        outcome,
        Err(Denied::Rejected(Rejection::Disabled))
    ));
}
