use super::device_token::DeviceToken;
use super::second_factor::Accepted;
use crate::names::hexadecimal_id;
use crate::otp::Code;
use crate::{AccountId, AuthenticatorId, Timestamp};
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

/// A proof that the user may change the second factor.
///
/// While an authenticator is active, a password alone is not enough. Otherwise an attacker who
/// knows the password could switch the second factor off.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Proof<'a> {
    /// A passcode or backup code that the user typed just now. It is rate-limited and used up like
    /// any attempt.
    Code(&'a str),
    /// A fresh first factor, and the receipt of a login or a confirmed enrollment of the same
    /// account. Both are at most [`PolicyBuilder::proof_age`](crate::PolicyBuilder::proof_age) old
    /// and at most 10 s ahead of this server's clock.
    Reauthenticated {
        /// The first factor that you checked last, and when. The user must have taken part: see
        /// [`FirstFactorKind::needs_user`].
        first_factor: FirstFactor,
        /// The sealed receipt, from [`Verifier::seal_receipt`](crate::Verifier::seal_receipt).
        receipt: &'a SealedReceipt,
    },
    /// A fresh password check. It is enough to begin the first enrollment. While an authenticator
    /// is active, it is not enough for any change.
    Password {
        /// When you last checked the password.
        checked_at: Timestamp,
    },
}

/// What showed who the user is, before the second factor, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FirstFactor {
    /// The kind of the first factor.
    pub kind: FirstFactorKind,
    /// When you checked it.
    pub at: Timestamp,
}

impl FirstFactor {
    /// A first factor of this kind, checked at this time.
    #[must_use]
    pub const fn new(kind: FirstFactorKind, at: Timestamp) -> Self {
        Self { kind, at }
    }

    /// A password, checked at this time.
    #[must_use]
    pub const fn password(at: Timestamp) -> Self {
        Self::new(FirstFactorKind::Password, at)
    }
}

/// The kinds of first factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum FirstFactorKind {
    /// The password of the account.
    Password,
    /// A link or a code that was sent by email.
    Email,
    /// A sign-in at another service, for example by `OpenID` Connect or SAML.
    SingleSignOn,
    /// A passkey or a security key (`WebAuthn`).
    Passkey,
    /// A token that a program sends.
    ApiToken,
    /// A browser that your application remembered, without a check of the user now.
    RememberedBrowser,
}

impl FirstFactorKind {
    /// Whether the user did something for this check just now. The proof of a change needs that, so
    /// a stolen token or browser changes nothing.
    #[must_use]
    pub const fn needs_user(self) -> bool {
        !matches!(self, Self::ApiToken | Self::RememberedBrowser)
    }
}

/// A proof whose code is parsed and whose receipt is authentic.
#[derive(Debug)]
pub(crate) enum Evidence {
    Code(Code),
    Reauthenticated {
        first_factor: FirstFactor,
        receipt: Receipt,
    },
    Password {
        checked_at: Timestamp,
    },
}

impl Evidence {
    pub(crate) const fn is_code(&self) -> bool {
        matches!(self, Self::Code(_))
    }
}

/// Proof that this call accepted a code, and that the code is stored as used.
///
/// Let the user in only if you have a receipt. Only a call that accepts a code, or a
/// [repeat](Self::is_repeat) of the same request, makes a receipt. No method turns text back into a
/// receipt.
/// [`Verifier::seal_receipt`](crate::Verifier::seal_receipt) makes a text for the session, as one
/// half of the proof of a later change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "let the user in only if you hold a receipt"]
pub struct Receipt {
    account: AccountId,
    at: Timestamp,
    by: AcceptedBy,
    clock_offset: Option<i32>,
    is_repeat: bool,
    device_token: Option<Box<DeviceToken>>,
}

impl Receipt {
    /// A receipt as its sealed text has it: without the offset of the phone's clock.
    pub(crate) const fn new(account: AccountId, at: Timestamp, by: AcceptedBy) -> Self {
        Self {
            account,
            at,
            by,
            clock_offset: None,
            is_repeat: false,
            device_token: None,
        }
    }

    /// The receipt of a code that was just accepted.
    pub(crate) fn of(account: AccountId, accepted: Accepted) -> Self {
        Self {
            clock_offset: accepted.clock_offset,
            ..Self::new(account, accepted.at, accepted.by)
        }
    }

    /// The receipt for a repeat of the request.
    pub(crate) const fn repeated(mut self) -> Self {
        self.is_repeat = true;
        self
    }

    /// The receipt for a known device.
    pub(crate) fn on_device(mut self, token: Option<DeviceToken>) -> Self {
        self.device_token = token.map(Box::new);
        self
    }

    /// Returns the next token of the device, if the user entered the code on a known device. Put it
    /// into the cookie of the device, instead of the token that the browser sent.
    ///
    /// `None` if the browser sent no token, or one that does not count. A token that does not count
    /// is worth nothing: offer to [remember](crate::Verifier::remember_device) the device again.
    #[must_use]
    pub fn device_token(&self) -> Option<&DeviceToken> {
        self.device_token.as_deref()
    }

    /// Returns the account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// Returns when the code was accepted.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Returns what accepted the code.
    #[must_use]
    pub const fn accepted_by(&self) -> AcceptedBy {
        self.by
    }

    /// Returns the authentication methods of this receipt for the claim `amr` (RFC 8176): `otp`.
    ///
    /// RFC 8176, section 2 defines `otp` as a one-time password, and names HOTP (RFC 4226) and TOTP
    /// (RFC 6238). A backup code is a one-time password as well: it is accepted once. The registry
    /// has no other value for it. [`accepted_by`](Self::accepted_by) distinguishes the two.
    ///
    /// Add the methods of your first factor, for example `pwd`. Add `mfa` only if the first factor
    /// is not something that the user has: RFC 8176 refers to factors of different kinds. So a
    /// password and a passcode are `mfa`, but a mailed link and a passcode are not. The verifier
    /// does not know your first factor, so it never adds `mfa`.
    ///
    /// ```
    /// # use countersign::Receipt;
    /// fn amr(receipt: &Receipt) -> Vec<&'static str> {
    ///     // The password was checked before.
    ///     ["pwd", "mfa"].iter().chain(receipt.amr()).copied().collect()
    /// }
    /// # let _ = amr;
    /// ```
    #[must_use]
    pub const fn amr(&self) -> &'static [&'static str] {
        &["otp"]
    }

    /// Returns how far the clock of the user's phone was off, in seconds: positive if the phone's
    /// clock was ahead, negative if it was behind, and 0 if the passcode was the current one.
    ///
    /// The clock was off by at least so many seconds. A user who types slowly looks like a phone
    /// whose clock is behind, so advise the user only about larger numbers. The verifier never
    /// applies the offset: a clock that is off by more than the window stays off.
    ///
    /// Returns `None` for a backup code and for a HOTP passcode. A repeat returns what the first
    /// receipt returned. The text of a [`SealedReceipt`] does not contain the offset.
    #[must_use]
    pub const fn clock_offset(&self) -> Option<i32> {
        self.clock_offset
    }

    /// Returns whether an earlier call accepted the code of the same request:
    /// [`Verifier::verify_request`](crate::Verifier::verify_request).
    ///
    /// If so, do not send the mail again, and answer with the session that your application made
    /// for the same request. The earlier call counts even if its caller was dropped. So run
    /// `verify_request` and your own writes in one task of its own.
    #[must_use]
    pub const fn is_repeat(&self) -> bool {
        self.is_repeat
    }
}

/// The authenticator, backup code or enrollment that accepted a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptedBy {
    /// A passcode of an authenticator.
    Authenticator {
        /// The authenticator.
        id: AuthenticatorId,
    },
    /// A backup code. Tell the user by mail: somebody signed in without the phone.
    BackupCode {
        /// The set of the code.
        set: BackupCodeSetId,
        /// The number of the code in the set, from 1.
        number: u8,
        /// The number of unused codes that are left in this set.
        remaining: u8,
    },
    /// The passcode that confirmed an enrollment.
    Enrollment {
        /// The new authenticator.
        id: AuthenticatorId,
    },
}

/// The id of one set of backup codes: 128 random bits, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct BackupCodeSetId([u8; 16]);

hexadecimal_id!(BackupCodeSetId, 16);

/// A [`Receipt`] as text, for the session: one half of the proof of a change
/// ([`Proof::Reauthenticated`]).
///
/// A message authentication code under the verifier's keyring covers the account, the namespace,
/// the time, and the authenticator or backup-code set. Without the keys, nobody can make or change
/// a sealed receipt. A receipt of another account, service or namespace proves nothing. A receipt
/// proves something only
///
/// - for [`Policy::proof_age`](crate::Policy::proof_age) after its time, and
/// - while its authenticator or set is there: a replacement, a removal, a new set, `disable` and
///   `force_disable` end it.
///
/// Within that time, you can use it for any number of changes. A sealed receipt is not a session:
/// your application still signs, expires and ends the session. You can make a `SealedReceipt` from
/// any text; the verifier checks the text when you use it.
///
/// ```
/// use countersign::SealedReceipt;
///
/// let session = String::from("AQAAAAE...");
/// let receipt = SealedReceipt::from(session);
/// assert_eq!(receipt.as_str(), "AQAAAAE...");
/// ```
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct SealedReceipt(String);

impl SealedReceipt {
    /// Returns the text for the session on your server: letters, digits, `-` and `_`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for SealedReceipt {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<SealedReceipt> for String {
    fn from(receipt: SealedReceipt) -> Self {
        receipt.0
    }
}

impl fmt::Debug for SealedReceipt {
    /// Hides the text, which is one half of a proof.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedReceipt").finish_non_exhaustive()
    }
}
