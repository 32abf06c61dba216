use countersign::Rejection;
use countersign::Timestamp;
use serde::{Deserialize, Serialize};

use crate::words::Language;

/// What the next page tells the user. The session stores it without words, so the page chooses the
/// language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Say {
    /// The verifier did not accept a code or a change.
    Rejected(Rejection),
    /// The codes in a row were not accepted.
    NotInARow,
    /// The password is wrong.
    WrongPassword,
    /// Too many passwords were tried.
    TooManyPasswords {
        /// The seconds to wait.
        seconds: u64,
    },
    /// The name of an authenticator is empty.
    NameEmpty,
    /// The name of an authenticator is too long, or has a character that is not allowed.
    NameUnusable,
    /// A backup code was used.
    BackupCodeUsed {
        /// Its number.
        number: u8,
        /// The number of codes left.
        remaining: u8,
    },
    /// The account must enroll by this time.
    EnrollBy(Timestamp),
    /// The second factor is on.
    Enabled,
    /// An authenticator was added.
    Added {
        /// Its name.
        name: String,
    },
    /// An authenticator was replaced.
    Replaced {
        /// Its name.
        name: String,
    },
    /// An authenticator was removed.
    Removed {
        /// Its name.
        name: String,
    },
    /// The second factor is off.
    Disabled,
    /// The user has saved the backup codes.
    CodesSaved,
    /// The user cancelled an enrollment.
    SetupCancelled,
}

impl Say {
    /// The words.
    pub(crate) fn text(&self, language: Language) -> String {
        let _ = language;
        format!("{self:?}")
    }

    /// Whether it is good news.
    pub(crate) const fn is_good(&self) -> bool {
        !matches!(
            self,
            Self::Rejected(_)
                | Self::NotInARow
                | Self::WrongPassword
                | Self::TooManyPasswords { .. }
                | Self::NameEmpty
                | Self::NameUnusable
        )
    }
}
