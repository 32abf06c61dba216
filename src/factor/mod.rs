//! The state of one account's second factor, and the pure machine over it: commands in, new state and
//! outcome out. No clock, no I/O, no randomness but what it is handed.

mod attempt;
mod authenticator;
mod change;
mod clocks;
mod enrollment;
mod hex;
mod issuing;
mod policy;
#[cfg(feature = "serde")]
mod policy_serde;
mod proof;
mod receipt;
mod recent;
mod rejection;
mod second_factor;
mod status;
mod throttle;

pub(crate) use authenticator::{Authenticator, Parameters};
pub use authenticator::{AuthenticatorId, AuthenticatorName, NameError};
pub(crate) use change::{Beginning, Change, Outcome, Paid, Step};
pub use clocks::ServerClock;
pub use enrollment::EnrollmentId;
pub(crate) use enrollment::Pending;
pub use hex::IdError;
pub(crate) use issuing::{IssueRight, IssueRightId, Issues, Issuing};
pub use policy::{Policy, PolicyBuilder, PolicyError};
pub(crate) use proof::Evidence;
pub use proof::Proof;
pub use receipt::{AcceptedBy, BackupCodeSetId, Receipt, SealedReceipt};
pub use rejection::Rejection;
pub(crate) use second_factor::{Beginnings, SecondFactor};
pub use status::{AuthenticatorStatus, BackupCodesStatus, Enabled, Hold, Status};
pub(crate) use throttle::Throttle;
