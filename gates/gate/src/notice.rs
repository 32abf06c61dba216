use countersign::session::SecondFactorUse;
use countersign::{FirstFactorKind, Timestamp};

/// Something that the owner of an account should know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// What happened.
    pub what: What,
    /// When.
    pub at: Timestamp,
    /// The browser or program that did it.
    pub client: Client,
}

impl Notice {
    pub(crate) const fn new(what: What, at: Timestamp, client: Client) -> Self {
        Self { what, at, client }
    }
}

/// What happened to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// Somebody signed in.
    SignedIn {
        /// The first factor.
        first: FirstFactorKind,
        /// The second factor.
        second: SecondFactorUse,
    },
    /// Somebody signed in with a backup code. Send a mail.
    BackupCodeUsed {
        /// The number of the code in its set, from 1.
        number: u8,
        /// The number of codes left.
        remaining: u8,
    },
    /// The first factor was right and the code was wrong: somebody else may know the password.
    WrongCode,
    /// The second factor is on. Send a mail.
    Enabled,
    /// Another authenticator was added. Send a mail.
    Added {
        /// Its name.
        name: String,
    },
    /// An authenticator was replaced. Send a mail.
    Replaced {
        /// Its name.
        name: String,
    },
    /// An authenticator was removed. Send a mail.
    Removed {
        /// Its name.
        name: String,
    },
    /// The second factor is off. Send a mail.
    Disabled,
    /// New backup codes were issued. Send a mail.
    BackupCodesIssued {
        /// Whether the earlier codes are valid until the user has saved the new ones.
        pending: bool,
    },
    /// The user has saved the new backup codes, and the earlier ones are no longer valid. Send a
    /// mail.
    BackupCodesConfirmed,
    /// The new backup codes were discarded. The earlier ones stay valid.
    BackupCodesDiscarded,
}

/// The browser or program behind a request, as it presents itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Client {
    /// The header `User-Agent`, at most 256 bytes.
    pub user_agent: Option<String>,
    /// The network address, as the adapter knows it.
    pub address: Option<String>,
}

impl Client {
    /// The longest header `User-Agent` that the gate keeps, in bytes.
    const LONGEST_AGENT: usize = 256;

    /// Makes the client of a request, and cuts a long header `User-Agent`.
    #[must_use]
    pub fn new(user_agent: Option<String>, address: Option<String>) -> Self {
        let user_agent = user_agent.map(|agent| cut(agent, Self::LONGEST_AGENT));
        Self {
            user_agent,
            address,
        }
    }
}

/// Cuts a text between two characters.
fn cut(mut text: String, longest: usize) -> String {
    text.truncate(text.floor_char_boundary(longest));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        for (text, expected) in [("", ""), ("abc", "abc"), ("abcd", "abc"), ("abä", "ab")] {
            assert_eq!(cut(text.to_owned(), 3), expected);
        }
        let client = Client::new(Some("é".repeat(200)), None);
        assert_eq!(client.user_agent.map(|agent| agent.len()), Some(256));
    }
}
