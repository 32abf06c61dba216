//! The same form, sent twice: a request id, and the result of the last attempt that had one.
//!
//! For 30 s, the same id with the same code gets the same result again, without another failure
//! and without another acceptance. While the first request computes a password hash, a repeat joins
//! it: the repeat computes the hash too, and counts no second failure. Any other write than an
//! attempt with an id, a join or `reseal` drops the result.

use super::attempt::{Progress, Refusal};
use super::authenticator::{IdError, parse_hex, write_hex};
use super::code_set::CodeSet;
use super::rate_limit::CLOCK_SKEW;
use super::second_factor::{Accepted, Outcome, SecondFactor, Step};
use crate::constant_time::reveal;
use crate::otp::Code;
use crate::store::WriteKind;
use crate::{AcceptedBy, Policy, Rejection, Timestamp};
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// The id of one form with a code field: 128 random bits, written as 32 hexadecimal digits.
///
/// Generate an id whenever you show the form. Keep the id in the session on your server until you
/// show the next form, and never put it into the page. Pass it to
/// [`Verifier::verify_request`](crate::Verifier::verify_request). Whoever has the id and a code
/// that was accepted can get the receipt again for 30 s. `Debug` does not show the id.
///
/// ```
/// use countersign::RequestId;
///
/// let request = RequestId::generate()?;
/// let session = request.to_string();
/// assert_eq!(session.parse::<RequestId>()?, request);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct RequestId([u8; 16]);

impl RequestId {
    /// Generates an id from the operating system's random source.
    ///
    /// # Errors
    /// [`RandomError`](crate::otp::RandomError) if the system's random source fails.
    #[cfg(feature = "getrandom")]
    pub fn generate() -> Result<Self, crate::otp::RandomError> {
        let mut id = Self([0; 16]);
        getrandom::fill(&mut id.0).map_err(|_| crate::otp::RandomError::new())?;
        Ok(id)
    }

    /// Generates an id from a cryptographically secure generator of
    /// [`rand_core`](crate::rand_core) 0.10.
    #[must_use]
    pub fn generate_with<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut id = Self([0; 16]);
        rng.fill_bytes(&mut id.0);
        id
    }
}

impl PartialEq for RequestId {
    fn eq(&self, other: &Self) -> bool {
        reveal(self.0.ct_eq(&other.0))
    }
}

impl Eq for RequestId {}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestId").finish_non_exhaustive()
    }
}

impl FromStr for RequestId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_hex(text).map(Self)
    }
}

impl TryFrom<String> for RequestId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        alloc::format!("{id}")
    }
}

/// Identifies a request id together with a code: the first 16 bytes of HMAC-SHA-256 over the code,
/// under the id. Wiped on drop.
#[derive(Clone)]
pub(crate) struct RequestTag(pub(crate) [u8; 16]);

impl RequestTag {
    pub(crate) fn new(RequestId(id): &RequestId, code: &Code) -> Self {
        const DOMAIN: &[u8] = b"countersign request";
        // RFC 2104 pads the key with zeros to a block.
        let mut block = Zeroizing::new([0; 64]);
        let mut tag = Self([0; 16]);
        for (padded, byte) in block.iter_mut().zip(id) {
            *padded = *byte;
        }
        let whole = <Hmac<Sha256> as KeyInit>::new((&*block).into())
            .chain_update(DOMAIN)
            .chain_update(code.symbols())
            .finalize()
            .into_bytes();
        for (cut, byte) in tag.0.iter_mut().zip(whole) {
            *cut = byte;
        }
        tag
    }
}

impl Drop for RequestTag {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for RequestTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestTag").finish_non_exhaustive()
    }
}

/// The last attempt, if it had a request id.
#[derive(Clone, Debug)]
pub(crate) struct LastRequest {
    pub(crate) tag: RequestTag,
    pub(crate) at: Timestamp,
    pub(crate) result: RequestResult,
}

/// The result of an attempt with a request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestResult {
    /// A wrong code was counted.
    Wrong,
    /// The attempt is counted as a failure until its hash is compared. So many repeats joined it.
    Reserved { joins: u8 },
    /// The authenticator with this index accepted the code.
    Authenticator { index: u8 },
    /// The backup code with this number, from 1, was accepted.
    BackupCode { number: u8 },
}

/// The most repeats that compute the hash of one counted attempt.
pub(crate) const MOST_JOINS: u8 = 4;

/// The time for which a repeat gets the same result, in seconds.
const REPEAT_AGE: u64 = 30;

impl LastRequest {
    /// Whether a repeat that arrives now gets the same result.
    pub(super) fn counts(&self, now: Timestamp) -> bool {
        now.saturating_since(self.at) <= REPEAT_AGE
            && self.at.saturating_since(now) <= CLOCK_SKEW.as_secs()
    }

    /// Whether this second factor can have had this result.
    pub(crate) fn fits(&self, factor: &SecondFactor) -> bool {
        factor.is_enabled()
            && match self.result {
                RequestResult::Wrong => true,
                RequestResult::Reserved { joins } => {
                    joins <= MOST_JOINS && factor.code_set.is_some()
                }
                RequestResult::Authenticator { .. } => factor.accepted_by(self.result).is_some(),
                RequestResult::BackupCode { number } => {
                    let used_at = factor.code_set.as_ref().map(CodeSet::used_at);
                    let index = usize::from(number).checked_sub(1);
                    let code = index.zip(used_at).and_then(|(at, all)| *all.get(at)?);
                    code.is_some()
                }
            }
    }
}

/// An accepted code, and whether an earlier call accepted it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestAccepted {
    pub(crate) accepted: Accepted,
    pub(crate) is_repeat: bool,
}

impl SecondFactor {
    /// Signs in with a code. A repeat of the last request gets the same result, before the rate
    /// limit.
    pub(crate) fn log_in_request(
        mut self,
        code: &Code,
        tag: &RequestTag,
        progress: &Progress,
        now: Timestamp,
        policy: &Policy,
    ) -> Step<Outcome<RequestAccepted>> {
        match (self.repeated(tag, now), progress) {
            (Some((RequestResult::Wrong, _)), Progress::Start) => {
                return Step::reject(Rejection::WrongCode);
            }
            (Some((RequestResult::Reserved { joins }, at)), Progress::Start)
                if joins < MOST_JOINS =>
            {
                if let Some(needed) = self.join(code) {
                    let joins = joins.saturating_add(1);
                    self.remember(tag, at, RequestResult::Reserved { joins });
                    return Step::Write(self, WriteKind::Joined, needed);
                }
            }
            (Some((result, at)), _) => {
                if let Some(by) = self.accepted_by(result) {
                    return Step::Answer(Outcome::Accepted(RequestAccepted {
                        accepted: Accepted { by, at },
                        is_repeat: true,
                    }));
                }
            }
            (None, _) => {}
        }
        match self.check(code, progress, now, policy) {
            Ok(by) => {
                if let Some(result) = self.result_of(by) {
                    self.remember(tag, now, result);
                }
                let accepted = Outcome::Accepted(RequestAccepted {
                    accepted: Accepted { by, at: now },
                    is_repeat: false,
                });
                Step::Write(self, WriteKind::Accepted, accepted)
            }
            Err(refusal) => {
                match refusal {
                    Refusal::Unchanged(_) => {}
                    Refusal::Counted(_) => self.remember(tag, now, RequestResult::Wrong),
                    Refusal::HashNeeded { .. } => {
                        self.remember(tag, now, RequestResult::Reserved { joins: 0 });
                    }
                }
                self.refuse(refusal)
            }
        }
    }

    /// The result and the time of the last request, if this is a repeat of it.
    fn repeated(&self, tag: &RequestTag, now: Timestamp) -> Option<(RequestResult, Timestamp)> {
        let last = self.last_request.as_ref()?;
        let is_same = reveal(last.tag.0.ct_eq(&tag.0));
        (is_same && last.counts(now)).then_some((last.result, last.at))
    }

    fn remember(&mut self, tag: &RequestTag, at: Timestamp, result: RequestResult) {
        let tag = tag.clone();
        self.last_request = Some(Box::new(LastRequest { tag, at, result }));
    }

    /// The hash that a repeat computes as the first request does.
    fn join<T>(&self, code: &Code) -> Option<Outcome<T>> {
        let codes = self.code_set.as_ref()?;
        let (job, set) = (codes.redeem_job(code)?, codes.id());
        Some(Outcome::HashNeeded { job, set })
    }

    fn result_of(&self, by: AcceptedBy) -> Option<RequestResult> {
        match by {
            AcceptedBy::Authenticator { id } => {
                let mut active = self.authenticators.iter();
                let index = active.position(|active| active.id == id)?;
                let index = u8::try_from(index).ok()?;
                Some(RequestResult::Authenticator { index })
            }
            AcceptedBy::BackupCode { number, .. } => Some(RequestResult::BackupCode { number }),
            AcceptedBy::Enrollment { .. } => None,
        }
    }

    /// What accepted the code of the last request. Nothing changed since then.
    fn accepted_by(&self, result: RequestResult) -> Option<AcceptedBy> {
        match result {
            RequestResult::Wrong | RequestResult::Reserved { .. } => None,
            RequestResult::Authenticator { index } => {
                let active = self.authenticators.get(usize::from(index))?;
                Some(AcceptedBy::Authenticator { id: active.id })
            }
            RequestResult::BackupCode { number } => {
                let codes = self.code_set.as_ref()?;
                Some(AcceptedBy::BackupCode {
                    set: codes.id(),
                    number,
                    remaining: u8::try_from(codes.remaining()).unwrap_or(u8::MAX),
                })
            }
        }
    }
}
