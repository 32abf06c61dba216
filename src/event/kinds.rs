//! The fixed words of an event.

use crate::AuthenticatorId;
use core::fmt;

/// Makes an enum of words: each variant has one word, in JSON, in `Display` and in `tracing`.
macro_rules! words {
    (
        $(#[$about:meta])*
        $name:ident { $( $(#[$meaning:meta])* $variant:ident = $word:literal, )+ }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[non_exhaustive]
        pub enum $name {
            $(
                $(#[$meaning])*
                #[cfg_attr(feature = "serde", serde(rename = $word))]
                $variant,
            )+
        }

        impl $name {
            /// All variants that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the word in JSON and in `tracing`: lower-case ASCII letters and `_`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// What happened.
    EventType {
        /// An enrollment began. A password alone can begin the first one.
        EnrollmentBegun = "enrollment_begun",
        /// A wrong passcode was counted against a pending enrollment.
        EnrollmentRejected = "enrollment_rejected",
        /// A pending enrollment ended, because nobody confirmed it in time.
        EnrollmentExpired = "enrollment_expired",
        /// The first of the two writes of an import. [`CredentialChange`](Self::CredentialChange)
        /// follows.
        ImportBegun = "import_begun",
        /// An authenticator, a backup-code set or a device was added, replaced or removed, or the
        /// password changed (CAEP `credential-change`). [`ChangeType`] and [`CredentialType`] say
        /// which.
        CredentialChange = "credential_change",
        /// A code that can be a backup code was counted as a failure, before its password hash is
        /// computed. [`Accepted`](Self::Accepted) or the change follows if the code was right.
        /// Nothing follows if the code was wrong.
        CodeReserved = "code_reserved",
        /// A code was accepted at a sign-in, and is used up.
        Accepted = "accepted",
        /// A wrong code was counted as a failure.
        Rejected = "rejected",
        /// The proof for a new set of backup codes was accepted. The set follows as a
        /// [`CredentialChange`](Self::CredentialChange), or never.
        IssueGranted = "issue_granted",
        /// A pending set of backup codes was discarded. The current set stays valid.
        PendingCodesDiscarded = "pending_codes_discarded",
        /// A trusted device signed in without a code.
        DeviceAccepted = "device_accepted",
        /// An old token of a device was shown, so there is a copy of it. The device is forgotten
        /// (RISC `credential-compromise`).
        CredentialCompromise = "credential_compromise",
        /// Your staff ended back-off and lock-out.
        Unlocked = "unlocked",
        /// The record was erased (RISC `account-purged`).
        AccountPurged = "account_purged",
    }
}

words! {
    /// Who began what happened (CAEP `initiating_entity`).
    InitiatingEntity {
        /// Somebody who signs in or changes the second factor as the user.
        User = "user",
        /// A person or program of yours that acts without a proof. The event names the
        /// [`Actor`](crate::Actor).
        Admin = "admin",
        /// Your service, without a user: an import.
        System = "system",
    }
}

words! {
    /// How a credential changed (CAEP `change_type`).
    ChangeType {
        /// It is new.
        Create = "create",
        /// It replaced another one.
        Update = "update",
        /// The user removed it.
        Delete = "delete",
        /// Your staff removed it without a proof.
        Revoke = "revoke",
    }
}

words! {
    /// What changed (CAEP `credential_type`).
    CredentialType {
        /// An authenticator app or token.
        App = "app",
        /// A set of backup codes.
        BackupCodes = "backup_codes",
        /// A device that the account knows, or all of them.
        Device = "device",
        /// The password. Your application said so, and devices, a pending enrollment or pending
        /// backup codes ended.
        Password = "password",
    }
}

words! {
    /// Whether the second factor was switched on or off (CAEP `change_direction`).
    ChangeDirection {
        /// The account had no authenticator, and has one now.
        Increase = "increase",
        /// The account had an authenticator, and has none now.
        Decrease = "decrease",
    }
}

words! {
    /// A limit on guesses, as in [`RateLimitState`](crate::factor::RateLimitState).
    Limit {
        /// A back-off after consecutive failures.
        Waiting = "waiting",
        /// The guess budget is spent.
        BudgetSpent = "budget_spent",
        /// The account is locked until an unlock.
        Locked = "locked",
        /// A stored time is more than an hour ahead of the server's clock.
        ClockFault = "clock_fault",
    }
}

/// The authenticator or backup code that an accepted code came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum CodeSource {
    /// A passcode of this authenticator.
    Authenticator(AuthenticatorId),
    /// The backup code with this number in its set, from 1.
    BackupCode(u8),
}

impl fmt::Display for CodeSource {
    /// Writes `authenticator` or `backup_code`, a colon, and the id or number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authenticator(id) => write!(f, "authenticator:{id}"),
            Self::BackupCode(number) => write!(f, "backup_code:{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn words_are_lower_case_and_differ() {
        let mut words: std::vec::Vec<_> = EventType::ALL.iter().map(|one| one.as_str()).collect();
        for word in &words {
            assert!(
                word.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{word}"
            );
        }
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
        assert_eq!(EventType::CredentialChange.to_string(), "credential_change");
        assert_eq!(CodeSource::BackupCode(3).to_string(), "backup_code:3");
    }
}
