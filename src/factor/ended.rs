//! Authenticators that ended: the user removed or replaced them, or the second factor was switched
//! off.
//!
//! The record keeps the last twenty if the verifier is built with
//! [`keep_ended_authenticators`](crate::VerifierBuilder::keep_ended_authenticators). NIST SP
//! 800-63B-4 (4.1) asks for a record of all authenticators that were bound to an account. Your log
//! of events is the complete one.

use super::authenticator::Authenticator;
use super::second_factor::SecondFactor;
use crate::{AuthenticatorId, AuthenticatorName, Timestamp};
use alloc::boxed::Box;
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
}

impl SecondFactor {
    /// The ended authenticators in the record, in the order in which they ended.
    pub(crate) fn ended(&self) -> &[EndedAuthenticator] {
        self.ended.as_ref().map_or(&[], |ended| &ended.kept)
    }

    /// The authenticators that this decision ended.
    pub(crate) fn just_ended(&self) -> &[EndedAuthenticator] {
        self.ended.as_ref().map_or(&[], |ended| &ended.just_ended)
    }

    /// Keeps the authenticators that this decision ended in the record, and drops the oldest ones
    /// above the limit.
    pub(crate) fn keep_just_ended(&mut self) {
        if let Some(ended) = &mut self.ended {
            ended.kept.extend_from_slice(&ended.just_ended);
            let surplus = ended.kept.len().saturating_sub(Ended::MOST);
            ended.kept.drain(..surplus);
        }
    }

    /// Removes the authenticators for which `ends` is true.
    pub(super) fn end_authenticators(
        &mut self,
        ends: impl Fn(&Authenticator) -> bool,
        reason: EndReason,
        now: Timestamp,
    ) {
        let gone = self.authenticators.iter().filter(|active| ends(active));
        let gone: Vec<_> = gone.map(|active| active.ended(reason, now)).collect();
        self.authenticators.retain(|active| !ends(active));
        self.add_ended(gone);
    }

    /// Notes an authenticator whose place another one took.
    pub(super) fn end_replaced(&mut self, replaced: &Authenticator, now: Timestamp) {
        self.add_ended(Vec::from([replaced.ended(EndReason::Replaced, now)]));
    }

    fn add_ended(&mut self, gone: Vec<EndedAuthenticator>) {
        if !gone.is_empty() {
            let ended = self.ended.get_or_insert_with(Box::default);
            ended.just_ended.extend(gone);
        }
    }
}

impl Authenticator {
    fn ended(&self, reason: EndReason, now: Timestamp) -> EndedAuthenticator {
        EndedAuthenticator::new(self.id, self.name.clone(), self.added_at, now, reason)
    }
}
