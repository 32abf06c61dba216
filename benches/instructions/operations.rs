//! The counted operations.

use crate::account::Account;
use countersign::otp::{Algorithm, Code, Digits, Hotp, Period, Secret, Totp, Window};
use countersign::uri::KeyUri;
use countersign::{Resealed, Timestamp};
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

/// Runs twice. The first run does the work that is done only once, and callgrind counts the second
/// run.
type Operation = Box<dyn FnMut()>;

/// Prepares an operation. Callgrind does not count the preparation.
type SetUp = fn() -> Operation;

/// The operations by name. `baseline.txt` has the same names.
pub(crate) const OPERATIONS: [(&str, SetUp); 14] = [
    ("generate, key kept", generate_kept),
    ("generate, from the secret", generate_from_secret),
    ("verify, wrong, key kept", verify_kept),
    ("verify, wrong, from the secret", verify_from_secret),
    ("HOTP verify, 3 ahead, key kept", verify_hotp),
    ("key URI, built", key_uri_built),
    ("key URI, parsed", key_uri_parsed),
    ("QR code, SVG", qr_svg),
    ("status of an account", status),
    ("record sealed by the new key", resealed),
    ("attempt, accepted", accepted),
    ("long backup code, accepted", long_backup_code),
    ("totp-rs generate", peer_generate),
    ("totp-rs check, wrong", peer_check),
];

const KEY: &[u8] = b"12345678901234567890";
const NOW: Timestamp = Timestamp::from_unix(1_795_521_600);
/// A passcode that is wrong at every counter and time step of the operations.
const WRONG: &str = "123456";

pub(crate) fn run(name: &str) -> ExitCode {
    let Some((_, set_up)) = OPERATIONS.iter().find(|(known, _)| *known == name) else {
        return ExitCode::FAILURE;
    };
    let mut operation = set_up();
    operation();
    counted(&mut *operation);
    ExitCode::SUCCESS
}

/// Callgrind starts to count at this function's name.
#[inline(never)]
fn counted(operation: &mut dyn FnMut()) {
    operation();
}

fn totp() -> Totp {
    let key = black_box(KEY);
    Totp::new(key, Algorithm::Sha1, Digits::SIX, Period::default())
}

fn generate_kept() -> Operation {
    let totp = totp();
    Box::new(move || drop(black_box(totp.generate(black_box(NOW)))))
}

fn generate_from_secret() -> Operation {
    Box::new(|| drop(black_box(totp().generate(black_box(NOW)))))
}

fn verify(totp: &Totp) {
    let typed = Code::parse(black_box(WRONG)).expect("six digits");
    let matched = totp.verify(&typed, black_box(NOW), Window::default(), None);
    assert_eq!(matched, None);
}

fn verify_kept() -> Operation {
    let totp = totp();
    Box::new(move || verify(&totp))
}

fn verify_from_secret() -> Operation {
    Box::new(|| verify(&totp()))
}

fn verify_hotp() -> Operation {
    let hotp = Hotp::new(KEY, Algorithm::Sha1, Digits::SIX);
    Box::new(move || {
        let typed = Code::parse(black_box(WRONG)).expect("six digits");
        assert_eq!(hotp.verify(&typed, black_box(1), 3), None);
    })
}

fn key_uri(secret: &Secret) -> KeyUri {
    let builder = KeyUri::totp(secret, black_box("alice@example.com"));
    builder
        .issuer("Example Service")
        .build()
        .expect("a key URI")
}

fn key_uri_built() -> Operation {
    let secret = Secret::from_bytes(KEY).expect("160 bits");
    Box::new(move || drop(black_box(key_uri(&secret).to_secret_text())))
}

fn key_uri_parsed() -> Operation {
    let text = key_uri(&Secret::from_bytes(KEY).expect("160 bits")).to_secret_text();
    Box::new(move || drop(black_box(KeyUri::parse(black_box(text.expose())))))
}

fn qr_svg() -> Operation {
    let uri = key_uri(&Secret::from_bytes(KEY).expect("160 bits"));
    Box::new(move || drop(black_box(uri.qr().expect("a QR code").svg())))
}

fn status() -> Operation {
    let account = Account::enrolled();
    Box::new(move || drop(black_box(account.verifier.status(&account.id)).expect("a status")))
}

fn resealed() -> Operation {
    let account = Account::enrolled();
    // Each verifier has the primary key of the other verifier as a retired key.
    let (mut next, mut last) = (account.with_new_key(), account.verifier);
    Box::new(move || {
        let resealed = next.reseal(&account.id).expect("a record");
        assert_eq!(resealed, Resealed::Changed);
        std::mem::swap(&mut next, &mut last);
    })
}

fn accepted() -> Operation {
    let account = Account::enrolled();
    let mut passcodes = account.next_passcodes(2).into_iter();
    Box::new(move || {
        account.clock.advance(Duration::from_secs(30));
        let typed = passcodes.next().expect("a passcode");
        drop(black_box(account.verifier.verify(&account.id, &typed)).expect("the right passcode"));
    })
}

fn long_backup_code() -> Operation {
    let account = Account::enrolled();
    let codes = account.issue_codes();
    let mut codes = codes
        .iter()
        .map(String::from)
        .collect::<Vec<_>>()
        .into_iter();
    Box::new(move || {
        let typed = codes.next().expect("a backup code");
        drop(black_box(account.verifier.verify(&account.id, &typed)).expect("a right code"));
    })
}

fn peer() -> totp_rs::Totp {
    totp_rs::Builder::new()
        .with_algorithm(totp_rs::Algorithm::SHA1)
        .with_secret(KEY.to_vec())
        .with_skew(1)
        .build_noncompliant()
}

fn peer_generate() -> Operation {
    let totp = peer();
    Box::new(move || {
        black_box(totp.generate(black_box(NOW.as_unix())));
    })
}

fn peer_check() -> Operation {
    let totp = peer();
    Box::new(move || assert_eq!(totp.check(black_box(WRONG), black_box(NOW.as_unix())), None))
}
