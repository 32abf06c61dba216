//! Facts about how an app treats a part of a key URI, as data and as a sentence.

use super::{KeyUri, KeyUriKind, KeyUriPart};
use crate::otp::Algorithm;
use core::fmt;

/// A fact about an app: what the app does with a part of a key URI. Its `Display` is a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advice {
    /// The name of the app or library.
    pub app: &'static str,
    /// The reaction of the app.
    pub effect: AppEffect,
    /// The part of the key URI.
    pub part: KeyUriPart,
    /// The source of the fact.
    pub source: AppSource,
    /// The first and the last year in which the source was checked.
    pub years: (u16, u16),
    pub(super) limit: Limit,
}

/// The reaction of an app to a part that it does not support.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AppEffect {
    /// The app shows other passcodes or another name, without a warning.
    Misreads,
    /// The app refuses the key URI.
    Refuses,
    /// The app shows only the beginning of the name.
    Cuts,
    /// The app accepts the key URI and warns the user.
    Warns,
    /// No source shows that the app supports this. The app may misread the part, refuse it, or
    /// support it in newer versions.
    Uncertain,
}

/// The source of a fact about an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AppSource {
    /// The source code of the app.
    Code,
    /// Published tests of the app.
    Tests,
}

/// A restriction of an app on key URIs.
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
    /// Only a prefix that is equal to the issuer.
    OneIssuer,
    /// Only TOTP: the app reads HOTP as TOTP.
    TotpOnly,
}

impl Advice {
    /// Whether the app supports this part of a key URI.
    pub(super) fn supports(&self, uri: &KeyUri) -> bool {
        let seconds = match uri.kind() {
            KeyUriKind::Totp { period } => Some(period.as_secs()),
            KeyUriKind::Hotp { .. } => None,
            #[cfg(feature = "steam")]
            KeyUriKind::Steam => Some(30),
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
