//! What must be found: leaks on purpose, of every kind and in every place.

use super::{
    Kept, backup_codes, learn_passcode, learn_secret, login, passcodes, pictures, receipts,
};
use crate::hmac_states;
use crate::needles::{Kind, Learned};
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::otp::{Algorithm, Digits, Hotp, Secret};
use countersign::{KeyId, Keyring, SealingKey};
use std::error::Error;
use std::hint::black_box;
use std::mem;

/// Every needle there is, in the clear on the heap.
#[inline(never)]
pub(crate) fn nothing_is_wiped(learned: &Learned, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    for scenario in [
        login::run,
        passcodes::run,
        pictures::run,
        backup_codes::run,
        receipts::run,
    ] {
        scenario(learned, stop)?;
    }
    hmac_states::learn(learned);
    for kind in Kind::ALL {
        learned.leak(kind);
    }
    Ok(None)
}

/// A secret, a keyed HMAC and a keyring that are in use.
#[inline(never)]
pub(crate) fn alive(learned: &Learned, _: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(learned.clone());
    let secret = Secret::generate_with(&mut Rng(&random));
    learn_secret(learned, &secret);
    let hotp = Hotp::new(secret.expose(), Algorithm::Sha1, Digits::SIX);
    let otp = hotp.generate(0);
    learn_passcode(learned, &otp);
    let key = SealingKey::generate_with(&mut Rng(&random));
    learned.learn(Kind::RecordKey, key.expose());
    let keyring = Keyring::new(KeyId::new(1), key);
    Ok(Some(Box::new((secret, hotp, otp, keyring))))
}

/// A host that copies a secret out and frees the copy as it is.
#[inline(never)]
pub(crate) fn copied_out(learned: &Learned, _: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(learned.clone());
    let secret = Secret::generate_for(Algorithm::Sha512, &mut Rng(&random));
    learn_secret(learned, &secret);
    drop(black_box(secret.expose().to_vec()));
    drop(black_box(secret.to_base32().expose().to_owned()));
    Ok(None)
}

/// The same leak, before the scanner learns what to look for: learning must not overwrite what was
/// freed.
#[inline(never)]
pub(crate) fn freed_before_it_is_learned(
    learned: &Learned,
    _: &Stop,
) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(learned.clone());
    let secret = Secret::generate_for(Algorithm::Sha512, &mut Rng(&random));
    drop(black_box(secret.expose().to_vec()));
    learned.learn(Kind::Secret, secret.expose());
    Ok(None)
}

/// A function that keeps the inner pad and its hash on the stack, and returns.
#[inline(never)]
pub(crate) fn dead_frame(learned: &Learned, _: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(learned.clone());
    let secret = Secret::generate_with(&mut Rng(&random));
    learn_secret(learned, &secret);
    pad_on_the_stack(secret.expose());
    Ok(None)
}

#[inline(never)]
fn pad_on_the_stack(key: &[u8]) {
    let mut block = [0x36; 64];
    for (place, byte) in block.iter_mut().zip(key) {
        *place ^= byte;
    }
    let mut state = [
        0x6745_2301,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    sha1::block_api::compress(&mut state, &[block]);
    black_box((&block, &state));
}

/// The same leak, of which the scanner is told nothing: so it is needles that are found, and nothing else.
#[inline(never)]
pub(crate) fn nothing_is_known(_: &Learned, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let aside = Learned::default();
    copied_out(&aside, stop)?;
    mem::forget(aside);
    Ok(None)
}
