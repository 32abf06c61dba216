//! The repairs of the lenient parser, and where it records them.

use super::{KeyUri, KeyUriError, KeyUriPart};
use alloc::vec::Vec;
use core::fmt;

/// A key URI from [`KeyUri::parse_lenient`], with the repairs that it needed.
#[derive(Clone, Debug)]
pub struct LenientKeyUri {
    /// The repaired key URI.
    pub uri: KeyUri,
    /// The repairs, in the order of the text. Empty if [`KeyUri::parse`] accepts the text too.
    pub repairs: Vec<Repair>,
}

/// A fault that [`KeyUri::parse_lenient`] repaired. Its `Display` names the parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Repair {
    /// White space, control characters or invisible characters around the URI were dropped.
    Surroundings,
    /// The type was not in lower case.
    TypeCase,
    /// The name of a parameter was not in lower case.
    NameCase {
        /// The part.
        part: KeyUriPart,
    },
    /// An unescaped character was kept, such as a space, a letter that is not ASCII, or the `#` of
    /// Microsoft's `#EXT#`.
    Unescaped {
        /// The part.
        part: KeyUriPart,
    },
    /// Parameters were separated by `&amp;` or another HTML form of `&`.
    EscapedAmpersand,
    /// An unescaped `+` was read as a plus sign.
    Plus {
        /// The part.
        part: KeyUriPart,
    },
    /// A `+` was read as a space.
    PlusForSpace {
        /// The part.
        part: KeyUriPart,
    },
    /// A colon in a name was kept.
    Colon {
        /// The part.
        part: KeyUriPart,
    },
    /// White space around a name or a number was dropped.
    OuterSpace {
        /// The part.
        part: KeyUriPart,
    },
    /// An empty issuer was ignored.
    EmptyIssuer {
        /// The part.
        part: KeyUriPart,
    },
    /// The account was empty, so the issuer became the account.
    AccountMissing,
    /// A parameter was empty or a word such as `null`, and was ignored.
    NoValue {
        /// The part.
        part: KeyUriPart,
    },
    /// A parameter was given twice, with the same value.
    Duplicate {
        /// The part.
        part: KeyUriPart,
    },
    /// A parameter with an unknown name was ignored.
    UnknownParameter {
        /// The number of the parameter, from 1.
        position: usize,
    },
    /// An unknown field in an entry of an export of Google Authenticator was ignored.
    UnknownField {
        /// The number of the field.
        field: u32,
    },
    /// An empty parameter was ignored.
    EmptyParameter {
        /// The number of the parameter, from 1.
        position: usize,
    },
    /// A parameter of the other type was ignored.
    NotForType {
        /// The part.
        part: KeyUriPart,
    },
    /// A hotp URI had no counter, so the counter is 0.
    CounterMissing,
    /// The algorithm was written in another way, such as `sha1` or `HMAC-SHA-256`.
    AlgorithmName,
    /// The secret had lower-case letters.
    SecretCase,
    /// The secret had spaces or hyphens.
    SecretSeparators,
    /// The secret was padded.
    SecretPadding,
    /// The last character of the secret had spare bits that were not zero. The parser dropped them.
    SecretSpareBits,
    /// The secret has less than [`Secret::MINIMUM_BITS`](crate::otp::Secret::MINIMUM_BITS).
    SecretShort {
        /// The number of bits in the secret.
        bits: usize,
    },
    /// The image was dropped, because it is not an `https://` address.
    Image,
    /// Steam Guard was marked in another way than by `encoder=steam` or the type `steam`, such as
    /// `representation=steamguard`, `algorithm=STEAM` or `steam://`.
    #[cfg(feature = "steam")]
    SteamMark,
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Surroundings => {
                f.write_str("white space or invisible characters around the key URI were dropped")
            }
            Self::TypeCase => f.write_str("the type is not in lower case"),
            Self::NameCase { part } => write!(f, "the name of the {part} is not in lower case"),
            Self::Unescaped { part } => write!(f, "the {part} has an unescaped character"),
            Self::EscapedAmpersand => f.write_str("the parameters are separated by &amp;"),
            Self::Plus { part } => write!(f, "the {part} has an unescaped plus sign"),
            Self::PlusForSpace { part } => write!(f, "the {part} has a plus sign for a space"),
            Self::Colon { part } => write!(f, "the {part} has a colon"),
            Self::OuterSpace { part } => write!(f, "the {part} has white space around it"),
            Self::EmptyIssuer { part } => write!(f, "the {part} is empty and was ignored"),
            Self::AccountMissing => f.write_str("the account is empty; the issuer was taken"),
            Self::NoValue { part } => write!(f, "the {part} has no value and was ignored"),
            Self::Duplicate { part } => write!(f, "the {part} is given twice"),
            Self::UnknownParameter { position } => {
                write!(
                    f,
                    "parameter {position} has an unknown name and was ignored"
                )
            }
            Self::UnknownField { field } => {
                write!(f, "field {field} is unknown and was ignored")
            }
            Self::EmptyParameter { position } => {
                write!(f, "parameter {position} is empty and was ignored")
            }
            Self::NotForType { part } => {
                write!(f, "the {part} does not belong to this type and was ignored")
            }
            Self::CounterMissing => f.write_str("the counter is missing; 0 was taken"),
            Self::AlgorithmName => {
                f.write_str("the algorithm is not written as SHA1, SHA256 or SHA512")
            }
            Self::SecretCase => f.write_str("the secret has lower-case letters"),
            Self::SecretSeparators => f.write_str("the secret has spaces or hyphens"),
            Self::SecretPadding => f.write_str("the secret is padded"),
            Self::SecretSpareBits => f.write_str(
                "the spare bits of the last character of the secret are not zero; \
                 they were dropped",
            ),
            Self::SecretShort { bits } => {
                write!(
                    f,
                    "the secret has {bits} bits; 128 are the least that is safe"
                )
            }
            Self::Image => f.write_str("the image is not an https address and was dropped"),
            #[cfg(feature = "steam")]
            Self::SteamMark => {
                f.write_str("Steam Guard is marked in another way than by encoder=steam")
            }
        }
    }
}

/// Reads a key URI, strictly or leniently.
pub(super) struct Reader<'r> {
    /// The smallest number of bits in the secret.
    pub(super) minimum_bits: usize,
    /// The repairs so far; `None` to read strictly.
    pub(super) repairs: Option<&'r mut Vec<Repair>>,
    /// Whether a mark of Steam Guard was read. Always false without the feature `steam`.
    pub(super) is_steam: bool,
}

impl<'r> Reader<'r> {
    pub(super) const fn new(minimum_bits: usize, repairs: Option<&'r mut Vec<Repair>>) -> Self {
        Self {
            minimum_bits,
            repairs,
            is_steam: false,
        }
    }

    /// Whether repairs are allowed.
    pub(super) const fn is_lenient(&self) -> bool {
        self.repairs.is_some()
    }

    /// Records a repair, or returns the error when reading strictly.
    pub(super) fn repair_or_refuse(
        &mut self,
        repair: Repair,
        refusal: KeyUriError,
    ) -> Result<(), KeyUriError> {
        match &mut self.repairs {
            Some(repairs) => {
                repairs.push(repair);
                Ok(())
            }
            None => Err(refusal),
        }
    }
}
