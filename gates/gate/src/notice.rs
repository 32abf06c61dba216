use countersign::session::SecondFactorUse;
use countersign::{Actor, FirstFactorKind, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

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
    /// Who of your staff did it, and why.
    pub actor: Option<Actor>,
}

impl Notice {
    pub(crate) const fn new(what: What, at: Timestamp, client: Client) -> Self {
        Self {
            what,
            at,
            client,
            actor: None,
        }
    }
}

/// What happened to an account. [`Words::event`] and [`Words::mail`] say it to the owner.
///
/// [`Words::event`]: crate::words::Words::event
/// [`Words::mail`]: crate::words::Words::mail
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
    /// A browser signs in without a code for some days. Send a mail.
    BrowserTrusted {
        /// Its name, as it presented itself.
        label: String,
    },
    /// An old token of a known browser was sent, so there is a copy of its cookies. The browser is
    /// forgotten. Send a mail.
    ///
    /// The gate itself sees this only if your policy allows trusted devices. The events of an
    /// outbox always show it.
    BrowserSuspected,
    /// Your staff ended a back-off or lock-out. Send a mail. The gate itself never unlocks.
    Unlocked,
}

/// The browser or program behind a request, as it presents itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Client {
    /// The header `User-Agent`, at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The network address, as the adapter knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

    /// Returns a short name of the device or its system, such as `iPhone` or `Windows`. Otherwise
    /// returns the name of the program. A browser or program can claim any name.
    #[must_use]
    pub fn device(&self) -> &str {
        let agent = self.user_agent.as_deref().unwrap_or_default();
        let known = DEVICES.iter().find(|(part, _)| agent.contains(part));
        let program = || agent.split(['/', ' ']).next().unwrap_or_default();
        known.map_or_else(program, |(_, name)| name)
    }
}

impl Client {
    /// The name of the browser or program, and of its device: `Firefox (Linux)`.
    pub(crate) fn label(&self) -> String {
        let agent = self.user_agent.as_deref().unwrap_or_default();
        let browser = BROWSERS.iter().find(|(part, _)| agent.contains(part));
        match browser {
            Some((_, browser)) => format!("{browser} ({})", self.device()),
            None => self.device().to_owned(),
        }
    }
}

/// The device and the network address, as far as they are known: `iPhone, 192.0.2.7`.
impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device = self.device();
        let address = self.address.as_deref().unwrap_or_default();
        let comma = if device.is_empty() || address.is_empty() {
            ""
        } else {
            ", "
        };
        write!(f, "{device}{comma}{address}")
    }
}

/// A part of the header `User-Agent`, and the name of the device. The first one that fits counts:
/// the header of an iPhone names `Mac OS` too.
const DEVICES: [(&str, &str); 6] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
];

/// A part of the header `User-Agent`, and the name of the browser. The first one that fits counts:
/// most browsers name others, too.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("Safari/", "Safari"),
];

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

    #[test]
    fn a_client_names_its_device() {
        let iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)";
        for (agent, address, shown) in [
            (Some(iphone), Some("192.0.2.7"), "iPhone, 192.0.2.7"),
            (Some("Mozilla/5.0 (Linux; Android 15)"), None, "Android"),
            (Some("curl/8.5.0"), None, "curl"),
            (Some(""), Some("::1"), "::1"),
            (None, Some("::1"), "::1"),
            (None, None, ""),
        ] {
            let client = Client::new(agent.map(str::to_owned), address.map(str::to_owned));
            assert_eq!(client.to_string(), shown);
        }
    }
}
