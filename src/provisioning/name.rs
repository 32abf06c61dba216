//! The names in a key URI: the account, the issuer and the prefix of the label.

use super::{KeyUri, KeyUriError, KeyUriPart};
use alloc::borrow::Cow;
use alloc::string::String;

impl KeyUri {
    /// Makes a display name fit a key URI: replaces each colon by a hyphen and each control
    /// character by a space, drops white space at both ends, and keeps at most so many characters.
    /// A name that fits comes back as it is.
    ///
    /// Use it if your account names or your issuer can have colons, such as Matrix ids or
    /// `host:port`. The result is for the eyes only: two names can become equal, so never look an
    /// account up by it. It is empty if nothing else is left, and then it is refused as any empty
    /// name is.
    ///
    /// Apps cut names as well. With at most 30 characters, none is known to.
    ///
    /// ```
    /// use countersign::{KeyUri, Secret};
    ///
    /// assert_eq!(KeyUri::fit_name("dana@192.0.2.7:3080", 30), "dana@192.0.2.7-3080");
    /// assert_eq!(KeyUri::fit_name("a name that is far too long", 11), "a name that");
    ///
    /// let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
    /// let uri = KeyUri::totp(&secret, &KeyUri::fit_name("@alice:example.org", 30)).build()?;
    /// assert_eq!(uri.account(), "@alice-example.org");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn fit_name(text: &str, characters: usize) -> Cow<'_, str> {
        let cut = |name: &str| name.char_indices().nth(characters).map(|(at, _)| at);
        let is_good = check_name(KeyUriPart::Account, text, Colons::Refused).is_ok();
        if is_good && cut(text).is_none() {
            return Cow::Borrowed(text);
        }
        let fitting = |character: char| match character {
            ':' => '-',
            character if character.is_control() => ' ',
            character => character,
        };
        let name: String = text.chars().map(fitting).collect();
        let name = name.trim();
        let name = cut(name).and_then(|at| name.get(..at)).unwrap_or(name);
        Cow::Owned(name.trim_end().into())
    }
}

/// Whether a name may have colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colons {
    Refused,
    Kept,
}

/// Whether a name can stand in a label and comes back out of it unchanged.
#[inline]
pub(super) fn check_name(part: KeyUriPart, name: &str, colons: Colons) -> Result<(), KeyUriError> {
    if name.is_empty() {
        Err(KeyUriError::Empty { part })
    } else if is_plain(name) {
        Ok(())
    } else if colons == Colons::Refused && name.contains(':') {
        Err(KeyUriError::Colon { part })
    } else if name.chars().any(char::is_control) {
        Err(KeyUriError::ControlCharacter { part })
    } else if name.trim() != name {
        Err(KeyUriError::OuterSpace { part })
    } else {
        Ok(())
    }
}

/// Whether a name is ASCII that fits, as most are: one look at each byte, without a branch.
fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) & (byte != b':');
    name.bytes()
        .fold(true, |plain, byte| plain & is_plain(byte))
        && !name.starts_with(' ')
        && !name.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_plain_only_if_it_fits() {
        for character in '\0'..='\u{ff}' {
            for name in ["xcx", "cx", "xc", "c"] {
                let name = name.replace('c', &String::from(character));
                let fits =
                    !name.contains(':') && !name.contains(char::is_control) && name.trim() == name;
                let checked = check_name(KeyUriPart::Account, &name, Colons::Refused);
                assert_eq!(checked.is_ok(), fits, "{name:?}");
                assert!(fits || !is_plain(&name), "{name:?}");
            }
        }
    }

    #[test]
    fn a_name_that_fits_is_borrowed() {
        for name in ["alice@example.com", "Søhne & Co", "a", ""] {
            let fitted = KeyUri::fit_name(name, 30);
            assert_eq!(fitted, name);
            assert_eq!(matches!(fitted, Cow::Borrowed(_)), !name.is_empty());
        }
    }

    #[test]
    fn a_fitted_name_is_cut_between_characters() {
        for (name, characters, fitted) in [
            ("@alice:example.org", 30, "@alice-example.org"),
            ("::", 30, "--"),
            ("zoë😀x", 3, "zoë"),
            ("zoë😀x", 4, "zoë😀"),
            ("zoë😀x", 5, "zoë😀x"),
            ("Big Corp", 4, "Big"),
            (" \u{3000}alice\r\n", 30, "alice"),
            ("\u{0}a\tb\u{85}", 30, "a b"),
            ("alice", 0, ""),
            (" \n ", 30, ""),
        ] {
            assert_eq!(KeyUri::fit_name(name, characters), fitted, "{name:?}");
        }
    }
}
