//! The inputs of all candidates, and the candidates set up with them.

use std::hint::black_box;

use countersign::Timestamp;
use countersign::otp::{Algorithm, Digits, Period, Totp};
use countersign_benches::Error;
use libreauth::oath::TOTPBuilder;

/// The secret of RFC 6238, appendix B.
pub(crate) const SECRET: &[u8; 20] = b"12345678901234567890";
pub(crate) const SECRET_BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
pub(crate) const PERIOD: u64 = 30;
/// Seven seconds after the start of a time step.
pub(crate) const NOW: u64 = 1_795_521_607;
pub(crate) const STEP: u64 = NOW / PERIOD;
pub(crate) const ISSUER: &str = "Example";
pub(crate) const ACCOUNT: &str = "alice.in.wonderland@example.com";

/// The passcode of a time step.
pub(crate) fn passcode(step: u64) -> String {
    let at = Timestamp::from_unix(step * PERIOD);
    ours().generate(at).expose().to_owned()
}

pub(crate) fn ours() -> Totp {
    Totp::new(
        black_box(SECRET),
        Algorithm::Sha1,
        Digits::SIX,
        Period::default(),
    )
}

pub(crate) fn totp_rs() -> Result<totp_rs::Totp, Error> {
    let builder = totp_rs::Builder::new()
        .with_secret(*black_box(SECRET))
        .with_skew(1)
        .with_issuer(Some(ISSUER))
        .with_account_name(ACCOUNT);
    Ok(builder.build()?)
}

/// libreauth stores the difference between `NOW` and the system clock, so its time advances.
pub(crate) fn libreauth() -> Result<libreauth::oath::TOTP, Error> {
    let mut builder = TOTPBuilder::new();
    builder
        .key(black_box(SECRET))
        .timestamp(NOW as i64)
        .tolerance(1);
    builder
        .finalize()
        .map_err(|error| format!("libreauth: {error:?}").into())
}
