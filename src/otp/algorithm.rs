use core::fmt;
use core::str::FromStr;

/// The hash function of the HMAC (RFC 6238, section 1.2).
///
/// SHA-1 is the default of every authenticator app, and the only one that all of them know. HMAC does
/// not rest on the collision resistance that SHA-1 has lost (RFC 4226, appendix B.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "UPPERCASE")
)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC-SHA-1, with a 20-byte output.
    #[default]
    Sha1,
    /// HMAC-SHA-256, with a 32-byte output.
    Sha256,
    /// HMAC-SHA-512, with a 64-byte output.
    Sha512,
}

impl Algorithm {
    /// The name in a key URI: `SHA1`, `SHA256` or `SHA512`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// The length of the HMAC in bytes, which is also the length that a secret should have (RFC 6238,
    /// section 5.1).
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = AlgorithmError;

    /// Takes the exact names of the Key URI Format.
    fn from_str(name: &str) -> Result<Self, AlgorithmError> {
        match name {
            "SHA1" => Ok(Self::Sha1),
            "SHA256" => Ok(Self::Sha256),
            "SHA512" => Ok(Self::Sha512),
            _ => Err(AlgorithmError),
        }
    }
}

/// The name is not one of `SHA1`, `SHA256` and `SHA512`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the algorithm is not one of SHA1, SHA256 and SHA512")]
pub struct AlgorithmError;
