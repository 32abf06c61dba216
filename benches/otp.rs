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

/// The same work with the `hmac` crate, which the passcode kernel of this crate replaces.
#[expect(
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    reason = "a benchmark"
)]
mod by_hmac_crate {
    use super::{ALGORITHMS, Algorithm, NOW, totp};
    use divan::{Bencher, black_box};
    use hmac::{Hmac, KeyInit, Mac};
    use sha1::Sha1;
    use sha2::{Sha256, Sha512};
    use subtle::{Choice, ConstantTimeEq};

    /// HMAC with its key set up, for one of the hash functions.
    enum Keyed {
        Sha1(Hmac<Sha1>),
        Sha256(Hmac<Sha256>),
        Sha512(Hmac<Sha512>),
    }

    impl Keyed {
        fn new(algorithm: Algorithm) -> Self {
            let key = [0x5a; 64];
            let key = key.get(..algorithm.output_len()).unwrap_or_default();
            let length = "HMAC takes a key of any length";
            match algorithm {
                Algorithm::Sha256 => Self::Sha256(Hmac::new_from_slice(key).expect(length)),
                Algorithm::Sha512 => Self::Sha512(Hmac::new_from_slice(key).expect(length)),
                _ => Self::Sha1(Hmac::new_from_slice(key).expect(length)),
            }
        }

        /// The passcode of six digits (RFC 4226, section 5.3).
        fn passcode(&self, counter: u64) -> u32 {
            match self {
                Self::Sha1(mac) => truncated(mac, counter),
                Self::Sha256(mac) => truncated(mac, counter),
                Self::Sha512(mac) => truncated(mac, counter),
            }
        }
    }

    fn truncated<M: Mac + Clone>(mac: &M, counter: u64) -> u32 {
        let mut mac = mac.clone();
        mac.update(&counter.to_be_bytes());
        let output = mac.finalize().into_bytes();
        let offset = usize::from(output.last().copied().unwrap_or_default() & 15);
        let bytes = output.get(offset..offset.saturating_add(4));
        let bytes: [u8; 4] = bytes
            .and_then(|bytes| bytes.try_into().ok())
            .unwrap_or_default();
        (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000
    }

    #[divan::bench(args = ALGORITHMS)]
    fn generate(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
        let keyed = Keyed::new(algorithm);
        bencher.bench(|| format!("{:06}", keyed.passcode(black_box(NOW.as_unix() / 30))));
    }

    #[divan::bench(args = ALGORITHMS)]
    fn verify_one_around(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
        let keyed = Keyed::new(algorithm);
        let shown = totp(algorithm).generate(NOW);
        bencher.bench(|| {
            let typed: u32 = black_box(shown.expose()).parse().unwrap_or_default();
            let step = black_box(NOW).as_unix() / 30;
            let matches = |step| keyed.passcode(step).ct_eq(&typed);
            let found =
                (step - 1..=step + 1).fold(Choice::from(0), |found, at| found | matches(at));
            bool::from(found)
        });
    }
}
