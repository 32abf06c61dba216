//! Controls: leaks on purpose, of every kind and in every place, which the search must find.

use super::{
    Kept, add_passcode, add_secret, backup_codes, devices, login, long_codes, migration, passcodes,
    qr_images, receipts,
};
use crate::hmac_states;
use crate::known_secrets::{Kind, KnownSecrets};
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::otp::{Algorithm, Digits, Hotp, Secret};
use countersign::{KeyId, Keyring, SealingKey};
use std::error::Error;
use std::hint::black_box;
use std::mem;

/// Leaks every needle in the clear to the heap.
#[inline(never)]
pub(crate) fn unwiped(known: &KnownSecrets, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    for scenario in [
        login::run,
        passcodes::run,
        qr_images::run,
        backup_codes::run,
        long_codes::run,
        receipts::run,
        devices::run,
        migration::run,
    ] {
        scenario(known, stop)?;
    }
    hmac_states::add_all(known);
    for kind in Kind::ALL {
        known.leak(kind);
    }
    Ok(None)
}

/// Keeps a secret, a keyed HMAC and a keyring in use.
#[inline(never)]
pub(crate) fn in_use(known: &KnownSecrets, _: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(known.clone());
    let secret = Secret::generate_with(&mut Rng(&random));
    add_secret(known, &secret);
    let hotp = Hotp::new(secret.expose(), Algorithm::Sha1, Digits::SIX);
    let passcode = hotp.generate(0);
    add_passcode(known, &passcode);
    let key = SealingKey::generate_with(&mut Rng(&random));
    known.add(Kind::RecordKey, key.expose());
    let keyring = Keyring::new(KeyId::new(1), key);
    Ok(Some(Box::new((secret, hotp, passcode, keyring))))
}

/// Copies a secret, and frees the copy without wiping.
#[inline(never)]
pub(crate) fn unwiped_copy(known: &KnownSecrets, _: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(known.clone());
    let secret = Secret::generate_for(Algorithm::Sha512, &mut Rng(&random));
    add_secret(known, &secret);
    drop(black_box(secret.expose().to_vec()));
    drop(black_box(secret.to_base32().expose().to_owned()));
    Ok(None)
}

/// The same leak, before the secret is added to the known secrets. Adding a secret must not
/// overwrite freed memory.
#[inline(never)]
pub(crate) fn freed_before_registration(
    known: &KnownSecrets,
    _: &Stop,
) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(known.clone());
    let secret = Secret::generate_for(Algorithm::Sha512, &mut Rng(&random));
    drop(black_box(secret.expose().to_vec()));
    known.add(Kind::Secret, secret.expose());
    Ok(None)
}

/// Calls a function that leaves the inner pad and its hash on the stack.
#[inline(never)]
pub(crate) fn stack(known: &KnownSecrets, _: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(known.clone());
    let secret = Secret::generate_with(&mut Rng(&random));
    add_secret(known, &secret);
    pad_on_the_stack(secret.expose());
    Ok(None)
}

#[inline(never)]
fn pad_on_the_stack(key: &[u8]) {
    let mut block = [0x36; 64];
    for (target, byte) in block.iter_mut().zip(key) {
        *target ^= byte;
    }
    let mut state = [
        0x6745_2301,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    sha1::block_api::compress(&mut state, &[block]);
    // Several copies: the next function calls overwrite some of them.
    black_box(&[(block, state); 8]);
}

/// The same leak, with secrets that the scanner does not know. So the scanner finds only known
/// secrets.
#[inline(never)]
pub(crate) fn unregistered(_: &KnownSecrets, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let unknown = KnownSecrets::default();
    unwiped_copy(&unknown, stop)?;
    mem::forget(unknown);
    Ok(None)
}
