use super::enrollment::check_lengths;
use super::verifier::{Core, Verifier};
use crate::event::Event;
use crate::otp::Secret;
use crate::runtime::{Clock, HashExecutor, InlineExecutor, RandomSource, SystemClock};
#[cfg(feature = "getrandom")]
use crate::store::Store;
use crate::uri::{KeyUri, KeyUriError};
use crate::vigilance::Vigilance;
use crate::{Keyring, Policy};
use core::fmt;
use std::borrow::ToOwned;
use std::string::String;
use std::sync::Arc;

/// Builds a [`Verifier`]: end with [`build`](Self::build).
#[must_use]
pub struct VerifierBuilder<S> {
    store: S,
    core: Core,
}

#[cfg(feature = "getrandom")]
impl<S: Store> Verifier<S> {
    /// Returns a builder. The app shows `issuer`, the name of your service. The issuer must not be
    /// empty and must not have a colon.
    pub fn builder(store: S, keyring: Keyring, issuer: &str) -> VerifierBuilder<S> {
        Self::builder_with_random(store, keyring, issuer, crate::runtime::SystemRandom)
    }
}

impl<S> Verifier<S> {
    /// Returns a builder with your own random source, for systems that `getrandom` does not
    /// support.
    pub fn builder_with_random(
        store: S,
        keyring: Keyring,
        issuer: &str,
        random: impl RandomSource + 'static,
    ) -> VerifierBuilder<S> {
        VerifierBuilder::new(store, keyring, issuer, Arc::new(random))
    }
}

impl<S> VerifierBuilder<S> {
    pub(super) fn new(
        store: S,
        keyring: Keyring,
        issuer: &str,
        random: Arc<dyn RandomSource>,
    ) -> Self {
        let core = Core {
            policy: Policy::default(),
            issuer: issuer.to_owned(),
            keyring,
            namespace: String::new(),
            clock: Arc::new(SystemClock),
            random,
            hash_executor: Arc::new(InlineExecutor),
            rounds: 32,
            pending_codes: true,
            on_event: None,
            keeps_ended: false,
            vigilance: None,
        };
        Self { store, core }
    }

    /// Sets the policy. Default: [`Policy::default`].
    ///
    /// All verifiers on one store need the same policy. While two policies differ, an attacker has
    /// the larger of the two budgets and the shorter of the two waits. A stricter policy takes
    /// effect when the last server has it; a laxer one when the first server has it. You can deploy
    /// a change of digits, algorithm or code format in any order: it affects only new
    /// authenticators and codes.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.core.policy = policy;
        self
    }

    /// Sets the namespace, which separates services that share a keyring: one service cannot read
    /// the records or use the receipts of another. At most 255 bytes. Default: empty. Never change
    /// the namespace of a service.
    ///
    /// The store does not see the namespace. Two services on one database need two tables, or
    /// distinct account ids.
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.core.namespace);
        self
    }

    /// Sets the clock. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.core.clock = Arc::new(clock);
        self
    }

    /// Sets the random source. Default: the operating system's.
    pub fn random(mut self, random: impl RandomSource + 'static) -> Self {
        self.core.random = Arc::new(random);
        self
    }

    /// Sets the executor of the password hashes of backup codes. Default: [`InlineExecutor`].
    pub fn hash_executor(mut self, hash_executor: impl HashExecutor + 'static) -> Self {
        self.core.hash_executor = Arc::new(hash_executor);
        self
    }

    /// Sets whether a later set of backup codes is pending next to the current one. Default: true.
    ///
    /// If false, a new set replaces the current one at once. Earlier versions of this crate cannot
    /// read a record with a pending set, or with a set that was pending. So use false while a
    /// server still runs an earlier version.
    pub fn pending_backup_codes(mut self, allowed: bool) -> Self {
        self.core.pending_codes = allowed;
        self
    }

    /// Calls your function with the event of each write: **at most once** for an event. Default: no
    /// function.
    ///
    /// The verifier calls the function after the store answered `Done`, or after the history in the
    /// record showed that a refused write is stored. It does not call the function
    ///
    /// - after [`VerifierError::Unsettled`](crate::VerifierError::Unsettled),
    /// - if the future was dropped or the process ended, and
    /// - after an erasure whose answer was lost,
    ///
    /// although the write may be stored then. If you must not miss an event, write it into an
    /// outbox: [`ConditionalWrite::event`](crate::store::ConditionalWrite::event).
    ///
    /// The function runs inside the call, before the call returns. So it must not block: send the
    /// event to a queue. If the function panics, the call panics, and the write stays stored.
    ///
    /// ```
    /// use countersign::store::MemoryStore;
    /// use countersign::{KeyId, Keyring, SealingKey, Verifier};
    /// use std::sync::mpsc;
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
    /// let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example")
    ///     .on_event(move |event| drop(sender.send(event.clone().into_owned())))
    ///     .build()?;
    /// // A thread of yours reads the events from `receiver`.
    /// # drop((verifier, receiver));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_event(mut self, function: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.core.on_event = Some(Arc::new(function));
        self
    }

    /// Keeps authenticators that were removed or replaced in the record: id, name, times and
    /// reason of the last twenty. Default: no.
    ///
    /// [`EnabledStatus::ended`](crate::factor::EnabledStatus::ended) and
    /// [`Verifier::ended_authenticators`] return them. NIST SP 800-63B-4 (4.1) asks for such a
    /// record.
    ///
    /// An earlier version cannot read a record with such an entry. So first install this version on
    /// every server, and then switch this on.
    pub fn keep_ended_authenticators(mut self) -> Self {
        self.core.keeps_ended = true;
        self
    }

    /// Sets the vigilance, which notices an attacker who guesses codes on many accounts. Default:
    /// none. See [`vigilance`](crate::vigilance).
    ///
    /// `verify` and `verify_request` then tell it about wrong codes, and about codes accepted after
    /// wrong ones. `verify_consecutive` tells it about accepted ones. All of them wait for it.
    pub fn vigilance(mut self, vigilance: impl Vigilance + 'static) -> Self {
        self.core.vigilance = Some(Arc::new(vigilance));
        self
    }

    /// Returns the verifier.
    ///
    /// # Errors
    /// [`BuildError`] if the issuer or the namespace is not valid.
    pub fn build(self) -> Result<Verifier<S>, BuildError> {
        const MAX_NAMESPACE: usize = 255;
        let Self { store, core } = self;
        if core.namespace.len() > MAX_NAMESPACE {
            return Err(BuildError::Namespace {
                bytes: core.namespace.len(),
            });
        }
        issuer_fits_a_key_uri(&core.issuer).map_err(BuildError::Issuer)?;
        Ok(Verifier {
            store,
            core: Arc::new(core),
        })
    }
}

fn issuer_fits_a_key_uri(issuer: &str) -> Result<(), KeyUriError> {
    let secret = Secret::from_bytes(&[0; 20]).map_err(KeyUriError::Secret)?;
    check_lengths(&KeyUri::totp(&secret, "account").issuer(issuer).build()?)
}

impl<S> fmt::Debug for VerifierBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder")
            .field("policy", &self.core.policy)
            .finish_non_exhaustive()
    }
}

/// The reason why a verifier cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The issuer does not fit a key URI.
    #[error("the issuer does not fit a key URI; choose another name")]
    Issuer(#[source] KeyUriError),
    /// The namespace is too long.
    #[error("the namespace has {bytes} bytes; use at most 255")]
    Namespace {
        /// The length in bytes.
        bytes: usize,
    },
}
