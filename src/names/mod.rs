//! The ids and names of authenticators and devices, and how ids are written.

pub(crate) mod devices;

use crate::otp::is_invisible;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use data_encoding::HEXLOWER_PERMISSIVE;

/// Gives an id of random bytes its text form: hexadecimal digits, in both directions.
macro_rules! hexadecimal_id {
    ($id:ident, $bytes:literal) => {
        impl $id {
            pub(crate) const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            pub(crate) const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl core::fmt::Display for $id {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                $crate::names::write_hex(&self.0, f)
            }
        }

        impl core::fmt::Debug for $id {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($id), "({})"), self)
            }
        }

        impl core::str::FromStr for $id {
            type Err = $crate::names::IdError;

            fn from_str(text: &str) -> Result<Self, $crate::names::IdError> {
                $crate::names::parse_hex(text).map(Self)
            }
        }

        impl TryFrom<alloc::string::String> for $id {
            type Error = $crate::names::IdError;

            fn try_from(text: alloc::string::String) -> Result<Self, $crate::names::IdError> {
                text.parse()
            }
        }

        impl From<$id> for alloc::string::String {
            fn from(id: $id) -> Self {
                alloc::format!("{id}")
            }
        }
    };
}
pub(crate) use hexadecimal_id;

/// The id of one authenticator of an account: 64 random bits, written as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct AuthenticatorId([u8; 8]);

hexadecimal_id!(AuthenticatorId, 8);

/// The user's name for an authenticator, such as "work phone": 1 to 64 bytes, without control
/// characters, line breaks and invisible characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct AuthenticatorName(Box<str>);

impl AuthenticatorName {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Checks a name, and drops white space around it.
    ///
    /// Refuses every character with the Unicode property `Default_Ignorable_Code_Point`. Direction
    /// marks would rearrange the page around the name, and zero-width characters make different
    /// names look the same. Refused characters include the joiners and variation selectors in some
    /// emoji.
    ///
    /// # Errors
    /// [`NameError`] if the name is empty, is longer than 64 bytes, or has a control character, a
    /// line break or an invisible character.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let Self(name) = Self::from_record(name)?;
        for character in name.chars() {
            if is_invisible(character) {
                return Err(NameError::Invisible { character });
            }
            if matches!(character, '\u{2028}' | '\u{2029}') {
                return Err(NameError::ControlCharacter);
            }
        }
        Ok(Self(name))
    }

    /// Checks a name from a record. The earliest records may have names with invisible characters,
    /// and must still be readable.
    pub(crate) fn from_record(name: &str) -> Result<Self, NameError> {
        let name = name.trim();
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.len() > Self::MAX_BYTES {
            return Err(NameError::TooLong { bytes: name.len() });
        }
        if name.chars().any(char::is_control) {
            return Err(NameError::ControlCharacter);
        }
        Ok(Self(name.into()))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This name, with the first number that makes it free if it is taken. A name that is too long
    /// for the number loses its end.
    pub(crate) fn first_free(self, taken: impl Fn(&Self) -> bool) -> Self {
        let mut name = self.clone();
        let mut number = 1_u32;
        while taken(&name) {
            number = number.saturating_add(1);
            let suffix = alloc::format!(" {number}");
            let room = Self::MAX_BYTES.saturating_sub(suffix.len());
            let fits = |(start, character): &(usize, char)| {
                start.saturating_add(character.len_utf8()) <= room
            };
            let kept = self.0.char_indices().take_while(fits);
            let kept: String = kept.map(|(_, character)| character).collect();
            name = Self(alloc::format!("{}{suffix}", kept.trim_end()).into());
        }
        name
    }
}

impl Default for AuthenticatorName {
    /// Returns "Authenticator app".
    fn default() -> Self {
        Self("Authenticator app".into())
    }
}

impl fmt::Display for AuthenticatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for AuthenticatorName {
    type Error = NameError;

    fn try_from(name: String) -> Result<Self, NameError> {
        Self::new(&name)
    }
}

impl From<AuthenticatorName> for String {
    fn from(name: AuthenticatorName) -> Self {
        name.0.into()
    }
}

/// The reason why a text cannot be the name of an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name has nothing but white space.
    #[error("the name of the authenticator is empty; enter a name")]
    Empty,
    /// The name is longer than 64 bytes.
    #[error("the name of the authenticator has {bytes} bytes; use at most 64")]
    TooLong {
        /// The length in bytes.
        bytes: usize,
    },
    /// The name has a line break, a tab or another control character.
    #[error("the name of the authenticator has a control character; remove it")]
    ControlCharacter,
    /// The name has a direction mark, a zero-width character or another invisible character.
    #[error(
        "the name of the authenticator has the invisible character U+{:04X}; remove it",
        u32::from(*character)
    )]
    Invisible {
        /// The character.
        character: char,
    },
}

pub(crate) fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

pub(crate) fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], IdError> {
    let mut bytes = [0; N];
    if HEXLOWER_PERMISSIVE.decode_len(text.len()) != Ok(N) {
        return Err(IdError);
    }
    HEXLOWER_PERMISSIVE
        .decode_mut(text.as_bytes(), &mut bytes)
        .map_err(|_| IdError)?;
    Ok(bytes)
}

/// The error for a text that is not an id of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is not an id; use the hexadecimal digits that this crate printed")]
pub struct IdError;

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    #[test]
    fn a_name_has_no_invisible_characters() {
        for character in [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{202a}',
            '\u{202b}',
            '\u{202c}',
            '\u{202d}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2067}',
            '\u{2068}',
            '\u{2069}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            for name in [
                format!("{character}phone"),
                format!("work{character}phone"),
                format!("phone{character}"),
            ] {
                let error = AuthenticatorName::new(&name).unwrap_err();
                assert_eq!(error, NameError::Invisible { character }, "{name:?}");
                assert!(AuthenticatorName::try_from(name.clone()).is_err());
                assert_eq!(
                    AuthenticatorName::from_record(&name).unwrap().as_str(),
                    name
                );
            }
        }
        let error = AuthenticatorName::new("phone\u{200e}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the name of the authenticator has the invisible character U+200E; remove it"
        );
    }

    #[test]
    fn a_name_has_no_line_breaks() {
        for name in [
            "work\nphone",
            "work\u{85}phone",
            "work\u{2028}phone",
            "work\u{2029}phone",
        ] {
            let error = AuthenticatorName::new(name).unwrap_err();
            assert_eq!(error, NameError::ControlCharacter, "{name:?}");
        }
    }

    #[test]
    fn a_name_may_be_in_any_script() {
        for name in [
            "work phone",
            "téléphone",
            "電話",
            "هاتف",
            "फ़ोन",
            "📱",
            "Alice’s iPhone (2)",
        ] {
            assert_eq!(
                AuthenticatorName::new(&format!(" {name}\u{3000}"))
                    .unwrap()
                    .as_str(),
                name
            );
        }
    }
}
