//! A complete second factor for services that already check passwords.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

#[cfg(feature = "backup")]
mod backup;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "verifier")]
mod factor;
mod otp;
#[cfg(feature = "alloc")]
mod provisioning;
#[cfg(feature = "verifier")]
mod record;
#[cfg(feature = "std")]
mod store;
#[cfg(feature = "verifier")]
pub mod testing;
#[cfg(feature = "verifier")]
mod verifier;

#[cfg(feature = "backup")]
pub use backup::{
    Alphabet, BackupCodes, CodeFormat, CodeFormatError, CodeStatus, DigestError, DigestJob,
    DigestParams, DigestParamsError, Digests, Ledger, LedgerDecodeError, LedgerError, Pepper,
    PepperError, PepperId, Redemption, Sheet,
};
#[cfg(feature = "verifier")]
pub use factor::{
    AcceptedBy, AuthenticatorId, AuthenticatorName, AuthenticatorStatus, BackupCodesStatus,
    Enabled, EnrollmentId, Hold, IdError, NameError, Policy, PolicyBuilder, PolicyError, Proof,
    Receipt, Rejection, Status,
};
#[cfg(feature = "png")]
pub use otp::SecretBytes;
pub use otp::{
    Algorithm, AlgorithmError, Digits, DigitsError, Hotp, HotpMatch, Otp, Passcode, PasscodeError,
    Period, PeriodError, RandomError, TimeStep, Timestamp, TimestampError, Totp, TotpMatch, Window,
};
#[cfg(feature = "alloc")]
pub use otp::{Secret, SecretError, SecretText};
#[cfg(feature = "alloc")]
pub use provisioning::{
    KeyUri, KeyUriBuilder, KeyUriError, KeyUriKind, KeyUriPart, LenientKeyUri, Repair,
};
#[cfg(feature = "qr")]
pub use provisioning::{Qr, QrError, QrLevel};
#[cfg(feature = "verifier")]
pub use record::{Keyring, KeyringError, RecordError, SealingKey};
#[cfg(feature = "std")]
pub use store::{
    AccountId, AccountIdError, BoxStore, KeyId, MemoryStore, Revision, RevisionError, Store,
    Stored, Summary, Swap, SwapKind, Swapped,
};
#[cfg(all(feature = "verifier", feature = "getrandom"))]
pub use verifier::SystemRandom;
#[cfg(feature = "tokio")]
pub use verifier::TokioPool;
#[cfg(feature = "verifier")]
pub use verifier::{
    BuildError, Clock, Denied, Enrollment, EnrollmentRequest, Error, Inline, RandomSource,
    Resealed, SlowWork, SlowWorkError, SlowWorkFuture, SystemClock, Verifier, VerifierBuilder,
};

/// The same without futures, for hosts and databases that block.
#[cfg(feature = "std")]
pub mod blocking {
    pub use crate::store::blocking::{Adapter, Store};
    #[cfg(feature = "verifier")]
    pub use crate::verifier::BlockingVerifier as Verifier;
}
