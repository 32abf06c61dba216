//! The rules of one account's second factor, and the types of its status.
//!
//! Use this module to show an account's state on a page. [`Status`](crate::Status) and the types
//! here hold no secret. A [`Policy`](crate::Policy) sets the rules.
//!
//! ```
//! use countersign::Status;
//! use countersign::factor::RateLimitState;
//!
//! fn line(status: &Status) -> String {
//!     match status {
//!         Status::Enabled(enabled) => match enabled.rate_limit {
//!             RateLimitState::Free => "on".into(),
//!             RateLimitState::Locked => "locked: ask the help desk".into(),
//!             _ => "on: too many wrong codes, wait".into(),
//!         },
//!         Status::Disabled | Status::Absent => "off".into(),
//!         _ => "unknown: update this page".into(),
//!     }
//! }
//! assert_eq!(line(&Status::Absent), "off");
//! ```
//!
//! # Needs
//!
//! The feature `verifier`. The layer is a state machine: it gets the time and the random bytes as
//! arguments and does no I/O.

mod action_limits;
mod annual_risk;
mod attempt;
pub(crate) mod authenticator;
mod change;
mod clock_offset;
mod code_offset;
mod code_set;
mod consecutive;
pub(crate) mod device;
pub(crate) mod device_token;
pub(crate) mod ended;
mod enrollment;
mod form;
pub(crate) mod import;
pub(crate) mod import_error;
pub(crate) mod known_devices;
mod moving_factor;
mod pending_codes;
pub(crate) mod policy;
pub(crate) mod policy_range;
#[cfg(feature = "serde")]
mod policy_serde;
pub(crate) mod proof;
pub(crate) mod rate_limit;
pub(crate) mod rejection;
pub(crate) mod request;
pub(crate) mod second_factor;

pub(crate) use action_limits::{IssueRight, Issues, Issuing};
pub(crate) use attempt::{HashedCode, Progress};
pub(crate) use authenticator::{Authenticator, Pending};
pub(crate) use change::{Change, Changed, NewEnrollment};
pub(crate) use code_offset::CodeOffset;
pub(crate) use code_set::CodeSet;
pub(crate) use consecutive::Row;
pub(crate) use device::{Device, DeviceScope, DeviceSeed, Devices, ShownToken};
pub(crate) use ended::Ended;
pub(crate) use form::FormAccepted;
pub(crate) use import::{Import, ImportCodes, ImportStage};
pub(crate) use import_error::{ExistingFactor, ImportFault};
pub(crate) use known_devices::NewDevice;
pub(crate) use moving_factor::{MovingFactor, Parameters};
pub(crate) use pending_codes::IssuedSet;
pub(crate) use proof::Evidence;
pub(crate) use rate_limit::RateLimit;
pub(crate) use request::{Form, LastRequest, RequestResult, RequestTag};
pub(crate) use second_factor::{
    Accepted, Beginnings, ImportFingerprint, Outcome, SecondFactor, Step,
};

pub use crate::names::devices::DeviceLabelError;
pub use crate::names::{IdError, NameError};
pub use annual_risk::GuessTarget;
pub use consecutive::ConsecutiveCodes;
pub use device::DeviceStatus;
pub use device_token::DeviceTokenError;
pub use ended::{EndReason, EndedAuthenticator};
pub use policy::{Backoff, TrustedDevices};
pub use policy_range::PolicyError;
pub use proof::BackupCodeSetId;
pub use rate_limit::RateLimitState;
pub use second_factor::{
    AuthenticatorKind, AuthenticatorStatus, BackupCodesStatus, EnabledStatus, PendingCodesStatus,
};
