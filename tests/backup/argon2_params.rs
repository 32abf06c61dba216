//! The parameters and the salt of the password hash (Argon2id).

use super::*;

#[test]
fn argon2_parameters_are_bounded() {
    let memory = |memory_kib| Argon2ParamsError::Memory { memory_kib };
    assert_eq!(Argon2Params::new(7, 1, 1), Err(memory(7)));
    assert_eq!(Argon2Params::new(31, 1, 4), Err(memory(31)));
    assert_eq!(Argon2Params::new(262_145, 1, 1), Err(memory(262_145)));
    assert_eq!(Argon2Params::new(u32::MAX, 1, 1), Err(memory(u32::MAX)));
    let passes = |passes| Err(Argon2ParamsError::Passes { passes });
    assert_eq!(Argon2Params::new(64, 0, 1), passes(0));
    assert_eq!(Argon2Params::new(64, 17, 1), passes(17));
    let lanes = |lanes| Err(Argon2ParamsError::Lanes { lanes });
    assert_eq!(Argon2Params::new(64, 1, 0), lanes(0));
    assert_eq!(Argon2Params::new(64, 1, 5), lanes(5));
    for (memory_kib, passes, lanes) in [(8, 1, 1), (32, 16, 4), (262_144, 16, 1)] {
        assert!(Argon2Params::new(memory_kib, passes, lanes).is_ok());
    }
}

#[test]
fn default_parameters_are_the_owasp_minimum() {
    let params = Argon2Params::default();
    assert_eq!(params, Argon2Params::OWASP_MINIMUM);
    let fields = (params.memory_kib(), params.passes(), params.lanes());
    assert_eq!(fields, (19_456, 2, 1));
    assert_eq!(Argon2Params::new(19_456, 2, 1), Ok(params));
}

#[test]
fn two_sets_never_share_a_salt() {
    let codes = codes(14);
    let rng = &mut SeededRng(14);
    let mut issue = || BackupCodeSet::issue(&codes, NOON, fast(), None, rng).unwrap();
    assert_ne!(issue(), issue());
}
