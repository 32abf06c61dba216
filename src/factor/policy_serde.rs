//! The serde form of a policy, for configuration files. Reading checks every field and refuses
//! unknown ones.

use crate::backup::{Alphabet, Argon2Params, CodeFormat, CodeShape};
use crate::factor::TrustedDevices;
use crate::otp::{Algorithm, Digits, Period, Window};
use crate::{Policy, PolicyBuilder};
use alloc::string::{String, ToString};
use core::time::Duration;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A policy as plain numbers. Durations are in seconds, unless a name ends in `_ms`.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    window: Window,
    look_ahead: u8,
    algorithm: Algorithm,
    digits: u8,
    period: u64,
    hotp_enrollment: bool,
    imported_secret_bits: u16,
    max_authenticators: u8,
    enrollment_age: u64,
    enrollment_tries: u8,
    proof_age: u64,
    free_failures: u32,
    first_wait: u64,
    longest_wait: u64,
    lock_after: u32,
    budget_burst: u32,
    budget_refill: u64,
    consecutive_codes: u8,
    consecutive_steps: u8,
    consecutive_codes_unlock: bool,
    devices: u8,
    trusted_days: u8,
    code_alphabet: CodeAlphabet,
    code_length: u8,
    code_group: u8,
    code_count: u8,
    hash_memory_kib: u32,
    hash_passes: u32,
    hash_lanes: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    imported_code_shape: Option<Shape>,
    imported_code_work_ms: u64,
}

/// A shape of imported codes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    alphabet: String,
    length: u8,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CodeAlphabet {
    Digits,
    Unambiguous,
}

impl Default for Fields {
    fn default() -> Self {
        Self::from(&Policy::default())
    }
}

impl From<&Policy> for Fields {
    fn from(policy: &Policy) -> Self {
        let (backoff, consecutive) = (policy.backoff(), policy.consecutive_codes());
        let (format, hash) = (policy.code_format(), policy.code_hash());
        Self {
            window: policy.window(),
            look_ahead: policy.look_ahead(),
            algorithm: policy.algorithm(),
            digits: policy.digits().get(),
            period: policy.period().as_secs(),
            hotp_enrollment: policy.hotp_enrollment(),
            imported_secret_bits: policy.imported_secret_bits(),
            max_authenticators: policy.max_authenticators(),
            enrollment_age: policy.enrollment_age().as_secs(),
            enrollment_tries: policy.enrollment_tries(),
            proof_age: policy.proof_age().as_secs(),
            free_failures: backoff.free_failures,
            first_wait: backoff.first_wait.as_secs(),
            longest_wait: backoff.longest_wait.as_secs(),
            lock_after: policy.lock_after(),
            budget_burst: policy.budget_burst(),
            budget_refill: policy.budget_refill().as_secs(),
            consecutive_codes: consecutive.count,
            consecutive_steps: consecutive.steps,
            consecutive_codes_unlock: consecutive.unlock,
            devices: policy.devices(),
            trusted_days: match policy.trusted_devices() {
                TrustedDevices::Off => 0,
                TrustedDevices::Days(days) => days,
            },
            code_alphabet: match format.alphabet() {
                Alphabet::Digits => CodeAlphabet::Digits,
                Alphabet::Unambiguous => CodeAlphabet::Unambiguous,
            },
            code_length: format.length(),
            code_group: format.group(),
            code_count: format.count(),
            hash_memory_kib: hash.memory_kib(),
            hash_passes: hash.passes(),
            hash_lanes: hash.lanes(),
            imported_code_shape: policy.imported_code_shape().map(|shape| Shape {
                alphabet: shape.alphabet(),
                length: shape.length(),
            }),
            imported_code_work_ms: u64::try_from(policy.imported_code_work().as_millis())
                .unwrap_or(u64::MAX),
        }
    }
}

impl Fields {
    fn check(self) -> Result<Policy, String> {
        let alphabet = match self.code_alphabet {
            CodeAlphabet::Digits => Alphabet::Digits,
            CodeAlphabet::Unambiguous => Alphabet::Unambiguous,
        };
        let format = CodeFormat::new(alphabet, self.code_length, self.code_group, self.code_count)
            .map_err(|error| error.to_string())?;
        let hash = Argon2Params::new(self.hash_memory_kib, self.hash_passes, self.hash_lanes)
            .map_err(|error| error.to_string())?;
        let mut builder: PolicyBuilder = Policy::builder()
            .window(self.window)
            .look_ahead(self.look_ahead)
            .algorithm(self.algorithm)
            .digits(Digits::new(self.digits).map_err(|error| error.to_string())?)
            .period(Period::from_secs(self.period).map_err(|error| error.to_string())?)
            .hotp_enrollment(self.hotp_enrollment)
            .imported_secret_bits(self.imported_secret_bits)
            .max_authenticators(self.max_authenticators)
            .enrollment_age(Duration::from_secs(self.enrollment_age))
            .enrollment_tries(self.enrollment_tries)
            .proof_age(Duration::from_secs(self.proof_age))
            .backoff(
                self.free_failures,
                Duration::from_secs(self.first_wait),
                Duration::from_secs(self.longest_wait),
            )
            .lock_after(self.lock_after)
            .budget(self.budget_burst, Duration::from_secs(self.budget_refill))
            .consecutive_codes(self.consecutive_codes, self.consecutive_steps)
            .consecutive_codes_unlock(self.consecutive_codes_unlock)
            .devices(self.devices)
            .trusted_devices(TrustedDevices::Days(self.trusted_days))
            .code_format(format)
            .code_hash(hash)
            .imported_code_work(Duration::from_millis(self.imported_code_work_ms));
        if let Some(Shape { alphabet, length }) = self.imported_code_shape {
            let shape = CodeShape::new(&alphabet, length).map_err(|error| error.to_string())?;
            builder = builder.imported_code_shape(shape);
        }
        builder.build().map_err(|error| error.to_string())
    }
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Fields::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Fields::deserialize(deserializer)?
            .check()
            .map_err(D::Error::custom)
    }
}
