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

/// What all verifiers of one service share.
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

/// Sets a [`Verifier`] up.
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

    /// The rules. Default: [`Policy::default`].
    ///
    /// All verifiers on one store need the same policy. While two differ, an attacker has the larger of the
    /// two budgets and the shorter of the two waits. So while a stricter policy is deployed, the limits are
    /// the old ones until the last server has the new one; while a laxer one is deployed, they are the new
    /// ones from the first server on. Deploy a change of digits, algorithm or code format in any order: it
    /// concerns new authenticators and codes only.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.core.policy = policy;
        self
    }

    /// Separates services that share a keyring: a record or receipt of one does not open in another. At most
    /// 255 bytes. Default: empty. It must never change.
    ///
    /// A namespace is no part of the key under which a store keeps a record. Two services on one database
    /// need two tables, or account ids that are distinct.
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.core.namespace);
        self
    }

    /// Where the time comes from. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.core.clock = Arc::new(clock);
        self
    }

    /// Where random bytes come from. Default: the operating system.
    pub fn random(mut self, random: impl RandomSource + 'static) -> Self {
        self.core.random = Arc::new(random);
        self
    }

    /// Where slow digests run. Default: [`InlineExecutor`].
    pub fn hash_executor(mut self, hash_executor: impl HashExecutor + 'static) -> Self {
        self.core.hash_executor = Arc::new(hash_executor);
        self
    }

    /// Checks what was set.
    ///
    /// # Errors
    /// [`BuildError`] says what is wrong with the issuer or the namespace.
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
    /// Checks what was set, for a verifier without futures.
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

/// A verifier cannot be set up like this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The issuer does not fit a key URI.
    #[error("the issuer does not fit a key URI")]
    Issuer(#[source] KeyUriError),
    /// The namespace is too long.
    #[error("the namespace has {bytes} bytes; at most 255 are taken")]
    Namespace {
        /// The bytes that it has.
        bytes: usize,
    },
}
