//! The key URI as QR codes.

use super::{Kept, learn_codewords, learn_secret};
use crate::needles::{Kind, Learned};
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::{KeyUri, QrLevel, Secret};
use std::error::Error;
use zeroize::Zeroizing;

#[inline(never)]
pub(crate) fn run(learned: &Learned, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(learned.clone());
    let secret = Secret::generate_with(&mut Rng(&random));
    learn_secret(learned, &secret);
    let uri = KeyUri::totp(&secret, "alice@example.com")
        .issuer("Example")
        .build()?;
    learn_codewords(learned, &uri);
    for level in [QrLevel::Low, QrLevel::Medium, QrLevel::High] {
        let qr = uri.qr_with(level)?;
        let area = qr.width().saturating_mul(qr.width());
        let mut modules = Zeroizing::new(Vec::with_capacity(area));
        for row in 0..qr.width() {
            modules.extend((0..qr.width()).map(|column| u8::from(qr.is_dark(column, row))));
        }
        learn_middle(learned, &modules);
        stop.here()?;
        learn_middle(learned, qr.svg().expose().as_bytes());
        stop.here()?;
        learn_middle(learned, qr.png().expose());
        stop.here()?;
        learn_middle(learned, qr.data_uri().expose().as_bytes());
        stop.here()?;
        learn_middle(learned, qr.terminal().expose().as_bytes());
    }
    Ok(None)
}

/// The middle third: ends are the same in many pictures.
fn learn_middle(learned: &Learned, picture: &[u8]) {
    let third = picture.len() / 3;
    let middle = picture
        .get(third..third.saturating_mul(2))
        .unwrap_or_default();
    learned.learn(Kind::Picture, middle);
}
