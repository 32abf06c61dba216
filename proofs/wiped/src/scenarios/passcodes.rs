//! HOTP and TOTP alone, with every algorithm, and Steam Guard.

use super::{Kept, add_passcode, add_secret};
use crate::known_secrets::{Kind, KnownSecrets};
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::Timestamp;
use countersign::otp::{Algorithm, Code, Digits, Hotp, Period, Secret, SteamGuard, Totp, Window};
use rand_core::Rng as _;
use std::error::Error;
use std::hint::black_box;
use zeroize::Zeroizing;

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

#[inline(never)]
pub(crate) fn run(known: &KnownSecrets, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(known.clone());
    for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
        let secret = Secret::generate_for(algorithm, &mut Rng(&random));
        add_secret(known, &secret);
        time_based(known, &secret, algorithm, stop)?;
        counter_based(known, &secret, algorithm, stop)?;
    }
    for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
        long_key(known, &random, algorithm, stop)?;
    }
    let secret = Secret::generate_for(Algorithm::Sha1, &mut Rng(&random));
    add_secret(known, &secret);
    steam_guard(known, &secret, stop)?;
    Ok(None)
}

#[inline(never)]
fn time_based(
    known: &KnownSecrets,
    secret: &Secret,
    algorithm: Algorithm,
    stop: &Stop,
) -> Result<(), Box<dyn Error>> {
    let totp = Totp::new(secret.expose(), algorithm, Digits::EIGHT, Period::default());
    stop.here()?;
    let passcode = totp.generate(NOW);
    stop.here()?;
    let typed = Code::parse(add_passcode(known, &passcode));
    let matched = totp.verify(
        typed.as_ref().map_err(|error| *error)?,
        NOW,
        Window::default(),
        None,
    );
    let _step = matched.ok_or("the right passcode")?;
    stop.here()?;
    let wrong = Code::parse("0000 0000")?;
    black_box(totp.verify(&wrong, NOW, Window::around(5), None));
    stop.here()?;
    Ok(())
}

#[inline(never)]
fn counter_based(
    known: &KnownSecrets,
    secret: &Secret,
    algorithm: Algorithm,
    stop: &Stop,
) -> Result<(), Box<dyn Error>> {
    let hotp = Hotp::new(secret.expose(), algorithm, Digits::SIX);
    let passcode = hotp.generate(7);
    let one = Code::parse(add_passcode(known, &passcode));
    let passcode = hotp.generate(8);
    let two = Code::parse(add_passcode(known, &passcode));
    let (one, two) = (
        one.as_ref().map_err(|error| *error)?,
        two.as_ref().map_err(|error| *error)?,
    );
    let _next = hotp.verify(one, 5, 10).ok_or("the right passcode")?;
    stop.here()?;
    let matched = hotp.resynchronize(one, two, 0, 20);
    let _next = matched.ok_or("the right passcodes")?;
    stop.here()?;
    Ok(())
}

/// A key that HMAC hashes first.
#[inline(never)]
fn long_key(
    known: &KnownSecrets,
    random: &Random,
    algorithm: Algorithm,
    stop: &Stop,
) -> Result<(), Box<dyn Error>> {
    let mut bytes = Zeroizing::new(vec![0; 200]);
    Rng(random).fill_bytes(&mut bytes);
    let secret = Secret::from_bytes(&bytes)?;
    add_secret(known, &secret);
    let totp = Totp::new(secret.expose(), algorithm, Digits::SIX, Period::default());
    stop.here()?;
    black_box(totp.generate(NOW));
    stop.here()?;
    Ok(())
}

#[inline(never)]
fn steam_guard(known: &KnownSecrets, secret: &Secret, stop: &Stop) -> Result<(), Box<dyn Error>> {
    let steam = SteamGuard::new(secret.expose());
    stop.here()?;
    let passcode = steam.generate(NOW);
    stop.here()?;
    known.add(Kind::Passcode, passcode.expose().as_bytes());
    let typed = Code::parse(passcode.expose());
    let matched = steam.verify(
        typed.as_ref().map_err(|error| *error)?,
        NOW,
        Window::default(),
        None,
    );
    let _step = matched.ok_or("the right passcode")?;
    stop.here()?;
    let wrong = Code::parse("22222")?;
    black_box(steam.verify(&wrong, NOW, Window::around(5), None));
    stop.here()?;
    Ok(())
}
