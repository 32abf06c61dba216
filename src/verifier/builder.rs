use super::Verifier;
use super::enrollment::check_lengths;
use crate::otp::Secret;
use crate::runtime::RandomSource;
use crate::runtime::{Clock, SystemClock};
use crate::runtime::{HashExecutor, InlineExecutor};
use crate::uri::{KeyUri, KeyUriError};
use crate::{Keyring, Policy, blocking};
use core::fmt;
use std::borrow::ToOwned;
use std::string::String;
use std::sync::Arc;

/// What all clones of a verifier share.
pub(super) struct Core {
    pub(super) policy: Policy,
    pub(super) issuer: String,
    pub(super) keyring: Keyring,
    pub(super) namespace: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn RandomSource>,
    pub(super) hash_executor: Arc<dyn HashExecutor>,
    pub(super) rounds: u32,
}

/// Builds a [`Verifier`]: end with [`build`](Self::build).
#[must_use]
pub struct VerifierBuilder<S> {
    store: S,
    core: Core,
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
        };
        Self { store, core }
    }

    /// Sets the rules. Default: [`Policy::default`].
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

    /// Sets the namespace, which separates services that share a keyring: one cannot open the
    /// records or receipts of another. At most 255 bytes. Default: empty. It must never change.
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

    /// Sets where password hashes of backup codes run. Default: [`InlineExecutor`].
    pub fn hash_executor(mut self, hash_executor: impl HashExecutor + 'static) -> Self {
        self.core.hash_executor = Arc::new(hash_executor);
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

impl<S: blocking::Store> VerifierBuilder<blocking::Adapter<S>> {
    /// Returns the blocking verifier.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_blocking(self) -> Result<blocking::Verifier<S>, BuildError> {
        self.build().map(blocking::Verifier::new)
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

/// Why a verifier cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The issuer does not fit a key URI.
    #[error("the issuer does not fit a key URI; choose another name")]
    Issuer(#[source] KeyUriError),
    /// The namespace is too long.
    #[error("the namespace has {bytes} bytes; use at most 255")]
    Namespace {
        /// Its length in bytes.
        bytes: usize,
    },
}
