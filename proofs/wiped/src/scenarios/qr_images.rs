//! The key URI as QR codes.

use super::{Kept, add_codewords, add_secret};
use crate::known_secrets::{Kind, KnownSecrets};
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::otp::Secret;
use countersign::uri::KeyUri;
use countersign::uri::qr::{Qr, QrLevel};
use std::error::Error;
use std::iter::once;
use zeroize::Zeroizing;

#[inline(never)]
pub(crate) fn run(known: &KnownSecrets, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(known.clone());
    let secret = Secret::generate_with(&mut Rng(&random));
    add_secret(known, &secret);
    let uri = KeyUri::totp(&secret, "alice@example.com")
        .issuer("Example")
        .build()?;
    add_codewords(known, &uri);
    for level in [QrLevel::Low, QrLevel::Medium, QrLevel::High] {
        let qr = uri.qr_with(level)?;
        let area = qr.width().saturating_mul(qr.width());
        let mut modules = Zeroizing::new(Vec::with_capacity(area));
        for row in 0..qr.width() {
            modules.extend((0..qr.width()).map(|column| u8::from(qr.is_dark(column, row))));
        }
        add_middle(known, &modules);
        add_rows(known, &qr);
        stop.here()?;
        add_middle(known, qr.svg().expose().as_bytes());
        stop.here()?;
        add_middle(known, qr.png().expose());
        stop.here()?;
        add_middle(known, qr.data_uri().expose().as_bytes());
        stop.here()?;
        add_middle(known, qr.terminal().expose().as_bytes());
        add_middle(known, qr.terminal_in_color().expose().as_bytes());
    }
    Ok(None)
}

/// Adds the middle rows in two forms: one bit per module, as during the choice of the mask, and one
/// bit per pixel, as before the compression to PNG.
fn add_rows(known: &KnownSecrets, qr: &Qr) {
    let width = qr.width();
    let word = |row| (0..width).fold(0, |word, x| word | (u128::from(qr.is_dark(x, row)) << x));
    let mut words = Zeroizing::new(Vec::with_capacity(width.saturating_mul(16)));
    (0..width).for_each(|row| words.extend_from_slice(&word(row).to_ne_bytes()));
    add_middle(known, &words);
    for row in (width / 3..width).take(width / 3) {
        let (above, row) = (pixels(qr, row.saturating_sub(1)), pixels(qr, row));
        let mut filtered = Zeroizing::new(Vec::with_capacity(row.len().saturating_add(1)));
        let differences = row.iter().zip(above.iter());
        let differences = differences.map(|(row, above)| row.wrapping_sub(*above));
        filtered.extend(once(2).chain(differences));
        known.add(Kind::QrImage, &filtered);
    }
}

/// A row of pixels, with four pixels per module and a quiet zone of four modules.
fn pixels(qr: &Qr, row: usize) -> Zeroizing<Vec<u8>> {
    let bits = qr.width().saturating_add(8).saturating_mul(4);
    let is_white = |at: usize| {
        let column = (at / 4).checked_sub(4);
        !column.is_some_and(|column| qr.is_dark(column, row))
    };
    let byte = |at: usize| {
        let bits = (0..8).map(|bit| is_white(at.saturating_mul(8).saturating_add(bit)));
        bits.fold(0, |byte, white| (byte << 1) | u8::from(white))
    };
    let mut pixels = Zeroizing::new(Vec::with_capacity(bits.div_ceil(8)));
    pixels.extend((0..bits.div_ceil(8)).map(byte));
    pixels
}

/// Adds the middle third, because the ends are the same in many images.
fn add_middle(known: &KnownSecrets, image: &[u8]) {
    let third = image.len() / 3;
    let middle = image
        .get(third..third.saturating_mul(2))
        .unwrap_or_default();
    known.add(Kind::QrImage, middle);
}
