//! Facts about widely used apps: the table of `docs/apps.md`, as data.

use super::advice::{Advice, AppEffect, AppSource, Limit};
use super::{KeyUri, KeyUriPart};
use crate::otp::Algorithm;

impl KeyUri {
    /// Returns the widely used apps that misread, cut or refuse this key URI, as far as is known.
    ///
    /// The list is empty for a totp URI with SHA-1, 6 digits, 30 seconds and a secret of at least
    /// 128 bits. Issuer and account must then have at most 30 plain characters each. `docs/apps.md`
    /// lists all advice, with sources and dates.
    ///
    /// ```
    /// use countersign::otp::{Algorithm, Secret};
    /// use countersign::uri::{AppEffect, KeyUri, KeyUriPart};
    ///
    /// let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
    /// let uri = KeyUri::totp(&secret, "alice").issuer("Example");
    /// assert_eq!(uri.clone().build()?.advice().count(), 0);
    ///
    /// let uri = uri.algorithm(Algorithm::Sha256).build()?;
    /// let authy = uri.advice().find(|advice| advice.app == "Authy").expect("advice on Authy");
    /// assert_eq!(authy.effect, AppEffect::Misreads);
    /// assert_eq!(authy.part, KeyUriPart::Algorithm);
    /// assert_eq!(
    ///     authy.to_string(),
    ///     "Authy misreads the algorithm and does not say so: it takes SHA1 (tests, 2019-2025)",
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn advice(&self) -> impl Iterator<Item = &'static Advice> {
        APPS.iter().filter(|advice| !advice.supports(self))
    }
}

/// The characters that an app misreads if it decodes names twice.
const DECODED_TWICE: &[char] = &['&', '=', '?', '#', '%'];

const SHA1: Limit = Limit::Algorithm(Algorithm::Sha1);

const APPS: &[Advice] = &[
    Advice {
        app: "Google Authenticator, Android",
        part: KeyUriPart::Algorithm,
        limit: SHA1,
        effect: AppEffect::Uncertain,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "Google Authenticator, Android",
        part: KeyUriPart::Digits,
        limit: Limit::Digits(&[6]),
        effect: AppEffect::Uncertain,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "Google Authenticator, Android",
        part: KeyUriPart::Period,
        limit: Limit::Seconds(&[30]),
        effect: AppEffect::Uncertain,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "Google Authenticator, Android",
        part: KeyUriPart::Secret,
        limit: Limit::SecretBytesAtLeast(10),
        effect: AppEffect::Refuses,
        source: AppSource::Code,
        years: (2020, 2020),
    },
    Advice {
        app: "Google Authenticator, iOS",
        part: KeyUriPart::Period,
        limit: Limit::SecondsAtMost(300),
        effect: AppEffect::Uncertain,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "Google Authenticator, iOS",
        part: KeyUriPart::Issuer,
        limit: Limit::OneIssuer,
        effect: AppEffect::Misreads,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "Microsoft Authenticator",
        part: KeyUriPart::Algorithm,
        limit: SHA1,
        effect: AppEffect::Misreads,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "Microsoft Authenticator",
        part: KeyUriPart::Digits,
        limit: Limit::Digits(&[6]),
        effect: AppEffect::Uncertain,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "Microsoft Authenticator",
        part: KeyUriPart::Period,
        limit: Limit::Seconds(&[30]),
        effect: AppEffect::Uncertain,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "Authy",
        part: KeyUriPart::Algorithm,
        limit: SHA1,
        effect: AppEffect::Misreads,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "Authy",
        part: KeyUriPart::Digits,
        limit: Limit::Digits(&[6, 8]),
        effect: AppEffect::Uncertain,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "Authy",
        part: KeyUriPart::Period,
        limit: Limit::Seconds(&[30]),
        effect: AppEffect::Misreads,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "Duo Mobile",
        part: KeyUriPart::Algorithm,
        limit: SHA1,
        effect: AppEffect::Misreads,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "Duo Mobile",
        part: KeyUriPart::Digits,
        limit: Limit::Digits(&[6]),
        effect: AppEffect::Refuses,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "Duo Mobile",
        part: KeyUriPart::Period,
        limit: Limit::Seconds(&[30]),
        effect: AppEffect::Misreads,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "FreeOTP, Android",
        part: KeyUriPart::Period,
        limit: Limit::SecondsAtLeast(5),
        effect: AppEffect::Uncertain,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "FreeOTP, Android",
        part: KeyUriPart::Secret,
        limit: Limit::SecretBytesAtLeast(16),
        effect: AppEffect::Warns,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "FreeOTP, Android",
        part: KeyUriPart::IssuerPrefix,
        limit: Limit::WithoutCharacters(&[':']),
        effect: AppEffect::Refuses,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "FreeOTP, Android",
        part: KeyUriPart::Account,
        limit: Limit::WithoutCharacters(&[':']),
        effect: AppEffect::Refuses,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "FreeOTP, iOS",
        part: KeyUriPart::Period,
        limit: Limit::SecondsAtLeast(5),
        effect: AppEffect::Uncertain,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "FreeOTP, iOS",
        part: KeyUriPart::Secret,
        limit: Limit::SecretBytesAtLeast(16),
        effect: AppEffect::Warns,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "FreeOTP, iOS",
        part: KeyUriPart::Issuer,
        limit: Limit::OneIssuer,
        effect: AppEffect::Misreads,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "FreeOTP+",
        part: KeyUriPart::IssuerPrefix,
        limit: Limit::OneIssuer,
        effect: AppEffect::Misreads,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "Stratum",
        part: KeyUriPart::Issuer,
        limit: Limit::CharactersAtMost(32),
        effect: AppEffect::Cuts,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "Stratum",
        part: KeyUriPart::Account,
        limit: Limit::CharactersAtMost(40),
        effect: AppEffect::Cuts,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "Stratum",
        part: KeyUriPart::Issuer,
        limit: Limit::WithoutCharacters(DECODED_TWICE),
        effect: AppEffect::Misreads,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "Stratum",
        part: KeyUriPart::Account,
        limit: Limit::WithoutCharacters(DECODED_TWICE),
        effect: AppEffect::Misreads,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "2FAS",
        part: KeyUriPart::Period,
        limit: Limit::Seconds(&[10, 30, 60, 90]),
        effect: AppEffect::Uncertain,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "2FAS",
        part: KeyUriPart::Issuer,
        limit: Limit::CharactersAtMost(30),
        effect: AppEffect::Cuts,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "2FAS",
        part: KeyUriPart::Account,
        limit: Limit::CharactersAtMost(50),
        effect: AppEffect::Cuts,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "2FAS, Android",
        part: KeyUriPart::Issuer,
        limit: Limit::WithoutCharacters(DECODED_TWICE),
        effect: AppEffect::Misreads,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "2FAS, Android",
        part: KeyUriPart::Account,
        limit: Limit::WithoutCharacters(DECODED_TWICE),
        effect: AppEffect::Misreads,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "KeePassXC 2.7.4",
        part: KeyUriPart::Period,
        limit: Limit::SecondsAtMost(60),
        effect: AppEffect::Misreads,
        source: AppSource::Tests,
        years: (2026, 2026),
    },
    Advice {
        app: "KeePassXC 2.7.4",
        part: KeyUriPart::Counter,
        limit: Limit::TotpOnly,
        effect: AppEffect::Misreads,
        source: AppSource::Tests,
        years: (2026, 2026),
    },
    Advice {
        app: "1Password",
        part: KeyUriPart::Algorithm,
        limit: SHA1,
        effect: AppEffect::Uncertain,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "1Password",
        part: KeyUriPart::Digits,
        limit: Limit::Digits(&[6]),
        effect: AppEffect::Uncertain,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "1Password",
        part: KeyUriPart::Period,
        limit: Limit::Seconds(&[30]),
        effect: AppEffect::Uncertain,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "Apple Passwords",
        part: KeyUriPart::Algorithm,
        limit: SHA1,
        effect: AppEffect::Uncertain,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "Apple Passwords",
        part: KeyUriPart::Digits,
        limit: Limit::Digits(&[6]),
        effect: AppEffect::Uncertain,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "Apple Passwords",
        part: KeyUriPart::Period,
        limit: Limit::Seconds(&[30]),
        effect: AppEffect::Uncertain,
        source: AppSource::Tests,
        years: (2019, 2025),
    },
    Advice {
        app: "pyotp 2.12",
        part: KeyUriPart::Secret,
        limit: Limit::SecretBytesAtLeast(14),
        effect: AppEffect::Refuses,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "pyotp 2.12",
        part: KeyUriPart::Period,
        limit: Limit::SecondsAtMost(120),
        effect: AppEffect::Refuses,
        source: AppSource::Code,
        years: (2020, 2026),
    },
    Advice {
        app: "pyotp 2.12",
        part: KeyUriPart::Issuer,
        limit: Limit::OneIssuer,
        effect: AppEffect::Refuses,
        source: AppSource::Code,
        years: (2020, 2026),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};

    #[test]
    fn docs_have_the_same_table() {
        let page = include_str!("../../docs/apps.md");
        let head = "| app | part | takes | anything else | source |\n|---|---|---|---|---|\n";
        let (_, table) = page.split_once(head).expect("the table");
        let rows: String = table
            .split_inclusive('\n')
            .take_while(|line| line.starts_with('|'))
            .collect();
        let expected: String = APPS.iter().map(row).collect();
        assert_eq!(rows, expected, "\n{expected}");
    }

    fn row(advice: &Advice) -> String {
        let effect = match advice.effect {
            AppEffect::Misreads => "misread without a warning",
            AppEffect::Refuses => "refused",
            AppEffect::Cuts => "cut",
            AppEffect::Warns => "taken with a warning",
            AppEffect::Uncertain => "uncertain",
        };
        let takes = match advice.limit {
            Limit::WithoutCharacters(characters) => {
                let all: String = characters.iter().map(|c| format!(" `{c}`")).collect();
                format!("a name without{all}")
            }
            limit => limit.to_string(),
        };
        let (first, last) = advice.years;
        let years = if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        };
        let Advice {
            app, part, source, ..
        } = advice;
        format!("| {app} | {part} | {takes} | {effect} | {source}, {years} |\n")
    }
}
