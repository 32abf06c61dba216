use crate::Timestamp;
use alloc::string::String;

/// Your own flag for the second factor of an account, in your table of users.
///
/// The record alone is not enough: an attacker who deletes or restores its row must not get in
/// without a code. If your store writes the flag in the transaction of the record, by
/// [`WriteKind`](crate::store::WriteKind), then `Off` and `On` are enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum FactorFlag {
    /// The account has no second factor.
    #[default]
    Off,
    /// The account has a second factor. Set it when an enrollment is confirmed.
    On,
    /// The second factor is being switched off. Set it before `disable` or the removal of the last
    /// authenticator, and `Off` afterwards. If your process dies in between,
    /// [`NextStep::flag`](super::NextStep::flag) finishes it at the next sign-in.
    Ending,
}

/// Whether an account must have a second factor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Requirement {
    /// The user decides.
    #[default]
    Optional,
    /// The account must enroll before it can do anything else.
    Required,
    /// The account must enroll from this time on. Until then, whoever has the password can enroll a
    /// phone of their own. So tell the user by mail when an enrollment is confirmed.
    RequiredFrom(Timestamp),
    /// Another factor that you check yourself, for example a passkey, replaces the enrollment. An
    /// account with a second factor of this library still needs a code.
    SatisfiedByOther,
    /// Somebody decided that this account needs no second factor for a while.
    Exempt(Exemption),
}

/// Why an account needs no second factor, who decided so, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Exemption {
    /// Who decided it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The end. From then on, the account must enroll.
    pub until: Timestamp,
}

impl Requirement {
    /// Returns from when on the account must have a second factor: `None` if never.
    #[must_use]
    pub const fn enroll_from(&self) -> Option<Timestamp> {
        match self {
            Self::Optional | Self::SatisfiedByOther => None,
            Self::Required => Some(Timestamp::UNIX_EPOCH),
            Self::RequiredFrom(from) => Some(*from),
            Self::Exempt(exemption) => Some(exemption.until),
        }
    }
}
