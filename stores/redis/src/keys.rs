use countersign::AccountId;

/// Where the keys of a store are in the key space: `PREFIX{ACCOUNT}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    prefix: Box<str>,
}

/// A text that a store does not take as the beginning of its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key prefix has 1 to 64 visible ASCII characters, and no braces")]
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

    /// The key of an account. No two accounts have one key, whatever braces are in them.
    pub(crate) fn key(&self, account: &AccountId) -> String {
        format!("{}{{{account}}}", self.prefix)
    }

    /// The account of a key, or `None` if a store does not write such a key.
    pub(crate) fn account(&self, key: &[u8]) -> Option<AccountId> {
        let account = key.strip_prefix(self.prefix.as_bytes())?;
        let account = account.strip_prefix(b"{")?.strip_suffix(b"}")?;
        AccountId::new(str::from_utf8(account).ok()?).ok()
    }

    /// A pattern of `SCAN` that matches the keys of all accounts.
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
    fn a_prefix_is_plain_or_refused() {
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
    fn keys_and_accounts_go_both_ways() {
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
    fn a_pattern_means_its_prefix_literally() {
        assert_eq!(Keys::default().pattern(), "countersign:{*}");
        assert_eq!(
            Keys::new("a*[b]\\").unwrap().pattern(),
            "a\\*\\[b\\]\\\\{*}"
        );
    }
}
