//! Loads a record, applies the rules, and writes the record back by a conditional write.

mod admin;
mod alarm;
mod backup_codes;
mod blocking;
mod builder;
mod caller;
mod consecutive;
mod devices;
mod enrollment;
mod error;
mod import;
mod load_modify_store;
mod removed;
mod request;
#[expect(clippy::module_inception, reason = "the type is called Verifier")]
mod verifier;
mod vigilance;
mod write_event;
mod wrong_code;

pub use admin::Resealed;
pub use backup_codes::IssuedBackupCodes;
pub use blocking::Verifier as BlockingVerifier;
pub use builder::{BuildError, VerifierBuilder};
pub use enrollment::{Enrollment, EnrollmentRequest};
pub use error::{Denied, VerifierError};
pub use import::{ImportError, Imported};
pub use removed::Removed;
pub use request::Attempt;
pub use verifier::Verifier;
