use countersign::AccountId;

/// Makes the keys of a store: `PREFIX{ACCOUNT}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    prefix: Box<str>,
}

/// The error for a text that is not a key prefix that the store accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key prefix: use 1 to 64 visible ASCII characters without braces")]
#[non_exhaustive]
pub struct PrefixError;

impl Keys {
    pub(crate) fn new(prefix: &str) -> Result<Self, PrefixError> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}');
        if (1..=MAX_BYTES).contains(&prefix.len()) && prefix.bytes().all(is_plain) {
            Ok(Self {
                prefix: prefix.into(),
            })
        } else {
            Err(PrefixError)
        }
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The key of an account. Different accounts have different keys, with any braces in the id.
    pub(crate) fn key(&self, account: &AccountId) -> String {
        format!("{}{{{account}}}", self.prefix)
    }

    /// The account of a key, or `None` if no store writes such a key.
    pub(crate) fn account(&self, key: &[u8]) -> Option<AccountId> {
        let account = key.strip_prefix(self.prefix.as_bytes())?;
        let account = account.strip_prefix(b"{")?.strip_suffix(b"}")?;
        AccountId::new(str::from_utf8(account).ok()?).ok()
    }

    /// A pattern for `SCAN` that matches the keys of all accounts.
    pub(crate) fn pattern(&self) -> String {
        let mut pattern = String::new();
        for character in self.prefix.chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '^' | '-' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push_str("{*}");
        pattern
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            prefix: "countersign:".into(),
        }
    }
}

const MAX_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_with_other_characters_is_refused() {
        let longest = "x".repeat(64);
        for good in ["countersign:", "a", "*?[^-]\\", longest.as_str()] {
            assert_eq!(Keys::new(good).unwrap().prefix(), good);
        }
        let too_long = "x".repeat(65);
        for bad in ["", "a b", "a{", "}a", "a\0", "\u{E9}", too_long.as_str()] {
            assert_eq!(Keys::new(bad), Err(PrefixError), "{bad:?}");
        }
        assert_eq!(Keys::new(Keys::default().prefix()), Ok(Keys::default()));
    }

    #[test]
    fn a_key_converts_back_to_its_account() {
        let keys = Keys::default();
        assert_eq!(keys.key(&AccountId::from(7_u32)), "countersign:{7}");
        for id in ["7", "{}", "}", "{", "a}b{c", "}{", "b\u{F6}b", " "] {
            let account = AccountId::new(id).unwrap();
            let key = keys.key(&account);
            assert_eq!(keys.account(key.as_bytes()), Some(account), "{key}");
        }
        for foreign in [
            &b"countersign:"[..],
            b"countersign:{}",
            b"countersign:{a",
            b"other:{a}",
            b"countersign:{\xFF}",
            b"countersign:{a\0}",
        ] {
            assert_eq!(keys.account(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn the_scan_pattern_escapes_the_prefix() {
        assert_eq!(Keys::default().pattern(), "countersign:{*}");
        assert_eq!(
            Keys::new("a*[b]\\").unwrap().pattern(),
            "a\\*\\[b\\]\\\\{*}"
        );
    }
}
