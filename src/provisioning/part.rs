use core::fmt;

/// The part of a key URI that an error or a repair is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyUriPart {
    /// What the label says before its colon.
    IssuerPrefix,
    /// The account name in the label.
    Account,
    /// The parameter `secret`.
    Secret,
    /// The parameter `issuer`.
    Issuer,
    /// The parameter `algorithm`.
    Algorithm,
    /// The parameter `digits`.
    Digits,
    /// The parameter `period`.
    Period,
    /// The parameter `counter`.
    Counter,
    /// The parameter `image`.
    Image,
}

impl KeyUriPart {
    /// The parameters of the Key URI Format, and `image`.
    pub(super) const PARAMETERS: [Self; 7] = [
        Self::Secret,
        Self::Issuer,
        Self::Algorithm,
        Self::Digits,
        Self::Period,
        Self::Counter,
        Self::Image,
    ];

    /// The name: `secret`, `digits`, `issuer prefix`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IssuerPrefix => "issuer prefix",
            Self::Account => "account",
            Self::Secret => "secret",
            Self::Issuer => "issuer",
            Self::Algorithm => "algorithm",
            Self::Digits => "digits",
            Self::Period => "period",
            Self::Counter => "counter",
            Self::Image => "image",
        }
    }

    /// Whether the part stands in the query, where an unescaped `+` is ambiguous.
    pub(super) const fn is_parameter(self) -> bool {
        !matches!(self, Self::IssuerPrefix | Self::Account)
    }
}

impl fmt::Display for KeyUriPart {
    /// Writes the name as it stands in a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Digits => "number of digits",
            part => part.name(),
        })
    }
}
