//! The policy of the simulated service. The limits are tight, so that short runs reach all of them.

use countersign::Policy;
use countersign::backup::{Alphabet, Argon2Params, CodeFormat};
use countersign::factor::TrustedDevices;
use std::time::Duration;

pub(crate) const PERIOD: u64 = 30;
pub(crate) const LOOK_AHEAD: u64 = 2;
/// How far from now, or after the next counter, a row of passcodes may begin.
pub(crate) const ROW_STEPS: u64 = 20;
pub(crate) const ROW_LOOK_AHEAD: u64 = 100;
pub(crate) const FREE_FAILURES: u32 = 3;
pub(crate) const FIRST_WAIT: u64 = 30;
pub(crate) const LONGEST_WAIT: u64 = 600;
pub(crate) const LOCK_AFTER: u32 = 7;
pub(crate) const BURST: u32 = 6;
pub(crate) const REFILL: u64 = 1800;
pub(crate) const PROOF_AGE: u64 = 600;
pub(crate) const CODES: u32 = 2;
pub(crate) const CLOCK_FAULT: u64 = 3600;
/// How far ahead the time of a proof may lie.
pub(crate) const SKEW: u64 = 10;
pub(crate) const ENROLLMENT_AGE: u64 = 600;
pub(crate) const ENROLLMENT_TRIES: u8 = 2;
/// How many enrollments may begin within how many seconds.
pub(crate) const BEGINNINGS: (usize, u64) = (10, 600);
/// How many code sets may be issued within how many seconds.
pub(crate) const ISSUES: (usize, u64) = (3, 86_400);
/// The most devices, the failures of each, and the days of a trusted one.
pub(crate) const DEVICES: usize = 3;
pub(crate) const DEVICE_FAILURES: u8 = 10;
pub(crate) const TRUSTED_DAYS: u64 = 1;
/// How long a token that was overtaken raises no alarm.
pub(crate) const LATE: u64 = 60;
/// How old the receipt may be that makes a device known.
pub(crate) const RECEIPT_AGE: u64 = 300;
/// How long a right to store codes is valid.
pub(crate) const RIGHT_AGE: u64 = 60;

pub(crate) fn policy() -> Policy {
    Policy::builder()
        .backoff(
            FREE_FAILURES,
            Duration::from_secs(FIRST_WAIT),
            Duration::from_secs(LONGEST_WAIT),
        )
        .lock_after(LOCK_AFTER)
        .budget(BURST, Duration::from_secs(REFILL))
        .proof_age(Duration::from_secs(PROOF_AGE))
        .enrollment_age(Duration::from_secs(ENROLLMENT_AGE))
        .enrollment_tries(ENROLLMENT_TRIES)
        .max_authenticators(2)
        .hotp_enrollment(true)
        .look_ahead(LOOK_AHEAD as u8)
        .devices(DEVICES as u8)
        .trusted_devices(TrustedDevices::Days(TRUSTED_DAYS as u8))
        .code_format(CodeFormat::new(Alphabet::Digits, 8, 4, CODES as u8).unwrap())
        .code_hash(Argon2Params::new(8, 1, 1).unwrap())
        .build()
        .unwrap()
}
