//! Authenticators that ended: the user removed or replaced them, or the second factor was switched
//! off.
//!
//! The record keeps the last twenty if the verifier is built with
//! [`keep_ended_authenticators`](crate::VerifierBuilder::keep_ended_authenticators). NIST SP
//! 800-63B-4 (4.1) asks for a record of all authenticators that were bound to an account. Your log
//! of events is the complete one.

use super::authenticator::Authenticator;
use crate::{AuthenticatorId, AuthenticatorName, Timestamp};
use alloc::vec::Vec;

/// One authenticator that is no longer active. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct EndedAuthenticator {
    /// Its id.
    pub id: AuthenticatorId,
    /// The user's name for it.
    pub name: AuthenticatorName,
    /// When it was confirmed. For an imported one, when it was added to the other system.
    pub added_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Why it ended.
    pub reason: EndReason,
}

impl EndedAuthenticator {
    pub(crate) const fn new(
        id: AuthenticatorId,
        name: AuthenticatorName,
        added_at: Timestamp,
        ended_at: Timestamp,
        reason: EndReason,
    ) -> Self {
        Self {
            id,
            name,
            added_at,
            ended_at,
            reason,
        }
    }
}

/// Why an authenticator ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum EndReason {
    /// The user removed it.
    Removed,
    /// The user replaced it by another one.
    Replaced,
    /// The user switched the second factor off.
    Disabled,
    /// Your staff switched the second factor off.
    ForceDisabled,
}

/// The ended authenticators of a record, and those that the current decision ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended {
    /// Those in the record, in the order in which they ended.
    kept: Vec<EndedAuthenticator>,
    /// Those that this decision ended.
    just_ended: Vec<EndedAuthenticator>,
}

impl Ended {
    /// The most ended authenticators in a record.
    pub(crate) const MOST: usize = 20;

    pub(crate) const fn from_kept(kept: Vec<EndedAuthenticator>) -> Self {
        Self {
            kept,
            just_ended: Vec::new(),
        }
    }

    /// Those in the record, in the order in which they ended.
    pub(crate) fn kept(&self) -> &[EndedAuthenticator] {
        &self.kept
    }

    /// Those that this decision ended.
    pub(super) fn just_ended(&self) -> &[EndedAuthenticator] {
        &self.just_ended
    }

    /// Adds authenticators that this decision ended.
    pub(super) fn add(&mut self, gone: impl IntoIterator<Item = EndedAuthenticator>) {
        self.just_ended.extend(gone);
    }

    /// Keeps those that this decision ended, and drops the oldest ones above the limit.
    pub(super) fn keep(&mut self) {
        self.kept.extend_from_slice(&self.just_ended);
        let surplus = self.kept.len().saturating_sub(Self::MOST);
        self.kept.drain(..surplus);
    }
}

impl Authenticator {
    pub(super) fn ended(&self, reason: EndReason, now: Timestamp) -> EndedAuthenticator {
        EndedAuthenticator::new(self.id, self.name.clone(), self.added_at, now, reason)
    }
}
