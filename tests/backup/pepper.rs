use super::*;

fn pepper(id: u32, byte: u8) -> Pepper {
    Pepper::new(PepperId::new(id), &[byte; 32]).unwrap()
}

#[test]
fn a_set_issued_with_a_pepper_needs_it() {
    let codes = codes(12);
    let (right, other_id, other_key) = (pepper(1, 1), pepper(2, 1), pepper(1, 2));
    let salt = &mut SeededRng(12);
    let mut ledger = BackupCodeSet::issue(&codes, NOON, fast(), Some(&right), salt).unwrap();
    let needed = PepperId::new(1);
    assert_eq!(ledger.pepper_id(), Some(needed));

    let misfit = ledger.redeem(&typed("1"), NOON, None);
    assert_eq!(misfit, Err(BackupCodeSetError::Shape));
    let mut redeem = |pepper| ledger.redeem(&code(&codes, 0), NOON, pepper);
    assert_eq!(
        redeem(None),
        Err(BackupCodeSetError::PepperMissing { needed })
    );
    let given = PepperId::new(2);
    let error = redeem(Some(&other_id)).unwrap_err();
    assert_eq!(error, BackupCodeSetError::PepperOther { needed, given });
    assert_eq!(
        error.to_string(),
        "the backup-code set needs pepper 1, not 2"
    );
    assert_eq!(redeem(Some(&other_key)), Err(BackupCodeSetError::Wrong));
    assert_eq!(redeem(Some(&right)).map(Redemption::number), Ok(1));
}

#[test]
fn a_set_issued_without_one_ignores_it() {
    let codes = codes(13);
    let mut ledger = ledger(&codes);
    let redeemed = ledger.redeem(&code(&codes, 0), NOON, Some(&pepper(1, 1)));
    assert!(redeemed.is_ok());
    assert_eq!(ledger.pepper_id(), None);
}

#[test]
fn a_pepper_has_16_to_64_bytes() {
    for (bytes, taken) in [(0, false), (15, false), (16, true), (64, true), (65, false)] {
        let pepper = Pepper::new(PepperId::new(0), &vec![7; bytes]);
        assert_eq!(pepper.is_ok(), taken, "{bytes}");
    }
    let error = Pepper::new(PepperId::new(0), &[]).unwrap_err();
    assert_eq!(error.to_string(), "the pepper has 0 bytes; use 16 to 64");
}
