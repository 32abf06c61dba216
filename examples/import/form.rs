//! The JSON form of a line. `docs/migrating.md` describes the fields.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// One account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row<'a> {
    #[serde(borrow)]
    pub(crate) account: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) authenticators: Option<Vec<Authenticator<'a>>>,
    #[serde(borrow, default)]
    pub(crate) uri: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) uris: Option<Vec<Text<'a>>>,
    #[serde(default)]
    pub(crate) last_step: Option<u64>,
    #[serde(borrow, default)]
    pub(crate) backup_codes: Option<BackupCodes<'a>>,
    #[serde(default)]
    pub(crate) exported_at: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Authenticator<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(crate) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) secret: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) algorithm: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) digits: Option<u64>,
    #[serde(default)]
    pub(crate) period: Option<u64>,
    #[serde(default)]
    pub(crate) t0: Option<u64>,
    #[serde(default)]
    pub(crate) counter: Option<u64>,
    #[serde(borrow, default)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) added_at: Option<u64>,
    #[serde(default)]
    pub(crate) last_step: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackupCodes<'a> {
    #[serde(borrow)]
    pub(crate) alphabet: Text<'a>,
    pub(crate) length: u64,
    #[serde(default)]
    pub(crate) group: Option<u64>,
    #[serde(borrow, default)]
    pub(crate) separator: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) issued_at: Option<u64>,
    #[serde(borrow)]
    pub(crate) codes: Vec<BackupCode<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackupCode<'a> {
    #[serde(borrow, default)]
    pub(crate) code: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) hash: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) used_at: Option<u64>,
}

/// The account of a line whose other fields cannot be read.
#[derive(Deserialize)]
pub(crate) struct AccountOnly<'a> {
    #[serde(borrow, default)]
    pub(crate) account: Option<Text<'a>>,
}

/// An entry of the list of refused lines.
#[derive(Serialize)]
pub(crate) struct RefusedLine<'a> {
    pub(crate) line: u64,
    pub(crate) account: Option<&'a str>,
    pub(crate) error: &'a str,
}

/// A string of a line. It may be a secret: if JSON escapes made a copy necessary, the copy is wiped
/// on drop.
pub(crate) struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(copy) = &mut self.0 {
            copy.zeroize();
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Reader)
    }
}
