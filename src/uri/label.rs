//! The label and the parameter `issuer`: what of them is the account, and what the issuer.
//! The names in a key URI: the account, the issuer and the prefix of the label.

use super::{KeyUri, KeyUriError, KeyUriPart};
use alloc::borrow::Cow;
use alloc::string::String;

/// The names of a key URI, as far as they are read.
#[derive(Clone, Copy, Default)]
pub(super) struct Names<'a> {
    /// What the label says before its first colon.
    pub(super) prefix: Option<&'a str>,
    pub(super) issuer: Option<&'a str>,
    pub(super) account: &'a str,
}

/// Splits a label at its first colon, which may be escaped.
#[inline]
pub(super) fn split_label(label: &str) -> (Option<&str>, &str) {
    let plain = split_once(label, b':');
    let before_plain = plain.map_or(label, |(prefix, _)| prefix);
    let mut escapes = before_plain.match_indices('%');
    let escaped = escapes.find_map(|(at, _)| {
        let (prefix, rest) = label.split_at_checked(at)?;
        let (escape, account) = rest.split_at_checked("%3A".len())?;
        escape
            .eq_ignore_ascii_case("%3A")
            .then_some((prefix, account))
    });
    escaped
        .or(plain)
        .map_or((None, label), |(prefix, account)| (Some(prefix), account))
}

/// As `str::split_once`, which is made for longer texts.
#[inline]
pub(super) fn split_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == separator)?;
    let (before, rest) = text.split_at_checked(at)?;
    Some((before, rest.get(1..)?))
}

/// The account in a label that begins with an issuer with colons and another colon: `dana` in
/// `192.0.2.7:8000:dana`, whose first colon splits it into the prefix `192.0.2.7` and `8000:dana`.
/// White space around the colons does not count. `None` for every other label.
pub(super) fn account_after<'a>(issuer: &str, prefix: &str, account: &'a str) -> Option<&'a str> {
    let (first, rest) = split_once(issuer, b':')?;
    if first.trim() != prefix.trim() {
        return None;
    }
    let after = account.trim_start().strip_prefix(rest.trim())?;
    Some(after.trim_start().strip_prefix(':')?.trim())
}

/// Chooses what the unescaped plus signs of an issuer stand for. `raw` is the issuer as it is
/// written; `literal` is decoded with its plus signs, and `spaced` with spaces in their places.
///
/// The label decides where it names the same issuer. Otherwise a space that is written in another
/// way shows that a plus sign is one, a plus sign that is escaped shows that the others are spaces,
/// and so on.
pub(super) fn issuer_meant<'a>(
    raw: &str,
    literal: &'a str,
    spaced: &'a str,
    label: Names<'a>,
) -> &'a str {
    let named = label.prefix.unwrap_or(label.account).trim();
    if is_mix(named, literal, spaced) {
        return named;
    }
    let begins_label = |issuer: &&str| {
        let prefix = label.prefix.unwrap_or_default();
        account_after(issuer, prefix, label.account).is_some()
    };
    if let Some(issuer) = [literal, spaced].into_iter().find(begins_label) {
        return issuer;
    }
    let has_space = raw.contains("%20") || raw.contains(char::is_whitespace);
    let has_escaped_plus = raw.contains("%2B") || raw.contains("%2b");
    let prefix_has_plus = label.prefix.is_some_and(|prefix| prefix.contains('+'));
    if has_space || prefix_has_plus && !has_escaped_plus {
        literal
    } else {
        spaced
    }
}

/// Whether a name is the literal issuer with some of its unescaped plus signs as spaces.
fn is_mix(name: &str, literal: &str, spaced: &str) -> bool {
    let mut forms = literal.bytes().zip(spaced.bytes());
    name.len() == literal.len()
        && name.bytes().all(|byte| {
            forms
                .next()
                .is_some_and(|(literal, spaced)| byte == literal || byte == spaced)
        })
}

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
    /// use countersign::otp::Secret;
    /// use countersign::uri::KeyUri;
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
    fn a_label_is_split_after_an_issuer_with_colons() {
        for (issuer, prefix, account, after) in [
            ("a:b", "a", "b:c", Some("c")),
            ("a:b", "a", "b:c:d", Some("c:d")),
            ("a:b", "a", " b : c", Some("c")),
            ("a: b", "a", "b:c", Some("c")),
            ("a:b:c", "a", "b:c:d", Some("d")),
            ("a:", "a", ":b", Some("b")),
            (":a", "", "a:b", Some("b")),
            (":", "", ":b", Some("b")),
            ("a:b", "a", "b:", Some("")),
            ("a:b", "a", "b", None),
            ("a:b", "a", "bc:d", None),
            ("a:b", "A", "b:c", None),
            ("a", "a", "b:c", None),
        ] {
            assert_eq!(account_after(issuer, prefix, account), after, "{issuer}");
        }
    }

    #[test]
    fn plus_signs_are_what_the_label_or_the_rest_of_the_issuer_shows() {
        for (raw, prefix, meant) in [
            ("C++", Some("C++"), "C++"),
            ("Big+Corp", Some("Big Corp"), "Big Corp"),
            ("C+++Club", Some("C++ Club"), "C++ Club"),
            ("My%20C++", None, "My C++"),
            ("My C++", None, "My C++"),
            ("C%2B%2B+Club", None, "C++ Club"),
            ("C%2B%2B+Club", Some("C++"), "C++ Club"),
            ("C++", Some("cpp+"), "C++"),
            ("C++", Some("cpp"), "C  "),
            ("Big+Corp", None, "Big Corp"),
        ] {
            let literal = raw.replace("%20", " ").replace("%2B", "+");
            let spaced = raw.replace('+', " ").replace("%20", " ");
            let spaced = spaced.replace("%2B", "+");
            let label = Names {
                prefix,
                issuer: None,
                account: "alice",
            };
            assert_eq!(issuer_meant(raw, &literal, &spaced, label), meant, "{raw}");
        }
    }

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
