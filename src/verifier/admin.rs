//! Operations of your staff and your key rotation on an account, without a proof.

use super::caller::Caller;
use super::error::{Denied, VerifierError, report};
use super::load_modify_store::{Answer, FirstRound};
use super::verifier::{Verifier, with_wiped_stack};
use super::write_event::Facts;
use crate::factor::{EndedAuthenticator, SecondFactor, Step};
use crate::store::{Store, WriteKind};
use crate::{AccountId, Actor, Rejection, ServerClock, Timestamp};
use core::pin::pin;
use std::vec::Vec;

/// The result of [`Verifier::reseal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resealed {
    /// The record was encrypted with another key, and is now encrypted with the primary key.
    Changed,
    /// The record was encrypted with the primary key already.
    Unchanged,
    /// There is no record.
    Absent,
}

impl Answer for Resealed {
    type Accepted = ();
}

impl<S: Store> Verifier<S> {
    /// Switches the second factor off without a proof. Your staff must first check who asks. The
    /// event of the write names the actor.
    ///
    /// The guess budget stays as it is. No receipt of the account proves anything afterwards. The
    /// account's sessions stay valid. End them too, because an attacker may have one of them.
    ///
    /// # Errors
    /// [`Denied`], with [`Rejection::Absent`].
    pub async fn force_disable(&self, account: &AccountId, actor: &Actor) -> Result<(), Denied> {
        let outcome = self.modify_record(account, Caller::by(actor), |factor, now| {
            factor.force_disable(now)
        });
        report(account, "force_disable", outcome.await)
    }

    /// Ends back-off and lock-out, and gives some guesses back. Your staff must first check who
    /// asks. The event of the write names the actor.
    ///
    /// After a lock-out, NIST SP 800-63B-4 (3.2.2) tells you to bind the authenticator again: call
    /// [`force_disable`](Self::force_disable) instead. Each call gives an attacker who knows the
    /// password up to five more guesses.
    ///
    /// If another server's clock is fast, correct that clock first. While that clock is fast, each
    /// call with [`Confirmed`](ServerClock::Confirmed) gives an attacker the refills of the time
    /// difference again.
    ///
    /// # Errors
    /// [`Denied`], with [`Rejection::Absent`]; with [`Rejection::ClockFault`] if a stored time is
    /// more than an hour ahead and the clock of this server is
    /// [`Unconfirmed`](ServerClock::Unconfirmed).
    pub async fn unlock(
        &self,
        account: &AccountId,
        clock: ServerClock,
        actor: &Actor,
    ) -> Result<(), Denied> {
        let policy = &self.core.policy;
        let unlock = |factor: SecondFactor, now| factor.unlock(now, clock, policy);
        let outcome = self.modify_record(account, Caller::by(actor), unlock);
        report(account, "unlock", outcome.await)
    }

    /// Encrypts the account's record with the primary key, if it is encrypted with another one.
    ///
    /// # Errors
    /// [`VerifierError`], if the record cannot be read or written.
    pub async fn reseal(&self, account: &AccountId) -> Result<Resealed, VerifierError> {
        let primary = self.core.keyring.primary();
        let outcome = self.load_modify_store(account, |loaded, _| match loaded {
            None => Step::Answer(Resealed::Absent),
            Some(loaded) if loaded.sealed_with == primary => Step::Answer(Resealed::Unchanged),
            Some(loaded) => Step::Write(loaded.factor, WriteKind::Resealed, Resealed::Changed),
        });
        report(account, "reseal", with_wiped_stack(pin!(outcome)).await)
    }

    /// Returns the authenticators that were removed or replaced, at most twenty, in that order.
    /// Unlike [`Status`](crate::Status), it also tells those of an account whose second factor is
    /// off.
    ///
    /// Empty unless the verifier keeps them
    /// ([`keep_ended_authenticators`](crate::VerifierBuilder::keep_ended_authenticators)), and if
    /// there is no record.
    ///
    /// # Errors
    /// [`VerifierError`], if the record cannot be read.
    pub async fn ended_authenticators(
        &self,
        account: &AccountId,
    ) -> Result<Vec<EndedAuthenticator>, VerifierError> {
        let (_, loaded) = with_wiped_stack(pin!(self.load(account))).await?;
        Ok(loaded.map_or_else(Vec::new, |loaded| loaded.factor.ended().to_vec()))
    }

    /// Erases the record of an account that you deleted. Never use the id again: the erasure also
    /// removes the guess budget. The event of the write names the actor.
    ///
    /// The method succeeds if there is no record. It also erases a record that is damaged or
    /// encrypted with an unknown key.
    ///
    /// # Errors
    /// [`VerifierError::Record`] with
    /// [`RecordError::OtherAccount`](crate::record::RecordError::OtherAccount) if the record
    /// belongs to another account or namespace; another [`VerifierError`] if the store fails.
    pub async fn erase(&self, account: &AccountId, actor: &Actor) -> Result<(), VerifierError> {
        report(account, "erase", self.load_and_erase(account, actor).await)
    }

    /// Changes a record that is there.
    pub(super) async fn modify_record<T: Facts + Send>(
        &self,
        account: &AccountId,
        caller: Caller<'_>,
        act: impl Fn(SecondFactor, Timestamp) -> Step<Result<T, Rejection>> + Send + Sync,
    ) -> Result<T, Denied> {
        let first = FirstRound::Loads;
        let outcome = self.modify_store(account, first, caller, |loaded, now| match loaded {
            None => Step::Answer(Err(Rejection::Absent)),
            Some(loaded) => act(loaded.factor, now),
        });
        Ok(with_wiped_stack(pin!(outcome)).await??)
    }
}
