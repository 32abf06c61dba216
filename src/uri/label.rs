//! The names in a key URI: the account, the issuer and the prefix of the label.

use super::{KeyUriError, KeyUriPart};

/// The names of a key URI. The parser fills them in step by step.
#[derive(Clone, Copy, Default)]
pub(super) struct Names<'a> {
    /// The part of the label before its first colon.
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

/// Like `str::split_once`, but faster for short texts.
#[inline]
pub(super) fn split_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == separator)?;
    let (before, rest) = text.split_at_checked(at)?;
    Some((before, rest.get(1..)?))
}

/// Returns the account of a label that begins with an issuer that has colons itself.
///
/// For example, the account of `192.0.2.7:8000:dana` is `dana` if the issuer is `192.0.2.7:8000`.
/// The first colon has split this label into the prefix `192.0.2.7` and the account `8000:dana`.
/// White space around the colons does not count. Returns `None` for every other label.
pub(super) fn account_after<'a>(issuer: &str, prefix: &str, account: &'a str) -> Option<&'a str> {
    let (first, rest) = split_once(issuer, b':')?;
    if first.trim() != prefix.trim() {
        return None;
    }
    let after = account.trim_start().strip_prefix(rest.trim())?;
    Some(after.trim_start().strip_prefix(':')?.trim())
}

/// Decides whether the unescaped plus signs of an issuer are plus signs or spaces.
///
/// `raw` is the issuer as it is written. `literal` is the issuer decoded with plus signs, and
/// `spaced` the issuer decoded with spaces instead. If the label names the same issuer, the label
/// decides. Otherwise the issuer itself decides. If it has a space in another form, a plus sign is
/// a plus sign. If it has an escaped plus sign, the unescaped ones are spaces.
pub(super) fn resolve_plus_signs<'a>(
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

/// Whether a name is the issuer with each unescaped plus sign as a plus sign or as a space.
fn is_mix(name: &str, literal: &str, spaced: &str) -> bool {
    let mut forms = literal.bytes().zip(spaced.bytes());
    name.len() == literal.len()
        && name.bytes().all(|byte| {
            forms
                .next()
                .is_some_and(|(literal, spaced)| byte == literal || byte == spaced)
        })
}

/// Whether a name may have colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colons {
    Refused,
    Kept,
}

/// Checks that a name can be in a label, and that parsing the label returns it unchanged.
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

/// Whether a name is ASCII and fits, as most names do. Has no branch per byte, so it is fast.
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
    use alloc::string::String;

    #[test]
    fn labels_are_split_after_issuers_with_colons() {
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
    fn label_and_issuer_decide_on_plus_signs() {
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
            assert_eq!(
                resolve_plus_signs(raw, &literal, &spaced, label),
                meant,
                "{raw}"
            );
        }
    }

    #[test]
    fn names_are_plain_only_if_they_fit() {
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
}
