//! Sets of codes with at least 112 bits, whose digest is a fast HMAC.

use super::*;

fn long_codes(seed: u64) -> BackupCodes {
    BackupCodes::generate_with(CodeFormat::BITS_112, &mut SeededRng(seed)).unwrap()
}

#[test]
fn a_set_of_long_codes_needs_no_password_hash() {
    let codes = long_codes(1);
    let unaffordable = Argon2Params::new(Argon2Params::MAX_MEMORY_KIB, 16, 1).unwrap();
    let pepper = Pepper::new(PepperId::new(1), &[1; 32]).unwrap();
    let random = &mut SeededRng(2);
    let mut set = BackupCodeSet::issue(&codes, NOON, unaffordable, Some(&pepper), random).unwrap();
    assert_eq!(set.digest(), CodeDigest::HmacSha256);
    assert_eq!(set.pepper_id(), None);
    let lower_case = codes.iter().nth(2).unwrap().to_lowercase();
    let redeemed = set.redeem(&typed(&lower_case), NOON, None).unwrap();
    assert_eq!((redeemed.number(), redeemed.remaining()), (3, 9));
    let set = BackupCodeSet::decode(&set.encode()).unwrap();
    for (index, status) in set.status().enumerate() {
        let again = set.clone().redeem(&code(&codes, index), NOON, None);
        assert_eq!(again.is_ok(), index != 2);
        assert_eq!(status.used_at, (index == 2).then_some(NOON));
    }
}

#[test]
fn each_set_has_a_key_of_its_own() {
    let codes = long_codes(3);
    let set = |seed| {
        let random = &mut SeededRng(seed);
        BackupCodeSet::issue(&codes, NOON, fast(), None, random).unwrap()
    };
    let hashes = |set: &BackupCodeSet| set.encode()[70..].to_vec();
    assert_ne!(hashes(&set(4)), hashes(&set(5)));
    assert!(set(4) == set(4) && set(4) != set(5));
    let mut other = set(5);
    let wrong = other.redeem(&code(&long_codes(6), 0), NOON, None);
    assert_eq!(wrong, Err(BackupCodeSetError::Wrong));
}

#[test]
fn ten_long_codes_fit_into_230_bytes() {
    let random = &mut SeededRng(7);
    let set = BackupCodeSet::issue(&long_codes(7), NOON, fast(), None, random).unwrap();
    assert!(set.encode().len() < 230, "{}", set.encode().len());
}

#[test]
fn short_codes_never_have_a_fast_digest() {
    let random = &mut SeededRng(8);
    let set = BackupCodeSet::issue(&long_codes(8), NOON, fast(), None, random).unwrap();
    let bytes = set.encode();
    // The length of a code follows version, salt, key and alphabet.
    let length = 1 + 1 + 17 + 34 + 1;
    assert_eq!(bytes[length], 23);
    for shorter in [6, 22] {
        let mut changed = bytes.clone();
        changed[length] = shorter;
        let refused = BackupCodeSet::decode(&changed);
        assert_eq!(refused, Err(BackupCodeSetDecodeError::Malformed));
    }
    for end in 0..bytes.len() {
        let cut = BackupCodeSet::decode(&bytes[..end]);
        assert_eq!(cut, Err(BackupCodeSetDecodeError::Malformed), "{end}");
    }
}
