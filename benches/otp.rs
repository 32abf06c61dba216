//! The cost of one passcode: key set-up, generation, and verification with one time step on either
//! side.

use countersign::Timestamp;
use countersign::otp::{Algorithm, Code, Digits, Period, Totp, Window};
use divan::{Bencher, black_box};

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];
const NOW: Timestamp = Timestamp::from_unix(1_795_521_600);

fn main() {
    divan::main();
}

fn totp(algorithm: Algorithm) -> Totp {
    let key = [0x5a; 64];
    let key = key.get(..algorithm.output_len()).unwrap_or_default();
    Totp::new(black_box(key), algorithm, Digits::SIX, Period::default())
}

#[divan::bench(args = ALGORITHMS)]
fn set_key_up(algorithm: Algorithm) -> Totp {
    totp(algorithm)
}

#[divan::bench(args = ALGORITHMS)]
fn generate(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let totp = totp(algorithm);
    bencher.bench(|| totp.generate(black_box(NOW)));
}

/// A wrong passcode costs as much as a right passcode, because every step is computed.
#[divan::bench(args = ALGORITHMS)]
fn verify_one_around(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let totp = totp(algorithm);
    let shown = totp.generate(NOW);
    bencher.bench(|| {
        Code::parse(black_box(shown.expose()))
            .ok()
            .and_then(|code| totp.verify(&code, black_box(NOW), Window::default(), None))
    });
}
