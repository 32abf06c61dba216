use countersign::AccountId;

/// Makes the keys of a store: `PREFIX:ACCOUNT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    prefix: Box<str>,
}

/// The error for a text that is not a key prefix that the store accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key prefix: use 1 to 64 visible ASCII characters without a colon")]
#[non_exhaustive]
pub struct PrefixError;

impl Keys {
    pub(crate) fn new(prefix: &str) -> Result<Self, PrefixError> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != SEPARATOR;
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

    /// The key of an account. The first colon ends the prefix, so two stores with different
    /// prefixes share no key.
    pub(crate) fn key(&self, account: &AccountId) -> String {
        format!("{}:{account}", self.prefix)
    }

    /// The account of a key, or `None` if no store writes such a key.
    pub(crate) fn account(&self, key: &[u8]) -> Option<AccountId> {
        let account = key.strip_prefix(self.prefix.as_bytes())?;
        let account = account.strip_prefix(&[SEPARATOR])?;
        AccountId::new(str::from_utf8(account).ok()?).ok()
    }

    /// The range of the keys of all accounts after this one: its first key, and the key after its
    /// last one.
    pub(crate) fn range_after(&self, cursor: Option<&AccountId>) -> (String, String) {
        let first = match cursor {
            None => format!("{}:", self.prefix),
            // Nothing is between a key and the same key with a NUL at its end.
            Some(account) => format!("{}\0", self.key(account)),
        };
        // `;` is the character after `:`.
        (first, format!("{};", self.prefix))
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            prefix: "countersign".into(),
        }
    }
}

const SEPARATOR: u8 = b':';
const MAX_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_with_other_characters_is_refused() {
        let longest = "x".repeat(64);
        for good in ["countersign", "a", "my-app/2fa/", "{}", longest.as_str()] {
            assert_eq!(Keys::new(good).unwrap().prefix(), good);
        }
        let too_long = "x".repeat(65);
        for bad in ["", "a b", "a:", ":", "a\0", "\u{E9}", too_long.as_str()] {
            assert_eq!(Keys::new(bad), Err(PrefixError), "{bad:?}");
        }
        assert_eq!(Keys::new(Keys::default().prefix()), Ok(Keys::default()));
    }

    #[test]
    fn a_key_converts_back_to_its_account() {
        let keys = Keys::default();
        assert_eq!(keys.key(&AccountId::from(7_u32)), "countersign:7");
        for id in ["7", ":", "::a", "a:b", "/", "b\u{F6}b", " ", ";"] {
            let account = AccountId::new(id).unwrap();
            let key = keys.key(&account);
            assert_eq!(keys.account(key.as_bytes()), Some(account), "{key}");
        }
        for foreign in [
            &b"countersign"[..],
            b"countersign:",
            b"countersign;a",
            b"other:a",
            b"countersign:\xFF",
            b"countersign:a\0",
        ] {
            assert_eq!(keys.account(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn a_range_has_the_later_accounts_only() {
        let keys = Keys::new("a").unwrap();
        let account = |id: &str| AccountId::new(id).unwrap();
        let is_in = |id: &str, cursor: Option<&AccountId>| {
            let (first, end) = keys.range_after(cursor);
            let key = keys.key(&account(id));
            first <= key && key < end
        };
        for id in ["\u{1}", "1", ":", "\u{10FFFF}"] {
            assert!(is_in(id, None), "{id:?}");
            assert!(!is_in(id, Some(&account(id))), "{id:?}");
        }
        assert!(is_in("11", Some(&account("1"))) && is_in("1\u{1}", Some(&account("1"))));
        assert!(!is_in("1", Some(&account("11"))));
        let (first, end) = keys.range_after(None);
        for other in ["a", "a9:1", "a;1", "aa:1", "b:1"] {
            assert!(
                !(first.as_str() <= other && other < end.as_str()),
                "{other}"
            );
        }
    }
}
