//! The passcode kernel of this crate, compared with the `hmac` crate, for every hash function.
//!
//! DESIGN.md keeps the kernel only while `hmac` takes more than 1.25 times as long.

use std::hint::black_box;

use countersign::Timestamp;
use countersign::otp::{Algorithm, Code, Digits, Passcode, Period, Totp, TotpMatch, Window};
use countersign_benches::{Error, Timer, wrong_code};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::{Choice, ConstantTimeEq};

use crate::inputs::{NOW, PERIOD, STEP};
use crate::operation::{Operation, agreed};

const KEY: [u8; 64] = [0x5a; 64];
const HMAC: &str = "the hmac crate";

pub(crate) fn add(timer: &mut Timer<'_>) -> Result<Vec<Operation>, Error> {
    let mut operations = Vec::new();
    operations.extend(pair::<Hmac<Sha1>>(
        timer,
        Algorithm::Sha1,
        ["generate, HMAC-SHA-1", "verify \u{b1}1, HMAC-SHA-1"],
    )?);
    operations.extend(pair::<Hmac<Sha256>>(
        timer,
        Algorithm::Sha256,
        ["generate, HMAC-SHA-256", "verify \u{b1}1, HMAC-SHA-256"],
    )?);
    operations.extend(pair::<Hmac<Sha512>>(
        timer,
        Algorithm::Sha512,
        ["generate, HMAC-SHA-512", "verify \u{b1}1, HMAC-SHA-512"],
    )?);
    Ok(operations)
}

/// One generation, and one verification of a wrong code, with the key set up before.
fn pair<M: Mac + KeyInit + Clone + 'static>(
    timer: &mut Timer<'_>,
    algorithm: Algorithm,
    [generate, verify]: [&'static str; 2],
) -> Result<[Operation; 2], Error> {
    let key = &KEY[..algorithm.output_len()];
    let totp = Totp::new(key, algorithm, Digits::SIX, Period::default());
    let mac = M::new_from_slice(key).map_err(|_| "HMAC takes a key of any length")?;
    let now = Timestamp::from_unix(NOW);
    let shown = totp.generate(now).expose().to_owned();
    let text = |passcode: Passcode| passcode.expose().to_owned();
    let generated = Operation {
        name: generate,
        ours: agreed(timer, "ours", &shown, text, {
            let totp = totp.clone();
            move || totp.generate(black_box(now))
        })?,
        others: vec![(
            HMAC,
            agreed(timer, HMAC, &shown, |text| text, {
                let mac = mac.clone();
                move || format!("{:06}", passcode(&mac, black_box(NOW) / PERIOD))
            })?,
        )],
        floor: None,
        targets: Vec::new(),
    };
    let right = [STEP - 1, STEP, STEP + 1]
        .map(|step| text(totp.generate(Timestamp::from_unix(step * PERIOD))));
    let code: &'static str = wrong_code(&right).leak();
    let found = |found: Option<TotpMatch>| found.is_some();
    let verified = Operation {
        name: verify,
        ours: agreed(timer, "ours", &false, found, move || {
            let code = Code::parse(black_box(code)).ok()?;
            totp.verify(&code, black_box(now), Window::default(), None)
        })?,
        others: vec![(
            HMAC,
            agreed(
                timer,
                HMAC,
                &false,
                |found| found,
                move || {
                    let typed: u32 = black_box(code).parse().unwrap_or(u32::MAX);
                    let step = black_box(NOW) / PERIOD;
                    let steps = step - 1..=step + 1;
                    let matched = steps.fold(Choice::from(0), |matched, step| {
                        matched | passcode(&mac, step).ct_eq(&typed)
                    });
                    bool::from(matched)
                },
            )?,
        )],
        floor: None,
        targets: Vec::new(),
    };
    Ok([generated, verified])
}

/// The passcode of six digits (RFC 4226, section 5.3).
fn passcode<M: Mac + Clone>(mac: &M, counter: u64) -> u32 {
    let mut mac = mac.clone();
    mac.update(&counter.to_be_bytes());
    let output = mac.finalize().into_bytes();
    let offset = usize::from(output[output.len() - 1] & 15);
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&output[offset..offset + 4]);
    (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000
}
