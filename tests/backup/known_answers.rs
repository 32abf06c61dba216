//! Backup-code sets made by the reference implementation of Argon2 and another CBOR library.

use super::*;
use data_encoding::HEXLOWER;

struct Case {
    codes: Vec<String>,
    pepper: Option<Vec<u8>>,
    bytes: Vec<u8>,
}

fn case(name: &str) -> Case {
    let line = include_str!("../data/backup_code_sets.txt")
        .lines()
        .find(|line| line.split(' ').next() == Some(name))
        .unwrap();
    let fields: Vec<&str> = line.split(' ').collect();
    Case {
        codes: fields[1].split(',').map(String::from).collect(),
        pepper: (fields[2] != "-").then(|| hex(fields[2])),
        bytes: hex(fields[3]),
    }
}

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

/// Redeems every unused code, and returns the set as it was before.
fn redeem_all(name: &str) -> BackupCodeSet {
    let case = case(name);
    let before = BackupCodeSet::decode(&case.bytes).unwrap();
    assert_eq!(before.encode(), case.bytes, "a set has one encoding");
    let pepper = before
        .pepper_id()
        .map(|id| Pepper::new(id, case.pepper.as_ref().unwrap()).unwrap());
    let mut set = before.clone();
    let status: Vec<_> = before.status().collect();
    assert_eq!(status.len(), case.codes.len());
    for (status, code) in status.iter().zip(&case.codes) {
        let outcome = set.redeem(&typed(code), NOON, pepper.as_ref());
        match status.used_at {
            None => assert_eq!(outcome.map(Redemption::number), Ok(status.number)),
            Some(at) => assert_eq!(
                outcome,
                Err(BackupCodeSetError::Used {
                    number: status.number,
                    at
                })
            ),
        }
    }
    before
}

#[test]
fn ten_default_codes_fit_into_200_bytes() {
    let set = redeem_all("defaults");
    assert_eq!(set.digest(), CodeDigest::Argon2id(Argon2Params::default()));
    assert_eq!(set.format(), CodeFormat::default());
    assert_eq!(set.issued_at(), Timestamp::from_unix(1_795_478_400));
    assert!(set.encode().len() <= 200);
}

#[test]
fn a_set_with_letters_and_four_lanes_decodes() {
    let set = redeem_all("letters");
    let params = Argon2Params::new(64, 3, 4).unwrap();
    assert_eq!(set.digest(), CodeDigest::Argon2id(params));
    assert_eq!(set.format().alphabet(), Alphabet::Unambiguous);
}

#[test]
fn a_set_of_long_codes_has_hmacs() {
    let set = redeem_all("keyed");
    assert_eq!(set.digest(), CodeDigest::HmacSha256);
    assert_eq!(set.remaining(), 2);
}

#[test]
fn a_pepper_is_the_secret_value_of_argon2() {
    let set = redeem_all("peppered");
    assert_eq!(set.pepper_id(), Some(PepperId::new(0)));
}

#[test]
fn used_codes_keep_their_time() {
    let set = redeem_all("used");
    let used: Vec<_> = set.status().map(|code| code.used_at).collect();
    let times = [Some(0), None, Some(1_795_478_401)];
    assert_eq!(used, times.map(|at| at.map(Timestamp::from_unix)));
    assert_eq!(set.remaining(), 1);
}
