//! The same form, sent twice: a request id, and the result of the last attempt that had one.
//!
//! For 30 s, the same id with the same code gets the same result again. While the first request
//! computes a password hash, a repeat joins it: the repeat computes the hash too.

use super::authenticator::{IdError, parse_hex, write_hex};
use super::device::{Device, ShownToken};
use super::device_token::DeviceToken;
use super::rate_limit::is_recent;
use crate::Timestamp;
use crate::constant_time::reveal;
use crate::mac::{first_16, hmac_sha256};
use crate::otp::Code;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use hmac::Mac;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// The id of one form with a code field: 128 random bits, written as 32 hexadecimal digits.
///
/// Generate an id whenever you show the form. Keep the id in the session on your server until you
/// show the next form, and never put it into the page. Pass it to
/// [`Verifier::verify_request`](crate::Verifier::verify_request). For 30 s, the id and an accepted
/// code together get the receipt again. `Debug` does not show the id.
///
/// ```
/// use countersign::RequestId;
///
/// let request = RequestId::generate()?;
/// assert_eq!(request.to_string().parse::<RequestId>()?, request);
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
        let mac = hmac_sha256(id).chain_update(DOMAIN);
        Self(first_16(mac.chain_update(code.symbols())))
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

/// What a form sends together with the code.
pub(crate) struct Form<'a> {
    pub(crate) tag: Option<RequestTag>,
    pub(crate) device: Option<ShownToken<'a>>,
}

impl Form<'_> {
    /// The next token of the device that sent the form.
    pub(super) fn next_token(&self, device: Option<&Device>) -> Option<DeviceToken> {
        device?.successor(self.device?.scope)
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
    Reserved {
        joins: u8,
        /// Whether the failure is a device's, and not one of the budget.
        by_device: bool,
    },
    /// The authenticator with this index accepted the code.
    Authenticator { index: u8 },
    /// The backup code with this number, from 1, was accepted.
    BackupCode { number: u8 },
}

/// The most repeats that compute the hash of one counted attempt.
pub(super) const MOST_JOINS: u8 = 4;

/// The time for which a repeat gets the same result, in seconds.
const REPEAT_AGE: u64 = 30;

impl LastRequest {
    /// Whether this is the request, compared in constant time.
    pub(super) fn is(&self, tag: &RequestTag) -> bool {
        reveal(self.tag.0.ct_eq(&tag.0))
    }

    /// Whether a repeat that arrives now gets the same result.
    pub(super) fn counts(&self, now: Timestamp) -> bool {
        is_recent(self.at, now, REPEAT_AGE)
    }
}
