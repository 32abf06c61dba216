//! Notices an attacker who guesses codes on many accounts.
//!
//! An attacker who has many stolen passwords guesses a few codes on each account. No limit of one
//! account sees that. A [`Vigilance`] counts the accounts that had a right password and a wrong
//! code on one day. If there are far more than usual, it raises an alarm.
//!
//! Give it to the verifier ([`VerifierBuilder::vigilance`]), which tells it what it needs. Before
//! you show the code page, ask [`Verifier::is_under_alarm`]. During an alarm, ask for consecutive
//! passcodes ([`Verifier::verify_consecutive`]) if the browser is not known.
//!
//! ```
//! use countersign::store::MemoryStore;
//! use countersign::vigilance::MemoryVigilance;
//! use countersign::{KeyId, Keyring, SealingKey, Verifier};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # countersign::testing::block_on(async {
//! let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
//! let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example")
//!     .vigilance(MemoryVigilance::new())
//!     .build()?;
//! assert!(!verifier.is_under_alarm().await?);
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # What counts
//!
//! - An account counts if it had a wrong code, and no accepted code followed within ten minutes.
//!   Most owners correct a typing error at once, and so end the count of their account.
//! - Each account counts at most once a day (UTC).
//! - An account counts only if it has an authenticator that is at least 30 days old, and if it has
//!   had an accepted login. So nobody can raise an alarm with accounts that they have just made.
//! - Rejected rows of consecutive passcodes and rejected proofs of changes do not count.
//!
//! An alarm begins when the number of accounts reaches 20 and three times the usual number
//! ([`AlarmRules`]). It ends with the day, or when accepted codes resolve enough of the accounts.
//! The usual number follows the median of the last 30 days, by at most 0.5 % per day. In the first
//! seven days, the history is too short, and there is no alarm.
//!
//! # What is kept
//!
//! The numbers of 30 days, and one keyed hash per counted account: the first 16 bytes of
//! HMAC-SHA-256 under a random key of the day ([`DayKey`]). Key and hashes are deleted when the
//! first call of the next day arrives.
//!
//! The chapter `guide::mass_guessing` has the figures of a simulation.
//!
//! [`VerifierBuilder::vigilance`]: crate::VerifierBuilder::vigilance
//! [`Verifier::is_under_alarm`]: crate::Verifier::is_under_alarm
//! [`Verifier::verify_consecutive`]: crate::Verifier::verify_consecutive
//!
//! # Needs
//!
//! The feature `verifier`.

mod day_key;
mod history;
mod memory;

pub use day_key::{AccountTag, DayKey};
pub use history::{AlarmRules, DayStatus, History, HistoryError};
pub use memory::MemoryVigilance;

use crate::{AccountId, Timestamp};
use core::error::Error;
use std::boxed::Box;
use std::sync::Arc;

/// Counts the accounts with wrong codes of all servers, and raises an alarm.
///
/// [`MemoryVigilance`] is for one process. The package `countersign-redis` has one for several.
///
/// No answer of a vigilance lets anybody in. What an attacker gains from a wrong answer:
///
/// | an answer that is wrong | what an attacker gains |
/// |---|---|
/// | no alarm, though there should be one | guesses on many accounts, each within its own limits |
/// | an alarm, though there should be none | users on unknown browsers type three passcodes |
/// | an error | as without an alarm; the verifier goes on |
///
/// Use [`History`] for the rules, and [`DayKey`] for the accounts: an implementation then only
/// keeps a set of tags and a text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `countersign::vigilance::Vigilance`",
    label = "this type does not implement `countersign::vigilance::Vigilance`",
    note = "for one process, use `countersign::vigilance::MemoryVigilance`"
)]
pub trait Vigilance: Send + Sync {
    /// The error of a call.
    type Error: Into<Box<dyn Error + Send + Sync>> + Send + 'static;

    /// Notes an observation at this time, and returns the status of the day.
    ///
    /// The call must end within a few seconds. The same observation twice must count once.
    ///
    /// # Errors
    /// Any error after which the status is not known.
    fn observe(
        &self,
        observation: Observation<'_>,
        now: Timestamp,
    ) -> impl Future<Output = Result<DayStatus, Self::Error>> + Send;
}

/// What the verifier saw. It tells only what counts: see the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Observation<'a> {
    /// Nothing: the call only asks for the status of the day.
    None,
    /// A wrong code for an account that counts.
    WrongCode {
        /// The account.
        account: &'a AccountId,
    },
    /// An accepted code for an account that counts, after at least one wrong code.
    AcceptedAfterWrongCode {
        /// The account.
        account: &'a AccountId,
    },
}

impl<V: Vigilance> Vigilance for &V {
    type Error = V::Error;

    fn observe(
        &self,
        observation: Observation<'_>,
        now: Timestamp,
    ) -> impl Future<Output = Result<DayStatus, Self::Error>> + Send {
        (**self).observe(observation, now)
    }
}

impl<V: Vigilance> Vigilance for Arc<V> {
    type Error = V::Error;

    fn observe(
        &self,
        observation: Observation<'_>,
        now: Timestamp,
    ) -> impl Future<Output = Result<DayStatus, Self::Error>> + Send {
        (**self).observe(observation, now)
    }
}
