//! The second factor that an account brings from another system.

use super::authenticator::Authenticator;
use super::code_set::CodeSet;
use super::import_error::{ExistingFactor, ImportFault};
use super::moving_factor::{MovingFactor, Parameters};
use super::second_factor::{ImportFingerprint, SecondFactor};
use crate::backup::{ImportedCodeSet, ImportedCodes};
use crate::block_hash::Sha256;
use crate::constant_time::reveal;
use crate::otp::{Algorithm, Digits, Period, Secret, TimeStep};
use crate::uri::{KeyUri, KeyUriError, KeyUriKind};
use crate::{AuthenticatorId, AuthenticatorName, Policy, Timestamp};
use alloc::vec::Vec;
use sha2::Digest;
use subtle::{Choice, ConstantTimeEq};

/// The second factor of one account of another system: its authenticators and its backup codes.
///
/// ```
/// use countersign::Timestamp;
/// use countersign::import::{Import, ImportedAuthenticator};
/// use countersign::otp::{Secret, TimeStep};
///
/// let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
/// let phone = ImportedAuthenticator::totp(secret).last_step(TimeStep::new(59_849_000));
/// let import = Import::new([phone]).exported_at(Timestamp::from_unix(1_795_521_600));
/// # let _ = import;
/// # Ok::<(), countersign::otp::SecretError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Import {
    authenticators: Vec<ImportedAuthenticator>,
    backup_codes: Option<ImportCodes>,
    exported_at: Option<Timestamp>,
}

/// The backup codes of an import.
#[derive(Clone, Debug)]
pub(crate) enum ImportCodes {
    /// As the other system had them.
    Given(ImportedCodes),
    /// Ready to be stored: codes in clear text are hashed.
    Prepared(ImportedCodeSet),
}

impl Import {
    /// Takes the authenticators, at least one, in the order in which the user sees them.
    pub fn new(authenticators: impl IntoIterator<Item = ImportedAuthenticator>) -> Self {
        Self {
            authenticators: authenticators.into_iter().collect(),
            backup_codes: None,
            exported_at: None,
        }
    }

    /// Adds the backup codes.
    pub fn backup_codes(mut self, codes: ImportedCodes) -> Self {
        self.backup_codes = Some(ImportCodes::Given(codes));
        self
    }

    /// Replaces the backup codes by the set that the record will hold.
    pub(crate) fn prepared(mut self, codes: ImportedCodeSet) -> Self {
        self.backup_codes = Some(ImportCodes::Prepared(codes));
        self
    }

    /// Sets the time at which the other system accepted its last code. Default: now.
    ///
    /// For a TOTP authenticator without a [`last_step`](ImportedAuthenticator::last_step), every
    /// passcode that the other system could have accepted until then counts as used.
    pub const fn exported_at(mut self, at: Timestamp) -> Self {
        self.exported_at = Some(at);
        self
    }

    /// The backup codes.
    pub(crate) const fn codes(&self) -> Option<&ImportCodes> {
        self.backup_codes.as_ref()
    }

    /// The number of authenticators.
    pub(crate) const fn authenticators(&self) -> usize {
        self.authenticators.len()
    }

    /// A hash over everything but the backup codes and the time of the export. Two imports with the
    /// same fingerprint are the same import.
    pub(crate) fn fingerprint(&self) -> ImportFingerprint {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        for authenticator in &self.authenticators {
            authenticator.update(&mut hash);
        }
        let [fingerprint, _] = *<[u8; 32]>::from(hash.finalize()).as_chunks().0 else {
            return ImportFingerprint([0; 16]);
        };
        ImportFingerprint(fingerprint)
    }

    /// Checks the authenticators.
    pub(crate) fn check(&self, now: Timestamp, policy: &Policy) -> Result<(), ImportFault> {
        let maximum = policy.max_authenticators();
        let count = self.authenticators.len();
        if count == 0 {
            return Err(ImportFault::NoAuthenticator);
        }
        if count > usize::from(maximum) {
            return Err(ImportFault::TooManyAuthenticators { count, maximum });
        }
        if let Some(at) = self.exported_at.filter(|at| is_ahead(*at, now)) {
            return Err(ImportFault::ExportedInFuture { at });
        }
        for (number, authenticator) in (1..).zip(&self.authenticators) {
            authenticator.check(number, now, policy)?;
            let earlier = self.authenticators.iter().take(number.saturating_sub(1));
            let key = without_padding(&authenticator.secret);
            let same = earlier.fold(Choice::from(0), |same, earlier| {
                same | without_padding(&earlier.secret).ct_eq(key)
            });
            if reveal(same) {
                return Err(ImportFault::SecretInUse { number });
            }
        }
        Ok(())
    }

    /// Makes the second factor of an import that was checked.
    ///
    /// `ids` are random, one for each authenticator.
    pub(crate) fn second_factor(
        &self,
        fingerprint: ImportFingerprint,
        ids: &[AuthenticatorId],
        codes: Option<CodeSet>,
        now: Timestamp,
        policy: &Policy,
    ) -> SecondFactor {
        let exported_at = self.exported_at.unwrap_or(now);
        let mut factor = SecondFactor::begun_import(fingerprint, now, policy);
        for (imported, id) in self.authenticators.iter().zip(ids) {
            let authenticator = imported.authenticator(*id, &factor, exported_at, now, policy);
            factor.authenticators.push(authenticator);
        }
        factor.code_set = codes;
        factor
    }
}

impl SecondFactor {
    /// A record that only says which import is being made.
    pub(crate) fn begun_import(import: ImportFingerprint, now: Timestamp, policy: &Policy) -> Self {
        Self {
            import: Some(import),
            ..Self::new(now, policy)
        }
    }

    /// How far an import into this record has come.
    pub(crate) fn import_stage(
        &self,
        import: ImportFingerprint,
    ) -> Result<ImportStage, ExistingFactor> {
        match self.import {
            Some(_) if !self.is_enabled() => Ok(ImportStage::Begun),
            Some(fingerprint) if fingerprint == import => Ok(ImportStage::Imported),
            Some(_) => Err(ExistingFactor::OtherImport),
            None if self.is_enabled() || self.pending.is_some() => Err(ExistingFactor::Own),
            None => Err(ExistingFactor::Disabled),
        }
    }
}

/// How far an import has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImportStage {
    /// The record holds a fingerprint, and no second factor yet.
    Begun,
    /// This import was made.
    Imported,
}

const DOMAIN: &[u8] = b"countersign import";

/// The most that a time of another system may lie ahead of now.
const CLOCK_DIFFERENCE: u64 = 86_400;

/// The longest period of an authenticator. A longer one is not in seconds.
const LONGEST_PERIOD: u64 = 3600;

/// The highest next counter: 2^32 passcodes are left.
const LAST_NEXT_COUNTER: u64 = u64::MAX - (1 << 32);

/// When a step begins.
const fn step_start(step: TimeStep, period: Period, t0: Timestamp) -> Timestamp {
    t0.saturating_add(step.get().saturating_mul(period.as_secs()))
}

/// The bytes of a secret without the zeros at its end. HMAC pads a key with zeros, so secrets that
/// differ only there have the same passcodes.
fn without_padding(secret: &Secret) -> &[u8] {
    let mut key = secret.expose();
    while let Some((0, start)) = key.split_last() {
        key = start;
    }
    key
}

fn is_ahead(time: Timestamp, now: Timestamp) -> bool {
    time > now.saturating_add(CLOCK_DIFFERENCE)
}

/// One authenticator of another system.
///
/// The parameters have the defaults of the Key URI Format: SHA-1, six digits and 30 seconds.
#[derive(Clone, Debug)]
#[must_use]
pub struct ImportedAuthenticator {
    secret: Secret,
    algorithm: Algorithm,
    digits: Digits,
    moving: MovingFactor,
    name: Option<AuthenticatorName>,
    added_at: Option<Timestamp>,
}

impl ImportedAuthenticator {
    /// Takes the secret of a TOTP authenticator (RFC 6238).
    pub const fn totp(secret: Secret) -> Self {
        Self::new(
            secret,
            MovingFactor::Time {
                period: Period::THIRTY_SECONDS,
                t0: Timestamp::UNIX_EPOCH,
                last_step: None,
            },
        )
    }

    /// Takes the secret of a HOTP authenticator (RFC 4226) and its next counter: the counter of the
    /// first passcode that the other system would still accept.
    pub const fn hotp(secret: Secret, next_counter: u64) -> Self {
        Self::new(secret, MovingFactor::Counter { next: next_counter })
    }

    const fn new(secret: Secret, moving: MovingFactor) -> Self {
        Self {
            secret,
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            moving,
            name: None,
            added_at: None,
        }
    }

    /// Sets the hash function.
    pub const fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Sets the number of digits.
    pub const fn digits(mut self, digits: Digits) -> Self {
        self.digits = digits;
        self
    }

    /// Sets the period of a TOTP authenticator. HOTP has no period and ignores it.
    pub const fn period(mut self, seconds: Period) -> Self {
        if let MovingFactor::Time { period, .. } = &mut self.moving {
            *period = seconds;
        }
        self
    }

    /// Sets the time from which a TOTP authenticator counts its steps (T0 in RFC 6238, section
    /// 4.1). Default: the Unix epoch. HOTP ignores it.
    pub const fn t0(mut self, time: Timestamp) -> Self {
        if let MovingFactor::Time { t0, .. } = &mut self.moving {
            *t0 = time;
        }
        self
    }

    /// Sets the last time step that the other system accepted, counted from T0. Passcodes up to
    /// this step count as used. HOTP ignores it.
    pub const fn last_step(mut self, step: TimeStep) -> Self {
        if let MovingFactor::Time { last_step, .. } = &mut self.moving {
            *last_step = Some(step);
        }
        self
    }

    /// Sets the user's name for the authenticator. Default: "Authenticator app". If the account has
    /// the name already, it gets a number.
    pub fn name(mut self, name: AuthenticatorName) -> Self {
        self.name = Some(name);
        self
    }

    /// Sets when the user added the authenticator. Default: the time of the import.
    pub const fn added_at(mut self, at: Timestamp) -> Self {
        self.added_at = Some(at);
        self
    }

    fn check(&self, number: usize, now: Timestamp, policy: &Policy) -> Result<(), ImportFault> {
        let bytes = self.secret.expose();
        if bytes.iter().fold(0, |any, byte| any | byte) == 0 {
            return Err(ImportFault::ZeroSecret { number });
        }
        let bits = bytes.len().saturating_mul(8);
        let minimum = policy.imported_secret_bits();
        if bits < usize::from(minimum) {
            return Err(ImportFault::WeakSecret {
                number,
                bits,
                minimum,
            });
        }
        if let Some(at) = self.added_at.filter(|at| is_ahead(*at, now)) {
            return Err(ImportFault::AddedInFuture { number, at });
        }
        match self.moving {
            MovingFactor::Time { period, .. } if period.as_secs() > LONGEST_PERIOD => {
                Err(ImportFault::PeriodTooLong {
                    number,
                    seconds: period.as_secs(),
                })
            }
            MovingFactor::Time { t0, .. } if is_ahead(t0, now) => {
                Err(ImportFault::T0InFuture { number, at: t0 })
            }
            MovingFactor::Time {
                period,
                t0,
                last_step: Some(step),
            } if is_ahead(step_start(step, period, t0), now) => {
                Err(ImportFault::StepInFuture { number, step })
            }
            MovingFactor::Counter { next } if next > LAST_NEXT_COUNTER => {
                Err(ImportFault::CounterTooHigh {
                    number,
                    counter: next,
                })
            }
            _ => Ok(()),
        }
    }

    fn authenticator(
        &self,
        id: AuthenticatorId,
        factor: &SecondFactor,
        exported_at: Timestamp,
        now: Timestamp,
        policy: &Policy,
    ) -> Authenticator {
        let name = self.name.clone().unwrap_or_default();
        let moving = match self.moving {
            MovingFactor::Time {
                period,
                t0,
                last_step: None,
            } => {
                let after = policy.window().after;
                let since_t0 = exported_at.saturating_since(t0);
                let current = since_t0.checked_div(period.as_secs()).unwrap_or_default();
                let last = current.saturating_add(after.into());
                MovingFactor::Time {
                    period,
                    t0,
                    last_step: Some(TimeStep::new(last)),
                }
            }
            moving => moving,
        };
        Authenticator {
            id,
            name: name.first_free(|name| factor.has_other_named(name, None)),
            secret: self.secret.clone(),
            parameters: Parameters {
                algorithm: self.algorithm,
                digits: self.digits,
            },
            added_at: self.added_at.unwrap_or(now),
            last_used_at: None,
            moving,
            imported: true,
        }
    }

    fn update(&self, hash: &mut Sha256) {
        let number = |hash: &mut Sha256, number: u64| hash.update(number.to_be_bytes());
        let text = |hash: &mut Sha256, text: &[u8]| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        let optional = |hash: &mut Sha256, time: Option<u64>| match time {
            Some(time) => {
                hash.update([1]);
                number(hash, time);
            }
            None => hash.update([0]),
        };
        text(hash, self.secret.expose());
        text(hash, self.algorithm.name().as_bytes());
        hash.update([self.digits.get()]);
        match self.moving {
            MovingFactor::Time {
                period,
                t0,
                last_step,
            } => {
                hash.update([1]);
                number(hash, period.as_secs());
                number(hash, t0.as_unix());
                optional(hash, last_step.map(TimeStep::get));
            }
            MovingFactor::Counter { next } => {
                hash.update([2]);
                number(hash, next);
            }
        }
        text(
            hash,
            self.name
                .as_ref()
                .map_or("", |name| name.as_str())
                .as_bytes(),
        );
        optional(hash, self.added_at.map(Timestamp::as_unix));
    }
}

impl TryFrom<&KeyUri> for ImportedAuthenticator {
    type Error = KeyUriError;

    /// Takes the secret, the parameters and the counter of a key URI. Issuer and account name are
    /// not taken.
    ///
    /// # Errors
    /// [`KeyUriError::Steam`] for a key URI of Steam Guard.
    fn try_from(uri: &KeyUri) -> Result<Self, KeyUriError> {
        let secret = uri.secret().clone();
        let authenticator = match uri.kind() {
            KeyUriKind::Totp { period } => Self::totp(secret).period(period),
            KeyUriKind::Hotp { counter } => Self::hotp(secret, counter),
            #[cfg(feature = "steam")]
            KeyUriKind::Steam => return Err(KeyUriError::Steam),
        };
        Ok(authenticator
            .algorithm(uri.algorithm())
            .digits(uri.digits()))
    }
}
