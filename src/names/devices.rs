//! The ids and labels of devices.

use super::hexadecimal_id;
use crate::otp::is_invisible;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

/// The id of one device of an account: 64 random bits, written as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct DeviceId([u8; 8]);

hexadecimal_id!(DeviceId, 8);

/// What the list of devices shows for one device, such as "Firefox on Linux": 1 to 48 bytes,
/// without control characters, line breaks and invisible characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct DeviceLabel(Box<str>);

impl DeviceLabel {
    /// The longest label, in bytes.
    pub const MAX_BYTES: usize = 48;

    /// Checks a label, and drops white space around it.
    ///
    /// # Errors
    /// [`DeviceLabelError`] if the label is empty, is longer than 48 bytes, or has a control
    /// character, a line break or an invisible character.
    pub fn new(label: &str) -> Result<Self, DeviceLabelError> {
        let label = label.trim();
        if label.is_empty() {
            return Err(DeviceLabelError::Empty);
        }
        if label.len() > Self::MAX_BYTES {
            return Err(DeviceLabelError::TooLong { bytes: label.len() });
        }
        if label.chars().any(is_refused) {
            return Err(DeviceLabelError::Character);
        }
        Ok(Self(label.into()))
    }

    /// Makes a label of any text, for example of a `User-Agent`: drops the characters that
    /// [`new`](Self::new) refuses, and cuts the text off. Returns "Browser" if nothing is left.
    ///
    /// ```
    /// use countersign::DeviceLabel;
    ///
    /// assert_eq!(DeviceLabel::fit("Firefox\t on Linux").as_str(), "Firefox on Linux");
    /// assert_eq!(DeviceLabel::fit("").as_str(), "Browser");
    /// ```
    #[must_use]
    pub fn fit(text: &str) -> Self {
        let mut label = String::new();
        for character in text.trim_start().chars().filter(|one| !is_refused(*one)) {
            if label.len().saturating_add(character.len_utf8()) > Self::MAX_BYTES {
                break;
            }
            label.push(character);
        }
        Self::new(&label).unwrap_or_else(|_| Self("Browser".into()))
    }

    /// Returns the label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_refused(character: char) -> bool {
    character.is_control()
        || is_invisible(character)
        || matches!(character, '\u{2028}' | '\u{2029}')
}

impl fmt::Display for DeviceLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for DeviceLabel {
    type Error = DeviceLabelError;

    fn try_from(label: String) -> Result<Self, DeviceLabelError> {
        Self::new(&label)
    }
}

impl From<DeviceLabel> for String {
    fn from(label: DeviceLabel) -> Self {
        label.0.into()
    }
}

/// The reason why a text cannot be the label of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceLabelError {
    /// The label has nothing but white space.
    #[error("the label of the device is empty; enter a label")]
    Empty,
    /// The label is longer than 48 bytes.
    #[error("the label of the device has {bytes} bytes; use at most 48")]
    TooLong {
        /// The length in bytes.
        bytes: usize,
    },
    /// The label has a line break, a control character or an invisible character.
    #[error("the label of the device has a control or invisible character; remove it")]
    Character,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_1_to_48_plain_bytes() {
        assert_eq!(DeviceLabel::new(" a "), Ok(DeviceLabel("a".into())));
        assert_eq!(DeviceLabel::new(" "), Err(DeviceLabelError::Empty));
        assert!(DeviceLabel::new(&"a".repeat(48)).is_ok());
        let bytes = 49;
        assert_eq!(
            DeviceLabel::new(&"a".repeat(bytes)),
            Err(DeviceLabelError::TooLong { bytes })
        );
        for label in ["a\nb", "a\u{202e}b", "a\u{2028}b", "a\u{200b}"] {
            assert_eq!(DeviceLabel::new(label), Err(DeviceLabelError::Character));
            assert!(DeviceLabel::fit(label).as_str().starts_with('a'));
        }
        assert_eq!(DeviceLabel::fit(&"\u{20ac}".repeat(99)).as_str().len(), 48);
        assert_eq!(DeviceLabel::fit("\u{200b}\n").as_str(), "Browser");
    }
}
