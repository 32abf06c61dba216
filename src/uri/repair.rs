use super::{KeyUri, KeyUriPart};
use alloc::vec::Vec;
use core::fmt;

/// A key URI that was read leniently, and what had to be mended to read it.
#[derive(Clone, Debug)]
pub struct LenientKeyUri {
    /// What was meant.
    pub uri: KeyUri,
    /// What was mended, in the order of the text. Empty if a strict reader takes the URI as well.
    pub repairs: Vec<Repair>,
}

/// Something that [`KeyUri::parse_lenient`] mended. Its `Display` names the parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Repair {
    /// White space, control characters or invisible characters around the URI were dropped.
    Surroundings,
    /// The type was not in lower case.
    TypeCase,
    /// The name of a parameter was not in lower case.
    NameCase {
        /// Which part.
        part: KeyUriPart,
    },
    /// An unescaped character was taken as it stands: a space, a letter beyond ASCII, the `#` of
    /// Microsoft's `#EXT#`.
    Unescaped {
        /// Which part.
        part: KeyUriPart,
    },
    /// Parameters were separated by `&amp;` or another form of `&` in HTML.
    EscapedAmpersand,
    /// An unescaped `+` was read as a plus sign.
    Plus {
        /// Which part.
        part: KeyUriPart,
    },
    /// A `+` was read as a space.
    PlusForSpace {
        /// Which part.
        part: KeyUriPart,
    },
    /// A colon in a name was kept.
    Colon {
        /// Which part.
        part: KeyUriPart,
    },
    /// White space around a name or a number was dropped.
    OuterSpace {
        /// Which part.
        part: KeyUriPart,
    },
    /// An empty issuer was ignored.
    EmptyIssuer {
        /// Which part.
        part: KeyUriPart,
    },
    /// The account was empty: the issuer was taken.
    AccountMissing,
    /// A parameter was empty or a word such as `null`: it was ignored.
    NoValue {
        /// Which part.
        part: KeyUriPart,
    },
    /// A parameter was given twice, with the same value.
    Duplicate {
        /// Which part.
        part: KeyUriPart,
    },
    /// A parameter with an unknown name was ignored.
    UnknownParameter {
        /// Which parameter, counted from 1.
        position: usize,
    },
    /// An empty parameter was ignored.
    EmptyParameter {
        /// Which parameter, counted from 1.
        position: usize,
    },
    /// A parameter of the other type was ignored.
    NotForType {
        /// Which part.
        part: KeyUriPart,
    },
    /// A hotp URI had no counter: 0 was taken.
    CounterMissing,
    /// The algorithm was written in another way, such as `sha1` or `HMAC-SHA-256`.
    AlgorithmName,
    /// The secret had lower-case letters.
    SecretCase,
    /// The secret had spaces or hyphens.
    SecretSeparators,
    /// The secret was padded.
    SecretPadding,
    /// The last character of the secret had bits that no byte holds; they were dropped.
    SecretSpareBits,
    /// The secret has less than [`Secret::MINIMUM_BITS`](crate::otp::Secret::MINIMUM_BITS).
    SecretShort {
        /// The bits that it has.
        bits: usize,
    },
    /// The image was dropped, because it is not an `https://` address.
    Image,
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Surroundings => f.write_str(
                "white space or invisible characters around the key URI were dropped",
            ),
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
                write!(f, "parameter {position} has an unknown name and was ignored")
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
                "the spare bits of the last character of the secret are not zero; they were dropped",
            ),
            Self::SecretShort { bits } => {
                write!(f, "the secret has {bits} bits; 128 are the least that is safe")
            }
            Self::Image => f.write_str("the image is not an https address and was dropped"),
        }
    }
}
