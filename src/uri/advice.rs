use super::apps::APPS;
use super::{KeyUri, KeyUriKind, KeyUriPart};
use crate::otp::Algorithm;
use core::fmt;

/// What a widely used app does with a parameter or a name of a key URI. Its `Display` says so in a
/// sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advice {
    /// The app, or the library.
    pub app: &'static str,
    /// What the app does.
    pub effect: AppEffect,
    /// What it does that to.
    pub part: KeyUriPart,
    /// How this is known.
    pub source: AppSource,
    /// The first and the last year in which the source was looked at.
    pub years: (u16, u16),
    pub(super) limit: Limit,
}

/// What an app does with a part that it does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AppEffect {
    /// It shows other passcodes or another name, and does not say so.
    Misreads,
    /// It does not take the key URI.
    Refuses,
    /// It shows the beginning of the name only.
    Cuts,
    /// It takes the key URI and warns the person.
    Warns,
    /// It was not seen to take this. Whether it misreads or refuses it, or takes it by now, is not
    /// known.
    Uncertain,
}

/// How it is known what an app does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AppSource {
    /// From the source code of the app.
    Code,
    /// From published tests of the app.
    Tests,
}

/// What an app takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Algorithm(Algorithm),
    Digits(&'static [u8]),
    Seconds(&'static [u64]),
    SecondsAtLeast(u64),
    SecondsAtMost(u64),
    SecretBytesAtLeast(usize),
    CharactersAtMost(usize),
    WithoutCharacters(&'static [char]),
    /// The prefix of the label and the issuer are equal.
    OneIssuer,
    /// No counter: the app reads HOTP as TOTP.
    TotpOnly,
}

impl KeyUri {
    /// Returns which widely used apps misread, cut or refuse this key URI, as far as is known, and
    /// why.
    ///
    /// SHA-1, 6 digits, 30 seconds and a secret of at least 128 bits, with an issuer and an account
    /// of at most 30 plain characters each, have none. `docs/apps.md` has all that can come, with
    /// sources and dates.
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
    /// let authy = uri.advice().find(|advice| advice.app == "Authy").expect("it knows SHA-1 only");
    /// assert_eq!(authy.effect, AppEffect::Misreads);
    /// assert_eq!(authy.part, KeyUriPart::Algorithm);
    /// assert_eq!(
    ///     authy.to_string(),
    ///     "Authy misreads the algorithm and does not say so: it takes SHA1 (tests, 2019-2025)",
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn advice(&self) -> impl Iterator<Item = &'static Advice> {
        APPS.iter().filter(|advice| !advice.takes(self))
    }
}

impl Advice {
    fn takes(&self, uri: &KeyUri) -> bool {
        let seconds = match uri.kind() {
            KeyUriKind::Totp { period } => Some(period.as_secs()),
            KeyUriKind::Hotp { .. } => None,
        };
        let secret = uri.secret().expose();
        let all_names = |takes: &dyn Fn(&str) -> bool| {
            let names = match self.part {
                KeyUriPart::Account => [Some(uri.account()), None],
                KeyUriPart::IssuerPrefix => [uri.issuer_prefix(), None],
                _ => [uri.issuer(), uri.issuer_prefix()],
            };
            names.into_iter().flatten().all(takes)
        };
        match self.limit {
            Limit::Algorithm(algorithm) => uri.algorithm() == algorithm,
            Limit::Digits(digits) => digits.contains(&uri.digits().get()),
            Limit::Seconds(taken) => seconds.is_none_or(|seconds| taken.contains(&seconds)),
            Limit::SecondsAtLeast(least) => seconds.is_none_or(|seconds| seconds >= least),
            Limit::SecondsAtMost(most) => seconds.is_none_or(|seconds| seconds <= most),
            Limit::SecretBytesAtLeast(least) => secret.len() >= least,
            Limit::CharactersAtMost(most) => all_names(&|name| name.chars().count() <= most),
            Limit::WithoutCharacters(refused) => all_names(&|name| !name.contains(refused)),
            Limit::OneIssuer => uri.issuer() == uri.issuer_prefix(),
            Limit::TotpOnly => seconds.is_some(),
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            app,
            effect,
            part,
            source,
            years: (first, last),
            limit,
        } = self;
        match effect {
            AppEffect::Misreads => write!(f, "{app} misreads the {part} and does not say so")?,
            AppEffect::Refuses => write!(f, "{app} refuses the {part}")?,
            AppEffect::Cuts => write!(f, "{app} cuts the {part}")?,
            AppEffect::Warns => write!(f, "{app} warns about the {part}")?,
            AppEffect::Uncertain => write!(f, "{app} may misread or refuse the {part}")?,
        }
        write!(f, ": it takes {limit} ({source}, {first}")?;
        if first != last {
            write!(f, "-{last}")?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for AppSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Code => "source code",
            Self::Tests => "tests",
        })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Algorithm(algorithm) => write!(f, "{algorithm}"),
            Self::Digits(digits) => write_choice(f, digits),
            Self::Seconds(seconds) => {
                write_choice(f, seconds)?;
                f.write_str(" seconds")
            }
            Self::SecondsAtLeast(least) => write!(f, "at least {least} seconds"),
            Self::SecondsAtMost(most) => write!(f, "at most {most} seconds"),
            Self::SecretBytesAtLeast(least) => write!(f, "at least {least} bytes"),
            Self::CharactersAtMost(most) => write!(f, "at most {most} characters"),
            Self::WithoutCharacters(characters) => {
                f.write_str("a name without")?;
                characters
                    .iter()
                    .try_for_each(|character| write!(f, " {character}"))
            }
            Self::OneIssuer => f.write_str("an issuer equal to the prefix"),
            Self::TotpOnly => f.write_str("none: TOTP only"),
        }
    }
}

fn write_choice<T: fmt::Display>(f: &mut fmt::Formatter<'_>, choices: &[T]) -> fmt::Result {
    for (place, choice) in choices.iter().enumerate() {
        if place > 0 {
            f.write_str(" or ")?;
        }
        write!(f, "{choice}")?;
    }
    Ok(())
}
