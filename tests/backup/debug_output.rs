//! Invariant 7: no code, hash or key appears in `Debug`.

use super::*;

#[test]
fn debug_shows_the_format_and_nothing_secret() {
    let format = CodeFormat::new(Alphabet::Digits, 8, 4, 1).unwrap();
    let codes = BackupCodes::generate_with(format, &mut SeededRng(16)).unwrap();
    let pepper = Pepper::new(PepperId::new(7), &[0xab; 32]).unwrap();
    let rng = &mut SeededRng(16);
    let set = BackupCodeSet::issue(&codes, NOON, fast(), Some(&pepper), rng).unwrap();
    let shown_format = "CodeFormat { alphabet: Digits, length: 8, group: 4, count: 1 }";
    assert_eq!(
        format!("{codes:?}"),
        format!("BackupCodes {{ format: {shown_format}, .. }}")
    );
    assert_eq!(format!("{pepper:?}"), "Pepper { id: PepperId(7), .. }");
    assert_eq!(
        format!("{set:?}"),
        format!(
            "BackupCodeSet {{ format: {shown_format}, digest: Argon2id(Argon2Params {{ memory_kib: 8, passes: 1, lanes: 1 }}), \
             issued_at: Timestamp(1795521600), pepper: Some(PepperId(7)), remaining: 1, .. }}"
        )
    );
    let text = codes.to_text(&BackupCodeFile::english("Example", "today"));
    assert_eq!(format!("{text:?}"), "SecretText { .. }");
}

#[test]
fn all_types_are_send_and_sync() {
    fn send_and_sync<T: Send + Sync + 'static>() {}
    send_and_sync::<BackupCodes>();
    send_and_sync::<BackupCodeSet>();
    send_and_sync::<Pepper>();
    send_and_sync::<BackupCodeSetError>();
    send_and_sync::<BackupCodeSetDecodeError>();
    send_and_sync::<countersign::backup::HashJob>();
    send_and_sync::<countersign::backup::Hashes>();
}
