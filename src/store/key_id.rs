use core::fmt;

/// The number by which a keyring names one of its keys.
///
/// ```
/// use countersign::KeyId;
///
/// const SINCE_MAY: KeyId = KeyId::new(2);
/// assert_eq!(SINCE_MAY.to_string(), "2");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent)
)]
pub struct KeyId(u32);

impl KeyId {
    /// The id with this number. Any number will do; each key needs its own, and a number must never name another key.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
